"""The company's own forms, written from the world: every value is a text, as e-cology gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sandbox.books import CHINA, channel_words, digits, major, returned
from sandbox.world import Account, Customer, Line, Order, World

ACCOUNT = "weaver"
CUSTOMERS, ORDERS = "khda", "xsdd"
"""Keys of the interfaces: customer files and sales orders."""
KINDS = {"COMPANY": "0", "PERSON": "1"}
STATES = {
    "DRAFT": "0",
    "PENDING_PAYMENT": "1",
    "PARTIALLY_PAID": "2",
    "PAID": "3",
    "FULFILLED": "4",
    "PARTIALLY_REFUNDED": "3",
    "REFUNDED": "3",
    "CANCELED": "5",
    "UNKNOWN": "9",
}
"""The position of the option in the select field; nobody mapped the last."""
YUAN = ("CNY", "RMB", "cny", "")
Row = dict[str, Any]


def payment_fields(accounts: Sequence[Account]) -> dict[str, str]:
    """The field of each payment account in an order, by the account's name."""
    return {a.name: f"zf_{a.name}" for a in accounts if a.role == "payments"}


def customer_fields(accounts: Sequence[Account]) -> dict[str, str]:
    """The field of each account that has customers, by the account's name."""
    return {a.name: f"kh_{a.name}" for a in accounts if a.name.startswith("stripe")}


def forms(world: World) -> dict[str, list[Row]]:
    """Rows as interfaces give them, by the interface's key."""
    people = {customer.key: customer for customer in world.customers}
    ids, payments = customer_fields(world.accounts), payment_fields(world.accounts)
    own = [customer for customer in world.customers if ACCOUNT in customer.sources]
    orders = [order for order in world.orders if order.source == ACCOUNT]
    return {
        CUSTOMERS: [{"mainTable": customer_form(one, ids)} for one in own],
        ORDERS: [
            {
                "mainTable": order_form(one, people.get(one.customer or ""), payments),
                "detail1": [line_form(line, one.currency) for line in one.lines],
            }
            for one in orders
        ],
    }


def customer_form(customer: Customer, ids: Mapping[str, str]) -> Row:
    return {
        "id": customer.sources[ACCOUNT],
        "khbh": customer.key,
        "khmc": customer.name,
        "khlx": KINDS[customer.kind],
        "yx": customer.email or "",
        "dh": customer.phone or "",
        "khdj": customer.tier or "",
        "hy": customer.industry or "",
        **{field: customer.sources.get(name, "") for name, field in ids.items()},
        **made(customer.created_at),
    }


def order_form(order: Order, customer: Customer | None, payments: Mapping[str, str]) -> Row:
    source, native = order.payment_field or ("", "")
    refund_source, refund = order.refund_field or ("", "")
    return {
        "id": order.native_id,
        "ddbh": order.number,
        "kh": customer.sources[ACCOUNT] if customer else "",
        "je": amount(order.total, order.currency),
        "bz": currency_word(order),
        "ddzt": STATES[order.recorded_state],
        "tkje": amount(returned(order) or None, order.currency),
        "zfqd": ";".join(channel_words(order)),
        "wxtkdh": refund if refund_source == "wechat_cn" else "",
        **{field: native if name == source else "" for name, field in payments.items()},
        **made(order.placed_at),
    }


def currency_word(order: Order) -> str:
    """As people fill it in: a code in either letter case, RMB, or nothing for the company's own."""
    if order.currency != "CNY":
        return order.currency
    return YUAN[int(order.number.rpartition("-")[2]) % len(YUAN)]


def line_form(line: Line, currency: str) -> Row:
    return {
        "id": line.native_id,
        "spbm": line.sku or "",
        "spmc": line.name or "",
        "sl": line.quantity,
        "dj": amount(line.unit_price, currency),
        "xj": amount(line.total, currency),
    }


def amount(minor: int | None, currency: str) -> str:
    """At least two decimals, also of a currency that has none: the field has them."""
    if minor is None:
        return ""
    return f"{major(minor, currency):.{max(digits(currency), 2)}f}"


def made(moment: datetime) -> Row:
    """Two fields, in China and without seconds."""
    local = moment.astimezone(CHINA)
    return {"modedatacreatedate": f"{local:%Y-%m-%d}", "modedatacreatetime": f"{local:%H:%M}"}
