"""Conditions in Kingdee's filter language, which is close to SQL: everything put in is quoted, or
left out where it cannot be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_LARGEST = 2**63 - 1
"""A larger one would fail the query for all the others."""


def one_of(field: str, values: Iterable[str], *, number: bool) -> str | None:
    """`FBillNo in ('A','B')`; None where no value can be one of such a field."""
    if number:
        usable = [value for value in values if _ID.fullmatch(value) and int(value) <= _LARGEST]
    else:
        usable = [quoted(value) for value in values if "\x00" not in value]
    return f"{field} in ({','.join(usable)})" if usable else None


def from_key(field: str, key: Any) -> str:
    """Rows from this key on."""
    return f"{field} >= {key if isinstance(key, int) else quoted(str(key))}"


def before(field: str, moment: datetime, zone: str | None) -> str:
    return f"{field} < {written(moment, zone)}"


def not_before(field: str, moment: datetime, zone: str | None) -> str:
    return f"{field} >= {written(moment, zone)}"


def written(moment: datetime, zone: str | None) -> str:
    """The wall clock of the data centre, to the second."""
    local = moment.astimezone(ZoneInfo(zone) if zone is not None else UTC)
    return f"'{local:%Y-%m-%d %H:%M:%S}'"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def both(*conditions: str | None) -> str:
    return " and ".join(filter(None, conditions))
