"""Buckets that all workers share, in Redis; while it is out, each worker has a part of its own.

One script reads the server's clock, fills and takes, so that it is atomic and no worker's clock
matters. While Redis does not answer, a worker grants from a bucket with its share of the limit: all
together no more than there would be. No request waits longer than TIMEOUT for it, and only one a
second tries whether it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from auth.budget.bucket import Level, Limit, LocalBuckets

log = logging.getLogger("tillgate.budget")
TIMEOUT = 0.25
AGAIN = 1.0
CONNECTIONS = 16
PREFIX = "tillgate:budget:"
TAKE = """
local capacity, refill = tonumber(ARGV[1]), tonumber(ARGV[2])
local points, forced = tonumber(ARGV[3]), ARGV[4] == '1'
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(held[1] or ''), tonumber(held[2] or '')
if not left or not at then left, at = capacity, now end
left = math.min(capacity, left + math.max(0, now - at) * refill)
local granted, before = forced or points <= left, left
if granted then left = math.max(0, math.min(capacity, left - points)) end
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - left) / refill * 1000) + 1000)
return {granted and 1 or 0, string.format('%.6f', left), string.format('%.6f', before - left)}
"""
"""A server's clock that is set back fills nothing for that time; one that is set forward fills the
bucket, and no more."""


def connect(url: str, password: str | None = None) -> Redis:
    """Connects when it is first used; a call that fails is not repeated. Who finds all connections
    in use waits for one, no longer than for an answer."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT,
        password=password,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return Redis.from_pool(pool)


class SharedBuckets:
    """`workers` is how many processes share the limit while Redis is out; `clock` is monotonic."""

    def __init__(self, redis: Redis, workers: int, clock: Callable[[], float]) -> None:
        self._script: Any = redis.register_script(TAKE)
        self._local = LocalBuckets(clock)
        self._workers = workers
        self._clock = clock
        self._is_out = False
        self._again = 0.0

    async def take(self, key: str, points: float, limit: Limit, forced: bool = False) -> Level:
        """Never raises for Redis. In a worker's own part, what is more than the whole part is
        granted when that is full, and takes all of it."""
        level = await self._shared(key, points, limit, forced)
        if level is not None:
            return level
        own = limit.shared(self._workers)
        return self._local.take(key, min(points, own.capacity), own, forced)

    async def settle(self, key: str, points: float, limit: Limit, held: Level) -> Level:
        """What cannot be told to Redis is told to nobody: it fills by itself."""
        points -= held.taken
        if not held.is_shared:
            return self._local.take(key, points, held.limit, True)
        return await self._shared(key, points, limit, True) or held

    async def _shared(self, key: str, points: float, limit: Limit, forced: bool) -> Level | None:
        """None while Redis is out."""
        if self._is_out and self._clock() < self._again:
            return None
        self._again = self._clock() + AGAIN
        arguments = [limit.capacity, limit.refill, points, int(forced)]
        try:
            async with asyncio.timeout(TIMEOUT):
                granted, left, taken = await self._script(keys=[PREFIX + key], args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(error)
            return None
        self._found()
        return Level(granted == 1, float(left), float(taken), limit, is_shared=True)

    def _lost(self, error: Exception) -> None:
        if not self._is_out:
            self._is_out = True
            log.error(
                "redis is out: every worker has its part of each budget",
                extra={"fields": {"error": type(error).__name__, "workers": self._workers}},
            )

    def _found(self) -> None:
        if self._is_out:
            self._is_out = False
            log.warning("redis is back: budgets are shared again")
