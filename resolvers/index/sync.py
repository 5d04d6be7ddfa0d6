"""Fills the index from the books of the sources: bills, account logs, transaction searches.

A period is read whole before anything of it is written, and written in parts, each together with
how far it goes. So it may be stopped at any moment, run again or run twice at once: entries are
written over themselves, and a period that was written halfway goes on where it stopped.

A row that cannot be read is left out and reported; its period is used, marked as incomplete, and
read again by the next run, which takes the mark away when every row can be read.
"""

from __future__ import annotations

import logging
from asyncio import gather, sleep
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec

from connectors.errors import (
    Malformed,
    Misconfigured,
    NotReady,
    OwnFailure,
    RateLimited,
    SourceError,
    Unauthorized,
)
from connectors.ledger import BadRow, Entry, Period, Told
from connectors.own_failure import own_failure
from connectors.records import Kind, Record
from resolvers.index.learning import entry_of
from resolvers.index.spool import Spool
from resolvers.index.store import Index, Progress
from resolvers.sources import ConfiguredSource, Sources

log = logging.getLogger("tillgate.index")
HOPELESS = (Unauthorized, Misconfigured, RateLimited, OwnFailure)
"""Failures after which the source's other periods are not even tried."""
PAUSES = (1.0, 5.0)
"""Seconds before a period is tried again that was refused for too many calls, if the vendor does
not say."""
LONGEST_PAUSE = 60.0
STEP = 50
MOST_BAD = 100
"""A period with more bad rows than this, and than good ones, is refused: its format is another."""


class State(Enum):
    WRITTEN = "written"
    KNOWN = "known already"
    NOT_READY = "not ready"
    FAILED = "failed"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one period, the `number`th of `of`. `error` says why it failed; `bad` rows
    were left out, and `bad_rows` are the first of them."""

    source: str
    period: str
    state: State
    entries: int = 0
    error: SourceError | None = None
    bad: int = 0
    bad_rows: tuple[BadRow, ...] = ()
    number: int = 0
    of: int = 0


Tell = Callable[[Outcome], None]


async def sync(
    index: Index,
    sources: Sequence[ConfiguredSource],
    since: datetime,
    until: datetime,
    tell: Tell = lambda outcome: None,
) -> list[Outcome]:
    """Reads what the sources' ledgers tell of [since, until); all sources side by side.

    Raises StoreUnusable. `tell` is called after each period.
    """
    runs = (_sync_source(index, source, since, until, tell) for source in sources)
    return [outcome for outcomes in await gather(*runs) for outcome in outcomes]


async def _sync_source(
    index: Index, source: ConfiguredSource, since: datetime, until: datetime, tell: Tell
) -> list[Outcome]:
    connector: Any = source.connector
    # Before anything of it is written: an erasure meanwhile must not be taken for complete.
    reading = await index.coverage.begin(source.name, since)
    progress = await index.progress(source.name)
    periods: Sequence[Period] = connector.periods(since, until)
    outcomes: list[Outcome] = []
    for number, period in enumerate(periods, 1):
        before = progress.get(period.name)
        if period.final and before is not None and before.finished_at and not before.bad:
            outcome = Outcome(source.name, period.name, State.KNOWN, before.entries)
        else:
            outcome = await _sync_period(index, source, period, before, until)
        if outcome.state in (State.WRITTEN, State.KNOWN):
            await _stand_for_parts(index, source.name, period, progress)
        outcome = msgspec.structs.replace(outcome, number=number, of=len(periods))
        outcomes.append(outcome)
        tell(outcome)
        if isinstance(outcome.error, HOPELESS):
            break
    if any(outcome.state is State.FAILED for outcome in outcomes):
        await index.coverage.fail(reading)
    else:
        await index.coverage.finish(reading, _read_until(periods, outcomes, since, until))
    return outcomes


def _read_until(
    periods: Sequence[Period], outcomes: Sequence[Outcome], since: datetime, until: datetime
) -> datetime:
    """Where the first period begins that was not ready, or the last one ends."""
    for period, outcome in zip(periods, outcomes, strict=True):
        if outcome.state is State.NOT_READY:
            return max(period.start, since)
    return min(max((period.end for period in periods), default=since), until)


async def _sync_period(
    index: Index,
    source: ConfiguredSource,
    period: Period,
    before: Progress | None,
    now: datetime,
) -> Outcome:
    for pause in (*PAUSES, None):
        with Spool() as spool:
            try:
                await _read(source, period, spool)
            except NotReady as error:
                return Outcome(source.name, period.name, State.NOT_READY, 0, error)
            except RateLimited as error:
                if pause is None or (error.retry_after or 0) > LONGEST_PAUSE:
                    return Outcome(source.name, period.name, State.FAILED, 0, error)
                await sleep(error.retry_after or pause)
                continue
            except SourceError as error:
                return Outcome(source.name, period.name, State.FAILED, 0, error)
            if before is not None and before.bad and not (spool.entries or spool.bad):
                # The vendor keeps the statement no longer: nothing is known to be mended.
                return _outcome(source, period, State.KNOWN, before.entries, before)
            left_out = await _write(index, source.name, period, spool, before, now)
            _report(source.name, period.name, spool, before)
            return _outcome(source, period, State.WRITTEN, spool.entries - left_out, spool)
    raise AssertionError("the last attempt answers")


async def _stand_for_parts(
    index: Index, source: str, period: Period, progress: Mapping[str, Progress]
) -> None:
    """A part that was incomplete is named by the whole period from now on, if it still is."""
    for name in period.parts:
        if name in progress and progress[name].bad:
            whole = msgspec.structs.replace(progress[name], bad=0, bad_rows=())
            await index.put_part(source, name, (), whole)


def _outcome(
    source: ConfiguredSource, period: Period, state: State, entries: int, read: Spool | Progress
) -> Outcome:
    return Outcome(source.name, period.name, state, entries, bad=read.bad, bad_rows=read.bad_rows)


def _report(source: str, period: str, spool: Spool, before: Progress | None) -> None:
    """Logs bad rows when they are new: an incomplete period is read again by every run."""
    if spool.bad and (before is None or before.bad_rows != spool.bad_rows):
        log.warning(
            "%s: %s: %d rows were left out: %s",
            source,
            period,
            spool.bad,
            "; ".join(map(str, spool.bad_rows)),
        )


async def _read(source: ConfiguredSource, period: Period, spool: Spool) -> None:
    """Raises SourceError only."""
    connector: Any = source.connector
    batches: AsyncIterator[Sequence[Told]] = connector.entries(period)
    try:
        async for batch in batches:
            spool.add(batch)
    except SourceError:
        raise
    except Exception as error:
        if (lack := own_failure(error)) is not None:
            raise OwnFailure(source.name, lack) from None
        # One damaged file must not end the others' sync; its type says enough, a message may quote.
        log.error("%s: %s while reading its books", source.name, type(error).__name__)
        log.debug("where", exc_info=error)
        raise Malformed(source.name, "its books could not be read") from None
    if spool.bad > MOST_BAD and spool.bad > spool.entries:
        raise Malformed(source.name, f"most rows cannot be read: {spool.bad_rows[0]}")


async def _write(
    index: Index,
    source: str,
    period: Period,
    spool: Spool,
    before: Progress | None,
    now: datetime,
) -> int:
    """Goes on where the same entries were written before; other ones are written from the start.
    Counts what was erased and is left out."""
    digest, written, left_out = spool.digest, 0, 0
    progress = Progress(digest, 0, spool.entries, None, spool.bad, spool.bad_rows)
    if before is not None and before.finished_at is None and before.digest == digest:
        written = before.written
    for part in spool.parts(written):
        written += len(part)
        progress = msgspec.structs.replace(progress, written=written)
        left_out += await index.put_part(source, period.name, part, progress)
    done = msgspec.structs.replace(progress, written=spool.entries, finished_at=now)
    await index.put_part(source, period.name, (), done)
    return left_out


async def note_refunds(
    index: Index, sources: Sources, crm: ConfiguredSource, since: datetime
) -> list[Outcome]:
    """Notes the refunds whose numbers a CRM's orders carry and no book has told of yet.

    Each is read once, live, by its number: it tells its payment itself.
    """
    connector: Any = crm.connector
    name = f"refund numbers of {crm.name}"
    found: defaultdict[str, set[str]] = defaultdict(set)
    try:
        async for batch in connector.refund_numbers(since):
            for external in batch:
                found[external.source].add(external.native_id)
    except SourceError as error:
        return [Outcome(crm.name, name, State.FAILED, 0, error)]
    return [
        await _note(index, sources[source], sorted(numbers), name)
        for source, numbers in found.items()
        if source in sources and sources[source].can("refunds")
    ]


async def _note(
    index: Index, source: ConfiguredSource, numbers: Sequence[str], name: str
) -> Outcome:
    connector: Any = source.connector
    told = await index.known(source.name, Kind.REFUND, numbers)
    normal = (source.vendor.normalise(Kind.REFUND, number) for number in numbers)
    unknown = [number for number in normal if number is not None and number not in told]
    noted = 0
    for start in range(0, len(unknown), STEP):
        try:
            live = await connector.refunds(unknown[start : start + STEP])
        except SourceError as error:
            return Outcome(source.name, name, State.FAILED, noted, error)
        entries = _entries(live.values())
        noted += len(entries) - await index.put(source.name, entries, name)
    return Outcome(source.name, name, State.WRITTEN, noted)


def _entries(records: Iterable[Record | SourceError]) -> list[Entry]:
    found = (entry_of(record) for record in records if isinstance(record, Record))
    return [entry for entry in found if entry is not None]
