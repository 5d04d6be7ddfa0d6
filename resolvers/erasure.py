"""What is kept about somebody: read, or taken away for good."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from resolvers.store import guarded, scrub
from resolvers.tombstones import Tombstones


class PersonalStore(Protocol):
    """A store of what may be about somebody. Names are those of `resolvers.tombstones`."""

    @property
    def TABLE(self) -> str: ...

    async def about(
        self, connection: AsyncConnection, names: Collection[str]
    ) -> list[Mapping[str, Any]]: ...

    async def erase(
        self, connection: AsyncConnection, names: Collection[str]
    ) -> tuple[int, set[str]]:
        """How many rows are gone, and further names that must not come back."""
        ...


class Erasure:
    """Of the stores of one database. Every method raises StoreUnusable alone."""

    def __init__(
        self, engine: AsyncEngine, tombstones: Tombstones, stores: Sequence[PersonalStore]
    ) -> None:
        self._engine = engine
        self._tombstones = tombstones
        self._stores = stores

    @property
    def tables(self) -> list[str]:
        return [store.TABLE for store in self._stores]

    async def about(self, names: Collection[str]) -> dict[str, list[Mapping[str, Any]]]:
        """Rows by the name of their table."""
        with guarded():
            async with self._engine.connect() as connection:
                return {store.TABLE: await store.about(connection, names) for store in self._stores}

    async def erase(self, names: Collection[str], at: datetime) -> dict[str, int]:
        """Everywhere or nowhere; how many rows, by table, tombstones too. Then `scrub`."""
        gone: dict[str, int] = {}
        every = set(names)
        with guarded():
            async with self._engine.begin() as connection:
                await self._tombstones.erasing(connection)
                for store in self._stores:
                    gone[store.TABLE], further = await store.erase(connection, names)
                    every |= further
                gone[self._tombstones.TABLE] = await self._tombstones.put(connection, every, at)
        return gone

    async def scrub(self) -> None:
        """Takes what was erased out of the database's files."""
        await scrub(self._engine, self.tables)
