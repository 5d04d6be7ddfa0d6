"""The portal's records, written from the world: every value is a text or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox import books
from sandbox.hubspot.definitions import payment_property
from sandbox.hubspot.ids import COMPANY, ORDER, ORDER_LINE, sibling
from sandbox.hubspot.recorded import LOST, MARKS, WON
from sandbox.world import Customer, Line, Order, World

ACCOUNT = "hubspot"
ORDER_EVERY = 5
"""One deal in so many has an order too."""
STRIPES = ("stripe_eu", "stripe_us")
PAYMENT_WORDS = {"PAID": "paid", "PENDING_PAYMENT": "pending"}
Values = dict[str, str | None]


@dataclass(slots=True)
class Records:
    """`values` by object type and number; `links` by both types, then by number."""

    values: dict[str, dict[str, Values]]
    links: dict[tuple[str, str], dict[str, list[str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def add(self, table: str, number: str, values: Values) -> None:
        self.values[table][number] = {"hs_object_id": number, **values}

    def link(self, table: str, number: str, other: str, numbers: Iterable[str]) -> None:
        """Both ways."""
        for one in numbers:
            self.links[table, other].setdefault(number, []).append(one)
            self.links[other, table].setdefault(one, []).append(number)

    def merge(self, table: str, number: str, into: str) -> None:
        """The associations of `number` are those of `into`."""
        for (origin, target), links in self.links.items():
            if origin == table and number in links:
                links[into] = list(dict.fromkeys([*links.get(into, ()), *links.pop(number)]))
            if target == table:
                for key, numbers in links.items():
                    moved = dict.fromkeys(into if one == number else one for one in numbers)
                    links[key] = list(moved)


def records(world: World) -> Records:
    made = Records(
        {name: {} for name in ("contacts", "companies", "deals", "orders", "line_items")}
    )
    customers = {c.key: c for c in world.customers if ACCOUNT in c.sources}
    for customer in customers.values():
        add_customer(made, customer)
    orders = [order for order in world.orders if order.source == ACCOUNT]
    for index, order in enumerate(orders):
        buyer = customers.get(order.customer) if order.customer else None
        add_deal(made, order, buyer)
        if index % ORDER_EVERY == 0:
            add_order(made, order, buyer)
    return made


def add_customer(made: Records, customer: Customer) -> None:
    """A contact; of a company, its contact and itself."""
    number = customer.sources[ACCOUNT]
    first, _, last = customer.name.rpartition(" ")
    ids: Values = {f"{name}_customer": customer.sources.get(name) for name in STRIPES}
    times = created(customer.created_at, "createdate", "hs_lastmodifieddate")
    made.add(
        "contacts",
        number,
        {
            "firstname": first or None,
            "lastname": last,
            "email": customer.email,
            "phone": customer.phone,
            "customer_kind": customer.kind.capitalize(),
            "tier": customer.tier,
            "industry": customer.industry,
            "customer_number": customer.key,
            "lifecyclestage": "customer",
            "lastmodifieddate": timestamp(customer.created_at),
            **ids,
            **times,
        },
    )
    if customer.kind == "COMPANY":
        own = {"name": customer.name, "phone": customer.phone, "industry": customer.industry}
        company = sibling(number, COMPANY)
        made.add("companies", company, {**own, "lifecyclestage": "customer", **ids, **times})
        made.link("contacts", number, "companies", [company])


def add_deal(made: Records, order: Order, customer: Customer | None) -> None:
    mark = MARKS[order.recorded_state]
    values: Values = {
        "dealname": f"Order {order.number}",
        "order_number": order.number,
        "amount": text(books.rolled_up(order)),
        "deal_currency_code": order.currency,
        "dealstage": mark.stage,
        "pipeline": "default",
        **closed(mark.stage),
        "payment_status": mark.payment,
        "refunded_amount": major(books.returned(order), order.currency),
        "payment_channel": ";".join(books.channel_words(order)) or None,
        **created(order.placed_at, "createdate", "hs_lastmodifieddate", "closedate"),
    }
    if order.payment_field is not None:
        account, payment = order.payment_field
        values[payment_property(account)] = payment
    if order.refund_field is not None and order.refund_field[0] == "wechat_cn":
        values["wechat_refund_no"] = order.refund_field[1]
    made.add("deals", order.native_id, values)
    add_lines(made, "deals", order.native_id, order, 0)
    add_parties(made, "deals", order.native_id, customer)


def closed(stage: str) -> Values:
    """What HubSpot computes of a stage."""
    won = stage in WON
    return {
        "hs_is_closed": str(won or stage in LOST).lower(),
        "hs_is_closed_won": str(won).lower(),
    }


def add_order(made: Records, order: Order, customer: Customer | None) -> None:
    number = sibling(order.native_id, ORDER)
    values: Values = {
        "hs_order_name": f"Order {order.number}",
        "hs_external_order_id": order.number,
        "hs_total_price": major(order.total, order.currency),
        "hs_currency_code": order.currency,
        "hs_payment_status": PAYMENT_WORDS.get(order.recorded_state, "on hold"),
        **created(order.placed_at, "hs_createdate", "hs_lastmodifieddate"),
        "hs_external_created_date": timestamp(order.placed_at),
    }
    made.add("orders", number, values)
    add_lines(made, "orders", number, order, ORDER_LINE)
    add_parties(made, "orders", number, customer)
    made.link("deals", order.native_id, "orders", [number])


def add_parties(made: Records, table: str, number: str, customer: Customer | None) -> None:
    if customer is None:
        return
    contact = customer.sources[ACCOUNT]
    made.link(table, number, "contacts", [contact])
    if customer.kind == "COMPANY":
        made.link(table, number, "companies", [sibling(contact, COMPANY)])


def add_lines(made: Records, table: str, number: str, order: Order, offset: int) -> None:
    for line in order.lines:
        made.add("line_items", sibling(line.native_id, offset), line_values(line, order))
    made.link(table, number, "line_items", [sibling(x.native_id, offset) for x in order.lines])


def line_values(line: Line, order: Order) -> Values:
    return {
        "name": line.name,
        "hs_sku": line.sku,
        "quantity": line.quantity,
        "price": major(line.unit_price, order.currency),
        "amount": major(line.total, order.currency),
        "hs_line_item_currency_code": order.currency,
        **created(order.placed_at, "createdate", "hs_lastmodifieddate"),
    }


def major(minor: int | None, currency: str) -> str | None:
    """Minor units as the decimal text that a record holds."""
    return text(books.major(minor, currency))


def text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def timestamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def created(moment: datetime, *names: str) -> dict[str, Any]:
    return dict.fromkeys(names, timestamp(moment))
