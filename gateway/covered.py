"""Whether the statements of the sources reach far enough to find all that is kept of a subject."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connectors.records import Order, Payment
from gateway.compose import Gateway
from resolvers.index.coverage import Covered
from resolvers.subject import Subject


async def uncovered(gateway: Gateway, subject: Subject) -> list[str]:
    """A line for each reason why entries of theirs may stand in the index unrecognised: a refund
    names its payment by an id that only the statement of the payment's day links to an order.

    Raises StoreUnusable.
    """
    told: list[str] = []
    for source in gateway.sources.able("ledger"):
        covered = await gateway.index.coverage.of(source.name)
        told += [f"{source.name}: {why}" for why in _reasons(covered, subject)]
        if covered.until is None:
            continue
        # What was learned since the last statement may belong to a payment that none names yet.
        if count := await gateway.index.unexplained(source.name, covered.until):
            told.append(
                f"{source.name}: {count} refunds or disputes are newer than its last statement, and"
                " their payments are in none yet: run `tillgate index sync` when the next is ready"
            )
    return told


def _reasons(covered: Covered, subject: Subject) -> Iterator[str]:
    if covered.unfinished is not None:
        yield (
            "its statements are being read, or reading them broke off: run `tillgate index sync"
            f" --since {_day(covered.unfinished)}` to its end"
        )
    if covered.since is None:
        if covered.unfinished is None:
            yield "its statements were never read: run `tillgate index sync`"
        return
    paid = [record for record in subject.records if isinstance(record, Order | Payment)]
    dates = [record.created_at for record in paid]
    known = [date for date in dates if date is not None]
    only = f"its statements were read since {_day(covered.since)} only"
    if known and min(known) < covered.since:
        yield (
            f"{only}, and records of theirs go back to {_day(min(known))}: run `tillgate index sync"
            f" --since {_day(min(known))}`"
        )
    elif len(known) < len(dates):
        yield f"{only}, and a record of theirs has no date"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
