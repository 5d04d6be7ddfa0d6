"""UnionPay writes many times without their year: `MMDDhhmmss`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from connectors.beijing import BEIJING, utc_of_digits


def nearest(digits: str, moment: datetime) -> datetime:
    """The time in Beijing that these digits say, in the year that brings it nearest to `moment`:
    what was sent on 31 December may be settled on 1 January. Raises ValueError.
    """
    found = min(_readings(digits, moment), key=lambda one: abs(one - moment), default=None)
    if found is None:
        raise ValueError("no such time")
    return found


def _readings(digits: str, moment: datetime) -> Iterator[datetime]:
    year = moment.astimezone(BEIJING).year
    for candidate in (year - 1, year, year + 1):
        with suppress(ValueError):
            yield utc_of_digits(f"{candidate:04}{digits}")
