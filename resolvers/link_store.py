"""Explicit links between orders and payments: imported by an operator, kept in SQL.

Ids only (`source:kind:native`), never personal data. SQLite by default, PostgreSQL by URL.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from sqlalchemy import Column, DateTime, Index, MetaData, String, Table, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_CHUNK = 500
_metadata = MetaData()
_links = Table(
    "order_payment_link",
    _metadata,
    Column("order_id", String(400), primary_key=True),
    Column("payment_id", String(400), primary_key=True),
    Column("evidence", String(400), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("order_payment_link_by_payment", "payment_id"),
)


class StoredLink(msgspec.Struct, frozen=True):
    """`evidence` says where the link comes from, for instance a file's name and line."""

    order_id: str
    payment_id: str
    evidence: str
    created_at: datetime


class LinkStore:
    """Made by `open_link_store`, which also closes it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of_orders(self, order_ids: Sequence[str]) -> list[StoredLink]:
        return await self._matching(_links.c.order_id, order_ids)

    async def of_payments(self, payment_ids: Sequence[str]) -> list[StoredLink]:
        return await self._matching(_links.c.payment_id, payment_ids)

    async def all(self) -> list[StoredLink]:
        query = select(_links).order_by(_links.c.order_id, _links.c.payment_id)
        async with self._engine.connect() as connection:
            return [StoredLink(*row) for row in await connection.execute(query)]

    async def add(self, links: Iterable[StoredLink]) -> int:
        """Writes all or nothing; a pair that is there already stays as it is. Counts the new."""
        added = 0
        async with self._engine.begin() as connection:
            for link in links:
                try:
                    async with connection.begin_nested():
                        await connection.execute(_links.insert(), msgspec.structs.asdict(link))
                    added += 1
                except IntegrityError:
                    continue
        return added

    async def _matching(self, column: Column[str], ids: Sequence[str]) -> list[StoredLink]:
        found: list[StoredLink] = []
        async with self._engine.connect() as connection:
            for start in range(0, len(ids), _CHUNK):
                query = (
                    select(_links)
                    .where(column.in_(ids[start : start + _CHUNK]))
                    .order_by(_links.c.created_at, _links.c.payment_id)
                )
                found += [StoredLink(*row) for row in await connection.execute(query)]
        return found


@asynccontextmanager
async def open_link_store(url: str) -> AsyncIterator[LinkStore]:
    """The store at an SQLAlchemy URL such as `sqlite+aiosqlite:///tillgate.db`."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_metadata.create_all)
        yield LinkStore(engine)
    finally:
        await engine.dispose()
