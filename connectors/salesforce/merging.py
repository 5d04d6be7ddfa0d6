"""Sorted rows of several tables as one list, of which a page is shown.

Each table goes on from its own place, so a token holds the places of all. Names are merged by a
simpler rule than that by which Salesforce sorts them: each table's rows keep their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from typing import Any, Generic

import msgspec

from connectors.errors import Malformed
from connectors.grouping import D, Given
from connectors.salesforce.keyset import KeySet, Place, Places, token_of

Placed = list[tuple[Place, Given[D]]]


class Slice(msgspec.Struct, Generic[D], frozen=True):
    """The rows that are shown, the token of each, and whether there are more."""

    given: list[Given[D]]
    tokens: list[str]
    more: bool


def placed(source: str, rows: Sequence[Given[D]], keys: KeySet) -> Placed[D]:
    """A row without a usable Id or sort value, or with none though rows with one follow, which a
    sorted answer does not hold, cannot be resumed after: it bears the place of the
    row before it and, where a list begins with it, the place before the next row that has one.
    Malformed for rows of which none can be named."""
    places = [keys.place(one.row) for one in rows]
    dated = max((i for i, one in enumerate(places) if one and one.value is not None), default=0)
    places[:dated] = [one if one and one.value is not None else None for one in places[:dated]]
    named = next((place for place in places if place is not None), None)
    if not rows:
        return []
    if named is None:
        raise Malformed(source, "no row of a page can be named")
    last = msgspec.structs.replace(named, before=True)
    found: Placed[D] = []
    for one, place in zip(rows, places, strict=True):
        last = place or last
        found.append((last, one))
    return found


def merged(
    lists: Sequence[Placed[D]], keys: Sequence[KeySet], start: Places, first: int
) -> Slice[D]:
    ranked: list[list[tuple[Any, int, Place, Given[D]]]] = [
        [(own.rank(place), index, place, one) for place, one in rows]
        for index, (own, rows) in enumerate(zip(keys, lists, strict=True))
    ]
    descending = keys[0].descending
    every = list(merge(*ranked, key=lambda entry: entry[0], reverse=descending))
    places = list(start)
    tokens = []
    for _, index, place, _ in every[:first]:
        places[index] = place
        tokens.append(token_of(places))
    return Slice([one for *_, one in every[:first]], tokens, more=len(every) > first)
