"""Tombstones whose secret was lost: counted, given up, and dropped on request.

A tombstone carries a fingerprint of its secret. One that has another fingerprint than the present
secret's keeps nothing out. It stops every start until the operator gives it up (`given_up_at`).
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from sqlalchemy import ColumnElement, and_, delete, exists, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from resolvers.store import guarded
from resolvers.tombstones import fingerprint, tombstone

UNKNOWN = b""
"""The fingerprint of tombstones whose sealed secret was missing before they were bound to it."""


class Lost(msgspec.Struct, frozen=True):
    """How many, the times of the first and last erasure, and when the first of them was given up
    (None: not given up)."""

    count: int
    first: datetime
    last: datetime
    given_up: datetime | None

    def __str__(self) -> str:
        times = f"from {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}"
        return f"{self.count} tombstones of erasures {times}"


async def bind(engine: AsyncEngine, secret: bytes | None) -> None:
    """Binds tombstones that an earlier version wrote to the sealed secret; `secret` is None if the
    store has none. Writes nothing if there are no such tombstones. Raises StoreUnusable."""
    unbound = tombstone.c.secret.is_(None)
    mark = UNKNOWN if secret is None else fingerprint(secret)
    with guarded():
        async with engine.connect() as connection:
            if not (await connection.execute(select(exists().where(unbound)))).scalar_one():
                return
        async with engine.begin() as connection:
            await connection.execute(update(tombstone).where(unbound).values(secret=mark))


async def unreadable(connection: AsyncConnection, secret: bytes | None) -> Lost | None:
    """Those of another secret, not given up; of any, if `secret` is None."""
    return await _count(connection, _of_another(secret))


async def given_up(connection: AsyncConnection) -> Lost | None:
    return await _count(connection, tombstone.c.given_up_at.is_not(None))


async def give_up(connection: AsyncConnection, secret: bytes | None, at: datetime) -> None:
    """Marks what is `unreadable`. Call it before a new secret makes tombstones."""
    marked = update(tombstone).where(_of_another(secret)).values(given_up_at=int(at.timestamp()))
    await connection.execute(marked)


async def forget(connection: AsyncConnection) -> None:
    """Deletes those that were given up."""
    await connection.execute(delete(tombstone).where(tombstone.c.given_up_at.is_not(None)))


def _of_another(secret: bytes | None) -> ColumnElement[bool]:
    # A comparison with NULL is not true: unbound tombstones are of the secret that opens.
    other = true() if secret is None else tombstone.c.secret != fingerprint(secret)
    return and_(tombstone.c.given_up_at.is_(None), other)


async def _count(connection: AsyncConnection, which: ColumnElement[bool]) -> Lost | None:
    at = tombstone.c.erased_at
    query = select(func.count(), func.min(at), func.max(at), func.min(tombstone.c.given_up_at))
    count, first, last, given = (await connection.execute(query.where(which))).one()
    if not count:
        return None
    return Lost(count, _time(first), _time(last), None if given is None else _time(given))


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
