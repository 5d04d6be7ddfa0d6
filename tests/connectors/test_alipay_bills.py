"""Trade bills: the zip, its table, the periods they are read by, and over HTTP from a sandbox."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from connectors.alipay import VENDOR, archive
from connectors.alipay.accountlog import RHYTHM as LOG
from connectors.alipay.amounts import Misfit
from connectors.alipay.archive import details
from connectors.alipay.bills import RHYTHM as BILL
from connectors.alipay.bills import Bills, Expired, file_judge, secured
from connectors.alipay.table import Table
from connectors.beijing import start_of
from connectors.conformance import Fault, connected
from connectors.conformance_kit import FAULTS, drained, outcome
from connectors.errors import NotReady, Retryable, SourceError
from connectors.ledger import Entry, Period, Told
from connectors.money import Money
from connectors.records import Kind
from connectors.references import ReferencePattern
from connectors.transport import Response
from sandbox.alipay.bills import gbk_named
from sandbox.server import Server
from tests.connectors.alipay_sandbox import AlipaySandbox, serve

HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
NUMBER = "2013112011001004330000121536"
PAID = (
    f"{NUMBER}\t,SO-1-2\t,交易\t,大乐透 🎁\t,2026-01-01 08:00:01,2026-01-01 08:00:05,,,,,"
    "*三(159****5620)\t,100.00,98.00,0.00,10.00,8.00,2.00,0.00,,0.00,0.00,\t,-0.59,0.00,"
)
BACK = (
    f"{NUMBER}\t,SO-1-2\t,退款\t,１２３,2026-01-01 08:00:01,2026-01-01 09:00:00,,,,,"
    "*三(159****5620)\t,-20.00,-19.60,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,RF-1_a\t,0.12,0.00,"
)
BEGINS = "#起始日期：[2026年01月01日 00:00:00]   终止日期：[2026年01月02日 00:00:00]"
TOP = f"#支付宝业务明细查询\r\n{BEGINS}\r\n#---业务明细列表---\r\n{HEADER}\r\n"
END = "#---业务明细列表结束---\r\n"
TOTALS = (
    "#交易合计：1笔，商家实收共98.00元，商家优惠共2.00元\r\n#退款合计：1笔，商家实收共-19.60元\r\n"
)
GOOD = f"{TOP}{PAID}\r\n{BACK}\r\n{END}{TOTALS}#导出时间：[2026年01月02日 09:12:33]\r\n"
# The sandbox tells these two at HTTP 200, as the gateway would, which a server of files does not.
OF_FILES = [f for f in FAULTS if f[0].kind not in ("latency", "rate_limit") and f[0].status != 500]
NAME = "20880000000000000156_20260101_业务明细.csv"
SUMMARY = "20880000000000000156_20260101_业务明细(汇总).csv"


def zipped(*members: tuple[str, bytes]) -> io.BytesIO:
    """As Alipay does: names in GBK, and no word of that."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(gbk_named(name), content)
    return io.BytesIO(file.getvalue())


def read(file: io.BytesIO, label: str = "2026-01-01") -> list[Entry]:
    found = rows_of(file, label)
    entries = [row for row in found if isinstance(row, Entry)]
    assert found == entries
    return entries


def rows_of(file: io.BytesIO, label: str = "2026-01-01") -> list[Told]:
    pattern = ReferencePattern(r"(SO-\d+)(?:-\d+)?")
    return [
        row for lines in details(file) for row in Table(pattern, label, "file 1").entries(lines)
    ]


def bill(text: str = GOOD) -> io.BytesIO:
    return zipped((SUMMARY, "#汇总\r\n合计,1\r\n".encode("gbk")), (NAME, text.encode("gb18030")))


def test_a_bill_tells_payments_with_amount_and_fee_and_refunds() -> None:
    assert read(bill()) == [
        Entry(
            kind=Kind.PAYMENT,
            native_id=NUMBER,
            created_at=datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC),
            reference="SO-1",
            amount=Money(10000, "CNY"),
            fee=Money(59, "CNY"),
        ),
        Entry(
            kind=Kind.REFUND,
            native_id=f"{NUMBER}-RF-1_a",
            created_at=datetime(2026, 1, 1, 1, 0, 0, tzinfo=UTC),
            payment=NUMBER,
            reference="RF-1_a",
            amount=Money(2000, "CNY"),
        ),
    ]


def test_a_name_in_utf8_is_a_name_too() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(SUMMARY, "#汇总".encode("gbk"))
        made.writestr(NAME, GOOD.encode("gb18030"))
    assert len(read(file)) == 2


def test_columns_are_found_by_their_header() -> None:
    order = list(reversed(range(len(HEADER.split(",")))))

    def turned(line: str) -> str:
        return ",".join([line.split(",")[index] for index in order] + ["new"])

    text = TOP.replace(HEADER, turned(HEADER)) + turned(PAID) + "\r\n" + turned(BACK) + "\r\n" + END
    assert read(bill(text)) == read(bill())


@pytest.mark.parametrize("text", [TOP + END, f"#支付宝业务明细查询\r\n{END}"])
def test_an_empty_bill_tells_nothing(text: str) -> None:
    assert read(bill(text)) == []


def test_other_business_is_passed_over() -> None:
    assert len(read(bill(GOOD.replace("退款\t", "转账\t").replace("退款合计", "转账合计")))) == 1


def test_a_refund_without_a_number_of_its_own_has_the_orders() -> None:
    assert read(bill(GOOD.replace("RF-1_a", "")))[1].native_id == f"{NUMBER}-SO-1-2"


def test_a_name_may_hold_commas_and_quotes() -> None:
    assert len(read(bill(GOOD.replace("大乐透 🎁", '"Monitor 27"", black"')))) == 2


def test_a_quote_in_a_name_does_not_swallow_rows() -> None:
    names = ("one", '"27寸显示器', "three", '32"显示器', "five")
    rows = [
        PAID.replace(NUMBER, f"201311201100100433000012153{i}")
        .replace("大乐透 🎁", name)
        .replace("100.00,98.00", f"{i}00.00,98.00")
        for i, name in enumerate(names, start=1)
    ]
    totals = "#交易合计：5笔，商家实收共490.00元\r\n"
    entries = read(bill("\r\n".join([TOP.rstrip(), *rows, END + totals])))
    told = [(entry.native_id[-1], entry.amount) for entry in entries]
    assert told == [(str(i), Money(i * 10000, "CNY")) for i in range(1, 6)]


def test_a_bill_whose_cells_are_all_quoted_is_read() -> None:
    def quoted(line: str) -> str:
        return ",".join(f'"{cell.strip()}"' for cell in line.split(","))

    text = "\r\n".join([TOP.replace(HEADER, quoted(HEADER)) + quoted(PAID), quoted(BACK), END])
    assert read(bill(text)) == read(bill())


def test_a_total_may_call_refunds_refunds_again() -> None:
    text = GOOD.replace("#退款合计：1笔，商家实收共", "#退款合计：1笔，商家实收退款共")
    assert len(read(bill(text))) == 2
    with pytest.raises(Misfit, match="退款合计: the rows do not add up"):
        read(bill(text.replace("-19.60元", "-19.61元")))


@pytest.mark.parametrize(
    ("begins", "label", "right"),
    [
        ("2026年01月01日 00:00:00", "2026-01-01", True),
        ("2026-01-01", "2026-01-01", True),
        ("2026年01月01日 00:00:00", "2026-01", True),
        ("2026年01月", "2026-01", True),
        ("2026年01月02日 00:00:00", "2026-01-01", False),
        ("2025年01月01日 00:00:00", "2026-01-01", False),
        ("2026年02月01日 00:00:00", "2026-01", False),
        ("2026年01月15日 00:00:00", "2026-01", False),
    ],
)
def test_a_bill_of_another_time_is_not_used(begins: str, label: str, right: bool) -> None:
    file = bill(GOOD.replace("#起始日期：[2026年01月01日 00:00:00]", f"#起始日期：[{begins}]"))
    if right:
        assert len(read(file, label)) == 2
    else:
        with pytest.raises(Misfit, match="line 2, 起始日期: it is the bill of another time"):
            read(file, label)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (f"{TOP}{PAID}\r\n", "it breaks off after line 5"),
        (GOOD[: GOOD.index(BACK) + 40], "it breaks off after line 6"),
        (
            GOOD.replace("大乐透 🎁", "a,b").replace("交易合计：1笔", "交易合计：3笔"),
            "line 8, 交易合计: the rows do not add",
        ),
        (GOOD.replace(f"{PAID}\r\n", ""), "line 7, 交易合计: the rows do not add"),
        (
            GOOD.replace("商家实收共98.00", "商家实收共99.00"),
            "line 8, 交易合计: the rows do not add",
        ),
        (GOOD.replace("#交易合计：1笔", "#交易合计：2笔"), "line 8, 交易合计: the rows do not add"),
        (GOOD.replace("共-19.60元", "共-9.60元"), "line 9, 退款合计: the rows do not add up"),
        (GOOD.replace("98.00,0.00", "98.01,0.00"), "line 8, 交易合计: the rows do not add"),
        (GOOD.replace("服务费（元）", "费"), "line 4, 服务费（元）: there is no such column"),
        (GOOD.partition("#退款合计")[0], "it breaks off after line 8"),
        (GOOD.replace("共98.00元", "共98元"), "line 8, 交易合计: not a total"),
        (GOOD.replace("合计：1笔", f"合计：{'1' * 5000}笔"), "line 8, 交易合计: not a total"),
        (GOOD.replace("大乐透 🎁", "x" * 70_000), "line 4, followed by one that is too long"),
        (GOOD.encode("gb18030").decode("utf-16", "replace"), "line 1, 支付宝交易号: there is no"),
    ],
)
def test_a_damaged_bill_says_where(text: str, detail: str) -> None:
    with pytest.raises(Misfit) as caught:
        read(bill(text))
    assert str(caught.value).startswith(detail)


UNTOTALLED = " (sums of the statement not checked)"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (PAID.replace("大乐透 🎁", "a,b"), ": not as many cells as columns" + UNTOTALLED),
        (PAID[:90], ": not as many cells as columns" + UNTOTALLED),
        (
            PAID.replace("98.00,0.00", "98,0.00"),
            ", column 商家实收（元）: not an amount in yuan with two decimals" + UNTOTALLED,
        ),
        (
            PAID.replace("100.00,98.00", "10000,98.00"),
            ", column 订单金额（元）: not an amount in yuan with two decimals",
        ),
        (
            PAID.replace("100.00,98.00", "-100.00,98.00"),
            ", column 订单金额（元）: of the wrong sign",
        ),
        (PAID.replace("2026-01-01 08:00:05", "9 o'clock"), ", column 完成时间: not a time"),
        (PAID.replace(NUMBER, "RENT"), ", column 支付宝交易号: not a number"),
        (PAID.replace("SO-1-2", ""), ", column 商户订单号: empty"),
        (PAID.replace("SO-1-2", "SO\ufffd"), ", column 商户订单号: bytes that are no text"),
        (PAID.replace("-0.59", "half"), ", column 服务费（元）: not an amount of CNY"),
    ],
)
def test_a_row_that_does_not_fit_is_named_and_the_others_stand(row: str, said: str) -> None:
    _, refund = read(bill())
    bad, *found = rows_of(bill(GOOD.replace(PAID, row)))
    assert found == [refund]
    assert str(bad) == "file 1, line 5" + said


def test_totals_that_a_bad_row_has_no_part_in_are_checked() -> None:
    odd = GOOD.replace("大乐透 🎁", "a,b")
    assert len(rows_of(bill(odd.replace("商家实收共98.00", "商家实收共99.00")))) == 2
    with pytest.raises(Misfit, match="退款合计: the rows do not add up"):
        rows_of(bill(odd.replace("共-19.60元", "共-9.60元")))
    with pytest.raises(Misfit, match="退款合计: the rows do not add up"):
        rows_of(bill(odd.replace("退款合计：1笔", "退款合计：2笔")))
    untimed = GOOD.replace("2026-01-01 08:00:05", "9 o'clock")
    with pytest.raises(Misfit, match="交易合计: the rows do not add up"):
        rows_of(bill(untimed.replace("商家实收共98.00", "商家实收共99.00")))


def test_a_line_break_in_a_name_costs_that_row_alone() -> None:
    *bad, refund = rows_of(bill(GOOD.replace("大乐透", "大\r\n乐透")))
    assert [str(row) for row in bad] == [
        f"file 1, line {line}: not as many cells as columns{UNTOTALLED}" for line in (5, 6)
    ]
    assert isinstance(refund, Entry)


def test_a_letter_that_was_cut_short_costs_nothing_beside_it() -> None:
    content = GOOD.replace("大乐透 🎁", "大乐透").encode("gb18030")
    cut = content.replace("大乐透".encode("gb18030"), "大乐透".encode("gb18030")[:-1])
    assert read(zipped((NAME, cut))) == read(bill())
    business = content.replace("交易\t".encode("gb18030"), "交易".encode("gb18030")[:-1] + b"\t")
    bad, refund = rows_of(zipped((NAME, business)))
    assert str(bad).startswith("file 1, line 5, column 业务类型: bytes that are no text")
    assert isinstance(refund, Entry)


def corrupted(file: io.BytesIO) -> io.BytesIO:
    content = bytearray(file.getvalue())
    middle = content.rindex(b"PK\x03\x04") + 120
    content[middle] ^= 0xFF
    return io.BytesIO(bytes(content))


def encrypted(file: io.BytesIO) -> io.BytesIO:
    content = bytearray(file.getvalue())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return io.BytesIO(bytes(content))


def packed(method: int) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        made.writestr("details.csv", GOOD.encode("gb18030"))
    return file


def flagged(flag: int) -> io.BytesIO:
    content = bytearray(bill().getvalue())
    content[content.rindex(b"PK\x01\x02") + 8] |= flag
    return io.BytesIO(bytes(content))


@pytest.mark.parametrize(
    ("file", "detail"),
    [
        (io.BytesIO(b"<html>Back soon</html>"), "the zip is damaged"),
        (io.BytesIO(b""), "the zip is damaged"),
        (io.BytesIO(bill().getvalue()[:-100]), "the zip is damaged"),
        (corrupted(bill()), "the zip is damaged"),
        (encrypted(bill()), "the zip is encrypted"),
        (zipped((SUMMARY, b"#")), "no file of details in the zip"),
        (zipped(*((f"{i}.csv", b"#") for i in range(60))), "the zip is too large"),
        (packed(zipfile.ZIP_BZIP2), "the zip is packed otherwise than Alipay does"),
        (packed(zipfile.ZIP_LZMA), "the zip is packed otherwise than Alipay does"),
        (flagged(0x40), "the zip is damaged"),
        (flagged(0x20), "the zip is damaged"),
    ],
)
def test_what_is_no_zip_of_a_bill_is_told(file: io.BytesIO, detail: str) -> None:
    with pytest.raises(Misfit, match=f"{detail}$"):
        read(file)


def test_no_wrong_byte_of_a_zip_is_more_than_a_damaged_bill() -> None:
    """Every byte, with each of its bits and as a whole; a bit that nothing reads does no harm."""
    content, whole = bill().getvalue(), read(bill())
    for place in range(len(content)):
        for change in (0x01, 0x08, 0x80, 0xFF):
            wrong = bytearray(content)
            wrong[place] ^= change
            with suppress(Misfit):
                assert read(io.BytesIO(bytes(wrong))) == whole, place


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNPACKED", 1_000_000)
    with pytest.raises(Misfit, match="the zip is too large"):
        read(zipped((NAME, b"#" * 2_000_000)))


def test_a_bill_is_never_held_as_a_whole() -> None:
    many = zipped((NAME, (TOP + f"{PAID}\r\n" * 50_000 + END).encode("gb18030")))
    table = Table(ReferencePattern(r"(SO-\d+)(?:-\d+)?"), "2026-01-01")
    rows = (entry for lines in details(many) for entry in table.entries(lines))
    assert next(rows) == read(bill())[0]
    assert sum(1 for _ in rows) == 49_999


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text + "+08:00").astimezone(UTC)


def names(periods: list[Period]) -> list[str]:
    return [period.name for period in periods]


def test_months_that_are_over_are_one_period_and_days_of_this_one_their_own() -> None:
    found = LOG.periods(moment("2025-12-30 00:00:00"), moment("2026-02-03 12:00:00"))
    assert names(found) == [
        "account log 2025-12",
        "account log 2026-01",
        "account log 2026-02-01",
        "account log 2026-02-02",
        "account log 2026-02-03",
    ]
    assert [period.final for period in found] == [True, True, True, True, False]
    assert found[1].parts[30] == "account log 2026-01-31"
    assert (len(found[1].parts), found[2].parts) == (31, ())
    assert found[0].start == start_of(date(2025, 12, 1))
    assert found[-1].end == start_of(date(2026, 2, 4))
    assert max(period.end - period.start for period in found) == timedelta(days=31)


def test_a_day_that_has_just_ended_is_read_again() -> None:
    found = LOG.periods(moment("2026-02-02 12:00:00"), moment("2026-02-03 00:30:00"))
    assert [(p.name, p.final) for p in found] == [
        ("account log 2026-02-02", False),
        ("account log 2026-02-03", False),
    ]


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-02-03 08:59:59", ["trade bill 2026-01-31", "trade bill 2026-02-01"]),
        ("2026-02-03 09:00:00", ["trade bill 2026-02-01", "trade bill 2026-02-02"]),
        ("2026-02-01 08:59:59", ["trade bill 2026-01-29", "trade bill 2026-01-30"]),
    ],
)
def test_a_bill_is_there_the_next_morning(now: str, last: list[str]) -> None:
    found = BILL.periods(moment("2026-01-20 00:00:00"), moment(now))
    assert names(found)[-2:] == last
    assert all(period.final for period in found)


def test_a_months_bill_takes_the_place_of_its_days() -> None:
    found = BILL.periods(moment("2026-01-20 00:00:00"), moment("2026-02-03 09:00:00"))
    assert names(found)[0] == "trade bill 2026-01"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture
def sandbox(server: Server) -> Iterator[AlipaySandbox]:
    control = AlipaySandbox(server)
    yield control
    control.heal()


@pytest.fixture
async def alipay(sandbox: AlipaySandbox) -> AsyncIterator[Any]:
    settings = sandbox.settings(books="bill", complaints=False)
    async with connected(VENDOR, settings) as connector:
        yield connector


def day(first: date) -> Period:
    end = start_of(first + timedelta(days=1))
    return Period(name=f"trade bill {first}", start=start_of(first), end=end)


@pytest.mark.anyio
async def test_a_day_without_trades_tells_nothing_and_fetches_no_file(
    sandbox: AlipaySandbox, alipay: Any
) -> None:
    await sandbox.clear()
    assert await drained(alipay.entries(day(date(2025, 10, 1)))) == {}
    assert len(sandbox.asked()) == 1


@pytest.mark.anyio
async def test_todays_bill_is_not_there_yet(alipay: Any) -> None:
    today = datetime.now(UTC).date()
    with pytest.raises(NotReady):
        await drained(alipay.entries(day(today)))


@pytest.mark.anyio
async def test_a_day_and_its_month_tell_the_same(sandbox: AlipaySandbox, alipay: Any) -> None:
    payment = sandbox.payments[0]
    first = (payment.created_at + timedelta(hours=8)).date()
    month = Period(
        name=f"trade bill {first:%Y-%m}",
        start=start_of(first.replace(day=1)),
        end=start_of(first.replace(day=1) + timedelta(days=31)),
    )
    of_day, of_month = [await drained(alipay.entries(p)) for p in (day(first), month)]
    assert (Kind.PAYMENT, payment.native_id) in of_day
    assert of_day.items() <= of_month.items()


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "kind"), OF_FILES, ids=lambda v: getattr(v, "kind", None))
async def test_a_fault_of_the_files_is_an_error_and_never_a_short_answer(
    sandbox: AlipaySandbox, fault: Fault, kind: type[SourceError]
) -> None:
    first = (sandbox.payments[0].created_at + timedelta(hours=8)).date()
    limits = msgspec.structs.replace(VENDOR.limits, attempts=1)
    async with connected(VENDOR, sandbox.settings(books="bill"), limits) as connector:
        sandbox.break_path("/downloadBillFile.resource", fault)
        assert isinstance(await outcome(drained(connector.entries(day(first)))), kind)


def test_an_address_that_has_expired_is_not_fetched_again() -> None:
    judge = file_judge("alipay_cn")
    expired = judge(Response(404, {}, b"expired"))
    assert isinstance(expired, Expired)
    assert not expired.again
    assert type(judge(Response(503, {}, b""))) is Retryable
    assert judge(Response(200, {}, b"")) is None


@pytest.mark.anyio
@pytest.mark.parametrize("times", [1, 2])
async def test_an_address_that_has_expired_is_asked_for_once_more(
    sandbox: AlipaySandbox, alipay: Any, times: int
) -> None:
    first = (sandbox.payments[0].created_at + timedelta(hours=8)).date()
    gone = Fault(kind="status", status=404, times=times)
    sandbox.break_path("/downloadBillFile.resource", gone)
    await sandbox.clear()
    found = await outcome(drained(alipay.entries(day(first))))
    assert isinstance(found, dict if times == 1 else Expired)
    asked = [call.partition("?")[0].rpartition("/")[2] for call in sandbox.asked()]
    assert asked == ["gateway.do", "downloadBillFile.resource"] * 2


class NoBill:
    """An Alipay that has no bill of any day."""

    source = "alipay_cn"

    async def ask(self, *_: object) -> object:
        raise NotReady(self.source, "the bill is not there")


@pytest.mark.anyio
@pytest.mark.parametrize(("days", "kind"), [(1, NotReady), (5, NotReady), (7, dict)])
async def test_a_bill_that_is_missing_for_long_is_empty(days: int, kind: type) -> None:
    """Some accounts have no bill of a day without trades."""
    first, api, files = date(2026, 1, 1), NoBill(), NoBill()
    now = start_of(first + timedelta(days=days))
    books = Bills(cast(Any, api), cast(Any, files), ReferencePattern(), lambda: now)
    assert isinstance(await outcome(drained(books.entries(day(first)))), kind)


@pytest.mark.parametrize(
    ("told", "fetched"),
    [
        ("http://dwbillcenter.alipay.com/f?x=1", "https://dwbillcenter.alipay.com/f?x=1"),
        ("https://dwbillcenter.alipay.com/f", "https://dwbillcenter.alipay.com/f"),
        ("http://elsewhere.example/f", "http://elsewhere.example/f"),
    ],
)
def test_alipays_files_are_fetched_over_https(told: str, fetched: str) -> None:
    assert secured(told) == fetched
