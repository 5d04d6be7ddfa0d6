"""Filling the index from the books: whole or not at all, gone on with, and twice at once."""

from __future__ import annotations

import asyncio
import errno
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from connectors.errors import (
    Malformed,
    NotReady,
    OwnFailure,
    RateLimited,
    SourceError,
    Unauthorized,
)
from connectors.ledger import BadRow, Period, Told
from connectors.records import ExternalId, Kind, SourceKind
from resolvers.index.spool import PART, SHOWN
from resolvers.index.store import Index
from resolvers.index.sync import Outcome, State, note_refunds, sync
from resolvers.sources import Sources
from resolvers.store import open_store
from tests.resolvers.channel import CN, Channel, payment, refund
from tests.resolvers.fakes import CRM, Fake, configured, day
from tests.resolvers.long_bill import LongBill, Loud

pytestmark = pytest.mark.anyio


@pytest.fixture
async def index(url: str) -> AsyncIterator[Index]:
    async with open_store(url) as engine:
        yield Index(engine)


class Broken(Channel):
    """`at` breaks after it has told of everything."""

    def __init__(self, *records: Any, at: str, error: Exception) -> None:
        super().__init__(*records)
        self.at, self.error = at, error

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        async for batch in super().entries(period):
            yield batch
        if period.name == self.at:
            raise self.error


async def run(index: Index, channel: Any, days: int = 3) -> list[Outcome]:
    return await sync(index, [configured(CN, channel)], day(0), day(days))


def states(outcomes: Sequence[Outcome]) -> list[tuple[str, State, int]]:
    return [(o.period, o.state, o.entries) for o in outcomes]


async def test_every_period_is_read_and_counted(index: Index) -> None:
    told: list[Outcome] = []
    channel = Channel(payment("p1"), refund("r1"))
    source = configured(CN, channel)
    outcomes = await sync(index, [source], day(0), day(3), told.append)
    assert states(outcomes) == [
        ("bill 2026-01-01", State.WRITTEN, 0),
        ("bill 2026-01-02", State.WRITTEN, 1),
        ("bill 2026-01-03", State.WRITTEN, 1),
    ]
    assert [(o.number, o.of) for o in told] == [(1, 3), (2, 3), (3, 3)]
    assert await index.counts() == {("cn", Kind.PAYMENT): 1, ("cn", Kind.REFUND): 1}


async def test_what_is_read_already_is_not_read_again(index: Index) -> None:
    channel = Channel(payment("p1"))
    await run(index, channel)
    channel.asked.clear()
    outcomes = await run(index, channel, 4)
    assert [o.state for o in outcomes] == [State.KNOWN] * 3 + [State.WRITTEN]
    assert channel.asked == [("entries", ("bill 2026-01-04",))]


async def test_a_period_that_may_tell_more_later_is_read_again(index: Index) -> None:
    class Live(Channel):
        def periods(self, since: Any, until: Any) -> Sequence[Period]:
            return [Period(name="log", start=day(0), end=day(9), final=False)]

    channel = Live(payment("p1"))
    await run(index, channel)
    channel.records[Kind.PAYMENT, "p2"] = payment("p2")
    await run(index, channel)
    assert await index.counts() == {("cn", Kind.PAYMENT): 2}


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Malformed("cn", "the bill's sum is wrong"), State.FAILED),
        (NotReady("cn", "no bill yet"), State.NOT_READY),
        (ValueError("a defect of ours"), State.FAILED),
        (OSError("a damaged archive"), State.FAILED),
    ],
)
async def test_a_period_that_breaks_changes_nothing_and_says_why(
    index: Index, error: Exception, state: State
) -> None:
    channel = Broken(payment("p1"), refund("r1"), at="bill 2026-01-02", error=error)
    outcomes = await run(index, channel)
    assert [o.state for o in outcomes] == [State.WRITTEN, state, State.WRITTEN]
    assert isinstance(outcomes[1].error, SourceError)
    assert await index.counts() == {("cn", Kind.REFUND): 1}
    channel.at = "never"
    assert [o.state for o in await run(index, channel)] == [State.KNOWN, State.WRITTEN, State.KNOWN]
    assert await index.counts() == {("cn", Kind.PAYMENT): 1, ("cn", Kind.REFUND): 1}


class Odd(Channel):
    """Of one day some rows cannot be read, until it is `mended`; `kept` while there is a bill."""

    def __init__(self, *records: Any, rows: int = 1) -> None:
        super().__init__(*records)
        self.rows, self.mended, self.kept = rows, False, True

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        async for batch in super().entries(period):
            if self.kept:
                yield batch
        if period.name == ODD_DAY and self.kept and not self.mended:
            yield [BadRow.of("amount: empty", line) for line in range(7, 7 + self.rows)]


ODD_DAY = "bill 2026-01-02"


async def test_a_row_that_cannot_be_read_is_left_out_and_told_and_kept_in_mind(
    index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Odd(payment("p1"), refund("r1"))
    outcomes = await run(index, channel)
    assert [(o.state, o.entries, o.bad) for o in outcomes] == [
        (State.WRITTEN, 0, 0),
        (State.WRITTEN, 1, 1),
        (State.WRITTEN, 1, 0),
    ]
    assert list(map(str, outcomes[1].bad_rows)) == ["line 7, column amount: empty"]
    assert await index.counts() == {("cn", Kind.PAYMENT): 1, ("cn", Kind.REFUND): 1}
    (known,) = (await index.incomplete()).items()
    assert (known[0], known[1].bad, known[1].bad_rows) == (
        ("cn", ODD_DAY),
        1,
        outcomes[1].bad_rows,
    )
    assert [record.message for record in caplog.records] == [
        f"cn: {ODD_DAY}: 1 rows were left out: line 7, column amount: empty"
    ]


async def test_an_incomplete_period_is_read_again_and_logged_once(
    index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Odd(payment("p1"))
    await run(index, channel)
    channel.asked.clear()
    outcomes = await run(index, channel)
    assert [(o.state, o.bad) for o in outcomes] == [
        (State.KNOWN, 0),
        (State.WRITTEN, 1),
        (State.KNOWN, 0),
    ]
    assert channel.asked == [("entries", (ODD_DAY,))]
    assert len(caplog.records) == 1


async def test_a_period_that_is_clean_when_it_is_read_again_is_complete(index: Index) -> None:
    channel = Odd(payment("p1"))
    await run(index, channel)
    channel.mended = True
    assert [o.bad for o in await run(index, channel)] == [0, 0, 0]
    assert await index.incomplete() == {}
    assert [o.state for o in await run(index, channel)] == [State.KNOWN] * 3


async def test_a_statement_that_is_kept_no_longer_does_not_make_its_period_complete(
    index: Index,
) -> None:
    channel = Odd(payment("p1"))
    await run(index, channel)
    channel.kept = False
    assert [(o.state, o.bad) for o in await run(index, channel)][1] == (State.KNOWN, 1)
    assert len(await index.incomplete()) == 1


async def test_a_period_stands_for_its_parts_that_were_incomplete(index: Index) -> None:
    class Monthly(Odd):
        def periods(self, since: Any, until: Any) -> Sequence[Period]:
            if not self.mended:
                return super().periods(since, until)
            return [Period(name="bill 2026-01", start=day(0), end=day(31), parts=(ODD_DAY,))]

    channel = Monthly(payment("p1"))
    await run(index, channel)
    assert set(await index.incomplete()) == {("cn", ODD_DAY)}
    channel.mended = True
    await run(index, channel)
    assert await index.incomplete() == {}


@pytest.mark.parametrize(("rows", "state"), [(100, State.WRITTEN), (101, State.FAILED)])
async def test_a_period_of_which_most_rows_cannot_be_read_is_refused(
    index: Index, rows: int, state: State
) -> None:
    outcome = (await run(index, Odd(payment("p1"), rows=rows)))[1]
    assert outcome.state is state
    if state is State.FAILED:
        assert outcome.error is not None
        assert outcome.error.detail == "most rows cannot be read: line 7, column amount: empty"
        assert await index.counts() == {}
    else:
        assert (outcome.bad, len(outcome.bad_rows)) == (100, SHOWN)


async def test_too_many_calls_are_waited_for_and_tried_again(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            channel.at = "never"

    monkeypatch.setattr("resolvers.index.sync.sleep", wait)
    error = RateLimited("cn", "slow down", retry_after=7)
    channel = Broken(payment("p1"), at="bill 2026-01-02", error=error)
    assert [o.state for o in await run(index, channel)] == [State.WRITTEN] * 3
    assert waited == [7, 7]


async def test_too_many_calls_end_the_source_at_last(index: Index) -> None:
    error = RateLimited("cn", "come back tomorrow", retry_after=86_400)
    outcomes = await run(index, Broken(at="bill 2026-01-01", error=error))
    assert [o.state for o in outcomes] == [State.FAILED]


async def test_refused_credentials_are_not_tried_for_every_period(index: Index) -> None:
    channel = Broken(at="bill 2026-01-01", error=Unauthorized("cn", "the key is refused"))
    outcomes = await run(index, channel)
    assert [o.state for o in outcomes] == [State.FAILED]


async def test_our_own_full_disk_is_not_a_damaged_bill(index: Index) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    (outcome,) = await run(index, Broken(at="bill 2026-01-01", error=full))
    assert isinstance(outcome.error, OwnFailure)
    assert "this machine's disk is full" in str(outcome.error)


async def test_one_source_that_fails_does_not_keep_the_others(index: Index) -> None:
    class Other(Channel):
        pass

    from tests.resolvers.fakes import EU

    broken = configured(CN, Broken(at="bill 2026-01-01", error=Unauthorized("cn", "refused")))
    good = configured(EU, Other(payment("p1")))
    await sync(index, [broken, good], day(0), day(3))
    assert await index.counts() == {("eu", Kind.PAYMENT): 1}


async def test_two_syncs_at_once_write_everything_once(index: Index) -> None:
    entries = 3 * PART + 7
    await asyncio.gather(*(run(index, LongBill(entries)) for _ in range(3)))
    assert sum((await index.counts()).values()) == entries


@pytest.mark.parametrize("killed_after", [1, 3])
async def test_a_killed_sync_goes_on_where_it_stopped(url: str, killed_after: int) -> None:
    parts = 10
    entries = (parts - 1) * PART + 100
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", "tests.resolvers.long_bill", url, str(entries)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(killed_after):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        written = killed_after + len(process.stdout.readlines())
    assert written < parts, "it was killed too late"
    async with open_store(url) as engine:
        index = Loud(engine)
        before = (await index.progress("cn"))["bill"]
        assert before.finished_at is None
        assert sum((await index.counts()).values()) == before.written
        await run(index, LongBill(entries))
        assert index.parts == parts + 1 - before.written // PART
        assert sum((await index.counts()).values()) == entries
        assert (await index.progress("cn"))["bill"].finished_at is not None


async def test_a_bill_that_changed_meanwhile_is_written_from_its_start(url: str) -> None:
    async with open_store(url) as engine:
        index = Loud(engine)
        await run(index, LongBill(PART))
        changed = Loud(engine)
        half = (await index.progress("cn"))["bill"]
        await index.put_part("cn", "bill", (), type(half)("other", PART, PART, None))
        await run(changed, LongBill(PART + 1))
        assert changed.parts == 3
        assert sum((await index.counts()).values()) == PART + 1


class Crm(Fake):
    def __init__(self, *held: ExternalId) -> None:
        super().__init__()
        self.held = held

    async def refund_numbers(self, since: Any) -> AsyncIterator[Sequence[ExternalId]]:
        self.note("refund_numbers", [])
        yield self.held


async def test_refunds_that_a_crm_names_are_noted_with_their_payment(index: Index) -> None:
    channel = Channel(payment("p1"), refund("r1"), refund("r2"))
    crm = configured(CRM, Crm(*(ExternalId("cn", f"r{n}", "Refund_No__c") for n in (1, 2, 9))))
    sources = Sources([crm, configured(CN, channel)])
    await index.put("cn", [], "nothing")
    (noted,) = await note_refunds(index, sources, crm, day(0))
    assert (noted.state, noted.entries) == (State.WRITTEN, 2)
    found = await index.belonging("cn", Kind.REFUND, ["p1"])
    assert [entry.native_id for entry in found["p1"]] == ["r1", "r2"]
    channel.asked.clear()
    await note_refunds(index, sources, crm, day(0))
    assert channel.asked == [("refunds", ("r9",))]


async def test_numbers_of_a_source_that_is_not_configured_are_passed_over(index: Index) -> None:
    crm = configured(CRM, Crm(ExternalId("gone", "r1", "Refund_No__c")))
    assert await note_refunds(index, Sources([crm]), crm, day(0)) == []


async def test_a_crm_that_fails_is_told(index: Index) -> None:
    failing = Crm()
    failing.failing = {"refund_numbers": Unauthorized("crm", "the key is refused")}
    crm = configured(CRM, failing)
    (noted,) = await note_refunds(index, Sources([crm]), crm, day(0))
    assert noted.state is State.FAILED
    assert crm.source.kind is SourceKind.CRM
