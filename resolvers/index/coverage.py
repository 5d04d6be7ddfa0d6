"""How far back the statements of a source were read, and whether a reading is unfinished."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from resolvers.index.entries import moment_of, stamp
from resolvers.store import guarded

_coverage = Table(
    "ledger_coverage",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger),
)


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """The statements of [since, until) are read, up to the last that was ready; None if there is no
    such time. `unfinished` is since when a reading began that runs still, failed or was killed."""

    since: datetime | None = None
    until: datetime | None = None
    unfinished: datetime | None = None


class Coverage:
    """Of a database that `open_store` opened. Every method raises StoreUnusable alone."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, source: str, since: datetime) -> int:
        """Notes a reading before it writes; the number by which it is finished."""
        added = insert(_coverage).values(source=source, since=stamp(since))
        with guarded():
            async with self._engine.begin() as connection:
                done = await connection.execute(added.returning(_coverage.c.id))
                return int(done.scalar_one())

    async def finish(self, number: int, until: datetime) -> None:
        """All its statements are written, up to `until`."""
        own, c = _coverage.c.id == number, _coverage.c
        with guarded():
            async with self._engine.begin() as connection:
                row = (await connection.execute(select(c.source, c.since).where(own))).first()
                if row is None:
                    # A later reading of a longer time was faster.
                    return
                others = (c.source == row.source) & ~own
                since, end = row.since, max(stamp(until), row.since)
                touching = others & (c.until >= since)
                older = (await connection.execute(select(c.since).where(touching))).scalars().all()
                await connection.execute(delete(_coverage).where(touching))
                done = update(_coverage).where(own)
                await connection.execute(done.values(since=min([since, *older]), until=end))
                await _forget_unfinished(connection, row.source, since, number)

    async def fail(self, number: int) -> None:
        """It stays unfinished, unless one of a longer time did; shorter ones are part of it."""
        own, c = _coverage.c.id == number, _coverage.c
        with guarded():
            async with self._engine.begin() as connection:
                row = (await connection.execute(select(c.source, c.since).where(own))).first()
                if row is None:
                    return
                await _forget_unfinished(connection, row.source, row.since, number)
                open_ = (c.source == row.source) & c.until.is_(None) & (c.since < row.since)
                if (await connection.execute(select(c.id).where(open_))).first() is not None:
                    await connection.execute(delete(_coverage).where(own))

    async def of(self, source: str) -> Covered:
        query = select(_coverage).where(_coverage.c.source == source)
        with guarded():
            async with self._engine.connect() as connection:
                rows = (await connection.execute(query)).all()
        since, until = _newest((row.since, row.until) for row in rows if row.until is not None)
        unfinished = [row.since for row in rows if row.until is None]
        return Covered(
            since=moment_of(since),
            until=moment_of(until),
            unfinished=moment_of(min(unfinished, default=None)),
        )


async def _forget_unfinished(
    connection: AsyncConnection, source: str, since: int, number: int
) -> None:
    """Of readings that began before, those that the time since `since` holds."""
    c = _coverage.c
    held = (c.source == source) & c.until.is_(None) & (c.since >= since) & (c.id < number)
    await connection.execute(delete(_coverage).where(held))


def _newest(spans: Iterable[tuple[int, int]]) -> tuple[int | None, int | None]:
    """The newest span, with those before it that it touches."""
    since: int | None = None
    until: int | None = None
    for begins, ends in sorted(spans, key=lambda span: -span[1]):
        if since is None or ends >= since:
            since = begins if since is None else min(since, begins)
            until = ends if until is None else until
    return since, until
