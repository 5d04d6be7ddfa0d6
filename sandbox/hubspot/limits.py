"""How often a portal may be asked: rolling windows of ten seconds and, for searches, of one."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from sandbox.hubspot.errors import TooMany
from sandbox.simulator import Clock

PER_TEN_SECONDS, SEARCHES, DAILY = 100, 5, 250_000


class Window:
    def __init__(self, most: int, seconds: int, policy: str) -> None:
        self.most = most
        self.span = timedelta(seconds=seconds)
        self.policy = policy
        self.calls: deque[datetime] = deque()

    def enter(self, now: datetime) -> int:
        """How many more may follow; TooMany where this one is too many."""
        while self.calls and self.calls[0] <= now - self.span:
            self.calls.popleft()
        if len(self.calls) >= self.most:
            raise TooMany(self.policy)
        self.calls.append(now)
        return self.most - len(self.calls)


class Limits:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.all = Window(PER_TEN_SECONDS, 10, "TEN_SECONDLY_ROLLING")
        self.searches = Window(SEARCHES, 1, "SECONDLY")
        self.today = 0

    def enter(self, is_search: bool, counts: bool) -> tuple[tuple[str, str], ...]:
        """The headers of the answer: a search has none. Unless it `counts`, nothing is refused."""
        self.today += 1
        now = self.clock()
        left = self.all.enter(now) if counts else PER_TEN_SECONDS
        if is_search:
            if counts:
                self.searches.enter(now)
            return ()
        name = "x-hubspot-ratelimit"
        return (
            (f"{name}-max", str(PER_TEN_SECONDS)),
            (f"{name}-remaining", str(left)),
            (f"{name}-interval-milliseconds", "10000"),
            (f"{name}-daily", str(DAILY)),
            (f"{name}-daily-remaining", str(DAILY - self.today)),
        )
