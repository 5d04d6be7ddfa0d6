"""The application's forms: fields with and without an alias, and the records they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.jiandaoyun.ids import hex_id, widget_id

Values = dict[str, Any]
CUSTOMERS, DOMESTIC, OVERSEAS = "客户", "国内订单", "海外订单"


@dataclass(slots=True)
class Field:
    """`key` never changes; records call a field by its alias where it has one."""

    key: str
    type: str
    label: str
    alias: str | None = None
    items: list[Field] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.alias or self.key

    def shown(self) -> Values:
        told: Values = {
            "name": self.name,
            "widgetName": self.key,
            "label": self.label,
            "type": self.type,
        }
        return told | ({"items": [item.shown() for item in self.items]} if self.items else {})


@dataclass(slots=True)
class Record:
    """`values` are by the keys of fields, lines of subforms by those of theirs."""

    data_id: str
    created_at: datetime
    updated_at: datetime
    values: Values
    flow_state: int | None = None


@dataclass(slots=True)
class Form:
    entry_id: str
    name: str
    fields: list[Field]
    records: dict[str, Record] = field(default_factory=dict)

    def find(self, name: str) -> Field | None:
        """By alias or by id."""
        return find(self.fields, name)

    def key(self, label: str) -> str:
        return self.labelled(label).key

    def labelled(self, label: str) -> Field:
        return next(one for one in self.fields if one.label == label)

    def add(self, record: Record) -> None:
        self.records[record.data_id] = record


def find(fields: Iterable[Field], name: str) -> Field | None:
    return next((one for one in fields if name in (one.key, one.alias)), None)


# Label, type and alias; the labels are what the records are made by.
CUSTOMER_FIELDS = (
    ("客户编号", "text", "customer_no"),
    ("客户名称", "text", "name"),
    ("客户类型", "radiogroup", None),
    ("邮箱", "text", "email"),
    ("手机", "phone", "mobile"),
    ("等级", "combo", "tier"),
    ("行业", "combo", None),
    ("负责人", "user", "owner"),
    ("地址", "address", None),
)
DOMESTIC_FIELDS = (
    ("单据编号", "sn", "doc_no"),
    ("订单号", "text", "order_no"),
    ("客户编号", "text", "customer_no"),
    ("客户", "linkdata", "customer"),
    ("币种", "combo", "currency"),
    ("金额", "text", "total"),
    ("状态", "radiogroup", "status"),
    ("退款金额", "text", "refunded"),
    ("付款方式", "text", "channel"),
    ("下单时间", "datetime", "ordered_at"),
    ("销售员", "usergroup", "sales"),
    ("收货地址", "address", "ship_to"),
)
OVERSEAS_FIELDS = (
    ("Key", "text", None),
    ("Order no.", "text", None),
    ("Customer", "text", None),
    ("Currency", "combo", None),
    ("Total", "number", None),
    ("Status", "combo", None),
    ("Paid through", "combocheck", None),
    ("Ordered", "datetime", None),
    ("Remark", "textarea", None),
)
LINES = {
    DOMESTIC: (
        ("明细", "lines"),
        (
            ("货号", "text", "sku"),
            ("品名", "text", "name"),
            ("数量", "number", "qty"),
            ("单价", "text", "price"),
            ("小计", "text", "amount"),
        ),
    ),
    OVERSEAS: (
        ("Items", None),
        (
            ("SKU", "text", None),
            ("Article", "text", None),
            ("Quantity", "number", None),
            ("Unit price", "number", None),
            ("Amount", "number", None),
        ),
    ),
}
PAYMENT, REFUND, PARTY = "付款单号 ", "退款单号 ", "客户号 "
"""With an account's name behind: the fields that hold ids of other systems."""


def forms(seed: int, payments: Iterable[str], refunds: Iterable[str]) -> dict[str, Form]:
    """By name. `payments` and `refunds` are accounts whose ids the orders have fields for."""
    ids = [(f"{PAYMENT}{a}", "text", f"pay_{a}") for a in payments]
    ids += [(f"{REFUND}{a}", "text", f"refund_{a}") for a in refunds]
    parties = [(f"{PARTY}{a}", "text", f"{a}_customer") for a in payments if a.startswith("stripe")]
    nameless = [(label, type_, None) for label, type_, _ in ids]
    return {
        CUSTOMERS: _form(seed, CUSTOMERS, [*CUSTOMER_FIELDS, *parties]),
        DOMESTIC: _form(seed, DOMESTIC, [*DOMESTIC_FIELDS, *ids]),
        OVERSEAS: _form(seed, OVERSEAS, [*OVERSEAS_FIELDS, *nameless]),
    }


def _form(seed: int, name: str, declared: Iterable[tuple[str, str, str | None]]) -> Form:
    fields = _fields((seed, name), declared)
    if name in LINES:
        (label, alias), inner = LINES[name]
        key = widget_id(seed, name, label)
        fields.append(Field(key, "subform", label, alias, _fields((seed, name, label), inner)))
    return Form(hex_id(seed, "form", name), name, fields)


def _fields(
    place: tuple[object, ...], declared: Iterable[tuple[str, str, str | None]]
) -> list[Field]:
    return [Field(widget_id(*place, lb), type_, lb, alias) for lb, type_, alias in declared]
