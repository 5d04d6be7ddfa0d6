"""How often somebody may fail: `MOST` times in `SECONDS`, then he is told to wait."""

from __future__ import annotations

from collections.abc import Callable

from auth.bounded import Bounded
from auth.faults import TooManyFailures

MOST = 5
SECONDS = 60
REMEMBERED = 10_000


class Throttle:
    """In one process; `clock` is monotonic. Names are forgotten when there are too many, so that
    what is kept is bounded; they have to be short."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: Bounded[str, list[float]] = Bounded(REMEMBERED)

    def check(self, name: str, scheme: str | None = None) -> None:
        """Raises TooManyFailures with the seconds to wait."""
        recent = self._recent(name)
        if len(recent) >= MOST:
            raise TooManyFailures(int(recent[-MOST] + SECONDS - self._clock()) + 1, scheme)

    def failed(self, name: str) -> None:
        now = self._clock()
        recent = [*self._recent(name), now][-MOST:]
        self._failures.put(name, recent, now, now + SECONDS)

    def _recent(self, name: str) -> list[float]:
        now = self._clock()
        return [at for at in self._failures.get(name, now) or () if now - at < SECONDS]
