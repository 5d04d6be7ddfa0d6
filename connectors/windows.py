"""Newest rows first from vendors that only answer for a stretch of time, in an order of their own.

Windows are read backwards from the newest moment, as wide as rows have been dense so far. How many
are needed follows from the gaps: each empty window makes the next one four times as wide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from connectors.metadata import Rows
from connectors.tables import Newest

Fetch = Callable[[datetime, datetime], Awaitable[Rows]]
"""All rows of a table whose time is in [from, to)."""
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing in these systems is older."""
_WIDEN = 4
_WIDEST = timedelta(days=10_000)


class Windows:
    """Of one table; it remembers how wide a window was needed. `unit` is what times are rounded
    to by the vendor: a window begins and ends on a whole one (of `offset` from UTC)."""

    def __init__(
        self, unit: timedelta = timedelta(seconds=1), offset: timedelta = timedelta()
    ) -> None:
        self._unit = unit
        self._offset = offset
        self._width = timedelta(days=1)

    async def newest(self, fetch: Fetch, until: datetime, count: int) -> Newest:
        """At least `count` rows not after `until`, unless the oldest moment is reached before."""
        rows: Rows = []
        end = self._whole(until) + self._unit
        width = self._width
        while len(rows) < count and end > OLDEST:
            start = max(OLDEST, self._whole(end - width))
            found = await fetch(start, end)
            rows += found
            width = self._next(width, len(found), count)
            end = start
        return Newest(rows, more=end > OLDEST)

    def _next(self, width: timedelta, found: int, count: int) -> timedelta:
        """As wide as holds `count` rows at the density of the last window."""
        if not found:
            return min(width * _WIDEN, _WIDEST)
        best = max(self._unit, width * count / found)
        self._width = min(max(best, width / _WIDEN), width * _WIDEN, _WIDEST)
        return self._width

    def _whole(self, moment: datetime) -> datetime:
        """The beginning of the unit that a moment is in."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC) - self._offset
        return moment - (moment - epoch) % self._unit
