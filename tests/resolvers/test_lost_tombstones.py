"""Tombstones are bound to their secret, in real databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from resolvers.lost_tombstones import bind, forget, give_up, given_up, unreadable
from resolvers.store import StoreUnusable, open_store
from resolvers.tombstones import Tombstones

pytestmark = pytest.mark.anyio
OLD, NEW = bytes(range(32)), bytes(32)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 4, 1, tzinfo=UTC)
NAMES = ["cn:payment:p1", "cn:refund:r1"]
REFUSED = "tombstones of another secret than the present one.*`tillgate encryption reset`"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """With two tombstones of the old secret."""
    async with open_store(url) as engine:
        for name, at in zip(NAMES, (FIRST, LAST), strict=True):
            await put(Tombstones(engine, OLD), name, at)
        yield engine


async def put(tombstones: Tombstones, name: str, at: datetime) -> None:
    async with tombstones._engine.begin() as connection:
        await tombstones.erasing(connection)
        assert await tombstones.put(connection, [name], at) == 1


async def unbind(engine: AsyncEngine) -> None:
    """As an earlier version wrote them."""
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE tombstone SET secret = NULL"))


async def lose(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await give_up(connection, NEW, NOW)


async def test_those_of_another_secret_are_refused_at_every_look(engine: AsyncEngine) -> None:
    assert await Tombstones(engine, OLD).now_of(NAMES) == set(NAMES)
    tombstones = Tombstones(engine, NEW)
    for _ in range(2):
        with pytest.raises(StoreUnusable, match=REFUSED):
            await tombstones.now_of(NAMES)
    async with engine.begin() as connection:
        with pytest.raises(StoreUnusable, match=REFUSED):
            await tombstones.writing(connection)


async def test_those_of_an_earlier_version_are_bound_to_the_sealed_secret(
    engine: AsyncEngine,
) -> None:
    await unbind(engine)
    await bind(engine, OLD)
    assert await Tombstones(engine, OLD).now_of(NAMES) == set(NAMES)
    with pytest.raises(StoreUnusable, match=REFUSED):
        await Tombstones(engine, NEW).now_of(())


async def test_without_a_sealed_secret_those_of_an_earlier_version_are_lost(
    engine: AsyncEngine,
) -> None:
    await unbind(engine)
    await bind(engine, None)
    await bind(engine, NEW)
    with pytest.raises(StoreUnusable, match=REFUSED):
        await Tombstones(engine, NEW).now_of(())


async def test_what_was_given_up_is_counted_until_it_is_forgotten(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        lost = await unreadable(connection, NEW)
        assert str(lost) == "2 tombstones of erasures from 2026-01-01 to 2026-03-01"
        assert await unreadable(connection, OLD) is None
        assert await given_up(connection) is None
    await lose(engine)
    tombstones = Tombstones(engine, NEW)
    assert await tombstones.now_of(NAMES) == set()
    await put(tombstones, NAMES[0], NOW)
    async with engine.begin() as connection:
        assert await unreadable(connection, NEW) is None
        lost = await given_up(connection)
        assert lost is not None
        assert (lost.count, lost.first, lost.last, lost.given_up) == (2, FIRST, LAST, NOW)
        await forget(connection)
        assert await given_up(connection) is None
    assert await Tombstones(engine, NEW).now_of(NAMES) == {NAMES[0]}


async def test_a_process_with_the_old_secret_writes_nothing_beside_the_new_one(
    engine: AsyncEngine,
) -> None:
    old = Tombstones(engine, OLD)
    assert await old.now_of(NAMES) == set(NAMES)
    await lose(engine)
    await put(Tombstones(engine, NEW), "cn:payment:p3", NOW)
    async with engine.begin() as connection:
        with pytest.raises(StoreUnusable, match=REFUSED):
            await old.erasing(connection)
