"""`tillgate check`: every source and every issuer of tokens asked live, one line each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from connectors.capabilities import Probe
from connectors.errors import SourceError
from connectors.registry import Registry
from gateway.compose import Gateway, open_gateway
from gateway.finding import Finding
from gateway.issuer_check import issuer_findings
from gateway.settings import Settings
from resolvers.roots import probe
from resolvers.sources import ConfiguredSource

SKEW = 30.0
"""Seconds of difference worth a note."""

OLD = timedelta(days=2)


async def findings(settings: Settings, registry: Registry) -> list[Finding]:
    """One per source and one per issuer, in the order of the configuration."""
    async with open_gateway(settings, registry) as gateway:
        found = await asyncio.gather(*(_ask(gateway, s) for s in gateway.sources.values()))
    return found if settings.auth is None else [*found, *await issuer_findings(settings.auth)]


async def _ask(gateway: Gateway, source: ConfiguredSource) -> Finding:
    started = time.monotonic()
    head = f"{source.name} ({source.vendor.label})"
    try:
        answer = await probe(gateway.context(), source)
    except SourceError as error:
        return Finding(
            False, (f"FAIL  {head}: {type(error).__name__}: {error.detail}{_facts(error)}",)
        )
    milliseconds = round((time.monotonic() - started) * 1000)
    lines = [f"ok    {head}: {milliseconds} ms, {_quota(answer)}"]
    lines.append(f"      can: {', '.join(source.capabilities)}")
    notes = (*answer.notes, *clock_notes(source.skew()))
    if source.can("ledger"):
        notes = (*notes, *book_notes(await source.books_read_at(), datetime.now(UTC)))
        notes = (*notes, *incomplete_notes(await source.incomplete_periods()))
    lines += [f"      note: {note}" for note in notes]
    return Finding(True, tuple(lines))


def book_notes(synced: datetime | None, now: datetime) -> Iterable[str]:
    """Books that are old or were never read; without them nothing is known to be complete."""
    if synced is None:
        yield "its books were never read: run tillgate index sync"
    elif now - synced > OLD:
        yield f"its books were last read on {synced:%Y-%m-%d}: run tillgate index sync"


def incomplete_notes(periods: Mapping[str, int]) -> Iterable[str]:
    """One note for all periods of which rows were left out; it names the first three."""
    if periods:
        named = ", ".join(list(periods)[:3]) + (", ..." if len(periods) > 3 else "")
        yield (
            f"rows left out of its books: {sum(periods.values())}, in {named}:"
            " tillgate index show lists them"
        )


def clock_notes(skew: float | None) -> Iterable[str]:
    """Signed calls are refused when clocks differ by minutes; an answer's date has no fraction."""
    if skew is not None and abs(skew) >= SKEW:
        side = "ahead of" if skew > 0 else "behind"
        yield f"its clock is {abs(skew):.0f} s {side} ours: check the time of this machine"


def _quota(answer: Probe) -> str:
    if answer.quota_left is None:
        return "quota not told by the vendor"
    of_all = f" of {answer.quota_total}" if answer.quota_total is not None else ""
    return f"{answer.quota_left}{of_all} calls left"


def _facts(error: SourceError) -> str:
    facts = [str(part) for part in (error.status, error.code) if part]
    return f" ({', '.join(facts)})" if facts else ""
