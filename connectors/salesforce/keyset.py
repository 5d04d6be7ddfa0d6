"""Pages by key-set: a page resumes after the sort value and Id of a row, never by OFFSET.

SOQL and SOSL guide, "OFFSET" (2,000 rows at most) and "ORDER BY" (nulls first unless told).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from connectors.paging import BadCursor, Sort, SortField
from connectors.salesforce import soql
from connectors.salesforce.ids import canonical

_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,18})?", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,2000}")


class _Place(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    sort: str
    value: str | None
    id: str


_PLACE = msgspec.json.Decoder(_Place)
_LITERALS: dict[SortField, Callable[[str], str | None]] = {
    SortField.CREATED_AT: soql.instant_of,
    SortField.PLACED_AT: lambda text: soql.date_of(text) or soql.instant_of(text),
    SortField.NAME: soql.quote,
    SortField.TOTAL: lambda text: text if _NUMBER.fullmatch(text) else None,
}


_NEVER_NULL = (SortField.CREATED_AT, SortField.NAME)


class KeySet:
    """One sort of one object: `field` is the API field that holds the sort's value."""

    def __init__(self, sort: Sort, field: str, prefix: str) -> None:
        self.field = field
        self._sort = sort
        self._prefix = prefix
        self._tag = f"{sort.field.value}{'-' if sort.descending else '+'}"

    @property
    def order(self) -> str:
        way = "DESC" if self._sort.descending else "ASC"
        return f"{self.field} {way} NULLS LAST, Id {way}"

    def token(self, row: Mapping[str, Any], native_id: str) -> str | None:
        """Names the row: its sort value as it came, and its Id; None when the value is no value."""
        value = row.get(self.field)
        text = format(value, "f") if isinstance(value, int | Decimal) else value
        if text is not None and not (isinstance(text, str) and _LITERALS[self._sort.field](text)):
            return None
        place = msgspec.json.encode(_Place(self._tag, text, native_id))
        return urlsafe_b64encode(place).decode().rstrip("=")

    def after(self, token: str) -> str:
        """The condition of all rows that follow the one that `token` names; BadCursor."""
        value, native_id = self._read(token)
        sign = "<" if self._sort.descending else ">"
        if value is None:
            return f"({self.field} = null AND Id {sign} '{native_id}')"
        tie = f"({self.field} = {value} AND Id {sign} '{native_id}')"
        last = "" if self._sort.field in _NEVER_NULL else f" OR {self.field} = null"
        return f"({self.field} {sign} {value} OR {tie}{last})"

    def _read(self, token: str) -> tuple[str | None, str]:
        """The token's literal and Id: checked, because both become part of a query."""
        try:
            if not _TOKEN.fullmatch(token):
                raise ValueError
            place = _PLACE.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (ValueError, msgspec.DecodeError):
            raise BadCursor("not a token of this connector") from None
        native_id = canonical(place.id)
        literal = None if place.value is None else _LITERALS[self._sort.field](place.value)
        if place.sort != self._tag or native_id is None or not native_id.startswith(self._prefix):
            raise BadCursor("a token of another list")
        if place.value is not None and literal is None:
            raise BadCursor("not a token of this connector")
        return literal, native_id
