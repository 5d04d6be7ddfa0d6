"""`tillgate index sync`: the books of the sources, read into the index of references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.registry import Registry
from gateway.compose import open_gateway
from gateway.settings import Settings
from gateway.strict import SettingsError
from resolvers.index.store import Progress as Known
from resolvers.index.sync import Outcome, State, note_refunds, sync
from resolvers.sources import ConfiguredSource, Sources

DAYS = 30
FIRST_YEAR, LAST_YEAR = 2000, 2100
Say = Callable[[str], None]


async def sync_index(
    settings: Settings,
    registry: Registry,
    since: datetime | None,
    names: Sequence[str],
    tell: Callable[[Outcome], None],
) -> list[Outcome]:
    """Of all sources that have a ledger, or of those named; `since` 30 days ago unless told."""
    async with open_gateway(settings, registry) as gateway:
        now = datetime.now(UTC)
        start = since or now - timedelta(days=DAYS)
        ledgers, crms = _chosen(gateway.sources, names)
        outcomes = await sync(gateway.index, ledgers, start, now, tell)
        for crm in crms:
            noted = await note_refunds(gateway.index, gateway.sources, crm, start)
            for outcome in noted:
                tell(outcome)
            outcomes += noted
        await gateway.scrub_if_needed()
        return outcomes


def _chosen(
    sources: Sources, names: Sequence[str]
) -> tuple[list[ConfiguredSource], list[ConfiguredSource]]:
    """Those with a ledger, and the CRMs whose orders may carry refund numbers."""
    for name in names:
        if name not in sources:
            raise SettingsError(f"--source: no source is named {name!r}")
        if not (sources[name].can("ledger") or sources[name].can("refund_numbers")):
            raise SettingsError(f"--source: {name} has no books to read: it lists its records live")
    wanted = [source for name, source in sources.items() if not names or name in names]
    return (
        [source for source in wanted if source.can("ledger")],
        [source for source in wanted if source.can("refund_numbers")],
    )


async def counts(settings: Settings, registry: Registry) -> list[str]:
    """What the index holds, a line for each source and kind; then its incomplete periods."""
    async with open_gateway(settings, registry) as gateway:
        found = await gateway.index.counts()
        incomplete = await gateway.index.incomplete()
    lines = [f"{source}\t{kind.value}\t{found[source, kind]}" for source, kind in found]
    shown = sorted(lines) or ["The index is empty: fill it with `tillgate index sync`."]
    return shown + [
        f"{source}\t{period}\t{left_out(progress)}"
        for (source, period), progress in incomplete.items()
    ]


def left_out(read: Outcome | Known) -> str:
    """The rows of a period that were left out: how many, and where the first of them are."""
    places = "; ".join(map(str, read.bad_rows))
    more = "; ..." if read.bad > len(read.bad_rows) else ""
    return f"incomplete, rows left out: {read.bad}: {places}{more}"


class Progress:
    """Says how far each source is: at every failure and every incomplete period, at its end, and
    now and then between."""

    EVERY = 25

    def __init__(self, say: Say) -> None:
        self._say = say
        self._entries: dict[str, int] = {}

    def __call__(self, outcome: Outcome) -> None:
        entries = self._entries.get(outcome.source, 0) + outcome.entries
        self._entries[outcome.source] = entries
        if outcome.state in (State.FAILED, State.NOT_READY):
            self._say(
                f"{outcome.source}: {outcome.period}: {outcome.state.value}: {reason(outcome)}"
            )
        if outcome.bad:
            self._say(f"{outcome.source}: {outcome.period}: {left_out(outcome)}")
        if outcome.number == outcome.of or outcome.number % self.EVERY == 0:
            self._say(
                f"{outcome.source}: {outcome.number} of {outcome.of} periods, {entries} entries"
            )


def reason(outcome: Outcome) -> str:
    """In our words: a vendor's are never kept."""
    error = outcome.error
    if error is None:
        return ""
    facts = [str(fact) for fact in (error.status, error.code) if fact]
    return error.detail + (f" ({', '.join(facts)})" if facts else "")


def parse_since(text: str) -> datetime:
    """`2026-01-01`, or with a time and zone; a bare date begins in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError("a year without books")
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment > datetime.now(UTC):
        raise ValueError("in the future")
    return moment
