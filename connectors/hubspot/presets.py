"""HubSpot's standard objects as customers and orders, in a choice of two each.

https://developers.hubspot.com/docs/api/crm/deals, .../orders: the stages of deals are those of the
default sales pipeline, and of others HubSpot says whether they are won or lost; stages of orders
are each portal's own.
"""

from __future__ import annotations

from connectors.mapping import NEXT, CustomerMap, FieldMap, LineMap, OrderMap, StatusMap

_MERGED = "hs_merged_object_ids[]"
"""Every object that can be merged has it: the numbers of records that are this one now."""

CUSTOMERS = {
    "contacts": CustomerMap(
        table="contacts",
        id="hs_object_id",
        former_ids=_MERGED,
        created_at="createdate",
        updated_at="lastmodifieddate",
        name="firstname lastname",
        kind="PERSON",
        email="email",
        phones=("phone", "mobilephone"),
        status="lifecyclestage",
    ),
    "companies": CustomerMap(
        table="companies",
        id="hs_object_id",
        former_ids=_MERGED,
        created_at="createdate",
        updated_at="hs_lastmodifieddate",
        name="name",
        kind="COMPANY",
        phones="phone",
        industry="industry",
        status="lifecyclestage",
    ),
}

_DEAL_STAGES = {
    "appointmentscheduled": "DRAFT",
    "qualifiedtobuy": "DRAFT",
    "presentationscheduled": "DRAFT",
    "decisionmakerboughtin": "DRAFT",
    "contractsent": "PENDING_PAYMENT",
    "closedwon": "PAID",
    "closedlost": "CANCELED",
}
_CLOSED = (
    StatusMap(field="hs_is_closed_won", words={"true": "PAID", "false": NEXT}, empty="UNKNOWN"),
    StatusMap(field="hs_is_closed", words={"true": "CANCELED"}, empty="UNKNOWN"),
)
"""What HubSpot computes of the stage of any pipeline; of one that is open it says no more."""
_PAYMENT_WORDS = {"paid": "PAID", "unpaid": "PENDING_PAYMENT", "pending": "PENDING_PAYMENT"}
_LINE_CURRENCY = "hs_line_item_currency_code"


def _lines(orders: str) -> LineMap:
    return LineMap(
        table="line_items",
        order=f"associations.{orders}",
        sku="hs_sku",
        name="name",
        quantity="quantity",
        unit_price=FieldMap(field="price", currency_field=_LINE_CURRENCY),
        total=FieldMap(field="amount", currency_field=_LINE_CURRENCY),
    )


def _deals(customers: str) -> OrderMap:
    return OrderMap(
        table="deals",
        id="hs_object_id",
        former_ids=_MERGED,
        created_at="createdate",
        updated_at="hs_lastmodifieddate",
        number="dealname",
        total=FieldMap(field="amount", currency_field="deal_currency_code"),
        placed_at="createdate",
        customer=f"associations.{customers}[]",
        status=(
            StatusMap(field="dealstage", words=_DEAL_STAGES, otherwise=NEXT),
            *_CLOSED,
        ),
        lines=_lines("deals"),
    )


def _orders(customers: str) -> OrderMap:
    return OrderMap(
        table="orders",
        id="hs_object_id",
        former_ids=_MERGED,
        created_at="hs_createdate",
        updated_at="hs_lastmodifieddate",
        number=("hs_external_order_id", "hs_order_name"),
        total=FieldMap(field="hs_total_price", currency_field="hs_currency_code"),
        placed_at=("hs_external_created_date", "hs_createdate"),
        customer=f"associations.{customers}[]",
        status=(StatusMap(field="hs_payment_status", words=_PAYMENT_WORDS),),
        lines=_lines("orders"),
    )


ORDERS = {
    (orders, customers): made(customers)
    for orders, made in (("deals", _deals), ("orders", _orders))
    for customers in CUSTOMERS
}
"""By object of orders and object of customers."""
