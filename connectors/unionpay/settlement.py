"""UnionPay's settlement days: from 23:00 to 23:00 in Beijing, with a file on the day after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from connectors.beijing import day_of, start_of
from connectors.ledger import Period

DAY = timedelta(days=1)
CLOSES = timedelta(hours=23)


def periods(since: datetime, until: datetime, file_hour: int) -> Sequence[Period]:
    """The days that touch [since, until) and whose files are there at `until`."""
    ready = DAY + timedelta(hours=file_hour)
    first = day_of(since + DAY - CLOSES)
    days = (first + DAY * index for index in range(max(0, (day_of(until) - first).days)))
    return [period(day) for day in days if start_of(day) + ready <= until]


def period(day: date) -> Period:
    """The name holds the year, which UnionPay's own name of the day does not."""
    ends = start_of(day) + CLOSES
    return Period(name=f"settlement {day:%Y-%m-%d}", start=ends - DAY, end=ends)


def settle_date(day: date) -> dict[str, str]:
    """The field that asks for the file of a day, and that its answer may tell back."""
    return {"settleDate": f"{day:%m%d}"}


def day_of_period(settled: Period) -> date:
    return day_of(settled.end)
