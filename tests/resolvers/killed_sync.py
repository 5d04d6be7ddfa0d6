"""A process that writes the first part of a bill, says so, and never comes to the second."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from connectors.ledger import Entry
from connectors.records import Kind
from resolvers.index.store import Index, Progress
from resolvers.store import open_store
from resolvers.tombstones import Tombstones

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFUND = Entry(kind=Kind.REFUND, native_id="r9", created_at=NOON, payment="4209")


async def main(url: str) -> None:
    async with open_store(url) as engine:
        index = Index(engine, Tombstones(engine, bytes(range(32))))
        await index.coverage.begin("cn", NOON)
        await index.put_part("cn", "bill", [REFUND], Progress("d", 1, 2))
        print("written", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
