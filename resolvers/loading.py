"""The one place that knows `aiodataloader`, with three things about it mended.

* A load that was cancelled must not leave its dead future in the cache.
* Loads that arrive some ticks apart (nested fields do) belong in one batch.
* A loader is made per request, inside the running loop, never at import.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader, dispatch_queue
from aiodataloader import Loader as Queued

K = TypeVar("K")
V = TypeVar("V")


class Loader(DataLoader[K, V], Generic[K, V]):
    """`fetch` answers one value per key, in order; an exception instance fails its key alone."""

    PATIENCE = 16
    """At most so many ticks of the loop are waited, so a steady stream of keys cannot starve."""

    def __init__(
        self,
        fetch: Callable[[list[K]], Awaitable[list[V | Exception]]],
        key: Callable[[K], Hashable] = lambda key: key,
    ) -> None:
        async def batch(keys: list[K]) -> list[V]:
            return await fetch(keys)  # type: ignore[return-value]

        super().__init__(batch, get_cache_key=key)

    def load(self, key: K) -> asyncio.Future[V]:
        cached = self._cache.get(self.get_cache_key(key))
        if cached is not None and cached.cancelled():
            self.clear(key)
        return super().load(key)

    def has(self, key: K) -> bool:
        """Whether its value, or its failure, is known."""
        future = self._cache.get(self.get_cache_key(key))
        return future is not None and future.done() and not future.cancelled()

    def do_resolve_reject(self, key: K, future: asyncio.Future[V]) -> None:
        self._queue.append(Queued(key=key, future=future))
        if len(self._queue) == 1:
            self.loop.call_soon(self._settle, 0, 1)

    def _settle(self, seen: int, ticks: int) -> None:
        """Dispatches once a whole tick brought no new key."""
        if len(self._queue) > seen and ticks < self.PATIENCE:
            self.loop.call_soon(self._settle, len(self._queue), ticks + 1)
        elif self._queue:
            dispatch_queue(self)


async def settled(futures: Iterable[asyncio.Future[Any]]) -> None:
    """Waits until all are done; what they failed with stays in them.

    Loaders share their futures, so one who waits and is cancelled must not cancel them, as
    awaiting or gathering them would.
    """
    pending = [future for future in futures if not future.done()]
    if pending:
        await asyncio.wait(pending)
