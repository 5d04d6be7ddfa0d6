"""Secrets of our own that all processes of a store share: made at random, sealed in the store."""

from __future__ import annotations

import os

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from auth.sealing import CannotOpen, Sealer, key_id
from resolvers.store import INSERTS, StoreUnusable, guarded

BYTES = 32
sealed_secret = Table(
    "sealed_secret",
    MetaData(),
    Column("name", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)


class SealedSecrets:
    """Of a database that `open_store` opened. Raises StoreUnusable alone."""

    def __init__(self, engine: AsyncEngine, sealer: Sealer) -> None:
        self._engine = engine
        self._sealer = sealer

    async def get(self, name: str) -> bytes:
        """32 random bytes, made by whoever asks first."""
        made = self._sealer.seal(os.urandom(BYTES), _place(name))
        added = INSERTS[self._engine.dialect.name](sealed_secret).on_conflict_do_nothing()
        wanted = select(sealed_secret.c.content).where(sealed_secret.c.name == name)
        with guarded():
            async with self._engine.begin() as connection:
                content = (await connection.execute(wanted)).scalar()
                if content is None:
                    await connection.execute(added.values(name=name, content=made))
                    content = (await connection.execute(wanted)).scalar_one()
        return self._opened(name, content)

    async def find(self, connection: AsyncConnection, name: str) -> bytes | None:
        """Inside of `guarded`; None if there is none. Raises StoreUnusable if it does not open."""
        wanted = select(sealed_secret.c.content).where(sealed_secret.c.name == name)
        content = (await connection.execute(wanted)).scalar()
        return None if content is None else self._opened(name, content)

    async def replace(self, connection: AsyncConnection, name: str) -> None:
        """Inside of `guarded`; puts a new one in the place of one that does not open, if any."""
        made = self._sealer.seal(os.urandom(BYTES), _place(name))
        await connection.execute(delete(sealed_secret).where(sealed_secret.c.name == name))
        await connection.execute(insert(sealed_secret).values(name=name, content=made))

    async def reseal(self) -> tuple[int, int]:
        """Seals all with the key that seals now; returns how many were sealed anew, of how many.
        Raises StoreUnusable, and changes nothing, if any does not open."""
        anew = 0
        with guarded():
            async with self._engine.begin() as connection:
                rows = (await connection.execute(select(sealed_secret))).all()
                # All are opened first: another key may have the same id.
                opened = {name: self._opened(name, content) for name, content in rows}
                for name, content in rows:
                    if key_id(content) == self._sealer.current:
                        continue
                    sealed = self._sealer.seal(opened[name], _place(name))
                    same = (sealed_secret.c.name == name) & (sealed_secret.c.content == content)
                    changed = update(sealed_secret).where(same).values(content=sealed)
                    anew += (await connection.execute(changed)).rowcount
        return anew, len(rows)

    def _opened(self, name: str, content: bytes) -> bytes:
        try:
            return self._sealer.open(content, _place(name))
        except CannotOpen as error:
            raise StoreUnusable(f"{_place(name)}: {error}") from None


def _place(name: str) -> str:
    return f"sealed_secret.content {name}"
