"""One table's share of a page: its rows in the order of a sort, narrowed by a filter."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic

from connectors.errors import SourceError
from connectors.grouping import D, Given, held, raise_if_all_failed
from connectors.metadata import Rows
from connectors.salesforce import soql
from connectors.salesforce.errors import LOST_CURSOR
from connectors.salesforce.ids import canonical, of_table
from connectors.salesforce.keyset import KeySet, Place
from connectors.salesforce.merging import Placed, placed
from connectors.salesforce.tables import SalesforceTables

Where = Callable[[], list[str] | None]
"""The conditions of a filter, as far as fields can be read; None for one that accepts nothing."""
Rowed = dict[str, Rows | SourceError]
"""Rows by customer, or why they cannot be read."""
Way = tuple[str, str]
"""An object of customers, and the name under which it has the rows of this table."""


class Listing(Generic[D]):
    def __init__(
        self,
        org: SalesforceTables,
        declared: D,
        columns: Sequence[str],
        keys: KeySet,
        where: Where,
    ) -> None:
        self.keys = keys
        self.where = where
        self._org = org
        self._declared = declared
        self._table = declared.table
        self._columns = (*columns, keys.field)

    def placed(self, source: str, rows: Rows) -> Placed[D]:
        return placed(source, [Given(row, self._declared) for row in rows], self.keys)

    async def page(self, place: Place | None, first: int) -> Rows:
        """One row more than asked tells whether there are more."""
        return await self._org.read(
            self._table, self._columns, lambda: self._select(self._table, place, limit=first + 1)
        )

    async def of_children(
        self, way: Way, place: Place | None, ids: Sequence[str], first: int
    ) -> Rowed:
        """Rows by customer as child subqueries; customers without any have none."""
        parent, relationship = way

        def query(part: Sequence[str]) -> str:
            inner = self._select(relationship, place, limit=first + 1) or ""
            return soql.select(["Id", f"({inner})"], parent, [soql.one_of("Id", part)])

        rowed = await self._read_children(relationship, of_table(ids, parent), query)
        lost = [o for o, rows in rowed.items() if getattr(rows, "code", None) == LOST_CURSOR]
        if not lost:
            return rowed
        # Their cursors were closed amid the pages: asked anew once, all of them together.
        try:
            return rowed | await self._read_children(relationship, lost, query)
        except SourceError as error:
            return rowed | dict.fromkeys(lost, error)

    async def _read_children(
        self, relationship: str, ids: Sequence[str], query: Callable[[Sequence[str]], str]
    ) -> Rowed:
        found = await self._org.parts(self._table, self._columns, ids, query)
        raise_if_all_failed([found])
        rowed: Rowed = {}
        for part, rows in found:
            if isinstance(rows, SourceError):
                rowed.update(dict.fromkeys(part, rows))
                continue
            subqueries = (self._children(row.get(relationship)) for row in rows)
            for row, children in zip(rows, await asyncio.gather(*subqueries), strict=True):
                rowed.setdefault(canonical(str(row.get("Id"))) or "", children)
        return rowed

    async def holding(self, customer: str, place: Place | None, ids: Sequence[str]) -> Rowed:
        """All rows by the customer that their field holds, where no subquery leads to them."""

        def query(part: Sequence[str]) -> str:
            self._org.readable.need(self._table, customer)
            return self._select(self._table, place, [soql.one_of(customer, part)]) or ""

        found = await self._org.parts(self._table, self._columns, ids, query)
        raise_if_all_failed([found])
        rowed: Rowed = {}
        for part, rows in found:
            if isinstance(rows, SourceError):
                rowed.update(dict.fromkeys(part, rows))
                continue
            owned: dict[str, Rows] = {}
            for row in self._org.completed(self._table, self._columns, rows):
                for owner in held(row, customer) & set(part):
                    owned.setdefault(owner, []).append(row)
            rowed |= owned
        return rowed

    async def _children(self, subquery: Any) -> Rows | SourceError:
        try:
            return await self._org.nested(self._table, self._columns, subquery)
        except SourceError as error:
            return error

    def _select(
        self,
        source: str,
        place: Place | None,
        conditions: Sequence[str] = (),
        limit: int | None = None,
    ) -> str | None:
        """The query as fields can be read now; None where the filter accepts nothing."""
        where = self.where()
        if where is None:
            return None
        self._org.readable.need(self._table, self.keys.field)
        resume = [self.keys.after(place)] if place is not None else []
        return soql.select(
            self._org.readable.of(self._table, self._columns),
            source,
            [*conditions, *where, *resume],
            self.keys.order,
            limit,
        )
