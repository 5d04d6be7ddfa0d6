"""When a request must be answered, and how much of that time one level of its reads may take."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.errors import TimedOut

SHARE = 0.5
"""Of what is left of a request, for a read that others follow."""
OVER = 0.05
"""With fewer seconds left no source can answer any more."""


class Deadline:
    """`levels` counts the reads of the operation that follow each other. Only the last may take all
    that is left: a source that hangs costs its own level, and those below it still have time."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.levels = 1
        self._clock = clock
        self._ends = clock() + seconds
        self._waited_for: TimedOut | None = None

    def remaining(self) -> float:
        """Seconds left of the request, never negative."""
        return max(0.0, self._ends - self._clock())

    def is_past(self, grace: float) -> bool:
        """True if the deadline passed more than `grace` seconds ago."""
        return self._clock() > self._ends + grace

    def level(self) -> float:
        """Seconds that one level of reads may take from now."""
        return self.remaining() * (SHARE if self.levels > 1 else 1.0)

    def timed_out(self, error: TimedOut) -> None:
        """Notes the source that took the time; the first one is who the others waited for."""
        self._waited_for = self._waited_for or error

    def check(self, source: str) -> None:
        """Raises TimedOut if the time is over, naming the source that was waited for."""
        if self.remaining() < OVER:
            cause = self._waited_for
            name = source if cause is None else cause.source
            raise TimedOut(name, "the request's time went by while it was waited for")
