"""The stretches of Beijing time that the books are read by.

A month that is over is one period, so that a first reading takes few calls; the days of the
present one are periods of their own, so that a later reading takes few too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from connectors.beijing import day_of, start_of
from connectors.ledger import Period

DAY = timedelta(days=1)


class Rhythm(msgspec.Struct, frozen=True):
    """When a book is complete, counted from the end of a day and of a month. `live` books can
    also be read before that, and are then read again.
    """

    name: str
    day_after: timedelta
    month_after: timedelta
    live: bool = True

    def periods(self, since: datetime, until: datetime) -> list[Period]:
        """What there is to read at `until`, which is now, of what happened since `since`."""
        found: list[Period] = []
        for first, following in _months(day_of(since), day_of(until)):
            if until >= start_of(following) + self.month_after:
                month = self._period(f"{first:%Y-%m}", first, following, final=True)
                days = (first + index * DAY for index in range((following - first).days))
                parts = tuple(f"{self.name} {day.isoformat()}" for day in days)
                found.append(msgspec.structs.replace(month, parts=parts))
            else:
                found += self._days(first, following, until)
        return [period for period in found if since < period.end and period.start < until]

    def _days(self, first: date, following: date, until: datetime) -> Iterator[Period]:
        for offset in range((following - first).days):
            day = first + offset * DAY
            complete = until >= start_of(day + DAY) + self.day_after
            if complete or self.live:
                yield self._period(day.isoformat(), day, day + DAY, final=complete)

    def _period(self, label: str, first: date, following: date, *, final: bool) -> Period:
        return Period(
            name=f"{self.name} {label}",
            start=start_of(first),
            end=start_of(following),
            final=final,
        )


def label_of(period: Period) -> str:
    """`2026-01` or `2026-01-02`."""
    return period.name.rpartition(" ")[2]


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The first days of each month and of the one after it."""
    month = first.replace(day=1)
    while month <= last:
        following = (month + 31 * DAY).replace(day=1)
        yield month, following
        month = following
