"""How often something may be done: some at once, then at a steady pace."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """A token bucket: `burst` at once, then one per `interval` seconds of a monotonic clock."""

    def __init__(self, burst: int, interval: float, clock: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._interval = interval
        self._clock = clock
        self._left = float(burst)
        self._told = clock()

    def take(self) -> bool:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._told) / self._interval)
        self._told = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        self._left = min(self._burst, self._left + 1)
