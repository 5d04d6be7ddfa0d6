"""The company's books in U8: customers, sales orders, receipts and refunds, made of the world.

Times are those of the company's clock, UTC+8, and say no zone; a voucher has a date, its time of
day stands in a field of the company's own (define4). What is empty is "" or left out, numbers come
as text or as numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.books import CHINA, channel_words, major, returned
from sandbox.world import Customer, Line, Order, World
from sandbox.yonyou.keys import ACCOUNT

Row = dict[str, Any]
CURRENCIES = {
    "CNY": "人民币",
    "USD": "美元",
    "EUR": "欧元",
    "GBP": "英镑",
    "JPY": "日元",
    "KWD": "科威特第纳尔",
}
RATES = {"CNY": "1", "USD": "7.1", "EUR": "7.8", "GBP": "9.1", "JPY": "0.049", "KWD": "23"}
"""Yuan for one: the books are in yuan."""
PARTY_FIELDS = {"stripe_eu": "self_define1", "stripe_us": "self_define2"}
PAYMENT_FIELDS = {
    "stripe_eu": "define1",
    "stripe_us": "define2",
    "paypal": "define3",
    "alipay_cn": "define8",
    "wechat_cn": "define9",
    "unionpay_cn": "define11",
    "ecny_cn": "define12",
}
NUMBER, CHANNEL, REFUND, PLACED = "define10", "define13", "define14", "define4"
SORTS = {"COMPANY": "01", "PERSON": "02"}
FIRST_LINE = 9_007_199_254_740_993
"""Ids of lines are beyond what a double holds exactly."""


def build(world: World) -> dict[str, list[Row]]:
    """Documents by the name of their list, each with what is inside it."""
    customers = [one for one in world.customers if ACCOUNT in one.sources]
    orders = [one for one in world.orders if one.source == ACCOUNT]
    by_key = {one.key: one for one in customers}
    owners = [by_key.get(one.customer or "") for one in orders]
    pairs = list(zip(orders, owners, strict=True))
    receipts = list(_receipts(pairs))
    refunds = list(_refunds(pairs))
    return {
        "customer": [_customer(one) for one in customers],
        "saleorderlist": [_order(one, owner) for one, owner in pairs],
        "acceptlist": receipts + refunds,
        "paylist": refunds,
    }


def paid(order: Order) -> int:
    """Minor units received, as U8 has booked it."""
    if order.total is None or order.recorded_state in ("DRAFT", "PENDING_PAYMENT", "CANCELED"):
        return 0
    return max(1, order.total // 2) if order.recorded_state == "PARTIALLY_PAID" else order.total


def day(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d}"


def clock(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def booked(amount: Decimal, currency: str) -> Decimal:
    """In yuan, which is what the fields named nat... hold."""
    return (amount * Decimal(RATES.get(currency, "5"))).quantize(Decimal("0.01"))


def _customer(customer: Customer) -> Row:
    return {
        "code": customer.sources[ACCOUNT],
        "name": customer.name,
        "abbrname": customer.name[:10],
        "sort_code": SORTS[customer.kind],
        "domain_code": "",
        "industry": customer.industry or "",
        "phone": customer.phone or "",
        "mobile": "",
        "ccusexch_name": "人民币",
        "seed_date": f"{day(customer.created_at)} 00:00:00",
        "ModifyDate": clock(customer.created_at),
        "self_define3": customer.tier or "",
        "self_define4": customer.email or "",
        **{name: customer.sources.get(key, "") for key, name in PARTY_FIELDS.items()},
    }


def _order(order: Order, owner: Customer | None) -> Row:
    state = order.recorded_state
    source, native = order.payment_field or ("", "")
    closed = state in ("FULFILLED", "CANCELED")
    return {
        "code": order.native_id,
        "date": day(order.placed_at),
        "businesstype": "普通销售",
        "typecode": "01",
        "typename": "普通销售",
        "state": {"DRAFT": "Opening", "UNKNOWN": "Locked"}.get(state, "Approved"),
        "custcode": owner.sources[ACCOUNT] if owner else "",
        "cusname": owner.name if owner else "",
        "currency_name": CURRENCIES.get(order.currency, order.currency),
        "taxrate": "13.000000",
        "memo": "",
        "maker": "demo",
        "verifier": "" if state == "DRAFT" else "demo",
        "closer": "demo" if closed else "",
        NUMBER: order.number,
        PLACED: clock(order.placed_at),
        CHANNEL: ";".join(channel_words(order)),
        REFUND: order.refund_field[1]
        if order.refund_field and order.refund_field[0] == "wechat_cn"
        else " ",
        **({PAYMENT_FIELDS[source]: native} if source in PAYMENT_FIELDS else {}),
        "entry": [
            _line(line, row, order.currency) for row, line in enumerate(order.lines, start=1)
        ],
    }


def _line(line: Line, row: int, currency: str) -> Row:
    price, total = major(line.unit_price, currency), major(line.total, currency)
    return {
        "autoid": FIRST_LINE + row,
        "rowno": str(row),
        "inventorycode": line.sku or "",
        "inventoryname": line.name or "",
        "quantity": f"{Decimal(line.quantity):f}",
        # U8 keeps prices with more decimals than money has.
        "taxunitprice": f"{price:.6f}",
        # A number in one line, text in the next: both are met.
        "sum": total if row % 2 else f"{total:f}",
        "natmoney": f"{booked(total, currency):f}",
        "nattax": "0.00",
        "natsum": f"{booked(total, currency):f}",
        "bgift": "0",
    }


def _receipts(pairs: Iterable[tuple[Order, Customer | None]]) -> Iterator[Row]:
    """What was received comes in two parts where it can be halved."""
    number = 0
    for order, owner in pairs:
        amount = paid(order)
        half = amount // 2
        for part in (half, amount - half) if half else (amount,):
            if part:
                number += 1
                yield _voucher("48", f"SK{number:08}", order, owner, part)


def _refunds(pairs: Iterable[tuple[Order, Customer | None]]) -> Iterator[Row]:
    number = 0
    for order, owner in pairs:
        if amount := returned(order):
            number += 1
            yield _voucher("49", f"FK{number:08}", order, owner, amount)


def _voucher(kind: str, code: str, order: Order, owner: Customer | None, amount: int) -> Row:
    """`amount` is in yuan, `originalamount` what was paid."""
    money = major(amount, order.currency)
    return {
        "vouchcode": code,
        "vouchdate": day(order.placed_at + timedelta(hours=2)),
        "vouchtype": kind,
        "customercode": owner.sources[ACCOUNT] if owner else "",
        "customername": owner.name if owner else "",
        "amount": f"{booked(money, order.currency):f}",
        "originalamount": f"{money:f}",
        "foreigncurrency": CURRENCIES.get(order.currency, order.currency),
        "currencyrate": RATES.get(order.currency, "5"),
        "digest": order.number,
        "define10": order.number,
        "operator": "demo",
    }
