"""Explicit links between orders and payments: imported by an operator, kept in SQL.

Ids only (`source:kind:native`), never personal data.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Column, DateTime, MetaData, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from resolvers.store import INSERTS, guarded
from resolvers.tombstones import Tombstones

_CHUNK = 500
_metadata = MetaData()
_links = Table(
    "order_payment_link",
    _metadata,
    Column("order_id", String(400), primary_key=True),
    Column("payment_id", String(400), primary_key=True),
    Column("evidence", String(400), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

_ANY = select(_links.c.order_id).limit(1)


class StoredLink(msgspec.Struct, frozen=True):
    """`evidence` says where the link comes from, for instance a file's name and line.

    `created_at` is aware and read back in UTC.
    """

    order_id: str
    payment_id: str
    evidence: str
    created_at: datetime


KNOWN_FOR = 1.0
"""Seconds that a store is taken to stay empty, or not: most have no links, and every order asks."""


class LinkStore:
    """Of a database that `open_store` opened. What is read may be `KNOWN_FOR` old. Methods that
    take no connection raise StoreUnusable."""

    TABLE = str(_links.name)

    def __init__(
        self,
        engine: AsyncEngine,
        clock: Callable[[], float] = time.monotonic,
        tombstones: Tombstones | None = None,
    ) -> None:
        self._engine = engine
        self._tombstones = tombstones or Tombstones(engine)
        self._clock = clock
        self._is_empty = False
        self._known_until = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def of_orders(self, order_ids: Sequence[str]) -> list[StoredLink]:
        return await self._matching(_links.c.order_id, order_ids)

    async def of_payments(self, payment_ids: Sequence[str]) -> list[StoredLink]:
        return await self._matching(_links.c.payment_id, payment_ids)

    async def all(self) -> list[StoredLink]:
        query = select(_links).order_by(_links.c.order_id, _links.c.payment_id)
        with guarded():
            async with self._engine.connect() as connection:
                return [_stored(row) for row in await connection.execute(query)]

    async def add(self, links: Iterable[StoredLink]) -> int:
        """Writes all or nothing; a pair that is there already stays as it is, and one of a record
        that was erased is left out. Counts the new."""
        self._known_until = 0.0
        every = list(links)
        with guarded():
            async with self._engine.begin() as connection:
                await self._tombstones.writing(connection)
                return sum([await self._added(connection, link) for link in every])

    async def _added(self, connection: AsyncConnection, link: StoredLink) -> int:
        """1, or 0 for one that is there already or of a record that was erased."""
        if self._tombstones.of((link.order_id, link.payment_id)):
            return 0
        values = msgspec.structs.asdict(link)
        values["created_at"] = link.created_at.astimezone(UTC)
        insert = INSERTS[self._engine.dialect.name](_links).values(values)
        return (await connection.execute(insert.on_conflict_do_nothing())).rowcount

    async def erased(self, links: Iterable[StoredLink]) -> int:
        """How many of them `add` leaves out."""
        pairs = [(link.order_id, link.payment_id) for link in links]
        gone = await self._tombstones.now_of(name for pair in pairs for name in pair)
        return sum(1 for pair in pairs if not gone.isdisjoint(pair))

    async def about(
        self, connection: AsyncConnection, names: Collection[str]
    ) -> list[Mapping[str, Any]]:
        """Rows that name any of these records."""
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for part, column in _parts(names):
            for row in await connection.execute(select(_links).where(column.in_(part))):
                stored = msgspec.structs.asdict(_stored(row))
                found[row.order_id, row.payment_id] = stored
        return [found[key] for key in sorted(found)]

    async def named(self, connection: AsyncConnection, names: Collection[str]) -> set[str]:
        """None: what a link has at its other side need not be theirs."""
        return set()

    async def erase(self, connection: AsyncConnection, names: Collection[str]) -> int:
        """Takes away what is `about` these names; how many rows."""
        gone = 0
        for part, column in _parts(names):
            gone += (await connection.execute(delete(_links).where(column.in_(part)))).rowcount
        return gone

    async def _matching(self, column: Column[str], ids: Sequence[str]) -> list[StoredLink]:
        with guarded():
            if await self._knows_none():
                return []
            async with self._engine.connect() as connection:
                return [
                    _stored(row)
                    for start in range(0, len(ids), _CHUNK)
                    for row in await connection.execute(
                        select(_links)
                        .where(column.in_(ids[start : start + _CHUNK]))
                        .order_by(_links.c.created_at, _links.c.payment_id)
                    )
                ]

    async def _knows_none(self) -> bool:
        """True if the store holds no link. All who ask at once share one look at it."""
        if self._clock() >= self._known_until:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
                # Its failure is for those who wait; nothing is left to report if all of them left.
                self._looking.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(self._looking)
        return self._is_empty

    async def _look(self) -> None:
        begun = self._clock()
        async with self._engine.connect() as connection:
            self._is_empty = (await connection.execute(_ANY)).first() is None
        self._known_until = begun + KNOWN_FOR


def _parts(names: Collection[str]) -> Iterator[tuple[list[str], Column[str]]]:
    """Few enough names at once, for either side of a link."""
    every = sorted(names)
    for start in range(0, len(every), _CHUNK):
        for column in (_links.c.order_id, _links.c.payment_id):
            yield every[start : start + _CHUNK], column


def _stored(row: Any) -> StoredLink:
    """SQLite forgets the zone of a time; all are written in UTC."""
    order_id, payment_id, evidence, created_at = row
    if created_at.tzinfo is None:
        created_at = created_at.replace(tzinfo=UTC)
    return StoredLink(order_id, payment_id, evidence, created_at.astimezone(UTC))
