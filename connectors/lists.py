"""Lists of rows of several tables, the newest first, in pages that a time and an id go on after.

A page asks `Tables.newest` once for each table, and more often only where many rows share one
moment; of rows that hold a value, `Tables.matching` once for each field.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from connectors.errors import SourceError
from connectors.filters import Filter, OrderFilter
from connectors.grouping import D, Given, R, Raw, Records, held, mark
from connectors.mapper import Mapper
from connectors.mapping import OrderMap, TableMap, fields_of
from connectors.moment_cursor import Position, position_of, token_of
from connectors.paging import Page, PageQuery, Row
from connectors.tables import Newest, Tables

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_LITTLE = timedelta(microseconds=1)
"""Less than what any system tells times apart by."""


class Lists:
    """Of one source."""

    def __init__(self, mapper: Mapper, tables: Tables) -> None:
        self._mapper = mapper
        self._tables = tables

    async def holding(
        self,
        wanted: Sequence[tuple[D, Sequence[str], Sequence[str]]],
        values: Sequence[str],
        query: PageQuery[Any],
        records: Records[D, R],
    ) -> Page[R]:
        """A page of the rows that hold one of the values; a failure of any is that of the page."""
        asked = [value for value in dict.fromkeys(values) if value]
        each = [(one, columns, f) for one, fields, columns in wanted for f in fields if asked]
        answers = await asyncio.gather(
            *(self._tables.matching(one.table, columns, f, asked) for one, columns, f in each)
        )
        found: dict[str, Given[D]] = {}
        words = {value.strip().casefold() for value in asked}
        for (declared, _, field), parts in zip(each, answers, strict=True):
            for _, rows in parts:
                if isinstance(rows, SourceError):
                    raise rows
                for row in rows:
                    if _holds(row, field, words) and _may_be_of(row, declared, query.filter):
                        found.setdefault(mark(row, declared), Given(row, declared))
        after = position_of(query.after) if query.after is not None else None
        placed = self.placed(list(found.values()), after)
        return await _page(placed, query.first, False, records)

    async def newest(
        self,
        tables: Sequence[tuple[D, Sequence[str]]],
        query: PageQuery[Any],
        records: Records[D, R],
    ) -> Page[R]:
        """A page of all rows, the newest of every table merged."""
        after = position_of(query.after) if query.after is not None else None
        until = _earliest(after, query.filter)
        count = query.first + 1
        while True:
            answers = await asyncio.gather(
                *(
                    self._tables.newest(
                        one.table, columns, fields_of(one.created_at)[0].field, until, count
                    )
                    for one, columns in tables
                )
            )
            told = [(one, newest) for (one, _), newest in zip(tables, answers, strict=True)]
            placed = self._told(told, after)
            more = any(newest.more for newest in answers)
            if len(placed) > query.first or not more:
                return await _page(placed, query.first, more, records)
            count *= 2

    def _told(
        self, told: Sequence[tuple[D, Newest]], after: Position | None
    ) -> list[tuple[Position, Given[D]]]:
        """The rows of several tables that no untold row of any can lie between."""
        edge = _FIRST
        every: list[tuple[Position, Given[D]]] = []
        for declared, newest in told:
            own = self._listed(declared, newest, begins=after is None)
            every += own
            if newest.more and newest.rows:
                edge = max(edge, min((place.moment for place, _ in own), default=_LAST))
        return [(place, one) for place, one in _following(every, after) if place.moment >= edge]

    def _listed(
        self, declared: D, newest: Newest, *, begins: bool
    ) -> list[tuple[Position, Given[D]]]:
        """The rows of one table with their places. One without a usable time stands before the next
        older row, so that it is there on each page that this one is asked for. Where rows come in
        any order it is the first of a list (`begins`), and may come again at its neighbour's.
        One without an older neighbour has no place yet where more rows may follow."""
        given = [Given(row, declared) for row in newest.rows]
        moments = [self._mapper.created_at(one.row, declared) for one in given]
        moments[len(given) - newest.timeless :] = [None] * newest.timeless
        dated = [moment for moment in moments if moment is not None]
        if newest.more and not dated:
            return []
        older = min(dated) if newest.more and not newest.ordered else None
        placed = []
        for one, moment in zip(reversed(given), reversed(moments), strict=True):
            older = moment or older
            if newest.more and older is None:
                continue
            near = max(dated) if begins and not newest.ordered and dated else older
            instead = _FIRST if near is None else near + _LITTLE
            placed.append((Position(moment or instead, self._identity(one)), one))
        return placed

    def placed(
        self, given: Sequence[Given[D]], after: Position | None
    ) -> list[tuple[Position, Given[D]]]:
        """Of all rows there are: newest first, those that follow `after`. One without a usable time
        comes last."""
        placed = []
        for one in given:
            moment = self._mapper.created_at(one.row, one.declared) or _FIRST
            placed.append((Position(moment, self._identity(one)), one))
        return _following(placed, after)

    def _identity(self, given: Given[D]) -> str:
        """The row's id; of a row without one, which is shown as its failure, what it holds."""
        native_id = self._mapper.identity(given.row, given.declared)
        return native_id or sha256(mark(given.row, given.declared).encode()).hexdigest()


def _following(
    placed: Sequence[tuple[Position, Given[D]]], after: Position | None
) -> list[tuple[Position, Given[D]]]:
    follow = [one for one in placed if after is None or one[0] < after]
    return sorted(follow, key=lambda one: one[0], reverse=True)


async def _page(
    placed: Sequence[tuple[Position, Given[D]]], first: int, more: bool, records: Records[D, R]
) -> Page[R]:
    shown = placed[:first]
    made = await records([one for _, one in shown])
    rows = tuple(
        Row(record, token_of(place)) for record, (place, _) in zip(made, shown, strict=True)
    )
    return Page(rows, more=more or len(placed) > first)


def _holds(row: Raw, field: str, words: set[str]) -> bool:
    """Whether a field holds one of the folded words, which is as widely as any filter compares: a
    table may answer with rows that hold none, and to make a record of each may cost a call."""
    return any(word.casefold() in words for word in held(row, field))


def _may_be_of(row: Raw, declared: TableMap, asked: Filter) -> bool:
    """Whether an order may be one of the customers that are asked for: one of another costs no
    more than one that is not there."""
    if not isinstance(asked, OrderFilter) or asked.customer_ids is None:
        return True
    field = declared.customer if isinstance(declared, OrderMap) else ""
    return bool(field) and not held(row, field).isdisjoint(asked.customer_ids)


def _earliest(after: Position | None, asked: Filter) -> datetime | None:
    """Where to begin: after the last page, and not after what the filter accepts."""
    bounds = [after.moment if after is not None else None]
    if asked.created_at is not None:
        bounds += [asked.created_at.lt, asked.created_at.lte]
    return min((bound for bound in bounds if bound is not None), default=None)
