"""Trade bills of WeChat Pay as literal texts: what they tell, and every way to be damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
from datetime import UTC, datetime

import msgspec
import pytest

from connectors.ledger import Entry, Told
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
ODD = "not as WeChat Pay writes it"
UNTOTALLED = " (sums of the statement not checked)"
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
    found = read(content, rules, totals=totals)
    entries = [row for row in found if isinstance(row, Entry)]
    assert found == entries
    return entries


def read(content: bytes, rules: Rules = RULES, *, totals: bool = True) -> list[Told]:
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
        ([COLUMNS, PAID.replace("1900000109", "1900000001")], "line 2, column 商户号: another"),
        ([COLUMNS, PAID.replace("2026-01-01", "2026-01-02")], "line 2, column 交易时间: another"),
        ([COLUMNS, PAID.replace("2026-01-01", "2025-12-31")], "line 2, column 交易时间: another"),
        ([COLUMNS, PAID, BACK.replace("2026-01-01", "2026-01-02")], "line 3, column 交易时间: a"),
        ([COLUMNS.replace("商户号,特", "商户,特"), PAID], "line 1: there is no column 商户号"),
        ([COLUMNS.replace("特约商户号", "商"), PAID], "line 1: there is no column 特约商户号"),
        ([COLUMNS, "not a row"], "line 2 is neither a payment nor the names of totals"),
        ([COLUMNS, PAID, "not a row"], "the bill ends before its totals"),
        ([COLUMNS, PAID, BACK, NAMES], "line 5, not a value for each column"),
        ([COLUMNS, PAID, NAMES, TOTALS], "line 4, 总交易单数: not the number of lines"),
        ([COLUMNS, PAID[:90], NAMES, TOTALS], "line 4, 总交易单数: not the number of lines"),
        ([*GOOD[:4], TOTALS.replace("1.00", "1.01")], "line 5, 订单总金额: not the sum"),
        ([*GOOD[:4], TOTALS.replace("0.45", "0.54")], "line 5, 退款总金额: not the sum"),
        ([*GOOD[:4], TOTALS.replace("0.45", "0.4S")], "line 5, 退款总金额: not as"),
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


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (PAID[:90], "line 2: not a value for each column" + UNTOTALLED),
        (PAID + ",`x", "line 2: not a value for each column" + UNTOTALLED),
        (PAID.replace("测试商品", "a,`b"), "line 2: not a value for each column" + UNTOTALLED),
        (PAID.replace("08:00:00", "08：00：00"), "line 2, column 交易时间: " + ODD),
        (PAID.replace("SUCCESS", "WONDER"), "line 2, column 交易状态: " + ODD),
        (PAID.replace("`CNY", "`USD"), "line 2, column 货币种类: " + ODD),
        (PAID.replace("P20260101001", "P 1"), "line 2, column 商户订单号: " + ODD),
        (PAID.replace("SO-1001", "SO-\ufffd"), "line 2, column 商户数据包: bytes that are no text"),
        (PAID.replace("`1.00", "`１.００"), "line 2, column 订单金额: " + ODD + UNTOTALLED),
        (PAID.replace("`1.00", "`1e2"), "line 2, column 订单金额: " + ODD + UNTOTALLED),
        (PAID.replace("`1.00", "`"), "line 2, column 订单金额: " + ODD + UNTOTALLED),
        (PAID.replace("`0.01000", "`0.0l000"), "line 2, column 手续费: " + ODD + UNTOTALLED),
    ],
)
def test_a_row_that_does_not_fit_is_told_by_its_place_and_the_others_stand(
    row: str, said: str
) -> None:
    entry, bad = reversed(read(text(COLUMNS, row, BACK, NAMES, TOTALS)))
    assert entry == REFUND
    assert str(bad) == said


def test_a_row_that_does_not_fit_counts_in_the_number_of_rows() -> None:
    with pytest.raises(BadBill, match="总交易单数: not the number of lines"):
        read(text(COLUMNS, PAID[:90], NAMES, TOTALS))


def test_totals_that_a_bad_row_has_no_part_in_are_checked() -> None:
    no_fee = PAID.replace("`0.01000", "`")
    assert len(read(text(COLUMNS, no_fee, BACK, NAMES, TOTALS.replace("`0.01,", "`9.99,")))) == 2
    with pytest.raises(BadBill, match="订单总金额: not the sum"):
        read(text(COLUMNS, no_fee, BACK, NAMES, TOTALS.replace("`1.00,", "`9.99,")))
    no_time = PAID.replace("08:00:00", "")
    with pytest.raises(BadBill, match="手续费总金额: not the sum"):
        read(text(COLUMNS, no_time, BACK, NAMES, TOTALS.replace("`0.01,", "`9.99,")))


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("goods", ["测试\n商品", "\n\n测试商品", "测试商品\r\n", "测试,\n商品"])
def test_a_line_break_in_a_text_is_a_part_of_it(goods: str, end: str) -> None:
    row = PAID.replace("测试商品", goods)
    assert told(text(COLUMNS, row, BACK, NAMES, TOTALS, end=end)) == [PAYMENT, REFUND]


def test_a_line_break_in_the_last_text_of_a_row_is_a_part_of_it() -> None:
    row = PAID + "备\n注"
    assert told(text(COLUMNS, row, BACK, NAMES, TOTALS)) == [PAYMENT, REFUND]


def test_a_row_of_endless_lines_is_not_kept() -> None:
    with pytest.raises(BadBill, match="is neither a payment nor"):
        told(text(COLUMNS, PAID, *["x" * 1000] * 100))


def test_a_value_in_another_encoding_costs_no_other_value() -> None:
    content = text(COLUMNS) + PAID.encode("gb18030") + text("", BACK, NAMES, TOTALS, bom="")
    assert told(content) == [PAYMENT, REFUND]
    order = text(COLUMNS, PAID.replace("SO-1001", "订单SO-1001"), BACK, NAMES, TOTALS)
    cut = order.replace("测试商品".encode(), "测试商品".encode()[:-1])
    assert told(cut)[0].reference == "订单SO-1001"
    spoilt = order.replace("订单SO".encode(), "订单".encode()[:-1] + b"SO")
    entry, bad = reversed(read(spoilt))
    assert entry == REFUND
    assert str(bad) == "line 2, column 商户数据包: bytes that are no text"


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
