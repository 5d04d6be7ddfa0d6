"""A mapping proposed from metadata and samples, and the drift of one in use."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.drift import drifts
from connectors.mapping import CustomerMap, MappedSettings, OrderMap, Preset
from connectors.metadata import Column, ColumnType, Rows, Table
from connectors.proposal import TableProposal, propose
from connectors.values import MISSING

CUSTOMERS = Table(
    name="5f01",
    label="客户档案",
    columns=(
        Column(path="_id", type=ColumnType.OTHER, unique=True),
        Column(path="cust_no", label="客户编号", unique=True),
        Column(path="_widget_2", label="客户名称"),
        Column(path="mail", label="电子邮箱"),
        Column(path="mobile", label="联系电话", type=ColumnType.OTHER),
        Column(path="createTime", label="创建时间", type=ColumnType.TIME),
        Column(path="parent", label="上级客户", type=ColumnType.RELATION, refers="5f01"),
        Column(path="last", label="最近订单", type=ColumnType.RELATION, refers="5f02"),
    ),
)
ORDERS = Table(
    name="5f02",
    label="销售订单",
    columns=(
        Column(path="order_no", label="订单号（必填）", unique=True),
        Column(path="amount", label="订单金额", type=ColumnType.NUMBER),
        Column(path="cur", label="币种", type=ColumnType.CHOICE, words=("CNY", "USD")),
        Column(path="buyer", label="客户", type=ColumnType.RELATION, refers="5f01"),
        Column(
            path="pay",
            label="付款状态",
            type=ColumnType.CHOICE,
            words=("待付款", "已付款", "扯皮中"),
        ),
        Column(path="createTime", label="创建时间", type=ColumnType.TIME),
        Column(path="note", label="备注"),
    ),
)
STAFF = Table(name="5f03", label="员工", columns=(Column(path="name", label="姓名"),))
SAMPLES: dict[str, Rows] = {
    "5f02": [
        {"order_no": "SO-1", "amount": "1,200.50", "pay": "已付款", "cur": "CNY"},
        {"order_no": "SO-2", "amount": 7, "pay": "待付款", "cur": "USD"},
    ]
}


def proposed(*tables: Table, preset: Preset | None = None) -> dict[str, TableProposal]:
    return {one.kind: one for one in propose(tables, preset or Preset(), SAMPLES)}


def fields(one: TableProposal) -> dict[str, str]:
    return {field.attribute: field.column.path for field in one.fields}


def test_tables_and_fields_are_found_by_what_they_are_called() -> None:
    found = proposed(STAFF, CUSTOMERS, ORDERS)
    assert {kind: one.table.name for kind, one in found.items()} == {
        "customers": "5f01",
        "orders": "5f02",
    }
    customers = fields(found["customers"])
    assert customers["name"] == "_widget_2"
    assert customers["id"] == "cust_no"
    assert (customers["email"], customers["phones"]) == ("mail", "mobile")
    orders = fields(found["orders"])
    assert (orders["number"], orders["total"]) == ("order_no", "amount")
    assert (orders["customer"], orders["status"]) == ("buyer", "pay")
    assert orders["created_at"] == "createTime"
    assert found["orders"].complete


def test_what_is_not_found_is_said_and_sure_fields_are_surer() -> None:
    one = proposed(CUSTOMERS, ORDERS)["orders"]
    assert "refunded_amount" in one.lacking
    confidence = {field.attribute: field.confidence for field in one.fields}
    assert confidence["number"] > 0.7
    assert all(0.5 <= value <= 1 for value in confidence.values())


def test_samples_show_their_form_and_not_their_value() -> None:
    one = proposed(ORDERS)["orders"]
    shown = {field.attribute: field.sample for field in one.fields}
    assert shown["total"] == "9,999.99"
    assert shown["number"] == "AA-9"


def test_words_lead_to_states_where_they_are_known() -> None:
    one = proposed(ORDERS)["orders"]
    assert one.states == {"待付款": "PENDING_PAYMENT", "已付款": "PAID"}
    assert one.strange_words == ("扯皮中",)
    assert one.currency == "cur"


def test_a_preset_that_is_there_is_nearly_certain() -> None:
    preset = Preset(orders=(OrderMap(table="5f02", id="order_no", number="note"),))
    one = proposed(ORDERS, preset=preset)["orders"]
    assert one.confidence == 0.98
    assert [f.confidence for f in one.fields if f.column.path == "note"] == [0.98]


def test_nothing_is_proposed_of_nothing() -> None:
    assert proposed(STAFF) == {}
    assert proposed(Table(name="orders", label="订单")) == {}


def in_use(**changes: Any) -> MappedSettings:
    order = {
        "table": "5f02",
        "id": "order_no",
        "number": "order_no",
        "created_at": "createTime",
        "total": {"field": "amount", "currency_field": "cur"},
        "customer": "buyer",
        "status": [{"field": "pay", "words": {"待付款": "PENDING_PAYMENT", "已付款": "PAID"}}],
        **changes,
    }
    return msgspec.convert({"vendor": "x", "orders": [order]}, MappedSettings)


def told(settings: MappedSettings, *tables: Table, samples: Any = SAMPLES) -> list[str]:
    return [
        f"{one.place}: {one.what} -> {one.consequence}" for one in drifts(settings, tables, samples)
    ]


def test_a_mapping_that_fits_has_only_its_unknown_word() -> None:
    assert told(in_use(), ORDERS) == [
        "orders[0].status: 'pay' can be '扯皮中', which leads to no state"
        " -> recordedState of such orders is UNKNOWN"
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"number": "order_num"},
            "orders[0].number: 5f02 has no field 'order_num'; was it renamed to 'order_no'?"
            " -> no order of it can be shown, nor found by its payments",
        ),
        (
            {"total": {"field": "buyer", "currency": "CNY"}},
            "orders[0].total: the field 'buyer' is of type relation now"
            " -> Order.total is null with an error and paymentState is UNKNOWN",
        ),
        (
            {"payment_ids": {"stripe_eu": "zzz"}},
            "orders[0].payment_ids: 5f02 has no field 'zzz'"
            " -> payments that only this field names are missing, with an error at Order.payments",
        ),
        (
            {"lines": {"path": "items[]", "quantity": "qty"}},
            "orders[0].lines[0].quantity: 5f02 has no field 'items[].qty'"
            " -> Order.lines lacks it, with an error there",
        ),
        (
            {"table": "5f99"},
            "orders[0].table: there is no table '5f99', or it may not be read"
            " -> nothing of its orders can be shown",
        ),
    ],
)
def test_each_drift_is_told_with_what_follows_in_the_graph(
    changes: dict[str, Any], line: str
) -> None:
    assert line in told(in_use(**changes), ORDERS, samples={})


def test_a_field_inside_a_list_is_looked_for_where_it_is_described() -> None:
    inner = (Column(path="items", type=ColumnType.LIST), Column(path="items[].qty"))
    table = msgspec.structs.replace(ORDERS, columns=(*ORDERS.columns, *inner))
    lines = {"path": "items[]", "quantity": "qty", "sku": "code"}
    found = told(in_use(lines=lines), table, samples={})
    assert [line for line in found if "lines" in line] == [
        "orders[0].lines[0].sku: 5f02 has no field 'items[].code'; was it renamed to 'items[].qty'?"
        " -> Order.lines lacks it, with an error there"
    ]


def test_words_and_currencies_that_were_seen_count_too() -> None:
    rows = {"5f02": [{"pay": "退款中", "cur": "金币", "amount": 1}] * 2}
    lines = told(in_use(), ORDERS, samples=rows)
    assert any("'退款中', which leads to no state" in line for line in lines)
    assert any("'金币', which is no currency" in line for line in lines)


def test_what_somebody_typed_once_is_not_shown() -> None:
    rows = {"5f02": [{"pay": "王伟 138", "cur": "13800138000", "amount": 1}]}
    free = tuple(
        msgspec.structs.replace(c, type=ColumnType.TEXT, words=()) if c.path == "pay" else c
        for c in ORDERS.columns
    )
    lines = told(in_use(), msgspec.structs.replace(ORDERS, columns=free), samples=rows)
    assert lines == [
        "orders[0].total: 'cur' holds something like 99999999999, which is no currency of ISO 4217"
        " and not in currencies -> Order.total is null with an error and paymentState is UNKNOWN"
    ]
    one = proposed(msgspec.structs.replace(ORDERS, columns=free))["orders"]
    assert one.strange_words == ()


def test_blank_words_and_missing_columns_are_no_drift() -> None:
    words = Column(path="pay", type=ColumnType.CHOICE, words=("", " ", "已付款"))
    columns = (words, *(c for c in ORDERS.columns if c.path != "pay"))
    rows: dict[str, Rows] = {"5f02": [{"pay": " ", "cur": MISSING}]}
    assert told(in_use(), msgspec.structs.replace(ORDERS, columns=columns), samples=rows) == []


def test_relations_that_lead_in_circles_end() -> None:
    customer = CustomerMap(table="5f01", id="cust_no", created_at="createTime", name="parent.last")
    settings = MappedSettings(vendor="x", customers=(customer,))
    assert told(settings, CUSTOMERS, ORDERS, samples={}) == []
    assert proposed(CUSTOMERS, ORDERS).keys() == {"customers", "orders"}
