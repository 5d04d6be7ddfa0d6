"""Beijing time, in which Chinese providers write their days and hours without a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
"""Fixed: China has had no summer time since 1991."""


def utc_of(text: str) -> datetime:
    """`2026-01-01 08:00:05` (or with a fraction) in Beijing, as aware UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("a time with a zone of its own")
    try:
        return moment.replace(tzinfo=BEIJING).astimezone(UTC)
    except OverflowError:
        raise ValueError("a time before the first or after the last year") from None


def utc_of_digits(text: str) -> datetime:
    """`20260101080005` in Beijing, as aware UTC. Raises ValueError."""
    if len(text) != 14 or not (text.isascii() and text.isdigit()):
        raise ValueError("a time has 14 digits")
    return utc_of(f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:]}")


def written(moment: datetime) -> str:
    """`2026-01-01 08:00:05` in Beijing."""
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def day_of(moment: datetime) -> date:
    """The day that it is in Beijing."""
    return moment.astimezone(BEIJING).date()


def start_of(day: date) -> datetime:
    """The first moment of a day in Beijing, as aware UTC."""
    return datetime.combine(day, time(), BEIJING).astimezone(UTC)
