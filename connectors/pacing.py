"""Keeps our calls within a vendor's own rate, so that it never has to refuse one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable


class Pace:
    """At most `per_second` turns in any second, first come first served; below 1, one turn in as
    many seconds as that takes.

    A sliding window, not a token bucket: a bucket lets twice the rate through in its first second.
    """

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._most = max(1, int(per_second))
        self._window = self._most / per_second
        self._turns: deque[float] = deque(maxlen=self._most)
        self._clock = clock
        self._sleep = sleep
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Returns when it is the caller's turn."""
        async with self._queue:
            if len(self._turns) == self._most:
                wait = self._turns[0] + self._window - self._clock()
                if wait > 0:
                    await self._sleep(wait)
            self._turns.append(self._clock())


class RetryBudget:
    """Retries are at most a fifth of the successes, so an outage is not made worse by us."""

    SHARE = 0.2
    MOST = 10.0

    def __init__(self) -> None:
        self._left = self.MOST

    def succeeded(self) -> None:
        self._left = min(self.MOST, self._left + self.SHARE)

    def take(self) -> bool:
        """Whether one more retry may be made; it then counts."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
