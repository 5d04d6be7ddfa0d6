"""Pages by key-set: a page resumes after the sort value and Id of a row, never by OFFSET.

SOQL and SOSL guide, "OFFSET" (2,000 rows at most) and "ORDER BY" (nulls first unless told).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from connectors.page_token import packed, strange, unpacked
from connectors.paging import BadCursor, Sort, SortField
from connectors.salesforce import soql
from connectors.salesforce.ids import canonical
from connectors.values import at

_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,18})?", re.ASCII)


class Place(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One row of one list: its sort value as it came, and its Id. `before` is the place right
    before that row, for one that cannot be named itself.
    """

    list: str
    value: str | None
    id: str
    before: bool = False


Places = list[Place | None]
"""Where each table of a page stands; None is its beginning."""
_PLACES = msgspec.json.Decoder(Places)


def _time_literal(text: str) -> str | None:
    return soql.date_of(text) or soql.instant_of(text)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


_LITERALS: dict[SortField, Callable[[str], str | None]] = {
    SortField.CREATED_AT: _time_literal,
    SortField.PLACED_AT: _time_literal,
    SortField.NAME: soql.quote,
    SortField.TOTAL: lambda text: text if _NUMBER.fullmatch(text) else None,
}
_RANKS: dict[SortField, Callable[[str], Any]] = {
    SortField.CREATED_AT: _time,
    SortField.PLACED_AT: _time,
    SortField.NAME: str.casefold,
    SortField.TOTAL: Decimal,
}
_NEVER_NULL = ("CreatedDate", "Name")


class KeySet:
    """One sort of one table: `field` is the path that holds the sort's value."""

    def __init__(self, sort: Sort, table: str, field: str) -> None:
        self.field = field
        self.descending = sort.descending
        self._by = sort.field
        self._name = f"{sort.field.value}{'-' if sort.descending else '+'}{table}"

    @property
    def order(self) -> str:
        way = "DESC" if self.descending else "ASC"
        return f"{self.field} {way} NULLS LAST, Id {way}"

    def place(self, row: Mapping[str, Any]) -> Place | None:
        """Of a row; None when its Id or value is none that a page could go on after."""
        native_id = canonical(str(row.get("Id")))
        value = next(iter(at(row, self.field)), None)
        text = format(value, "f") if isinstance(value, int | Decimal) else value
        fits = text is None or (isinstance(text, str) and _LITERALS[self._by](text) is not None)
        return Place(self._name, text, native_id) if native_id is not None and fits else None

    def rank(self, place: Place) -> tuple[bool, Any, str]:
        """How places of several tables compare. Rows without a value are last either way."""
        if place.value is None:
            return not self.descending, "", place.id
        return self.descending, _RANKS[self._by](place.value), place.id

    def after(self, place: Place) -> str:
        """The condition of all rows that follow this one; BadCursor.

        What is in a place becomes part of a query, and it may be forged: it is checked.
        """
        native_id = canonical(place.id)
        literal = None if place.value is None else _LITERALS[self._by](place.value)
        if place.list != self._name or native_id is None:
            raise BadCursor("a token of another list")
        sign = "<" if self.descending else ">"
        tied = f"{sign}=" if place.before else sign
        if place.value is None:
            return f"({self.field} = null AND Id {tied} '{native_id}')"
        if literal is None:
            raise strange()
        tie = f"({self.field} = {literal} AND Id {tied} '{native_id}')"
        last = "" if self.field in _NEVER_NULL else f" OR {self.field} = null"
        return f"({self.field} {sign} {literal} OR {tie}{last})"


def token_of(places: Sequence[Place | None]) -> str:
    return packed(places)


def places_of(token: str | None, lists: Sequence[KeySet]) -> Places:
    """Where each list is to go on; BadCursor for what is no token of these lists."""
    if token is None:
        return [None] * len(lists)
    places = unpacked(token, _PLACES)
    if len(places) != len(lists) or not any(places):
        raise BadCursor("a token of another list")
    for keys, place in zip(lists, places, strict=True):
        if place is not None:
            keys.after(place)
    return places
