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

    async def named(self, connection: AsyncConnection, names: Collection[str]) -> set[str]:
        """The names of all that is `about` these names: others may know it by them."""
        ...

    async def erase(self, connection: AsyncConnection, names: Collection[str]) -> int:
        """Takes away what is `about` these names; how many rows."""
        ...


async def every_name(
    connection: AsyncConnection, stores: Sequence[PersonalStore], names: Collection[str]
) -> frozenset[str]:
    """With what the stores find by them, until none of them finds another name."""
    every, fresh = set(names), set(names)
    while fresh:
        found = [await store.named(connection, fresh) for store in stores]
        fresh = set().union(*found) - every
        every |= fresh
    return frozenset(every)


async def take_away(
    connection: AsyncConnection,
    tombstones: Tombstones,
    stores: Sequence[PersonalStore],
    names: Collection[str],
    at: datetime,
) -> tuple[dict[str, int], frozenset[str]]:
    """Erases what is `about` these names, inside of `Tombstones.erasing`; returns how many rows by
    table, tombstones too, and every name that is erased with these."""
    every = await every_name(connection, stores, names)
    gone = {store.TABLE: await store.erase(connection, every) for store in stores}
    gone[tombstones.TABLE] = await tombstones.put(connection, every, at)
    return gone, every


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
                every = await every_name(connection, self._stores, names)
                return {store.TABLE: await store.about(connection, every) for store in self._stores}

    async def erase(
        self, names: Collection[str], at: datetime
    ) -> tuple[dict[str, int], frozenset[str]]:
        """Everywhere or nowhere; how many rows, by table, tombstones too, and every name that is
        erased with these. Then `scrub`."""
        with guarded():
            async with self._engine.begin() as connection:
                await self._tombstones.erasing(connection)
                return await take_away(connection, self._tombstones, self._stores, names, at)

    async def scrub(self) -> None:
        """Takes what was erased out of the database's files."""
        await scrub(self._engine, self.tables)
