"""Token buckets: in one process, and shared through a real Redis that comes and goes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from auth.budget.bucket import Level, Limit, LocalBuckets, ProcessBuckets, bucket_key
from auth.budget.shared import AGAIN, PREFIX, SharedBuckets, connect
from auth.principal import Principal
from tests.redis_server import RedisServer

pytestmark = pytest.mark.anyio
LIMIT = Limit(100, 10)
HARDLY = Limit(100, 0.001)
"""So that nothing comes back while a test runs."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests is no outage."""
    monkeypatch.setattr("auth.budget.shared.TIMEOUT", 20.0)


@pytest.fixture
def server(tmp_path: Path, patient: None) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


@asynccontextmanager
async def worker(
    server: RedisServer, clock: Clock, workers: int = 2, password: str | None = None
) -> AsyncIterator[SharedBuckets]:
    redis = connect(server.url, password)
    try:
        yield SharedBuckets(redis, workers, clock)
    finally:
        await redis.aclose()


def who(client: str = "shop", tenant: str | None = "acme", issuer: str = "https://as") -> Principal:
    return Principal(issuer=issuer, client_id=client, subject="s", tenant=tenant)


async def granted(buckets: SharedBuckets, points: float, times: int, limit: Limit) -> int:
    levels = await asyncio.gather(*(buckets.take("k", points, limit) for _ in range(times)))
    return sum(level.granted for level in levels)


def test_a_bucket_is_full_at_first_and_empties(clock: Clock) -> None:
    buckets = LocalBuckets(clock)
    assert buckets.take("k", 60, LIMIT) == Level(True, 40, 60, LIMIT)
    assert buckets.take("k", 60, LIMIT) == Level(False, 40, 0, LIMIT)
    assert buckets.take("other", 60, LIMIT).granted


def test_it_fills_with_time_and_no_further_than_full(clock: Clock) -> None:
    buckets = LocalBuckets(clock)
    buckets.take("k", 100, LIMIT)
    clock.now += 3
    assert buckets.take("k", 0, LIMIT).left == pytest.approx(30)
    clock.now += 1000
    assert buckets.take("k", 0, LIMIT).left == 100
    clock.now -= 500
    assert buckets.take("k", 0, LIMIT).left == 100


def test_what_comes_back_fills_no_further_than_full_and_what_is_forced_takes_what_there_is(
    clock: Clock,
) -> None:
    buckets = LocalBuckets(clock)
    buckets.take("k", 30, LIMIT)
    assert buckets.take("k", -50, LIMIT, forced=True).left == 100
    assert buckets.take("k", 500, LIMIT, forced=True) == Level(True, 0, 100, LIMIT)


def test_levels_tell_when_they_are_full_again(clock: Clock) -> None:
    level = LocalBuckets(clock).take("k", 45, LIMIT)
    assert (level.restored, LIMIT.seconds(1), LIMIT.seconds(-5)) == (5, 1, 0)


def test_a_bucket_is_of_an_issuer_a_client_and_a_tenant_and_names_none() -> None:
    each = [
        who(),
        who("shop2"),
        who(tenant=None),
        who(tenant="other"),
        who(issuer="https://as2"),
        who("shop\nacme", None),
    ]
    keys = [bucket_key(one) for one in each]
    assert len(set(keys)) == len(keys)
    assert bucket_key(who()) == keys[0]
    assert not any(word in key for key in keys for word in ("shop", "acme", "https"))


async def test_one_process_settles_what_it_granted(clock: Clock) -> None:
    buckets = ProcessBuckets(clock)
    level = await buckets.take("k", 80, LIMIT)
    assert (await buckets.settle("k", 10, LIMIT, level)).left == 90


async def test_two_workers_grant_no_more_than_there_is(server: RedisServer, clock: Clock) -> None:
    async with worker(server, clock) as one, worker(server, clock) as two:
        counts = await asyncio.gather(granted(one, 3, 60, HARDLY), granted(two, 3, 60, HARDLY))
    assert sum(counts) == 33


async def test_what_one_worker_took_another_gives_back(server: RedisServer, clock: Clock) -> None:
    async with worker(server, clock) as one, worker(server, clock) as two:
        level = await one.take("k", 90, HARDLY)
        assert not (await two.take("k", 20, HARDLY)).granted
        assert (await one.settle("k", 10, HARDLY, level)).left == pytest.approx(90, abs=0.1)
        assert (await two.take("k", 20, HARDLY)).granted
        assert (await two.settle("k", 0, HARDLY, level)).left == 100
        assert (await two.settle("k", 500, HARDLY, level)).left == 0


async def test_the_servers_clock_fills_it(server: RedisServer, clock: Clock) -> None:
    fast = Limit(100, 1_000_000)
    async with worker(server, clock) as one:
        await one.take("k", 100, fast)
        left = 0.0
        while left < 100:
            left = (await one.take("k", 0, fast)).left
        assert left == 100, "it fills no further than full"


@pytest.mark.parametrize("jump", [-1_000_000, 1_000_000])
async def test_a_clock_that_jumps_gives_no_more_than_full_and_takes_nothing(
    server: RedisServer, clock: Clock, jump: int
) -> None:
    """As if the server's clock had been set forward (its last time is past), or back."""
    async with worker(server, clock) as one, _client(server) as redis:
        await one.take("k", 60, HARDLY)
        await redis.hset(PREFIX + "k", "at", str(time.time() - jump))
        clock.now += jump
        left = (await one.take("k", 0, HARDLY)).left
        assert left == pytest.approx(100 if jump > 0 else 40, abs=0.1)
        assert not (await one.take("k", 101, HARDLY)).granted


async def test_keys_name_nobody_and_end(server: RedisServer, clock: Clock) -> None:
    async with worker(server, clock) as one, _client(server) as redis:
        await one.take(bucket_key(who()), 50, LIMIT)
        (key,) = await redis.keys("*")
        assert b"shop" not in key
        assert b"acme" not in key
        assert 0 < await redis.pttl(key) <= 6_000


async def test_while_redis_is_out_each_worker_has_its_part(
    server: RedisServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "tillgate.budget")
    async with worker(server, clock) as one, worker(server, clock) as two:
        assert await granted(one, 10, 4, HARDLY) == 4
        server.kill()
        counts = await asyncio.gather(granted(one, 10, 30, HARDLY), granted(two, 10, 30, HARDLY))
        assert list(counts) == [5, 5]
        told = [r.getMessage() for r in caplog.records]
        assert len(told) == 2
        assert all("redis is out" in line for line in told)

        server.start()
        assert not (await one.take("k", 10, HARDLY)).granted
        clock.now += AGAIN
        level = await one.take("k", 10, HARDLY)
        assert (level.granted, level.is_shared) == (True, True)
        assert "redis is back" in caplog.records[-1].getMessage()


async def test_a_large_operation_goes_on_in_a_part_and_takes_all_of_it(
    server: RedisServer, clock: Clock
) -> None:
    server.kill()
    async with worker(server, clock, workers=4) as one:
        part = HARDLY.shared(4)
        level = await one.take("k", 90, HARDLY)
        assert level == Level(True, 0, 25, part)
        assert (await one.settle("k", 20, HARDLY, level)).left == 5
        assert not (await one.take("k", 90, HARDLY)).granted


async def test_what_redis_granted_is_not_given_back_to_a_part(
    server: RedisServer, clock: Clock
) -> None:
    async with worker(server, clock) as one:
        held = await one.take("k", 90, HARDLY)
        server.kill()
        assert await one.take("k", 50, HARDLY) == Level(True, 0, 50, HARDLY.shared(2))
        assert await one.settle("k", 10, HARDLY, held) == held
        assert not (await one.take("k", 10, HARDLY)).granted


async def test_a_redis_that_hangs_is_waited_for_once(clock: Clock, tmp_path: Path) -> None:
    """It takes connections and says nothing."""
    held: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await reader.read()

    path = tmp_path / "silent.sock"
    hanging = await asyncio.start_unix_server(silent, path)
    redis = connect(f"unix://{path}")
    buckets = SharedBuckets(redis, 1, clock)
    levels = [await buckets.take("k", 1, HARDLY) for _ in range(20)]
    assert all(level.granted and not level.is_shared for level in levels)
    assert len(held) == 1
    await redis.aclose()
    hanging.close()
    for writer in held:
        writer.close()


async def test_a_password_is_sent_and_a_wrong_one_is_an_outage(
    tmp_path: Path, clock: Clock, patient: None
) -> None:
    with RedisServer(tmp_path, password="correct horse") as server:
        async with worker(server, clock, password="correct horse") as right:
            assert (await right.take("k", 1, LIMIT)).is_shared
        async with worker(server, clock, password="wrong") as wrong:
            assert not (await wrong.take("k", 1, LIMIT)).is_shared


@asynccontextmanager
async def _client(server: RedisServer) -> AsyncIterator[Redis]:
    redis = connect(server.url)
    try:
        yield redis
    finally:
        await redis.aclose()
