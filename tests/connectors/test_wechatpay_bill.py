"""Trade bills of WeChat Pay as literal texts: what they tell, and every way to be damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
from datetime import UTC, datetime

import msgspec
import pytest

from connectors.ledger import Entry
from connectors.money import Money
from connectors.records import Kind
from connectors.references import ReferencePattern
from connectors.wechatpay import bill
from connectors.wechatpay.bill import BadBill, Cover
from connectors.wechatpay.mapping import Rules
from connectors.wechatpay.packed import opened

COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
PAID = (
    "`2026-01-01 08:00:00,`wxd678efh567hg6787,`1900000109,`0,`,`1217752501201407033233368018,"
    "`P20260101001,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`SUCCESS,`CMC,`CNY,`0.90,`0.10,`0,`0,"
    "`0.00,`0.00,`,`,`测试商品,`SO-1001,`0.01000,`0.60%,`1.00,`0.00,`"
)
BACK = (
    "`2026-01-01 09:30:00,`wxd678efh567hg6787,`1900000109,`0,`,`1217752501201407033233368018,"
    "`P20260101001,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`REFUND,`CMC,`CNY,`0.00,`0.00,"
    "`50200207182018070300011301001,`R20260101001,`0.45,`0.00,`ORIGINAL,`SUCCESS,`测试商品,`SO-1001,"
    "`0.00000,`0.60%,`0.00,`0.50,`"
)
NAMES = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
TOTALS = "`2.0,`0.90,`0.45,`0.0,`0.01,`1.00,`0.50"
TOTALS_OF_ONE = "`1,`0.90,`0.00,`0.00,`0.01,`1.00,`0.00"
GOOD = [COLUMNS, PAID, BACK, NAMES, TOTALS]
RULES = Rules("attach", ReferencePattern(), frozenset())
COVER = Cover(
    "1900000109", datetime(2025, 12, 31, 16, tzinfo=UTC), datetime(2026, 1, 1, 16, tzinfo=UTC)
)
PAYMENT = Entry(
    kind=Kind.PAYMENT,
    native_id="P20260101001",
    alias="1217752501201407033233368018",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    reference="SO-1001",
    amount=Money(100, "CNY"),
    fee=Money(1, "CNY"),
)
REFUND = Entry(
    kind=Kind.REFUND,
    native_id="R20260101001",
    alias="50200207182018070300011301001",
    payment="P20260101001",
    created_at=datetime(2026, 1, 1, 1, 30, tzinfo=UTC),
    reference="R20260101001",
    amount=Money(50, "CNY"),
)


def text(*lines: str, end: str = "\r\n", bom: str = "\ufeff") -> bytes:
    return (bom + end.join([*lines, ""])).encode()


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def told(content: bytes, rules: Rules = RULES, *, totals: bool = True) -> list[Entry]:
    return list(bill.entries(io.BytesIO(content), rules, COVER, totals=totals))


def test_a_payment_and_its_refund_are_told_with_yuan_as_fen() -> None:
    assert told(text(*GOOD)) == [PAYMENT, REFUND]


def test_line_ends_and_a_mark_at_the_beginning_do_not_matter() -> None:
    assert told(text(*GOOD, end="\n", bom="")) == [PAYMENT, REFUND]
    assert told(text(*GOOD).rstrip()) == [PAYMENT, REFUND]


def test_the_order_number_may_be_the_merchants_own_number() -> None:
    rules = Rules("out_trade_no", ReferencePattern(r"P(\d{8})\d+"), frozenset())
    assert told(text(*GOOD), rules)[0].reference == "20260101"


def test_without_attached_data_there_is_no_order_number() -> None:
    (entry,) = told(text(COLUMNS, PAID.replace("SO-1001", ""), NAMES, TOTALS_OF_ONE))
    assert entry == msgspec.structs.replace(PAYMENT, reference=None)


def test_commas_quotes_and_full_width_text_of_the_merchant_stay_in_their_column() -> None:
    odd = PAID.replace("测试商品", '牛奶,面包,"２５０ｇ" ☕️ 张三`丰\u2028')
    assert told(text(COLUMNS, odd, NAMES, TOTALS_OF_ONE)) == [PAYMENT]


def test_columns_are_found_by_their_names() -> None:
    columns = COLUMNS.split(",")
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    mixed = ",".join(columns[place] for place in order) + ",新增的列"
    values = PAID[1:].split(",`")
    row = ",".join("`" + values[place] for place in order) + ",`新"
    assert told(text(mixed, row, NAMES, TOTALS_OF_ONE)) == [PAYMENT]


@pytest.mark.parametrize(
    ("fee", "total", "told_as"),
    [
        ("0.00600", "0.01", None),
        ("0.00600", "0.00600", None),
        ("0.01400", "0.01", None),
        ("0.01400", "0.014", None),
        ("0.01000", "0.01", Money(1, "CNY")),
        ("0", "0.0", Money(0, "CNY")),
    ],
)
def test_a_fee_finer_than_a_fen_is_not_told_and_costs_no_day(
    fee: str, total: str, told_as: Money | None
) -> None:
    row = PAID.replace("`0.01000", f"`{fee}")
    totals = TOTALS_OF_ONE.replace("`0.01,", f"`{total},")
    (entry,) = told(text(COLUMNS, row, NAMES, totals))
    assert entry == msgspec.structs.replace(PAYMENT, fee=told_as)


@pytest.mark.parametrize("total", ["0.00", "0.02", "0.0061"])
def test_a_total_of_fine_fees_is_theirs_or_rounded_to_a_fen(total: str) -> None:
    row = PAID.replace("`0.01000", "`0.00600")
    totals = TOTALS_OF_ONE.replace("`0.01,", f"`{total},")
    with pytest.raises(BadBill, match="手续费总金额: not the sum"):
        told(text(COLUMNS, row, NAMES, totals))


def test_a_line_that_a_service_provider_placed_for_the_merchant_is_the_merchants() -> None:
    row = PAID.replace("`1900000109,`0,", "`1900000777,`1900000109,")
    assert told(text(COLUMNS, row, NAMES, TOTALS_OF_ONE)) == [PAYMENT]


@pytest.mark.parametrize("day", ["2026-01-01", "2025-12-31"])
def test_a_reversed_payment_is_told_without_an_amount(day: str) -> None:
    """Nobody says whether its time is that of the payment or that of the reversal."""
    reversed_ = PAID.replace("`SUCCESS", "`REVOKED").replace("2026-01-01", day)
    (entry,) = told(text(COLUMNS, reversed_, NAMES, TOTALS_OF_ONE))
    assert (entry.kind, entry.native_id, entry.amount) == (Kind.PAYMENT, "P20260101001", None)


def test_a_bill_of_nothing_tells_nothing() -> None:
    assert told(text(COLUMNS, NAMES, "`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00")) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "line 1: there is no column 交易时间"),
        ([COLUMNS.replace("商户订单号,", ""), PAID], "line 1: there is no column 商户订单号"),
        ([COLUMNS], "the bill ends before its totals"),
        ([COLUMNS, PAID, BACK], "the bill ends before its totals"),
        ([COLUMNS, PAID[:90], NAMES], "line 2 does not have a value for each column"),
        ([COLUMNS, PAID + ",`x", NAMES], "line 2 does not have a value for each column"),
        ([COLUMNS, PAID.replace("08:00:00", "08：00：00")], "line 2, column 交易时间"),
        ([COLUMNS, PAID.replace("SUCCESS", "WONDER")], "line 2, column 交易状态"),
        ([COLUMNS, PAID.replace("`CNY", "`USD")], "line 2, column 货币种类"),
        ([COLUMNS, PAID.replace("`1.00", "`１.００")], "line 2, column 订单金额"),
        ([COLUMNS, PAID.replace("`1.00", "`1.005")], "line 2, column 订单金额"),
        ([COLUMNS, PAID.replace("`1.00", "`1e2")], "line 2, column 订单金额"),
        ([COLUMNS, PAID.replace("`0.01000", "`0.0l000")], "line 2, column 手续费"),
        ([COLUMNS, PAID.replace("1900000109", "1900000001")], "line 2, column 商户号: another"),
        ([COLUMNS, PAID.replace("2026-01-01", "2026-01-02")], "line 2, column 交易时间: another"),
        ([COLUMNS, PAID.replace("2026-01-01", "2025-12-31")], "line 2, column 交易时间: another"),
        ([COLUMNS, PAID, BACK.replace("2026-01-01", "2026-01-02")], "line 3, column 交易时间: a"),
        ([COLUMNS, PAID.replace("2026-01-01", "0001-01-01")], "line 2, column 交易时间"),
        ([COLUMNS.replace("商户号,特", "商户,特"), PAID], "line 1: there is no column 商户号"),
        ([COLUMNS.replace("特约商户号", "商"), PAID], "line 1: there is no column 特约商户号"),
        ([COLUMNS, PAID.replace("P20260101001", "P 1")], "line 2, column 商户订单号"),
        ([COLUMNS, PAID, BACK.replace("`0.50", "`")], "line 3, column 申请退款金额"),
        ([COLUMNS, PAID, "not a row"], "line 3 is neither a payment nor the names of totals"),
        ([COLUMNS, PAID, BACK, NAMES], "line 5 does not have a value for each column"),
        ([COLUMNS, PAID, NAMES, TOTALS], "line 4, column 总交易单数: not the number of lines"),
        ([*GOOD[:4], TOTALS.replace("1.00", "1.01")], "line 5, column 订单总金额: not the sum"),
        ([*GOOD[:4], TOTALS.replace("0.45", "0.54")], "line 5, column 退款总金额: not the sum"),
        ([*GOOD, PAID], "line 6: something follows the totals"),
    ],
)
def test_damage_is_told_by_line_and_column_and_never_by_value(lines: list[str], said: str) -> None:
    with pytest.raises(BadBill) as caught:
        told(text(*lines))
    assert str(caught.value).startswith(said)
    assert not {"P20260101001", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "WONDER"} & set(
        str(caught.value).split()
    )


def test_sums_need_not_add_up_where_the_operator_says_so_but_lines_are_counted() -> None:
    wrong = TOTALS.replace("1.00", "9.00")
    assert told(text(*GOOD[:4], wrong), totals=False) == [PAYMENT, REFUND]
    with pytest.raises(BadBill, match="not the number"):
        told(text(*GOOD[:2], *GOOD[3:]), totals=False)


def test_bytes_of_another_encoding_are_told_by_line() -> None:
    content = text(COLUMNS) + PAID.encode("gb18030") + b"\r\n"
    with pytest.raises(BadBill, match="line 2 is not UTF-8"):
        told(content)


def test_an_endless_line_is_not_kept() -> None:
    with pytest.raises(BadBill, match="line 2 is longer"):
        told(text(COLUMNS, "`" + "长" * bill.LONGEST))


@pytest.mark.parametrize("packed", [True, False])
def test_the_text_is_read_once_its_hash_is_the_announced_one(packed: bool) -> None:
    content = text(*GOOD)
    file = io.BytesIO(gzip.compress(content) if packed else content)
    file.seek(7)
    for announced in {sha1(content), sha1(content).upper(), sha1(file.getvalue())}:
        found = bill.entries(opened(file, announced), RULES, COVER)
        assert list(found) == [PAYMENT, REFUND]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (gzip.compress(text(*GOOD[:2], *GOOD[3:])), "its hash differs"),
        (text(*GOOD) + b"\n", "its hash differs"),
        (b"", "its hash differs"),
        (gzip.compress(text(*GOOD))[:-30], "compression is damaged"),
        (gzip.compress(text(*GOOD))[:12] + b"\xff" * 40, "compression is damaged"),
        (gzip.compress(text(*GOOD)) + b"more", "compression is damaged"),
    ],
    ids=["a row less", "a byte more", "empty", "cut", "overwritten", "longer"],
)
def test_another_file_than_was_announced_is_not_read(file: bytes, said: str) -> None:
    with pytest.raises(BadBill, match=said):
        opened(io.BytesIO(file), sha1(text(*GOOD)))


def test_a_small_file_that_unpacks_to_a_huge_one_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(8 * 1024 * 1024))
    assert len(bomb) < 10_000
    with pytest.raises(BadBill, match="larger than any can be"):
        opened(io.BytesIO(bomb), sha1(b""), most=1024 * 1024)


def test_many_rows_are_told_one_by_one() -> None:
    rows = 20_000
    names = text(NAMES, f"`{rows},`18000.00,`0.00,`0.00,`200.00,`20000.00,`0.00", bom="")
    content = text(COLUMNS) + text(PAID, bom="") * rows + names
    found = bill.entries(io.BytesIO(content), RULES, COVER)
    assert next(found) == PAYMENT
    assert sum(1 for _ in found) == rows - 1
