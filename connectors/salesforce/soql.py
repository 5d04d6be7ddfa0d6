"""SOQL as text. SOQL and SOSL guide: "Quoted String Escape Sequences", "Date Formats", "ORDER BY".

Every value that reaches a query passes through a function of this page; names come from the
settings, which check them, or are constants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote as percent
from zoneinfo import ZoneInfo

from connectors.filters import TimeRange

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
MAX_LITERAL = 4_000
MAX_QUERY = 100_000
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)
# What a Datetime may be compared with; rows outside do not exist.
_EARLIEST = datetime(1700, 1, 1, tzinfo=UTC)
_LATEST = datetime(3999, 12, 31, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)


def quote(value: str) -> str:
    """A string literal that means exactly `value`."""
    return f"'{value.translate(_ESCAPES)}'"


def one_of(field: str, values: Iterable[str], *, numbers: bool = False) -> str:
    """Values that no literal can hold (longer ones; of `numbers`, texts) equal nothing, so they are
    left out. Literals of numbers have no quotes."""
    usable = _numbers(values) if numbers else _literals(values)
    return f"{field} IN ({','.join(usable)})" if usable else "Id = null"


def none_of(field: str, values: Iterable[str]) -> str:
    usable = _literals(values)
    return f"{field} NOT IN ({','.join(usable)})" if usable else f"{field} != null"


def _literals(values: Iterable[str]) -> list[str]:
    return [quote(v) for v in dict.fromkeys(values) if 0 < len(quote(v)) - 2 <= MAX_LITERAL]


def _numbers(values: Iterable[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if _NUMBER.fullmatch(value)]


def either(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


def instant(value: datetime) -> str:
    """A datetime literal, to the millisecond that rows have."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(value: datetime) -> str:
    return value.astimezone(UTC).date().isoformat()


def day_beyond(value: datetime, *, later: bool) -> str:
    """The day after or before, as dates are kept in zones ahead of UTC and behind it."""
    return day(value + _DAY if later else value - _DAY)


def _floor(value: datetime, grain: timedelta) -> datetime:
    return value - (value - _EARLIEST) % grain


def _ceiling(value: datetime, grain: timedelta) -> datetime:
    return _floor(value + grain - timedelta(microseconds=1), grain)


_BOUNDS: tuple[tuple[str, str, Callable[[datetime, timedelta], datetime]], ...] = (
    ("gte", ">=", _ceiling),
    ("gt", ">", _floor),
    ("lte", "<=", _floor),
    ("lt", "<", _ceiling),
)


def within(field: str, bounds: TimeRange, *, dates: bool, zone: str | None = None) -> list[str]:
    """Exact for rows on a grid of milliseconds, or of midnights where the field is a date, which
    are those of `zone` or UTC."""
    grain, literal = (_DAY, day) if dates else (_MILLISECOND, instant)
    conditions = []
    for name, operator, onto_grid in _BOUNDS:
        if (bound := getattr(bounds, name)) is not None:
            clamped = min(max(bound, _EARLIEST), _LATEST)
            if dates and zone is not None:
                # By the clock there: a date is compared as if its midnight were in UTC.
                clamped = clamped.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
            conditions.append(f"{field} {operator} {literal(onto_grid(clamped, grain))}")
    return conditions or [f"{field} != null"]


def select(
    fields: Sequence[str],
    source: str,
    where: Sequence[str] = (),
    order: str | None = None,
    limit: int | None = None,
) -> str:
    # Names are constants or checked settings, values went through the functions above.
    parts = [f"SELECT {','.join(fields)} FROM {source}"]  # noqa: S608
    parts += [f"WHERE {' AND '.join(where)}"] if where else []
    parts += [f"ORDER BY {order}"] if order else []
    parts += [f"LIMIT {limit}"] if limit is not None else []
    return " ".join(parts)


def address(base: str, query: str, *, deleted: bool = False) -> str:
    """The path of a query, as it counts against the limit of a URI; of `deleted` records too."""
    return f"{base}/{'queryAll' if deleted else 'query'}?q={percent(query, safe='')}"


def date_of(text: str) -> str | None:
    """`text` when it is a date literal, for values that come back in a token."""
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None


def instant_of(text: str) -> str | None:
    try:
        parsed = datetime.fromisoformat(text)
        return instant(parsed) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
