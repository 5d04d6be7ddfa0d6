"""What was taken back before its time: tokens by their id, clients altogether.

Kept in the store, so that it survives a restart and every process that shares the store knows of
it within a second: each looks for changes every `POLL`. When the store has not been read for
`FRESH`, nobody is let in, because nobody can tell who is still allowed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, delete, insert, update
from sqlalchemy import select as choose
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import Executable

from auth.database import DATABASE_ERRORS, reason
from auth.faults import InvalidToken, Unavailable
from auth.principal import Principal

log = logging.getLogger("tillgate.auth")
POLL = 0.5
FRESH = 10.0
PATIENCE = 2.0
"""Seconds that one look may take."""
FOREVER = 2**53
KEPT = 3600
"""Seconds that a row stays after its end, for clocks that differ."""
_tables = MetaData()
revocation = Table(
    "revocation",
    _tables,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("issuer", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", String(255), nullable=False),
    Column("ends", BigInteger, nullable=False),
)
revocation_changes = Table(
    "revocation_changes",
    _tables,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""One row, whose number grows with every change of the others. Ids would not do: SQLite gives
those of deleted rows again, and in PostgreSQL they become visible out of order. Whoever changes
anything takes this row first, so changes happen one after the other."""
_entry = (revocation.c.issuer, revocation.c.kind, revocation.c.value)
Entry = tuple[str, str, str]


class Kind(StrEnum):
    TOKEN = "token"  # noqa: S105 - a kind of thing
    CLIENT = "client"


class Revocations:
    """Load it before the first request; run `poll` as long as requests are served."""

    def __init__(
        self,
        engine: AsyncEngine,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._wall = wall
        self._clock = clock
        self._held: frozenset[Entry] = frozenset()
        self._number: int | None = None
        self._looked = float("-inf")

    async def load(self) -> None:
        """Reads what changed. Raises Unavailable."""
        try:
            async with asyncio.timeout(PATIENCE), self._engine.connect() as connection:
                # Read before the rows: those may be newer, and are then read once more.
                number = await connection.scalar(choose(revocation_changes.c.number))
                if number is None:
                    raise Unavailable("revocations: nobody counts the changes")
                if number != self._number:
                    rows = await connection.execute(choose(*_entry))
                    self._held = frozenset((i, k, v) for i, k, v in rows)
                    self._number = number
        except DATABASE_ERRORS as error:
            raise Unavailable(f"revocations: {reason(error)}") from None
        self._looked = self._clock()

    @property
    def is_fresh(self) -> bool:
        """Whether it is known what was revoked; while it is not, every request is refused."""
        return self._clock() - self._looked <= FRESH

    async def poll(self) -> None:
        """Loads again and again, until cancelled. Logs when it begins to fail and when it ends."""
        failing = False
        while True:
            why = await self._failure()
            if why is not None and not failing:
                log.error("revocations are not known", extra={"fields": {"why": why}})
            if why is None and failing:
                log.warning("revocations are known again")
            failing = why is not None
            await asyncio.sleep(POLL)

    async def _failure(self) -> str | None:
        """Why revocations cannot be read now. What no one thought of must not end the polling:
        every request would be refused until the next start."""
        try:
            await self.load()
        except Unavailable as error:
            return error.reason
        except Exception as error:
            return type(error).__name__
        return None

    def check(self, principal: Principal, scheme: str) -> None:
        """Raises InvalidToken for one that was revoked, Unavailable if that is not known."""
        if not self.is_fresh:
            raise Unavailable("revocations were not read for too long", scheme)
        client = (principal.issuer, Kind.CLIENT.value, principal.client_id)
        token = (principal.issuer, Kind.TOKEN.value, principal.token_id)
        if client in self._held or token in self._held:
            raise InvalidToken("revoked", scheme)

    async def add(self, issuer: str, kind: Kind, value: str, ends: int = FOREVER) -> None:
        """`ends` is when whatever it denies is over anyway, in seconds since 1970. What is revoked
        already may be revoked again. Raises Unavailable."""
        entry = {"issuer": issuer, "kind": kind.value, "value": value, "ends": ends}
        over = revocation.c.ends < int(self._wall()) - KEPT
        await self._change(
            delete(revocation).where(over),
            _without(issuer, kind, value),
            insert(revocation).values(**entry),
        )
        self._held |= {(issuer, kind.value, value)}

    async def take_back(self, issuer: str, kind: Kind, value: str) -> None:
        """As if it had never been revoked. Raises Unavailable."""
        await self._change(_without(issuer, kind, value))
        self._held -= {(issuer, kind.value, value)}

    async def _change(self, *statements: Executable) -> None:
        """All of them or none, and all processes see that something changed."""
        counted = update(revocation_changes).values(number=revocation_changes.c.number + 1)
        try:
            async with self._engine.begin() as connection:
                if (await connection.execute(counted)).rowcount != 1:
                    raise Unavailable("revocations: nobody counts the changes")
                for statement in statements:
                    await connection.execute(statement)
        except DATABASE_ERRORS as error:
            raise Unavailable(f"revocations: {reason(error)}") from None


def _without(issuer: str, kind: Kind, value: str) -> Executable:
    return delete(revocation).where(
        revocation.c.issuer == issuer,
        revocation.c.kind == kind.value,
        revocation.c.value == value,
    )
