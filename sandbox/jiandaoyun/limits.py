"""How often may be called: each endpoint so often a second, all together fifty times."""

from __future__ import annotations

from datetime import datetime

from sandbox.jiandaoyun.errors import JdyError

GLOBAL = 50
AT_ONCE = 50
"""Calls under way together: the vendor has such a bound and does not say how many."""


class Limits:
    """Buckets that hold one second's worth of calls and refill with the clock."""

    def __init__(self) -> None:
        self.buckets: dict[str, tuple[float, float]] = {}

    def spend(self, endpoint: str, rate: int, now: datetime) -> None:
        """Count one call, or refuse it."""
        self._take(endpoint, rate, now.timestamp())
        self._take("", GLOBAL, now.timestamp())

    def _take(self, name: str, rate: int, now: float) -> None:
        left, then = self.buckets.get(name, (float(rate), now))
        left = min(rate, left + max(0.0, now - then) * rate)
        allowed = left >= 1
        self.buckets[name] = (left - allowed, now)
        if not allowed:
            raise JdyError(8303)
