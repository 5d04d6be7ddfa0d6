"""What the connector of mapped systems makes of rows: a company's odd configuration, on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.errors import Malformed, Misconfigured, Retryable, SourceError
from connectors.filters import CustomerFilter, OrderFilter, TimeRange
from connectors.mapped import MappedCrm
from connectors.money import Money
from connectors.paging import BadCursor, Page, PageQuery
from connectors.price import Price
from connectors.records import (
    Customer,
    CustomerKind,
    ExternalId,
    Order,
    OrderState,
    Provider,
)
from connectors.values import MISSING
from tests.connectors.paper_tables import PaperTables, paper

pytestmark = pytest.mark.anyio

# Orders are spread over two forms with fields of different names; amounts are text with
# separators, statuses Chinese, and there are two currencies.
HOME: dict[str, Any] = {
    "table": "国内订单",
    "id": "单号",
    "number": "单号",
    "created_at": "录入",
    "placed_at": {"field": "下单", "zone": "Asia/Shanghai"},
    "total": {"field": "金额", "thousands": ",", "currency_field": "币种"},
    "customer": "客户.编号",
    "status": [
        {
            "field": "状态",
            "words": {"草稿": "DRAFT", "待付款": "PENDING_PAYMENT", "已付款": "PAID"},
        }
    ],
    "refunded_amount": {"field": "退款", "thousands": ",", "currency_field": "币种"},
    "channel": "渠道",
    "payment_ids": {"wechat_cn": "微信单号", "stripe_eu": ["卡单号", "卡单号2"]},
    "custom": {"seller": "业务员"},
    "lines": {
        "path": "明细[]",
        "sku": "货号",
        "name": "品名",
        "quantity": "数量",
        "unit_price": {"field": "单价", "currency_field": "币种"},
    },
}
ABROAD: dict[str, Any] = {
    "table": "orders_abroad",
    "id": "ref",
    "number": "ref",
    "created_at": "entered",
    "total": {"field": "cents", "unit": "minor", "currency_field": "cur"},
    "customer": "buyer",
    "status": [{"field": "void", "words": {"Y": "CANCELED", "N": "NEXT"}}],
    "paid_amount": {"field": "received", "unit": "minor", "currency_field": "cur"},
    "closed": {"field": "shipped_by", "unpaid": "CANCELED"},
}
PEOPLE: dict[str, Any] = {
    "table": "客户",
    "id": "编号",
    "created_at": "录入",
    "name": "名称",
    "kind": {"field": "类型", "words": {"个人": "PERSON"}, "otherwise": "COMPANY"},
    "email": ["主邮箱", "邮箱[].地址"],
    "phones": ["手机", "电话[].号码"],
    "external_ids": {"stripe_eu": "stripe客户"},
}
SETTINGS: dict[str, Any] = {
    "zone": "Asia/Shanghai",
    "currencies": {"人民币": "CNY", "日元": "JPY"},
    "customers": [PEOPLE],
    "orders": [HOME, ABROAD],
}


def home(number: str, day: int, **changes: Any) -> dict[str, Any]:
    return {
        "单号": number,
        "录入": f"2026-03-{day:02} 09:00:00",
        "下单": f"2026-03-{day:02}",
        "金额": "12,345.60",
        "币种": "人民币",
        "客户": {"编号": "C1"},
        "状态": "已付款",
        **changes,
    }


def abroad(number: str, day: int, **changes: Any) -> dict[str, Any]:
    return {
        "ref": number,
        "entered": f"2026-03-{day:02}T01:00:00Z",
        "cents": 5000,
        "cur": "USD",
        "buyer": "C1",
        "void": "N",
        **changes,
    }


def company(
    home: Sequence[dict[str, Any]] = (),
    abroad: Sequence[dict[str, Any]] = (),
    people: Sequence[dict[str, Any]] = (),
    **settings: Any,
) -> tuple[MappedCrm, PaperTables]:
    rows = {"国内订单": list(home), "orders_abroad": list(abroad), "客户": list(people)}
    return paper(rows, **{**SETTINGS, **settings})


def order_of(answer: Any, key: str) -> Order:
    assert isinstance(answer[key], Order), answer
    found: Order = answer[key]
    return found


async def test_an_order_is_read_as_the_company_keeps_it() -> None:
    line = {"货号": "A-1", "品名": "茶", "数量": "2.5", "单价": "10.00"}
    row = home(
        "订-1", 2, 微信单号="wx1", 卡单号2="pi_9", 渠道="微信支付", 业务员="李娜", 明细=[line]
    )
    crm, tables = company([row])
    order = order_of(await crm.orders(["订-1"]), "订-1")
    assert order.number == "订-1"
    assert order.total == Money(1_234_560, "CNY")
    assert order.created_at == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert order.placed_at == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert order.customer_id == "C1"
    assert (order.recorded_state, order.recorded_status) == (OrderState.PAID, "已付款")
    assert order.recorded_providers == (Provider.WECHAT_PAY,)
    assert order.payment_ids == (
        ExternalId("wechat_cn", "wx1", "微信单号"),
        ExternalId("stripe_eu", "pi_9", "卡单号2"),
    )
    assert order.custom_fields == {"seller": "李娜"}
    assert order.misfits is None
    lines = (await crm.order_lines(["订-1"]))["订-1"]
    assert not isinstance(lines, SourceError)
    assert [(one.sku, one.name, one.quantity, one.unit_price) for one in lines] == [
        ("A-1", "茶", Decimal("2.5"), Money(1000, "CNY"))
    ]
    assert tables.calls == ["国内订单.单号", "orders_abroad.ref", "国内订单.单号"]


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (home("x", 1, 状态="草稿"), "DRAFT"),
        (home("x", 1, 状态=" 待付款 "), "PENDING_PAYMENT"),
        (home("x", 1, 状态="成交了"), "UNKNOWN"),
        (home("x", 1, 状态=""), "UNKNOWN"),
        (home("x", 1, 退款="1,000"), "PARTIALLY_REFUNDED"),
        (home("x", 1, 退款="12,345.60"), "REFUNDED"),
        (home("x", 1, 退款="0"), "PAID"),
        (home("x", 1, 退款="about 5"), "UNKNOWN"),
        (home("x", 1, 状态="草稿", 退款="5"), "DRAFT"),
        (home("x", 1, 状态=MISSING), "UNKNOWN"),
        (home("x", 1, 退款="5", 金额=""), "UNKNOWN"),
        (home("x", 1, 退款="-5"), "UNKNOWN"),
        (abroad("x", 1), "PENDING_PAYMENT"),
        (abroad("x", 1, received=0), "PENDING_PAYMENT"),
        (abroad("x", 1, cents=0), "PAID"),
        (abroad("x", 1, cents=0, received=0), "PAID"),
        (abroad("x", 1, cents=None), "PENDING_PAYMENT"),
        (abroad("x", 1, received=1), "PARTIALLY_PAID"),
        (abroad("x", 1, received=5000), "PAID"),
        (abroad("x", 1, received=5000, shipped_by="王伟"), "FULFILLED"),
        (abroad("x", 1, shipped_by="王伟"), "CANCELED"),
        (abroad("x", 1, received=-1), "UNKNOWN"),
        (abroad("x", 1, received=5000, cents=None), "UNKNOWN"),
        (abroad("x", 1, received=5000, void="Y"), "CANCELED"),
        (abroad("x", 1, received=5000, void="maybe"), "UNKNOWN"),
    ],
)
async def test_the_recorded_state_follows_from_words_and_amounts(
    row: dict[str, Any], state: str
) -> None:
    crm, _ = company(*(([row], []) if "单号" in row else ([], [row])))
    assert order_of(await crm.orders(["x"]), "x").recorded_state is OrderState(state)


async def test_a_value_that_does_not_fit_is_a_note_at_its_attribute_only() -> None:
    row = home("订-1", 2, 金额="一千", 下单="sometime", 微信单号="wx1")
    crm, _ = company([row])
    order = order_of(await crm.orders(["订-1"]), "订-1")
    assert (order.total, order.placed_at) == (None, None)
    assert order.misfits is not None
    assert set(order.misfits) == {"total", "placed_at"}
    assert order.misfits["total"].startswith("金额: it is not a number")
    assert "一千" not in str(order.misfits)
    assert order.recorded_state is OrderState.PAID
    assert order.payment_ids[0].native_id == "wx1"


@pytest.mark.parametrize(
    ("changes", "attribute", "why"),
    [
        ({"币种": "金币"}, "total", "币种: it is not a currency of ISO 4217"),
        ({"币种": ""}, "total", "币种: it holds no currency"),
        ({"币种": MISSING}, "total", "币种: the field does not exist"),
        ({"币种": "日元", "金额": "10.5"}, "total", "more decimals than its currency"),
        ({"下单": "2026-03-01T10:00:00 Beijing"}, "placed_at", "it is not a time"),
        ({"金额": MISSING}, "total", "the field does not exist, or may not be read"),
        ({"微信单号": MISSING}, "payment_ids", "the field does not exist"),
        ({"状态": MISSING}, "recorded_status", "the field does not exist"),
        ({"客户": {"编号": ["C1", "C2"]}}, "customer", "several values where one is meant"),
    ],
)
async def test_why_a_value_does_not_fit(changes: dict[str, Any], attribute: str, why: str) -> None:
    crm, _ = company([home("订-1", 2, **changes)])
    misfits = order_of(await crm.orders(["订-1"]), "订-1").misfits
    assert misfits is not None
    assert why in misfits[attribute]


async def test_a_price_may_be_finer_than_its_currency() -> None:
    lines = [{"数量": 1, "单价": price} for price in ("0.0125", "12.5", "twelve", None)]
    crm, _ = company([home("A", 1, 明细=lines)])
    fine, coarse, strange, none = (await crm.order_lines(["A"]))["A"]  # type: ignore[misc]
    assert fine.price == Price(Decimal("0.0125"), "CNY")
    assert fine.unit_price is None
    assert str(fine.misfit("unit_price")) == (
        "paper: 单价: it has more decimals than its currency: the field `price` shows it"
    )
    assert fine.misfit("price") is None
    assert (coarse.price, coarse.unit_price) == (Price(Decimal("12.50"), "CNY"), Money(1250, "CNY"))
    assert coarse.misfits is None
    assert set(strange.misfits or {}) == {"price", "unit_price"}
    assert (none.price, none.unit_price, none.misfits) == (None, None, None)


@pytest.mark.parametrize("word", ["cny", "CNY", " Cny ", "RMB", "rmb", "CNH", "人民币"])
async def test_a_currency_is_read_in_either_letter_case_and_by_well_known_words(word: str) -> None:
    crm, _ = company([home("订-1", 2, 币种=word)], currencies={})
    assert order_of(await crm.orders(["订-1"]), "订-1").total == Money(1_234_560, "CNY")


async def test_a_word_of_the_mapping_comes_before_its_usual_meaning() -> None:
    own = {"Rmb": "HKD", "元": "CNY"}
    crm, _ = company([home("A", 2, 币种="RMB"), home("B", 2, 币种="元")], currencies=own)
    found = await crm.orders(["A", "B"])
    totals = [order_of(found, key).total for key in ("A", "B")]
    assert totals == [Money(1_234_560, "HKD"), Money(1_234_560, "CNY")]


@pytest.mark.parametrize(("word", "currency"), [("", "CNY"), (None, "CNY"), ("USD", "USD")])
async def test_an_empty_currency_is_that_of_the_source(word: str | None, currency: str) -> None:
    crm, _ = company([home("订-1", 2, 币种=word)], currency="CNY")
    assert order_of(await crm.orders(["订-1"]), "订-1").total == Money(1_234_560, currency)


@pytest.mark.parametrize("changes", [{"币种": "金币"}, {"币种": MISSING}, {"币种": ["CNY", "USD"]}])
async def test_what_no_currency_can_be_read_from_says_nothing_of_the_amount(
    changes: dict[str, Any],
) -> None:
    crm, _ = company([home("订-1", 2, **changes)], currency="CNY")
    order = order_of(await crm.orders(["订-1"]), "订-1")
    assert order.total is None
    assert order.misfits is not None
    assert order.misfits["total"].startswith("币种: ")
    assert "9" not in order.misfits["total"]
    assert "金额" not in order.misfits["total"]


async def test_an_order_without_a_number_is_no_order() -> None:
    one = {**HOME, "number": "编号"}
    crm, _ = company([home("订-1", 2)], orders=[one])
    failure = (await crm.orders(["订-1"]))["订-1"]
    assert isinstance(failure, Malformed)
    assert failure.detail == "a row does not fit at 编号: there is no number"


async def test_two_rows_with_one_id_are_a_failure_of_that_id_alone() -> None:
    crm, _ = company([home("A", 1), home("A", 2), home("B", 3)], [abroad("B", 4)])
    answer = await crm.orders(["A", "B", "C"])
    assert set(answer) == {"A", "B"}
    assert [str(answer[key]) for key in "AB"] == [
        "paper: 国内订单: several rows have the same id"
    ] * 2


async def test_two_rows_with_one_id_cannot_be_told_apart_by_number_either() -> None:
    crm, _ = company([home("A", 1), home("A", 2)])
    assert isinstance((await crm.orders_by_number(["A"]))["A"], Malformed)


async def test_lines_whose_list_is_gone_are_no_empty_list() -> None:
    crm, _ = company([home("A", 1, 明细=MISSING)])
    assert isinstance((await crm.order_lines(["A"]))["A"], Misconfigured)


@pytest.mark.parametrize("item", ["x", ["x"], True])
async def test_an_item_that_is_no_line_fails_the_lines_of_its_order_alone(item: object) -> None:
    lines = [{"品名": "茶"}, item]
    crm, _ = company([home("A", 1, 明细=lines), home("B", 2, 明细=lines[:1])])
    answer = await crm.order_lines(["A", "B"])
    assert isinstance(answer["A"], Malformed)
    assert len(answer["B"]) == 1  # type: ignore[arg-type]


async def test_two_orders_with_one_number_are_both_told() -> None:
    one = {**HOME, "id": "键"}
    crm, _ = company([home("A", 1, 键="1"), home("A", 2, 键="2")], orders=[one])
    found = (await crm.orders_by_number(["A"]))["A"]
    assert not isinstance(found, SourceError)
    assert [order.native_id for order in found] == ["2", "1"]


async def test_orders_are_found_by_any_field_that_holds_a_payment() -> None:
    crm, tables = company(
        [home("A", 1, 卡单号="pi_1"), home("B", 2, 卡单号="pi_2", 卡单号2="pi_1")]
    )
    found = await crm.orders_by_payment_id("stripe_eu", ["pi_1", "pi_3"])
    assert set(found) == {"pi_1"}
    assert [order.number for order in found["pi_1"]] == ["B", "A"]  # type: ignore[union-attr]
    assert tables.calls == ["国内订单.卡单号", "国内订单.卡单号2"]
    assert await crm.orders_by_payment_id("paypal", ["X"]) == {}


async def test_a_customer_with_several_phones_and_emails() -> None:
    row = {
        "编号": "C1",
        "录入": "2026-01-01 00:00:00",
        "名称": "上海晨光贸易有限公司",
        "类型": "企业",
        "主邮箱": "a@x.example",
        "邮箱": [{"地址": "b@x.example"}, {"地址": "a@x.example"}],
        "手机": "138",
        "电话": [{"号码": "021"}, {"号码": ""}],
        "stripe客户": "cus_1",
    }
    crm, _ = company(people=[row])
    customer: Any = (await crm.customers(["C1"]))["C1"]
    assert customer.kind is CustomerKind.COMPANY
    assert (customer.email, customer.emails) == ("a@x.example", ("a@x.example", "b@x.example"))
    assert customer.phones == ("138", "021")
    found: Any = await crm.customers_by_external_id("stripe_eu", ["cus_1"])
    assert [one.native_id for one in found["cus_1"]] == ["C1"]


async def pages_of(crm: MappedCrm, first: int, **filters: Any) -> list[str]:
    """The numbers of all orders, page by page."""
    numbers: list[str] = []
    after = None
    while True:
        asked = PageQuery(first=first, filter=OrderFilter(**filters), after=after)
        page: Page[Order] = await crm.order_page(asked)
        numbers += [row.record.number for row in page.rows if isinstance(row.record, Order)]
        if not page.more:
            return numbers
        after = page.rows[-1].after


MIXED = (
    [home(f"H{n}", 1 + n // 4) for n in range(20)],
    [abroad(f"X{n}", 1 + n // 3) for n in range(12)],
)


@pytest.mark.parametrize("first", [1, 2, 3, 7, 50])
async def test_pages_over_two_tables_show_every_row_once_newest_first(first: int) -> None:
    crm, _ = company(*MIXED)
    everything = await pages_of(crm, 100)
    assert sorted(everything) == sorted([f"H{n}" for n in range(20)] + [f"X{n}" for n in range(12)])
    assert everything[:4] == ["H19", "H18", "H17", "H16"]
    assert await pages_of(crm, first) == everything


async def test_a_filter_on_numbers_or_customers_asks_for_them_only() -> None:
    crm, tables = company(*MIXED)
    assert await pages_of(crm, 2, numbers=("H1", "X2", "none")) == ["X2", "H1"]
    assert tables.calls == ["国内订单.单号", "orders_abroad.ref"]
    assert await pages_of(crm, 100, customer_ids=("C2",)) == []
    assert await pages_of(crm, 100, numbers=()) == []


async def test_a_page_begins_where_the_filter_says() -> None:
    crm, tables = company(*MIXED)
    until = datetime(2026, 3, 2, 1, tzinfo=UTC)
    rows = await pages_of(crm, 5, created_at=TimeRange(lte=until))
    assert set(rows) == {f"H{n}" for n in range(8)} | {f"X{n}" for n in range(6)}
    assert tables.calls[0] == "国内订单 newest 6"


@pytest.mark.parametrize("token", ["", "x", "W10", "ZZZZ", "é", "a" * 3000, "WyIyMDI2IiwgImEiXQ"])
async def test_a_foreign_token_is_refused(token: str) -> None:
    crm, _ = company(*MIXED)
    with pytest.raises(BadCursor):
        await crm.order_page(PageQuery(first=1, filter=OrderFilter(), after=token))


@pytest.mark.parametrize("first", [1, 2, 3])
async def test_a_row_without_an_id_is_one_failed_row_of_a_list(first: int) -> None:
    crm, _ = company([home("A", 1), home("", 2), home("", 2, 状态="已发货"), home("B", 3)])
    after, shown = None, []
    while True:
        page = await crm.order_page(PageQuery(first, OrderFilter(), after=after))
        shown += [row.record for row in page.rows]
        if not page.more:
            break
        after = page.rows[-1].after
    assert [getattr(one, "number", "failed") for one in shown] == ["B", "failed", "failed", "A"]
    assert {one.detail for one in shown if isinstance(one, Malformed)} == {
        "a row does not fit at 单号: there is no number"
    }


async def test_a_row_without_a_time_is_found_by_its_number_all_the_same() -> None:
    crm, _ = company([home("A", 1, 录入="soon"), home("B", 2)])
    assert await pages_of(crm, 1, numbers=("A", "B")) == ["B", "A"]


async def test_a_row_without_a_time_is_the_last_of_its_customer() -> None:
    rows = [home("A", 1, 录入="soon"), home("B", 2), home("C", 3, 录入=None), home("D", 4)]
    crm, _ = company(rows)
    after, shown = None, []
    while True:
        asked = PageQuery(1, OrderFilter(), after=after)
        page: Any = (await crm.orders_by_customer(["C1"], asked))["C1"]
        shown += [row.record for row in page.rows]
        if not page.more:
            break
        after = page.rows[-1].after
    assert [order.number for order in shown] == ["D", "B", "C", "A"]
    assert [order.created_at for order in shown[2:]] == [None, None]
    assert shown[3].misfits["created_at"].endswith("it is not a time (it looks like aaaa)")


@pytest.mark.parametrize("first", [1, 2, 3, 10])
async def test_a_row_whose_time_cannot_be_read_costs_no_other_row_its_place(first: int) -> None:
    """The system itself can read it, and sorts by it."""
    rows = [home(f"H{n}", 1 + n) for n in range(6)]
    crm, tables = company(rows)
    tables.garbled = {id(rows[0]): "soon", id(rows[2]): "31/12/2026", id(rows[5]): None}
    assert await pages_of(crm, first) == ["H5", "H4", "H3", "H2", "H1", "H0"]


async def test_a_total_in_two_currencies_or_without_one_of_its_amounts_is_none() -> None:
    total = {"field": "明细[].金额", "currency_field": "明细[].币"}
    own = {**HOME, "total": total}
    lines = [{"金额": 1, "币": "USD"}, {"金额": 2, "币": "USD"}]
    crm, _ = paper(
        {
            "国内订单": [
                home("A", 1, 明细=lines),
                home("B", 2, 明细=[*lines, {"金额": 3, "币": "JPY"}]),
                home("C", 3, 明细=[*lines, {"币": "USD"}]),
            ]
        },
        zone="Asia/Shanghai",
        orders=[own],
    )
    found = await crm.orders(["A", "B", "C"])
    assert order_of(found, "A").total == Money(300, "USD")
    for key, why in (
        ("B", "明细[].币: it holds several currencies"),
        ("C", "an item of the list has no"),
    ):
        order = order_of(found, key)
        assert order.total is None
        assert order.misfits is not None
        assert why in order.misfits["total"]


async def test_ids_of_payments_are_read_one_by_one_and_without_blanks() -> None:
    crm, _ = company([home("A", 1, 卡单号=[" pi_1 ", "pi_2"], 微信单号=True)])
    order = order_of(await crm.orders(["A"]), "A")
    assert [one.native_id for one in order.payment_ids] == ["pi_1", "pi_2"]
    assert (await crm.orders_by_payment_id("stripe_eu", ["pi_2"])).keys() == {"pi_2"}


@pytest.mark.parametrize("blank", [" ", "\r\n", "\u3000", "\u00a0"])
async def test_blanks_around_numbers_and_ids_are_no_part_of_them(blank: str) -> None:
    number = {"单号": f"A{blank}", "客户": {"编号": f"{blank}C1"}}
    crm, _ = company(
        [home("A", 1, **number)], people=[{"编号": f"C1{blank}", "录入": "2026-03-01"}]
    )
    found = await crm.orders_by_number(["A"])
    assert isinstance(orders := found["A"], tuple)
    assert [(one.native_id, one.number, one.customer_id) for one in orders] == [("A", "A", "C1")]
    assert order_of(await crm.orders(["A"]), "A").number == "A"
    customers = await crm.customers(["C1"])
    assert isinstance(customer := customers["C1"], Customer)
    assert customer.native_id == "C1"
    pages = await crm.orders_by_customer(["C1"], PageQuery(5, OrderFilter()))
    assert isinstance(page := pages["C1"], Page)
    assert [row.record for row in page.rows] == list(orders)
    assert await crm.order_lines(["A"]) == {}


@pytest.mark.parametrize("cell", ["pi_1;pi_2", " pi_1 、 pi_2", "pi_1；\u3000pi_2；", "pi_1\npi_2"])
async def test_several_ids_in_one_cell_are_split_where_the_mapping_says_so(cell: str) -> None:
    card = {"field": "卡单号", "split": ";；、\n"}
    own = {**HOME, "payment_ids": {"stripe_eu": card}, "refund_ids": {"wechat_cn": card}}
    people = {**PEOPLE, "external_ids": {"stripe_eu": {"field": "stripe客户", "split": ";；、\n"}}}
    person = {"编号": "C1", "录入": "2026-03-01", "stripe客户": cell}
    crm, _ = company([home("A", 1, 卡单号=cell)], [], [person], orders=[own], customers=[people])
    order = order_of(await crm.orders(["A"]), "A")
    assert [one.native_id for one in order.payment_ids] == ["pi_1", "pi_2"]
    assert order.misfits is None
    customer = (await crm.customers(["C1"]))["C1"]
    assert isinstance(customer, Customer)
    assert [one.native_id for one in customer.external_ids] == ["pi_1", "pi_2"]
    since = datetime(2026, 1, 1, tzinfo=UTC)
    refunds = [one async for ids in crm.refund_numbers(since) for one in ids]
    assert [one.native_id for one in refunds] == ["pi_1", "pi_2"]


@pytest.mark.parametrize("cell", ["pi_1;pi_2", "pi_1、pi_2", "pi_1，pi_2", "pi_1\npi_2"])
async def test_several_ids_in_one_cell_are_a_misfit_where_the_mapping_says_nothing(
    cell: str, caplog: pytest.LogCaptureFixture
) -> None:
    own = {**HOME, "refund_ids": {"wechat_cn": "卡单号2"}}
    person = {"编号": "C1", "录入": "2026-03-01", "stripe客户": cell}
    row = home("A", 1, 卡单号=cell, 微信单号="4200", 卡单号2=cell)
    crm, _ = company([row], [], [person], orders=[own])
    order = order_of(await crm.orders(["A"]), "A")
    assert [one.native_id for one in order.payment_ids] == ["4200"]
    assert order.misfits is not None
    assert "`split`" in order.misfits["payment_ids"]
    assert "卡单号2" in order.misfits["refund_ids"]
    assert "pi_1" not in str(order.misfits)
    customer = (await crm.customers(["C1"]))["C1"]
    assert isinstance(customer, Customer)
    assert customer.external_ids == ()
    assert "stripe客户: it holds several ids" in (customer.misfits or {})["external_ids"]
    assert [ids async for ids in crm.refund_numbers(datetime(2026, 1, 1, tzinfo=UTC))] == [[]]
    assert "ids are left out at 卡单号2" in caplog.text


def test_only_fields_of_ids_are_split() -> None:
    own = {**HOME, "number": {"field": "单号", "split": ";"}}
    with pytest.raises(msgspec.ValidationError, match="number: only fields of ids are split"):
        company(orders=[own])


async def test_a_custom_field_that_is_gone_leaves_the_others() -> None:
    own = {**HOME, "custom": {"seller": "业务员", "area": "地区"}}
    crm, _ = paper(
        {"国内订单": [home("A", 1, 业务员=MISSING, 地区="华东")]}, **{**SETTINGS, "orders": [own]}
    )
    order = order_of(await crm.orders(["A"]), "A")
    assert order.custom_fields == {"seller": None, "area": "华东"}
    assert order.misfits is not None
    assert list(order.misfits) == ["custom_fields.seller"]


async def test_orders_of_customers_are_pages_each() -> None:
    crm, tables = company([home(f"A{n}", n + 1) for n in range(5)], [abroad("X", 3, buyer="C2")])
    query = PageQuery(first=2, filter=OrderFilter())
    pages: Any = await crm.orders_by_customer(["C1", "C2", "C3"], query)
    assert {key: [row.record.number for row in page.rows] for key, page in pages.items()} == {
        "C1": ["A4", "A3"],
        "C2": ["X"],
    }
    assert (pages["C1"].more, pages["C2"].more) == (True, False)
    more = PageQuery(first=2, filter=OrderFilter(), after=pages["C1"].rows[-1].after)
    again: Any = await crm.orders_by_customer(["C1"], more)
    assert [row.record.number for row in again["C1"].rows] == ["A2", "A1"]
    assert tables.calls == ["国内订单.客户.编号", "orders_abroad.buyer"] * 2


async def test_a_table_that_fails_fails_its_keys_and_a_page() -> None:
    crm, tables = company([home("A", 1)], [abroad("X", 2)])
    tables.failures["orders_abroad"] = Retryable("paper", "down")
    answer = await crm.orders(["A", "X"])
    assert isinstance(answer["A"], Order)
    assert isinstance(answer["X"], Retryable)
    numbered = await crm.orders_by_number(["A"])
    assert isinstance(numbered["A"], Retryable)
    with pytest.raises(Retryable):
        await crm.order_page(PageQuery(first=1, filter=OrderFilter()))
    tables.failures["国内订单"] = Misconfigured("paper", "gone")
    with pytest.raises(SourceError):
        await crm.orders(["A"])


async def test_a_system_without_customers_lacks_what_they_can() -> None:
    crm, _ = paper({}, zone="UTC", orders=[HOME])
    assert not callable(getattr(crm, "customers", None))
    assert not callable(getattr(crm, "customer_page", None))
    assert callable(crm.orders)


async def test_emails_are_asked_for_only_where_case_does_not_matter() -> None:
    row = {"编号": "C1", "录入": "2026-01-01", "主邮箱": "A@x.example"}
    crm, tables = company(people=[row])
    query = PageQuery(first=1, filter=CustomerFilter(emails=("a@X.example",)))
    assert len((await crm.customer_page(query)).rows) == 1
    assert tables.calls == ["客户 newest 2"]
    tables.folds = True
    assert len((await crm.customer_page(query)).rows) == 1
    assert tables.calls[1:] == ["客户.主邮箱", "客户.邮箱[].地址"]
