"""What a list of U8 is said to look like: its documented fields and those that its rows have.

U8 OpenAPI has no metadata: types are the documented ones, and the names that a company gave to its
own fields (define1, self_define1) are not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from connectors.metadata import Column, ColumnType, Table
from connectors.yonyou.resources import Listed

_TIME = re.compile(r".*date|timestamp|(.*\.)?define[46]|dpre\w+", re.IGNORECASE)
_NUMBER = re.compile(
    r"(.*\.)?(quantity|num|\w*price|\w*money|\w*tax|\w*sum|taxrate|discount|\w*amount|rowno"
    r"|currencyrate|define(5|7|15|16))"
)
_STATES = ("Opening", "Approved", "Changing")
_REFERS = {"custcode": "customer", "customercode": "customer", "ccuscode": "customer"}
TABLES = {
    "customer": "客户",
    "customercontacts": "客户联系人",
    "saleorderlist": "销售订单",
    "returnorderlist": "退货单",
    "acceptlist": "收款单",
    "paylist": "付款单",
}
LABELS = {
    "code": "编码",
    "name": "名称",
    "date": "单据日期",
    "state": "状态",
    "closer": "关闭人",
    "custcode": "客户编码",
    "cusname": "客户名称",
    "seed_date": "发展日期",
    "ModifyDate": "修改日期",
    "phone": "电话",
    "mobile": "手机",
    "industry": "行业",
    "vouchcode": "单据编号",
    "vouchdate": "单据日期",
    "customercode": "客户编码",
    "originalamount": "原币金额",
    "amount": "本币金额",
    "digest": "摘要",
    "entry.inventorycode": "存货编码",
    "entry.inventoryname": "存货名称",
    "entry.quantity": "数量",
    "entry.taxunitprice": "含税单价",
    "entry.sum": "价税合计",
    "entry.natsum": "本币价税合计",
}


def described(listed: Listed, seen: Iterable[str]) -> Table:
    """The table as the mapping names it."""
    resource = listed.resource
    inner = {f"{name}.{field}" for name, fields in resource.inner.items() for field in fields}
    names = {*resource.fields, *resource.inner, *inner, *seen}
    own_code = resource.code
    return Table(
        name=listed.table,
        label=TABLES.get(resource.name, ""),
        columns=tuple(_column(name, name == own_code, resource.inner) for name in sorted(names)),
        complete=False,
    )


def _column(name: str, unique: bool, inner: Iterable[str]) -> Column:
    head, point, field = name.partition(".")
    return Column(
        path=f"{head}[].{field}" if point else f"{name}[]" if name in inner else name,
        key=name,
        label=LABELS.get(name, ""),
        type=_type(name, inner),
        words=_STATES if name == "state" else (),
        refers=_REFERS.get(name, ""),
        unique=unique,
    )


def _type(name: str, inner: Iterable[str]) -> ColumnType:
    if name in inner:
        return ColumnType.LIST
    if name == "state":
        return ColumnType.CHOICE
    if name in _REFERS:
        return ColumnType.RELATION
    if _TIME.fullmatch(name):
        return ColumnType.TIME
    return ColumnType.NUMBER if _NUMBER.fullmatch(name) else ColumnType.TEXT
