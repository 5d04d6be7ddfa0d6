"""Secrets that all processes of a store share, in real databases."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from auth.sealing import Sealer, SealingKey, key_id, make_key
from resolvers.sealed_secrets import SealedSecrets
from resolvers.store import StoreUnusable, open_store

pytestmark = pytest.mark.anyio
OLD, NEW = SealingKey("2025", make_key()), SealingKey("2026", make_key())


async def contents(engine: AsyncEngine) -> list[bytes]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT content FROM sealed_secret ORDER BY name"))
        return [bytes(content) for (content,) in rows]


async def test_whoever_asks_first_makes_it_and_all_have_the_same(url: str) -> None:
    async with open_store(url) as engine, open_store(url) as another:
        stores = [SealedSecrets(e, Sealer([NEW])) for e in (engine, another)]
        found = await asyncio.gather(*(stores[n % 2].get("tombstones") for n in range(10)))
        assert len(set(found)) == 1
        assert len(found[0]) == 32
        assert await stores[0].get("other") != found[0]
        assert all(found[0] not in content for content in await contents(engine))


async def test_they_are_sealed_anew_and_are_the_same(url: str) -> None:
    async with open_store(url) as engine:
        before = SealedSecrets(engine, Sealer([OLD]))
        secrets = [await before.get(name) for name in ("a", "b")]
        both = SealedSecrets(engine, Sealer([NEW, OLD]))
        assert await both.reseal() == (2, 2)
        assert await both.reseal() == (0, 2)
        assert {key_id(content) for content in await contents(engine)} == {"2026"}
        after = SealedSecrets(engine, Sealer([NEW]))
        assert [await after.get(name) for name in ("a", "b")] == secrets


async def test_without_the_key_nothing_is_made_up(url: str) -> None:
    async with open_store(url) as engine:
        await SealedSecrets(engine, Sealer([OLD])).get("a")
        with pytest.raises(StoreUnusable, match=r"the key '2025', which encryption.keys has not"):
            await SealedSecrets(engine, Sealer([NEW])).get("a")
        with pytest.raises(StoreUnusable, match="the key '2025'"):
            await SealedSecrets(engine, Sealer([NEW])).reseal()


async def test_one_that_was_moved_does_not_open(url: str) -> None:
    async with open_store(url) as engine:
        secrets = SealedSecrets(engine, Sealer([NEW]))
        await secrets.get("a")
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE sealed_secret SET name = 'b'"))
        with pytest.raises(StoreUnusable, match=r"sealed_secret.content b: "):
            await secrets.get("b")
