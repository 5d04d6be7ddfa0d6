"""How far back statements were read, in real databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.errors import Unauthorized
from resolvers.index.coverage import Coverage, Covered
from resolvers.index.store import Index
from resolvers.index.sync import sync
from resolvers.store import open_store
from tests.resolvers.channel import CN, Channel, payment
from tests.resolvers.fakes import configured, day

pytestmark = pytest.mark.anyio


@pytest.fixture
async def coverage(url: str) -> AsyncIterator[Coverage]:
    async with open_store(url) as engine:
        yield Index(engine).coverage


async def read(coverage: Coverage, since: int, until: int) -> None:
    await coverage.finish(await coverage.begin("cn", day(since)), day(until))


async def test_nothing_is_covered_before_anything_is_read(coverage: Coverage) -> None:
    assert await coverage.of("cn") == Covered()
    await read(coverage, 3, 5)
    assert await coverage.of("eu") == Covered()


async def test_readings_that_touch_are_one_and_a_gap_ends_it(coverage: Coverage) -> None:
    await read(coverage, 3, 5)
    await read(coverage, 5, 8)
    assert await coverage.of("cn") == Covered(since=day(3), until=day(8))
    await read(coverage, 10, 12)
    assert await coverage.of("cn") == Covered(since=day(10), until=day(12))
    await read(coverage, 7, 12)
    assert await coverage.of("cn") == Covered(since=day(3), until=day(12))


async def test_what_is_unfinished_is_so_until_a_reading_of_all_of_it_ends(
    coverage: Coverage,
) -> None:
    await coverage.begin("cn", day(2))
    assert await coverage.of("cn") == Covered(unfinished=day(2))
    await read(coverage, 4, 6)
    assert await coverage.of("cn") == Covered(since=day(4), until=day(6), unfinished=day(2))
    for hour in range(3):
        await coverage.fail(await coverage.begin("cn", day(4 + hour)))
    await read(coverage, 2, 6)
    assert (await coverage.of("cn")).since == day(2)
    assert (await coverage.of("cn")).unfinished is None


async def test_a_sync_that_fails_stays_unfinished(url: str) -> None:
    async with open_store(url) as engine:
        index = Index(engine)
        broken = Channel(payment("p1"), entries=Unauthorized("cn", "wrong key"))
        await sync(index, [configured(CN, broken)], day(0), day(3))
        assert await index.coverage.of("cn") == Covered(unfinished=day(0))
        await sync(index, [configured(CN, Channel(payment("p1")))], day(0), day(3))
        assert await index.coverage.of("cn") == Covered(since=day(0), until=day(3))
