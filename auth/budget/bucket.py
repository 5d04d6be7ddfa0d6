"""A bucket that fills with time: what one client may spend at once, and how fast it comes back."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Protocol

import msgspec

from auth.bounded import Bounded
from auth.principal import Principal

REMEMBERED = 100_000
"""Buckets that are not full; beyond that the least used is full again."""


class Limit(msgspec.Struct, frozen=True):
    """`capacity` in points, `refill` in points per second."""

    capacity: float
    refill: float

    def shared(self, among: int) -> Limit:
        return Limit(self.capacity / among, self.refill / among)

    def seconds(self, points: float) -> int:
        """Until so many points have come back, at least 0."""
        return max(0, math.ceil(points / self.refill))


class Level(msgspec.Struct, frozen=True):
    """`left` after what was `taken`, if it was `granted`; `limit` is of the bucket that was asked.
    `is_shared`: that of all workers, not one that stands in for it."""

    granted: bool
    left: float
    taken: float
    limit: Limit
    is_shared: bool = False

    @property
    def restored(self) -> int:
        """Seconds until it is full."""
        return self.limit.seconds(self.limit.capacity - self.left)


class Buckets(Protocol):
    """`key` is of `bucket_key`. Neither raises, nor waits long."""

    async def take(self, key: str, points: float, limit: Limit, forced: bool = False) -> Level: ...

    async def settle(self, key: str, points: float, limit: Limit, held: Level) -> Level:
        """Makes what was taken `points`, in the bucket that granted it."""


def bucket_key(principal: Principal) -> str:
    """One bucket per issuer, client and tenant; none of these can be read from it."""
    parts = [principal.issuer, principal.client_id, principal.tenant]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class LocalBuckets:
    """In one process; `clock` is monotonic. A bucket that is full again is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._levels: Bounded[str, tuple[float, float]] = Bounded(REMEMBERED)

    def take(self, key: str, points: float, limit: Limit, forced: bool = False) -> Level:
        """What is forced is taken as far as there is; negative points come back, up to full."""
        now = self._clock()
        left, at = self._levels.get(key, now) or (limit.capacity, now)
        left = min(limit.capacity, left + max(0.0, now - at) * limit.refill)
        granted = forced or points <= left
        before = left
        if granted:
            left = max(0.0, min(limit.capacity, left - points))
        if left < limit.capacity:
            self._levels.put(key, (left, now), now, now + (limit.capacity - left) / limit.refill)
        else:
            self._levels.drop(key)
        return Level(granted, left, before - left, limit)


class ProcessBuckets:
    """All there is, where one process serves."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._local = LocalBuckets(clock)

    async def take(self, key: str, points: float, limit: Limit, forced: bool = False) -> Level:
        return self._local.take(key, points, limit, forced)

    async def settle(self, key: str, points: float, limit: Limit, held: Level) -> Level:
        return self._local.take(key, points - held.taken, limit, True)
