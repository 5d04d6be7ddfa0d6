"""Rate limits per account: 100 reads, 100 writes and 20 searches a second."""

from __future__ import annotations

from sandbox.stripe.errors import rate_limited

RATES = {"read": 100, "write": 100, "search": 20}
REASONS = {"search": "endpoint-rate"}


class Limits:
    """Buckets that hold one second's worth of calls and refill with the clock."""

    def __init__(self) -> None:
        self.buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def spend(self, account: str, kind: str, now: float) -> None:
        """Count one call, or raise 429."""
        rate = RATES[kind]
        left, then = self.buckets.get((account, kind), (float(rate), now))
        left = min(rate, left + max(0.0, now - then) * rate)
        allowed = left >= 1
        self.buckets[account, kind] = (left - allowed, now)
        if not allowed:
            raise rate_limited(REASONS.get(kind, "global-rate"))
