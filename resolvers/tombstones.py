"""What was erased at its subject's request, so that nothing brings it back.

A tombstone is an HMAC of a record's name under a secret that stands sealed in the same store: who
reads the table learns nobody's ids, and cannot try ids either. Names are

    source:kind:native      a record's id, or another id that its vendor has for it
    source:reference:number the number of an erased order, as its payments in that source carry it

Whoever writes references takes the writers' lock first, and whoever erases takes it alone. So no
reference is written by somebody who did not know yet of an erasure that has already looked for it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connectors.errors import NotFound
from resolvers.store import INSERTS, StoreUnusable, guarded

SECRET = "tombstones"  # noqa: S105 - its name
REFERENCE = "reference"
"""Stands in a name where a record's has its kind."""
LOCK = 0x7111_9A7F
"""PostgreSQL's advisory lock that writers share; SQLite has one writer anyway."""
CHUNK = 500
tombstone = Table(
    "tombstone",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("erased_at", BigInteger, nullable=False),
    Column("secret", LargeBinary),
    Column("given_up_at", BigInteger),
)
NOT_OF_PRESENT = (
    "it has tombstones of another secret than the present one: put back the store's row of"
    " sealed_secret and its key, or run `tillgate encryption reset`, which says what is lost"
)


class Erased(NotFound):
    """What led from one record to others was erased: it is not said that there are none."""


def fingerprint(secret: bytes) -> bytes:
    """8 bytes that differ between secrets and do not reveal them; no name of a record is hashed
    to them, because a name has a colon."""
    return hmac.digest(secret, b"tillgate tombstone secret", "sha256")[:8]


async def alone(connection: AsyncConnection) -> None:
    """First thing in a transaction that no writer of references and no erasure may overlap."""
    await _lock(connection, "pg_advisory_xact_lock")


async def _lock(connection: AsyncConnection, function: str) -> None:
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql(f"SELECT {function}({LOCK})")
    else:
        await connection.exec_driver_sql("BEGIN IMMEDIATE")


def erased(source: str) -> Erased:
    return Erased(source, "its references were erased at its subject's request")


class Tombstones:
    """Without a `secret` there may be no tombstone: nobody could tell what it is of."""

    TABLE = str(tombstone.name)

    def __init__(self, engine: AsyncEngine, secret: bytes | None = None) -> None:
        self._engine = engine
        self._secret = secret
        self._fingerprint = None if secret is None else fingerprint(secret)
        self._digests: set[bytes] = set()
        self._last = 0

    @property
    def has_any(self) -> bool:
        """As far as was looked."""
        return bool(self._digests)

    async def writing(self, connection: AsyncConnection) -> None:
        """First thing in a transaction that writes references: takes the lock and looks."""
        await _lock(connection, "pg_advisory_xact_lock_shared")
        await self._look(connection)

    async def erasing(self, connection: AsyncConnection) -> None:
        """As `writing`, alone."""
        await alone(connection)
        await self._look(connection)

    def of(self, names: Iterable[str]) -> set[str]:
        """Those that were erased, as far as was looked."""
        if not self.has_any:
            return set()
        return {name for name in names if self._digest(name) in self._digests}

    async def now_of(self, names: Iterable[str]) -> set[str]:
        """As `of`, after a look. Raises StoreUnusable."""
        with guarded():
            async with self._engine.connect() as connection:
                await self._look(connection)
        return self.of(names)

    async def put(self, connection: AsyncConnection, names: Iterable[str], at: datetime) -> int:
        """Inside of `erasing`; counts the new ones."""
        stamp = int(at.timestamp())
        rows = [
            {"digest": digest, "erased_at": stamp, "secret": self._fingerprint}
            for digest in sorted({self._digest(name) for name in names} - self._digests)
        ]
        insert = INSERTS[self._engine.dialect.name](tombstone)
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            await connection.execute(insert.values(part).on_conflict_do_nothing())
        return len(rows)

    async def standing(self, names: Iterable[str]) -> list[tuple[str, datetime]]:
        """The names that were erased, and when. Raises StoreUnusable."""
        by_digest = {self._digest(name): name for name in await self.now_of(names)}
        wanted = list(by_digest)
        found: list[tuple[str, datetime]] = []
        with guarded():
            async with self._engine.connect() as connection:
                for start in range(0, len(wanted), CHUNK):
                    part = tombstone.c.digest.in_(wanted[start : start + CHUNK])
                    query = select(tombstone.c.digest, tombstone.c.erased_at).where(part)
                    found += [
                        (by_digest[bytes(digest)], datetime.fromtimestamp(stamp, UTC))
                        for digest, stamp in await connection.execute(query)
                    ]
        return sorted(found)

    async def _look(self, connection: AsyncConnection) -> None:
        """Reads what is new: ids are visible in their order, because erasers take turns. Those
        that were given up are passed over. Raises StoreUnusable for others of another secret."""
        columns = tombstone.c.id, tombstone.c.digest, tombstone.c.secret
        new = (tombstone.c.id > self._last) & tombstone.c.given_up_at.is_(None)
        rows = (await connection.execute(select(*columns).where(new))).all()
        if rows and self._secret is None:
            raise StoreUnusable("it has tombstones, and [encryption] is missing")
        # An earlier version that still runs beside this one writes no fingerprint.
        if any(mark is not None and bytes(mark) != self._fingerprint for *_, mark in rows):
            raise StoreUnusable(NOT_OF_PRESENT)
        self._digests |= {bytes(digest) for _, digest, _ in rows}
        self._last = max((self._last, *(id_ for id_, *_ in rows)))

    def _digest(self, name: str) -> bytes:
        if self._secret is None:
            raise StoreUnusable("nothing can be erased without [encryption]")
        return hmac.digest(self._secret, name.encode("utf-8", "surrogatepass"), "sha256")
