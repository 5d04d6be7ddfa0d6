"""Sales orders as YonBIP keeps them, written from the world. Amounts never pass through a float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.books import CHINA, channel_words, major, returned
from sandbox.world import Account, Customer, Line, Order, World

ACCOUNT = "yonbip"
PAID, REFUNDED, CHANNEL, REFUND = "define1", "define2", "define3", "define4"
FIRST_PAYMENT = 11
"""Custom fields of the head: define11 and on hold the payment's id at each account."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """How a state is written down: YonBIP's own two fields, and a word in a custom field."""

    status: str = "CONFIRMORDER"
    verify: int = 2
    paid: str | None = None


MARKS = {
    "DRAFT": Mark(verify=0),
    "PENDING_PAYMENT": Mark(),
    "PARTIALLY_PAID": Mark(paid="部分收款"),
    "PAID": Mark("DELIVERY_PART", paid="已收款"),
    "FULFILLED": Mark("ENDORDER", paid="已收款"),
    "PARTIALLY_REFUNDED": Mark(paid="已收款"),
    "REFUNDED": Mark(paid="已收款"),
    "CANCELED": Mark("CLOSEDORDER"),
    "UNKNOWN": Mark(paid="待神谕"),
}


def payment_fields(accounts: Sequence[Account]) -> dict[str, str]:
    """The custom field of each payment account, by the account's name."""
    names = [account.name for account in accounts if account.role == "payments"]
    return {name: f"define{FIRST_PAYMENT + index}" for index, name in enumerate(names)}


def orders_of(world: World) -> list[tuple[Row, list[Row]]]:
    """Head and lines of each order, by id."""
    people = {customer.key: customer for customer in world.customers}
    fields = payment_fields(world.accounts)
    own = [order for order in world.orders if order.source == ACCOUNT]
    rows = [(head(o, people.get(o.customer or ""), fields), lines(o)) for o in own]
    return sorted(rows, key=lambda row: int(row[0]["id"]))


def head(order: Order, customer: Customer | None, fields: Mapping[str, str]) -> Row:
    """What list and detail have in common; an empty field is left out."""
    mark = MARKS[order.recorded_state]
    total = major(order.total, order.currency)
    row: Row = {
        "id": order.native_id,
        "code": order.number,
        "vouchdate": written(order.placed_at),
        "createTime": written(order.placed_at),
        "pubts": written(order.placed_at),
        "agentId": customer.sources[ACCOUNT] if customer else None,
        "agentId_name": customer.name if customer else None,
        "statusCode": mark.status,
        "nextStatus": mark.status,
        "verifystate": mark.verify,
        "oriSum": total,
        "currency": order.currency,
        "headItem": {k: v for k, v in custom(order, mark, fields).items() if v is not None},
    }
    return {name: value for name, value in row.items() if value is not None}


def custom(order: Order, mark: Mark, fields: Mapping[str, str]) -> Row:
    """Fields of the company's own."""
    source, native = order.payment_field or ("", None)
    refund_source, refund = order.refund_field or ("", None)
    words = ";".join(channel_words(order))
    return {
        PAID: mark.paid,
        REFUNDED: major(returned(order) or None, order.currency),
        CHANNEL: words or None,
        REFUND: refund if refund_source == "wechat_cn" else None,
        **{field: native if name == source else None for name, field in fields.items()},
    }


def lines(order: Order) -> list[Row]:
    return [line_row(line, order.currency) for line in order.lines]


def line_row(line: Line, currency: str) -> Row:
    row = {
        "id": line.native_id,
        "productCode": line.sku,
        "productName": line.name,
        "qty": Decimal(line.quantity),
        "oriTaxUnitPrice": major(line.unit_price, currency),
        "oriSum": major(line.total, currency),
        "orderProductType": "SALE",
    }
    return {name: value for name, value in row.items() if value is not None}


def listed(row: Row) -> Row:
    """As the list tells it: the prices are an object."""
    return {k: v for k, v in row.items() if k != "currency"} | {
        "orderPrices": {"currency": row["currency"], "natCurrency": "CNY", "exchRate": 1}
    }


def detailed(row: Row, lines: list[Row]) -> Row:
    """As the detail tells it: flat names with exclamation marks, another name of the total."""
    whole = {k: v for k, v in row.items() if k not in ("currency", "oriSum", "headItem")}
    whole["orderPrices!currency"] = row["currency"]
    if "oriSum" in row:
        whole["payMoney"] = row["oriSum"]
    return {**whole, "headItem": row["headItem"], "orderDetails": lines}


def written(moment: datetime) -> str:
    """In China and without a zone."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
