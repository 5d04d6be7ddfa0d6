"""The world's customers and orders as records of the three forms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.books import channel_words, returned
from sandbox.jiandaoyun import words
from sandbox.jiandaoyun.forms import (
    CUSTOMERS,
    DOMESTIC,
    OVERSEAS,
    PARTY,
    PAYMENT,
    REFUND,
    Field,
    Form,
    Record,
    Values,
)
from sandbox.jiandaoyun.forms import forms as made_forms
from sandbox.jiandaoyun.ids import ACCOUNT, digest, hex_id
from sandbox.world import Customer, Line, Order, World

EDITED = timedelta(minutes=90)
"""After which somebody changed a record again."""
ADDRESS = {"province": "上海市", "city": "上海市", "district": "浦东新区", "detail": "世纪大道1号"}
REFUND_ACCOUNTS = ("wechat_cn",)


def member(name: str, username: str) -> Values:
    return {
        "name": name,
        "username": username,
        "status": 1,
        "type": 0,
        "departments": [1, 3],
        "integrate_id": username,
    }


def moment(at: datetime) -> str:
    """UTC with milliseconds, as all times are written."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def build(world: World) -> dict[str, Form]:
    """The forms by name, filled."""
    accounts = [a.name for a in world.accounts if a.role == "payments"]
    refunds = [name for name in REFUND_ACCOUNTS if name in accounts]
    forms = made_forms(world.seed, accounts, refunds)
    known = {c.key: c for c in world.customers if ACCOUNT in c.sources}
    for customer in known.values():
        _file(world.seed, forms[CUSTOMERS], customer.created_at, _customer(customer))
    for index, order in enumerate(o for o in world.orders if o.source == ACCOUNT):
        buyer = known.get(order.customer or "")
        if order.currency == "CNY" or index % 2:
            form, values = forms[DOMESTIC], _domestic(world.seed, order, buyer)
        else:
            form, values = forms[OVERSEAS], _overseas(order, buyer)
        values |= _ids(order)
        lines = [_line(world.seed, form, order, line) for line in order.lines]
        record = _file(world.seed, form, order.placed_at, values, lines)
        record.flow_state = 1 if form is forms[DOMESTIC] else None
    return forms


def _file(
    seed: int, form: Form, at: datetime, values: Values, lines: Iterable[Values] = ()
) -> Record:
    """Ids are in no order of time: records were brought over from elsewhere."""
    data_id = hex_id(seed, form.name, len(form.records))
    held = _held(form.fields, values, data_id)
    subform = next((one for one in form.fields if one.type == "subform"), None)
    if subform is not None:
        held[subform.key] = [
            {"_id": line.pop("_id"), **_held(subform.items, line, data_id)} for line in lines
        ]
    record = Record(data_id, at, at + EDITED, held)
    form.add(record)
    return record


def _held(fields: Iterable[Field], values: Values, place: str) -> Values:
    """Values by key. What is not set is absent, null or an empty text, whichever happens."""
    held: Values = {}
    for field in fields:
        value = values.get(field.label)
        if value is not None:
            held[field.key] = value
        elif field.type != "subform":
            ways = ("absent", None) if field.type == "number" else ("absent", None, "")
            way = ways[int(digest(place, field.key)[:8], 16) % len(ways)]
            if way != "absent":
                held[field.key] = way
    return held


def _customer(customer: Customer) -> Values:
    phone = {"verified": True, "phone": customer.phone} if customer.phone else None
    sources = {f"{PARTY}{name}": native for name, native in customer.sources.items()}
    return {
        "客户编号": customer.sources[ACCOUNT],
        "客户名称": customer.name,
        "客户类型": words.KINDS[customer.kind],
        "邮箱": customer.email,
        "手机": phone,
        "等级": customer.tier,
        "行业": customer.industry,
        "负责人": member("小简", "xiaojian"),
        "地址": ADDRESS,
        **sources,
    }


def _domestic(seed: int, order: Order, buyer: Customer | None) -> Values:
    number = buyer.sources[ACCOUNT] if buyer else None
    link = {"id": hex_id(seed, CUSTOMERS, number), "key": buyer.name} if buyer else None
    state, total = order.recorded_state, order.total
    back = returned(order)
    return {
        "单据编号": order.native_id,
        "订单号": order.number,
        "客户编号": number,
        "客户": link,
        "币种": words.CURRENCIES.get(order.currency, order.currency),
        "金额": None if total is None else words.typed(total, order.currency),
        "状态": words.domestic_state(state, total),
        "退款金额": None if back is None else words.typed(back, order.currency),
        "付款方式": ";".join(channel_words(order)) or None,
        "下单时间": moment(order.placed_at),
        "销售员": [member("王伟", "wangwei"), member("李娜", "lina")],
        "收货地址": ADDRESS,
    }


def _overseas(order: Order, buyer: Customer | None) -> Values:
    return {
        "Key": order.native_id,
        "Order no.": order.number,
        "Customer": buyer.sources[ACCOUNT] if buyer else None,
        "Currency": words.currency_code(order),
        "Total": None if order.total is None else words.number(order.total, order.currency),
        "Status": words.STATES.get(order.recorded_state, words.UNMAPPED),
        "Paid through": channel_words(order) or None,
        "Ordered": moment(order.placed_at),
        "Remark": f"Order {order.number}",
    }


def _ids(order: Order) -> Values:
    linked = [(PAYMENT, order.payment_field), (REFUND, order.refund_field)]
    return {before + found[0]: found[1] for before, found in linked if found is not None}


def _line(seed: int, form: Form, order: Order, line: Line) -> Values:
    quantity: Any = Decimal(line.quantity)
    quantity = int(quantity) if quantity == quantity.to_integral_value() else quantity
    held = {"_id": hex_id(seed, "line", line.native_id)}
    if form.name == DOMESTIC:
        return held | {
            "货号": line.sku,
            "品名": line.name,
            "数量": quantity,
            "单价": words.typed(line.unit_price, order.currency),
            "小计": words.typed(line.total, order.currency),
        }
    return held | {
        "SKU": line.sku,
        "Article": line.name,
        "Quantity": quantity,
        "Unit price": words.number(line.unit_price, order.currency),
        "Amount": words.number(line.total, order.currency),
    }
