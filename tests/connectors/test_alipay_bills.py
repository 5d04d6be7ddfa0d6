"""Trade bills: the zip, its table, the periods they are read by, and over HTTP from a sandbox."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from connectors.alipay import VENDOR, archive
from connectors.alipay.accountlog import RHYTHM as LOG
from connectors.alipay.amounts import Misfit
from connectors.alipay.archive import details
from connectors.alipay.bills import RHYTHM as BILL
from connectors.alipay.bills import Bills, file_judge, secured
from connectors.alipay.table import Table
from connectors.beijing import start_of
from connectors.conformance import Fault, connected
from connectors.conformance_kit import FAULTS, drained, outcome
from connectors.errors import NotReady, Retryable, SourceError
from connectors.ledger import Entry, Period
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
TOP = f"#支付宝业务明细查询\r\n#账号：[2088]\r\n#---业务明细列表---\r\n{HEADER}\r\n"
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


def read(file: io.BytesIO) -> list[Entry]:
    pattern = ReferencePattern(r"(SO-\d+)(?:-\d+)?")
    return [entry for lines in details(file) for entry in Table(pattern).entries(lines)]


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


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (f"{TOP}{PAID}\r\n", "it breaks off after line 5"),
        (GOOD[: GOOD.index(BACK) + 40], "line 6, not as many cells as columns"),
        (
            GOOD.replace("商家实收共98.00", "商家实收共99.00"),
            "line 8, 交易合计: the rows do not add",
        ),
        (GOOD.replace("#交易合计：1笔", "#交易合计：2笔"), "line 8, 交易合计: the rows do not add"),
        (GOOD.replace("共-19.60元", "共-9.60元"), "line 9, 退款合计: the rows do not add up"),
        (GOOD.replace("98.00,0.00", "98.01,0.00"), "line 8, 交易合计: the rows do not add"),
        (GOOD.replace("服务费（元）", "费"), "line 4, 服务费（元）: there is no such column"),
        (
            GOOD.replace("100.00,98.00", "10000,98.00"),
            "line 5, 订单金额（元）: not an amount in yuan",
        ),
        (
            GOOD.replace("100.00,98.00", "-100.00,98.00"),
            "line 5, 订单金额（元）: of the wrong sign",
        ),
        (GOOD.replace("-20.00,", "20.00,"), "line 6, 订单金额（元）: of the wrong sign"),
        (GOOD.replace("2026-01-01 09:00:00", "9 o'clock"), "line 6, 完成时间: not a time"),
        (GOOD.replace(f"{BACK[:28]}", "", 1), "line 5, 支付宝交易号: empty"),
        (GOOD.replace("大乐透 🎁", "x" * 70_000), "line 4, followed by one that is too long"),
        (GOOD.replace("大乐透 🎁", "a,b"), "line 5, not as many cells"),
        (GOOD.replace("-0.59", "half"), "line 5, 服务费（元）: not an amount"),
    ],
)
def test_a_damaged_bill_says_where(text: str, detail: str) -> None:
    with pytest.raises(Misfit) as caught:
        read(bill(text))
    assert str(caught.value).startswith(detail)
    assert "9 o'clock" not in str(caught.value)


def corrupted(file: io.BytesIO) -> io.BytesIO:
    content = bytearray(file.getvalue())
    middle = content.rindex(b"PK\x03\x04") + 120
    content[middle] ^= 0xFF
    return io.BytesIO(bytes(content))


def encrypted(file: io.BytesIO) -> io.BytesIO:
    content = bytearray(file.getvalue())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
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
        (zipped((NAME, GOOD.encode("utf-16"))), "a file in the zip is not in GBK"),
        (zipped(*((f"{i}.csv", b"#") for i in range(60))), "the zip is too large"),
    ],
)
def test_what_is_no_zip_of_a_bill_is_told(file: io.BytesIO, detail: str) -> None:
    with pytest.raises(Misfit, match=f"{detail}$"):
        read(file)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNPACKED", 1_000_000)
    with pytest.raises(Misfit, match="the zip is too large"):
        read(zipped((NAME, b"#" * 2_000_000)))


def test_a_bill_is_never_held_as_a_whole() -> None:
    many = zipped((NAME, (TOP + f"{PAID}\r\n" * 50_000 + END).encode("gb18030")))
    rows = (entry for lines in details(many) for entry in Table(ReferencePattern()).entries(lines))
    assert next(rows).native_id == NUMBER
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


@pytest.mark.anyio
async def test_an_address_that_has_expired_is_asked_anew_later(sandbox: AlipaySandbox) -> None:
    judge = file_judge("alipay_cn")
    assert isinstance(judge(Response(404, {}, b"expired")), Retryable)
    assert isinstance(judge(Response(503, {}, b"")), Retryable)
    assert judge(Response(200, {}, b"")) is None


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
