"""What may be used once only: DPoP proofs and client assertions, over all processes of a store."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from sqlalchemy import BigInteger, Column, MetaData, String, Table, delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from auth.database import DATABASE_ERRORS, reason
from auth.faults import Unavailable

TIDY = 60.0
"""Seconds between clearing away what is over."""
used_once = Table(
    "used_once",
    MetaData(),
    Column("kind", String(16), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("ends", BigInteger, nullable=False),
)


class SeenStore:
    """Of a store that was opened and migrated; `wall` is seconds since 1970."""

    def __init__(self, engine: AsyncEngine, wall: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._wall = wall
        self._tidied = 0.0

    async def first(self, kind: str, value: str, ends: float) -> bool:
        """Whether nobody used the value before; it is remembered until `ends`. The database
        decides, so that of two requests at once one is the first. Raises Unavailable."""
        row = {
            "kind": kind,
            "digest": hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest(),
            "ends": int(ends) + 1,
        }
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(used_once).values(**row))
            await self._tidy()
        except IntegrityError:
            return False
        except DATABASE_ERRORS as error:
            raise Unavailable(f"used proofs: {reason(error)}") from None
        return True

    async def _tidy(self) -> None:
        now = self._wall()
        if abs(now - self._tidied) < TIDY:
            return
        self._tidied = now
        async with self._engine.begin() as connection:
            await connection.execute(delete(used_once).where(used_once.c.ends < int(now)))
