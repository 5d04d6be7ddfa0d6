"""Settlement files of UnionPay: days, archives, rows, and all that can be wrong with them."""

from __future__ import annotations

import io
import zipfile
import zlib
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from tempfile import TemporaryFile
from typing import Any

import pytest

from connectors.conformance_kit import drained
from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    NotReady,
    RateLimited,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.ledger import BadRow, Entry, Period
from connectors.money import Money
from connectors.records import Kind
from connectors.unionpay import archive, rows, settlement
from connectors.unionpay.words import KINDS
from sandbox.unionpay.files import COLUMNS
from sandbox.unionpay.ids import MERCHANT
from sandbox.unionpay.keys import holder, ring
from sandbox.unionpay.replies import body
from tests.connectors.unionpay_counter import Form, connector

pytestmark = pytest.mark.anyio
DAY = date(2026, 1, 2)
PERIOD = settlement.period(DAY)
ZM = f"INN26010288ZM_{MERCHANT}"
ZME = f"INN26010288ZME_{MERCHANT}"
PAID = {
    1: "S22",
    4: "446498",
    5: "0102080000",
    6: "621226******4649",
    7: "000000012550",
    10: "442601020800004464981",
    12: "SO1001x2",
    16: "D000000000050",
    17: "C000000012500",
    20: "01",
    21: "01",
    28: MERCHANT,
    31: "花店🌸",
    35: "SO-1001",
}
BACK = {
    **PAID,
    1: "S30",
    7: "000000000100",
    10: "442601020900001234561",
    12: "RF0001xx",
    16: "C000000000001",
    20: "04",
    27: "442601020800004464981",
    35: "",
}
PAYMENT = Entry(
    kind=Kind.PAYMENT,
    native_id="SO1001x2-20260102080000",
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    alias="442601020800004464981",
    reference="SO-1001",
    amount=Money(12550, "CNY"),
    fee=Money(50, "CNY"),
)
REFUND = Entry(
    kind=Kind.REFUND,
    native_id="RF0001xx-20260102080000",
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    alias="442601020900001234561",
    payment="442601020800004464981",
    reference="RF0001xx",
    amount=Money(100, "CNY"),
    fee=Money(-1, "CNY"),
)


def row(cells: dict[int, str], widths: tuple[int, ...] = COLUMNS) -> bytes:
    texts = (cells.get(number, "").encode("gb18030") for number in range(1, len(widths) + 1))
    return b" ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True))


def changed(base: dict[int, str], **cells: str) -> bytes:
    """`c7="..."` replaces column 7."""
    return row({**base, **{int(name[1:]): cell for name, cell in cells.items()}})


def lines(*each: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in each)


def packed(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return target.getvalue()


def file_of(content: str, **fields: str) -> bytes:
    told = {"merId": MERCHANT, "respCode": "00", "fileName": "x.zip", "fileContent": content}
    return body({**told, **fields})


def coded(archived: bytes) -> str:
    return b64encode(zlib.compress(archived)).decode()


def day_file(*each: bytes, name: str = ZM) -> bytes:
    return file_of(coded(packed({ZME: b"", name: lines(*each)})))


async def told(
    answer: bytes, bad: list[BadRow] | None = None, period: Period = PERIOD, **more: Any
) -> list[Entry]:
    made = connector(lambda form: answer, **more)
    return list((await drained(made.entries(period), bad)).values())


async def failure(answer: bytes, period: Period = PERIOD, **more: Any) -> SourceError:
    with pytest.raises(SourceError) as raised:
        await told(answer, period=period, **more)
    return raised.value


# Days.


def test_a_settlement_day_goes_from_eleven_to_eleven_in_beijing() -> None:
    assert PERIOD.name == "settlement 2026-01-02"
    assert PERIOD.start == datetime(2026, 1, 1, 15, tzinfo=UTC)
    assert PERIOD.end == datetime(2026, 1, 2, 15, tzinfo=UTC)
    assert settlement.day_of_period(PERIOD) == DAY


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        # Files of a day are there at 09:00 in Beijing, which is 01:00 UTC, on the day after.
        ("2026-01-01T15:00", "2026-01-03T01:00", ["2026-01-02"]),
        ("2026-01-01T14:59", "2026-01-03T01:00", ["2026-01-01", "2026-01-02"]),
        ("2026-01-01T15:00", "2026-01-03T00:59", []),
        ("2025-12-30T15:00", "2026-01-02T12:00", ["2025-12-31", "2026-01-01"]),
        ("2026-01-05T00:00", "2026-01-05T00:00", []),
        ("2026-01-06T00:00", "2026-01-05T00:00", []),
    ],
)
def test_days_are_named_once_their_file_is_there(since: str, until: str, days: list[str]) -> None:
    bounds = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, until)]
    found = settlement.periods(bounds[0], bounds[1], 9)
    assert [period.name for period in found] == [f"settlement {day}" for day in days]


def test_days_leave_no_gap_over_years() -> None:
    start = datetime(2023, 12, 1, tzinfo=UTC)
    found = settlement.periods(start, start + timedelta(days=500), 9)
    assert [one.end for one in found[:-1]] == [other.start for other in found[1:]]
    assert found[0].start <= start < found[0].end


async def test_a_day_is_asked_for_without_its_year() -> None:
    forms: list[Form] = []

    def answering(form: Form) -> bytes:
        forms.append(form)
        return day_file()

    await drained(connector(answering).entries(PERIOD))
    (form,) = forms
    asked = {k: form[k] for k in ("txnType", "txnSubType", "fileType", "settleDate", "txnTime")}
    assert asked == {
        "txnType": "76",
        "txnSubType": "01",
        "fileType": "00",
        "settleDate": "0102",
        "txnTime": "20260110120000",
    }


# Good files.


async def test_payments_and_refunds_of_a_day() -> None:
    assert await told(day_file(row(PAID), row(BACK))) == [PAYMENT, REFUND]


async def test_an_empty_file_tells_nothing() -> None:
    assert await told(day_file()) == []


async def test_many_rows_come_in_batches() -> None:
    each = [changed(PAID, c12=f"ORDER{index:05}") for index in range(2500)]
    made = connector(lambda form: day_file(*each))
    sizes = [len(batch) async for batch in made.entries(PERIOD)]
    assert sizes == [1000, 1000, 500]


async def test_the_last_line_may_end_without_a_break() -> None:
    archived = packed({ZM: lines(row(PAID)) + row(BACK)})
    assert await told(file_of(coded(archived))) == [PAYMENT, REFUND]


@pytest.mark.parametrize(
    "name",
    [ZM, f"INN260102ZM_{MERCHANT}", f"INS26010288ZM_{MERCHANT}", f"x/{ZM}", f"{ZM}.txt"],
)
async def test_members_are_known_by_their_name(name: str) -> None:
    assert await told(day_file(row(PAID), name=name)) == [PAYMENT]


OLDER = (*COLUMNS[:40], 131)
NEWER = (*COLUMNS[:41], 13, 2, 1, 12, 67)


@pytest.mark.parametrize("widths", [COLUMNS, OLDER, NEWER, COLUMNS[:35]])
async def test_the_tail_of_a_row_may_be_another_version(widths: tuple[int, ...]) -> None:
    assert await told(day_file(row(PAID, widths), row(BACK, widths))) == [PAYMENT, REFUND]


async def test_a_row_may_end_before_what_is_passed_through() -> None:
    (entry,) = await told(day_file(row(PAID, COLUMNS[:28])))
    assert entry == Entry(**{**as_dict(PAYMENT), "reference": None})


def as_dict(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}


async def test_corrections_are_left_alone() -> None:
    archived = packed({ZME: b"E74 nothing that could be joined\r\n", ZM: lines(row(PAID))})
    assert await told(file_of(coded(archived))) == [PAYMENT]


@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        ({"c1": "S56", "c20": "03"}, [Kind.PAYMENT]),
        ({"c1": "S56", "c20": ""}, [Kind.PAYMENT]),
        ({"c1": "S30", "c20": ""}, [Kind.REFUND]),
        ({"c1": "S31", "c20": "31"}, [Kind.REFUND]),
        ({"c1": "S22", "c20": "33"}, [Kind.REFUND]),
        ({"c1": "S99", "c20": "12"}, []),
        ({"c1": "S99", "c20": ""}, []),
    ],
)
async def test_a_row_is_what_its_type_or_else_its_code_says(
    cells: dict[str, str], kinds: list[Kind]
) -> None:
    found = await told(day_file(changed(PAID, **cells)))
    assert [entry.kind for entry in found] == kinds


@pytest.mark.parametrize(
    ("cells", "changes"),
    [
        ({"c12": ""}, {"native_id": "442601020800004464981"}),
        ({"c10": ""}, {"alias": None}),
        ({"c16": ""}, {"fee": None}),
        ({"c16": "C000000000050"}, {"fee": Money(-50, "CNY")}),
        ({"c35": ""}, {"reference": None}),
        ({"c35": "x" * 32}, {"reference": None}),
        ({"c35": "订单-1"}, {"reference": "订单-1"}),
        ({"c5": "0101233000"}, {
            "native_id": "SO1001x2-20260101233000",
            "created_at": datetime(2026, 1, 1, 15, 30, tzinfo=UTC),
        }),
        ({"c5": "1231233000"}, {
            "native_id": "SO1001x2-20251231233000",
            "created_at": datetime(2025, 12, 31, 15, 30, tzinfo=UTC),
        }),
    ],
)  # fmt: skip
async def test_what_a_row_leaves_open(cells: dict[str, str], changes: dict[str, Any]) -> None:
    (entry,) = await told(day_file(changed(PAID, **cells)))
    assert entry == Entry(**{**as_dict(PAYMENT), **changes})


async def test_the_reference_is_taken_from_the_order_number_where_it_is_kept_there() -> None:
    answer = day_file(row(PAID), row(BACK))
    found = await told(answer, reference="order_id", reference_pattern=r"(SO\d+)x\d+")
    assert [entry.reference for entry in found] == ["SO1001", "RF0001xx"]


def test_every_type_that_is_read_live_is_read_here() -> None:
    assert set(KINDS) == {"01", "02", "03", "04", "31", "33"}


# Damaged files.


@pytest.mark.parametrize(
    ("line", "told_of"),
    [
        (changed(PAID, c1="?22"), ", column 1: does not fit"),
        (changed(PAID, c5="13020800xx"), ", column 5: does not fit"),
        (changed(PAID, c5="1302080000"), ", column 5: does not fit"),
        (changed(PAID, c7="00000001.250"), ", column 7: does not fit"),
        (changed(PAID, c7="12550"), ", column 7: does not fit"),
        (changed(PAID, c7=""), ", column 7: does not fit"),
        (changed(PAID, c10="44260102"), ", column 10: does not fit"),
        (changed(PAID, c10="", c12=""), ", column 12: does not fit"),
        (changed(PAID, c12="SO-1001"), ", column 12: does not fit"),
        (changed(PAID, c12="订单"), ", column 12: does not fit"),
        (changed(PAID, c16="X000000000050"), ", column 16: does not fit"),
        (changed(PAID, c20="x"), ", column 20: does not fit"),
        (changed(BACK, c27="4426"), ", column 27: does not fit"),
        (b"x" + row(PAID), ", column 1: does not fit"),
        (row(PAID)[:200], ": too short"),
        (row(PAID) + b"x" * 9000, ": too long"),
        (
            row(PAID).replace(b"SO-1001", b"\xff\xff\xff\xff\xff\xff\xff"),
            ", column 35: does not fit",
        ),
        (row(PAID).replace(b"01 01 ", b"01x01 "), ", column 20: does not fit"),
    ],
)
async def test_a_row_that_does_not_fit_is_named_and_the_others_stand(
    line: bytes, told_of: str
) -> None:
    bad: list[BadRow] = []
    found = await told(day_file(row(PAID), line, row(BACK)), bad)
    assert found == [PAYMENT, REFUND]
    assert [str(one) for one in bad] == ["file 1, line 2" + told_of]


def bomb() -> bytes:
    return packed({ZM: b" " * 1_000_000})


GOOD = packed({ZM: lines(row(PAID))})


@pytest.mark.parametrize(
    ("content", "told_of"),
    [
        (coded(GOOD)[:-40], "breaks off"),
        ("!" + coded(GOOD)[1:], "not base64"),
        ("订单", "not base64"),
        (b64encode(GOOD).decode(), "cannot be inflated"),
        (coded(b"not a zip"), "not a zip"),
        (coded(GOOD[:-30]), "not a zip"),
        (coded(packed({"readme.txt": b"x"})), "no file of transactions"),
        (coded(packed({ZME: b""})), "no file of transactions"),
        (coded(packed({f"INN26130288ZM_{MERCHANT}": b""})), "after no day"),
        (coded(packed({"INN26010288ZM_777290058110097": b""})), "another merchant"),
        (coded(packed({f"{index}": b"" for index in range(51)})), "unpacks to too much"),
        ("", "breaks off"),
    ],
)
async def test_a_damaged_file_says_where(content: str, told_of: str) -> None:
    error = await failure(file_of(content))
    assert type(error) is Malformed
    assert told_of in error.detail


async def test_a_member_that_was_changed_is_noticed() -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as made:
        made.writestr(ZM, lines(row(PAID)))
    spoilt = stored.getvalue().replace(b"000000012550", b"000000092550")
    error = await failure(file_of(coded(spoilt)))
    assert (type(error), "checksum" in error.detail) == (Malformed, True)


def packed_by(method: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        made.writestr(ZM, lines(row(PAID)))
    return target.getvalue()


def spoilt(at: int, value: bytes, central: int | None = None) -> bytes:
    """The good zip with other bytes in a member's header, and in the central directory's copy."""
    made = bytearray(GOOD)
    made[at : at + len(value)] = value
    if central is not None:
        start = GOOD.index(b"PK\x01\x02") + central
        made[start : start + len(value)] = value
    return bytes(made)


CONTENT = 30 + len(ZM)
"""Where the packed rows begin, after the header and the name."""


@pytest.mark.parametrize(
    ("archived", "told_of"),
    [
        (packed_by(zipfile.ZIP_BZIP2), "packed in an unusual way"),
        (packed_by(zipfile.ZIP_LZMA), "packed in an unusual way"),
        (spoilt(8, b"\x63\x00", 10), "packed in an unusual way"),  # a method that nobody knows
        (spoilt(6, b"\x01\x00", 8), "encrypted"),
        (spoilt(6, b"\x20\x00", 8), "cannot be read"),  # a patch
        (spoilt(6, b"\x41\x00", 8), "encrypted"),
        (spoilt(6, b"\x40\x00", 8), "cannot be read"),  # strongly
        (spoilt(CONTENT, b"\xff\xff\xff"), "cannot be read"),
        (spoilt(CONTENT + 9, b"\x00" * 40), "cannot be read"),
        (spoilt(0, b"XX"), "cannot be read"),
        (spoilt(4, b"\xff", 6), "not a zip"),  # a version to come
    ],
)
async def test_a_zip_that_cannot_be_read_is_told(archived: bytes, told_of: str) -> None:
    error = await failure(file_of(coded(archived)))
    assert type(error) is Malformed
    assert told_of in error.detail


SMALL = packed({ZM: b"\r\n" * 40})


@pytest.mark.parametrize("value", [0x00, 0x01, 0x7F, 0x80, 0xFF])
def test_no_byte_of_a_zip_makes_it_fail_in_another_way(value: int) -> None:
    """Empty lines are no rows: what is read is read, or said to be damaged."""
    for at in range(len(SMALL)):
        spoiled = SMALL[:at] + bytes([value]) + SMALL[at + 1 :]
        with TemporaryFile() as file:
            file.write(spoiled)
            with suppress(archive.Damaged):
                for member in archive.transactions(archive.opened(file)):
                    assert set(member.lines()) <= {b"\r\n"}


@pytest.mark.parametrize("limit", ["MOST_PACKED", "MOST_UNPACKED"])
async def test_a_bomb_is_not_unpacked(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, limit, 500)
    error = await failure(file_of(coded(bomb())))
    assert (type(error), "too " in error.detail) == (Malformed, True)


async def test_zeros_that_inflate_without_end_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_PACKED", 3 * archive.PIECE)
    error = await failure(file_of(coded(bytes(8 * archive.PIECE))))
    assert error.detail.endswith("the file is too large")


async def test_a_line_without_an_end_is_no_row() -> None:
    bad: list[BadRow] = []
    assert await told(file_of(coded(packed({ZM: b"S" * 100_000}))), bad) == []
    assert [str(row) for row in bad] == ["file 1, line 1: too long"]


STRANGER = holder("041@1@中国银联股份有限公司@1", key=ring().merchant.key)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (day_file(row(PAID)).replace(b"fileName=x", b"fileName=y"), Malformed),
        (body({"merId": MERCHANT, "respCode": "00"}, STRANGER), Misconfigured),
        (body({"merId": "777290058110097", "respCode": "00"}), Malformed),
        (body({"merId": MERCHANT, "respCode": "11"}), Unauthorized),
        (body({"merId": MERCHANT, "respCode": "37"}), RateLimited),
        (body({"merId": MERCHANT, "respCode": "06"}), Retryable),
        (b"", Retryable),
        (b"<html>", Malformed),
        (b"a=1&a=2&b=3&c=4", Malformed),
        (b"a=1&&b=3&c=4", Malformed),
        (b"a=1&" * 300, Malformed),
        (b"respCode=00&signature=\xff&signPubKeyCert=x&c=4", Malformed),
    ],
)
async def test_an_answer_that_does_not_count_tells_nothing(
    answer: bytes, kind: type[SourceError]
) -> None:
    assert type(await failure(answer)) is kind


# No file.


NONE = body({"merId": MERCHANT, "respCode": "98"})
LAST_YEAR = day_file(row(PAID), name=f"INN25010288ZM_{MERCHANT}")


TWO_LAST_YEAR = file_of(
    coded(
        packed(
            {
                f"INN25010288ZM_{MERCHANT}": lines(row(PAID)),
                f"INS25010288ZM_{MERCHANT}": lines(row(BACK)),
            }
        )
    )
)


@pytest.mark.parametrize("answer", [NONE, LAST_YEAR, TWO_LAST_YEAR])
async def test_no_file_is_not_ready_for_some_days_and_then_an_empty_day(answer: bytes) -> None:
    for days, ready in ((1, False), (2, False), (3, True), (300, True)):
        now = PERIOD.end + timedelta(days=days)
        if ready:
            assert await told(answer, now=now) == []
        else:
            assert type(await failure(answer, now=now)) is NotReady


@pytest.mark.parametrize("other", ["INS250102", "INS270102", "INS260103"])
@pytest.mark.parametrize("days", [1, 300])
async def test_members_of_different_days_are_not_used_and_make_no_empty_day(
    other: str, days: int
) -> None:
    archived = packed({ZM: lines(row(PAID)), f"{other}88ZM_{MERCHANT}": lines(row(BACK))})
    made = connector(lambda form: file_of(coded(archived)), now=PERIOD.end + timedelta(days=days))
    batches: Any = made.entries(PERIOD)
    with pytest.raises(Malformed, match="different days"):
        await anext(batches)


async def test_members_of_one_day_are_all_read() -> None:
    archived = packed({ZM: lines(row(PAID)), f"INS26010288ZM_{MERCHANT}": lines(row(BACK))})
    assert await told(file_of(coded(archived))) == [PAYMENT, REFUND]


async def test_a_second_member_of_another_merchant_is_noticed_before_the_first_is_read() -> None:
    archived = packed({ZM: lines(row(PAID)), "INS26010288ZM_777290058110097": b""})
    batches: Any = connector(lambda form: file_of(coded(archived))).entries(PERIOD)
    with pytest.raises(Malformed, match="another merchant"):
        await anext(batches)


@pytest.mark.parametrize("code", ["00", "98"])
async def test_an_answer_about_another_day_is_not_used(code: str) -> None:
    """That there was no file could be played back for a day that had one."""
    answer = file_of(coded(GOOD), respCode=code, settleDate="0103")
    for days in (1, 300):
        error = await failure(answer, now=PERIOD.end + timedelta(days=days))
        assert (type(error), "something else" in error.detail) == (Malformed, True)


async def test_an_answer_may_name_its_day() -> None:
    assert await told(file_of(coded(GOOD), settleDate="0102")) == [PAYMENT]


async def test_how_long_to_wait_for_a_file_can_be_set() -> None:
    now = PERIOD.end + timedelta(days=5)
    assert type(await failure(NONE, now=now, empty_after=7)) is NotReady


async def test_a_file_that_was_replaced_by_that_of_a_later_year_is_gone() -> None:
    error = await failure(day_file(row(PAID), name=f"INN27010288ZM_{MERCHANT}"))
    assert type(error) is NotFound


async def test_reading_may_stop_in_the_middle() -> None:
    each = [changed(PAID, c12=f"ORDER{index:05}") for index in range(1500)]
    entries: Any = connector(lambda form: day_file(*each)).entries(PERIOD)
    assert len(await anext(entries)) == 1000
    await entries.aclose()


def test_columns_stand_where_the_documents_say() -> None:
    """At the offsets that a public parser of real files uses: traceNo, time, account, amount,
    queryId, orderId, and the original's traceNo and time.
    """
    starts = [rows.STARTS[number - 1] for number in (4, 5, 6, 7, 10, 12, 14, 15)]
    assert starts == [28, 35, 46, 66, 87, 112, 148, 155]
