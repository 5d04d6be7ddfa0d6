"""The organisation's records, written from the world. Amounts never pass through a float."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox import books
from sandbox.salesforce import recorded
from sandbox.salesforce.ids import derived, sibling
from sandbox.world import Customer, Line, Order, World

ACCOUNT = "salesforce"
Row = dict[str, Any]
Rows = dict[str, list[Row]]

PARTY_FIELDS = {"stripe_eu": "Stripe_EU_Customer__c", "stripe_us": "Stripe_US_Customer__c"}
PAYMENT_FIELDS = {
    "stripe_eu": "Stripe_EU_Payment__c",
    "stripe_us": "Stripe_US_Payment__c",
    "paypal": "PayPal_Payment__c",
    "alipay_cn": "Alipay_Payment__c",
    "wechat_cn": "WeChat_Payment__c",
    "unionpay_cn": "UnionPay_Payment__c",
    "ecny_cn": "ECNY_Payment__c",
}
REFUND_FIELDS = {"wechat_cn": "WeChat_Refund_No__c"}
PARTY_TYPES = {"COMPANY": "Business", "PERSON": "Individual"}
CORPORATE_CURRENCY = "EUR"
OPPORTUNITY_EVERY = 5
SCIENTIFIC = Decimal(10_000_000)


def double(number: Decimal) -> Decimal:
    """A number with the digits that the API prints: 1000.0, 1234.5, and 1.2E+7 from ten million.

    The real service holds doubles and prints them shortest; readers must expect both spellings.
    """
    short = number.normalize()
    if short != short.to_integral_value():
        return short
    if abs(short) >= SCIENTIFIC and short.as_tuple().exponent != 0:
        return short
    return short.quantize(Decimal("0.1"))


def major(minor: int | None, currency: str) -> Decimal | None:
    """Minor units as the amount a record holds."""
    return None if minor is None else double(books.major(minor, currency))


def rolled_up(order: Order) -> Decimal | None:
    """The total of an order, which Salesforce sums up of its lines."""
    total = books.rolled_up(order)
    return None if total is None else double(total)


def timestamp(moment: datetime) -> str:
    """UTC with milliseconds, and an offset without a colon."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def system(moment: datetime) -> Row:
    text = timestamp(moment)
    return {
        "IsDeleted": False,
        "CreatedDate": text,
        "LastModifiedDate": text,
        "SystemModstamp": text,
    }


def build(world: World) -> Rows:
    """Every object's records, by the object's name."""
    customers = [c for c in world.customers if ACCOUNT in c.sources]
    orders = [o for o in world.orders if o.source == ACCOUNT]
    by_key = {c.key: c for c in customers}
    deals = orders[::OPPORTUNITY_EVERY]
    return {
        "Account": [account(c) for c in customers],
        "Contact": [contact(c) for c in customers if c.kind == "PERSON"],
        "Order": [order_row(o, by_key.get(o.customer or "")) for o in orders],
        "OrderItem": list(order_items(orders)),
        "Product2": list(products(world, orders)),
        "Opportunity": [opportunity(o, by_key.get(o.customer or "")) for o in deals],
        "OpportunityLineItem": [deal_item(o, line) for o in deals for line in o.lines],
    }


def party_fields(customer: Customer) -> Row:
    return {name: customer.sources.get(source) for source, name in PARTY_FIELDS.items()}


def account(customer: Customer) -> Row:
    return {
        "Id": customer.sources[ACCOUNT],
        "Name": customer.name,
        "AccountNumber": customer.key,
        "Phone": customer.phone,
        "Industry": customer.industry,
        "Type": PARTY_TYPES[customer.kind],
        "Tier__c": customer.tier,
        "Email__c": customer.email,
        "MasterRecordId": None,
        **person(customer),
        "CurrencyIsoCode": CORPORATE_CURRENCY,
        **party_fields(customer),
        **system(customer.created_at),
    }


def person(customer: Customer) -> Row:
    """The organisation has person accounts: a customer who is a person is one of them."""
    own = customer.kind == "PERSON"
    return {
        "IsPersonAccount": own,
        "PersonEmail": customer.email if own else None,
        "PersonMobilePhone": customer.phone if own else None,
    }


def contact(customer: Customer) -> Row:
    first, _, last = customer.name.rpartition(" ")
    account_id = customer.sources[ACCOUNT]
    return {
        "Id": sibling("Contact", account_id),
        "AccountId": account_id,
        "FirstName": first or None,
        "LastName": last,
        "Name": customer.name,
        "Email": customer.email,
        "Phone": customer.phone,
        "MobilePhone": None,
        "MasterRecordId": None,
        **party_fields(customer),
        **system(customer.created_at),
    }


def money_state(order: Order) -> Row:
    """What the CRM believes about the order's money, and the payment it knows of."""
    source, native = order.payment_field or (None, None)
    refunder, number = order.refund_field or (None, None)
    return {
        "Payment_Status__c": recorded.MARKS[order.recorded_state].payment,
        "Paid_Amount__c": major(books.received(order) or None, order.currency),
        "Refunded_Amount__c": major(books.returned(order), order.currency),
        **{name: number if key == refunder else None for key, name in REFUND_FIELDS.items()},
        "Payment_Channel__c": ";".join(books.channel_words(order)) or None,
        **{name: native if key == source else None for key, name in PAYMENT_FIELDS.items()},
    }


def order_row(order: Order, customer: Customer | None) -> Row:
    mark = recorded.MARKS[order.recorded_state]
    account_id = customer.sources[ACCOUNT] if customer else None
    person = customer is not None and customer.kind == "PERSON"
    return {
        "Id": order.native_id,
        "OrderNumber": order.number,
        "AccountId": account_id,
        "EffectiveDate": order.placed_at.astimezone(UTC).date().isoformat(),
        "Status": mark.status,
        "StatusCode": mark.code,
        "TotalAmount": rolled_up(order),
        "CurrencyIsoCode": order.currency,
        **money_state(order),
        "BillToContactId": sibling("Contact", account_id) if account_id and person else None,
        "PoNumber": None,
        "OrderReferenceNumber": order.number,
        "Description": f"Order {order.number}",
        **system(order.placed_at),
    }


def priced(line: Line, currency: str) -> Row:
    named = line.sku is not None or line.name is not None
    return {
        "Product2Id": product_id(line) if named else None,
        "Quantity": double(Decimal(line.quantity)),
        "UnitPrice": major(line.unit_price, currency),
        "TotalPrice": major(line.total, currency),
        "CurrencyIsoCode": currency,
    }


def order_items(orders: Iterable[Order]) -> Iterable[Row]:
    number = 0
    for order in orders:
        for line in order.lines:
            number += 1
            yield {
                "Id": line.native_id,
                "OrderId": order.native_id,
                "OrderItemNumber": f"{number:010d}",
                **priced(line, order.currency),
                **system(order.placed_at),
            }


def product_id(line: Line) -> str:
    return derived("Product2", f"{line.sku}|{line.name}")


def products(world: World, orders: Iterable[Order]) -> Iterable[Row]:
    """One product per pair of code and name that some line mentions."""
    opened = min((o.placed_at for o in world.orders), default=datetime(2025, 1, 1, tzinfo=UTC))
    lines = (line for order in orders for line in order.lines)
    for line in {product_id(x): x for x in lines if x.sku is not None or x.name}.values():
        yield {
            "Id": product_id(line),
            "Name": line.name,
            "ProductCode": line.sku,
            "IsActive": True,
            **system(opened),
        }


def opportunity(order: Order, customer: Customer | None) -> Row:
    stage = recorded.MARKS[order.recorded_state].stage
    return {
        "Id": sibling("Opportunity", order.native_id),
        "Name": order.number,
        "AccountId": customer.sources[ACCOUNT] if customer else None,
        "StageName": stage,
        "IsClosed": stage.startswith("Closed"),
        "IsWon": stage == "Closed Won",
        "Amount": rolled_up(order),
        "CurrencyIsoCode": order.currency,
        "CloseDate": order.placed_at.astimezone(UTC).date().isoformat(),
        **money_state(order),
        **system(order.placed_at),
    }


def deal_item(order: Order, line: Line) -> Row:
    return {
        "Id": sibling("OpportunityLineItem", line.native_id),
        "OpportunityId": sibling("Opportunity", order.native_id),
        **priced(line, order.currency),
        **system(order.placed_at),
    }
