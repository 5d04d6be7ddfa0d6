"""A sync of one long bill as a process of its own, to be killed in the middle of it.

    python -m tests.resolvers.long_bill URL ENTRIES

prints a line after each part that is written.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from connectors.ledger import Entry, Period
from connectors.records import Kind
from resolvers.index.store import Index, Progress
from resolvers.index.sync import sync
from resolvers.store import open_store
from tests.resolvers.channel import CN, yuan
from tests.resolvers.fakes import Fake, configured, day


class LongBill(Fake):
    """One bill of so many payments and as many refunds."""

    def __init__(self, entries: int) -> None:
        super().__init__()
        self._entries = entries

    def periods(self, since: object, until: object) -> Sequence[Period]:
        return [Period(name="bill", start=day(0), end=day(1))]

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Entry]]:
        for start in range(0, self._entries, 500):
            yield [_entry(number) for number in range(start, min(start + 500, self._entries))]


def _entry(number: int) -> Entry:
    kind = (Kind.PAYMENT, Kind.REFUND)[number % 2]
    return Entry(
        kind=kind,
        native_id=f"{kind.value}{number}",
        created_at=day(0) + timedelta(seconds=number),
        amount=yuan(number),
        payment=f"payment{number - 1}" if kind is Kind.REFUND else None,
    )


class Loud(Index):
    """Says when a part is written, and for how many calls it was asked."""

    parts = 0

    async def put_part(
        self, source: str, period: str, entries: Sequence[Entry], progress: Progress
    ) -> int:
        left_out = await super().put_part(source, period, entries, progress)
        self.parts += 1
        print(progress.written, flush=True)
        return left_out


async def main(url: str, entries: int) -> None:
    async with open_store(url) as engine:
        await sync(Loud(engine), [configured(CN, LongBill(entries))], day(0), day(30))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
