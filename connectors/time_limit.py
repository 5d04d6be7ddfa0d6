"""How long a call may take: limits that nest, and do not count time in which this process is busy.

A turn of the event loop that takes long (a large answer is put together, another program has the
processor) keeps every timer and every answer waiting alike. A plain timeout then blames the other
side, whose answer lies unread in the socket. So the time is counted in beats, and a beat that came
late counts as one beat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Self

BEAT = 0.1
"""Seconds between two looks at the clock."""
LATE = 1.5
"""A beat counts as at most so many beats."""
NESTED = 0.95
"""Share of an outer limit that an inner one may take, so that the inner one ends first."""
_ENDS: ContextVar[float | None] = ContextVar("tillgate_ends", default=None)


def left() -> float | None:
    """Seconds until the innermost limit ends, None without one."""
    ends = _ENDS.get()
    return None if ends is None else max(0.0, ends - asyncio.get_running_loop().time())


def within(seconds: float) -> float:
    """The seconds that an inner limit may take: at most NESTED of what the outer one has left."""
    outer = left()
    return seconds if outer is None else min(seconds, outer * NESTED)


@contextmanager
def allotted(seconds: float) -> Iterator[None]:
    """Bounds the limits inside to what is left of these seconds; itself it ends nothing."""
    token = _ENDS.set(asyncio.get_running_loop().time() + within(seconds))
    try:
        yield
    finally:
        _ENDS.reset(token)


class Spent:
    """Seconds that count, of those that passed between two looks."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @property
    def beat(self) -> float:
        """Seconds until the next look."""
        return min(self.left, BEAT)

    def passed(self, seconds: float) -> bool:
        """Counts a beat that took so long; True when nothing is left."""
        beat = self.beat
        self.left -= min(seconds, beat * LATE)
        return self.left <= 1e-3


class TimeLimit:
    """`async with TimeLimit(5.0)`: raises TimeoutError as `asyncio.timeout` does. `seconds` are
    those that it was given or what an outer limit leaves of them."""

    def __init__(self, seconds: float) -> None:
        self.seconds = within(seconds)
        self._loop = asyncio.get_running_loop()
        self._spent = Spent(self.seconds)
        self._timeout = asyncio.timeout(None)

    @property
    def left(self) -> float:
        return max(0.0, self._spent.left - (self._loop.time() - self._looked))

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._token = _ENDS.set(self._loop.time() + self.seconds)
        self._wait()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle.cancel()
        _ENDS.reset(self._token)
        await self._timeout.__aexit__(kind, error, trace)

    def _wait(self) -> None:
        self._looked = self._loop.time()
        self._handle = self._loop.call_later(self._spent.beat, self._look)

    def _look(self) -> None:
        if self._spent.passed(self._loop.time() - self._looked):
            self._timeout.reschedule(self._loop.time())
        else:
            self._wait()
