"""What lookups learn: records that were read live are noted in the index, behind the answer."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable

from connectors.ledger import Entry
from connectors.records import Dispute, Kind, Payment, Record, Refund
from resolvers.index.store import Index
from resolvers.store import StoreUnusable

log = logging.getLogger("tillgate.index")
REMEMBERED = 50_000
PAUSE = 0.2


class Learner:
    """Notes each record once per process. Close it in the composition root."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._seen: set[tuple[str, Kind, str]] = set()
        self._waiting: defaultdict[str, list[Entry]] = defaultdict(list)
        self._wrong: defaultdict[str, list[Entry]] = defaultdict(list)
        self._task: asyncio.Task[None] | None = None

    def learn(self, records: Iterable[Record]) -> None:
        """Costs the caller nothing: it is written some moments later, together with others."""
        for record in records:
            key = (record.source.name, record.KIND, record.native_id)
            if key in self._seen or (entry := entry_of(record)) is None:
                continue
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            self._seen.add(key)
            self._waiting[record.source.name].append(entry)
        self._write_soon()

    def correct(self, record: Record) -> None:
        """Lets the record's own word stand instead of what a book told of it."""
        if (entry := entry_of(record)) is not None:
            self._wrong[record.source.name].append(entry)
            self._write_soon()

    def _write_soon(self) -> None:
        if (self._waiting or self._wrong) and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._later())

    async def aclose(self) -> None:
        """Writes what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._write()

    async def _later(self) -> None:
        while self._waiting or self._wrong:
            await asyncio.sleep(PAUSE)
            await self._write()

    async def _write(self) -> None:
        """What is learned fills in what no book told; only a correction replaces it."""
        waiting, self._waiting = self._waiting, defaultdict(list)
        wrong, self._wrong = self._wrong, defaultdict(list)
        for source, entries, replace in (
            *((source, entries, False) for source, entries in waiting.items()),
            *((source, entries, True) for source, entries in wrong.items()),
        ):
            try:
                await self._index.put(source, entries, "lookup", replace=replace)
            except StoreUnusable as error:
                log.warning("%s: %d references could not be noted: %s", source, len(entries), error)
                self._seen -= {(source, entry.kind, entry.native_id) for entry in entries}


def entry_of(record: Record) -> Entry | None:
    """What is worth keeping of a record; None without a time, as of a payment not yet made."""
    if record.created_at is None:
        return None
    if isinstance(record, Payment):
        return Entry(
            kind=Kind.PAYMENT,
            native_id=record.native_id,
            created_at=record.created_at,
            reference=record.reference,
            amount=record.amount,
        )
    if isinstance(record, Refund | Dispute):
        return Entry(
            kind=record.KIND,
            native_id=record.native_id,
            created_at=record.created_at,
            payment=record.payment_id,
            reference=getattr(record, "reference", None),
            amount=record.amount,
        )
    return None
