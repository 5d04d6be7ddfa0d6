"""Objects of Salesforce as tables: their rows by SOQL, in as few calls as it allows.

Up to 200 values are one query, up to 1,000 five queries in one composite call. Paths are those of
SOQL: `Email__c`, `Product2.Name`, `Account.Owner.Name`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from connectors.capabilities import Probe
from connectors.declared import conditional
from connectors.errors import Misconfigured
from connectors.grouping import Raw
from connectors.mapping import Preset
from connectors.metadata import Rows, Table
from connectors.paths import paths_by_table
from connectors.salesforce import soql
from connectors.salesforce.descriptions import Descriptions, columns_of
from connectors.salesforce.errors import INVALID_FIELD
from connectors.salesforce.ids import canonical, of_table
from connectors.salesforce.readable import Readable, Several, lacks
from connectors.salesforce.reading import Reader
from connectors.tables import Found, Newest
from connectors.values import MISSING, at

CHANGED = 2000
"""Rows of one query for what was changed: as many as come in one answer."""
NUMBERS = frozenset({"currency", "double", "int", "long", "percent"})
"""Types of fields whose literals have no quotes."""
Select = Callable[[Sequence[str]], str]
"""The query for some of the keys."""


class SalesforceTables:
    """See `connectors.tables.Tables` for what each method promises."""

    folds = True

    def __init__(self, source: str, mapping: Preset, reader: Reader) -> None:
        self._reader = reader
        self._mapped = paths_by_table(mapping)
        self._ids = _id_fields(mapping)
        self._numbers: set[tuple[str, str]] = set()
        self.descriptions = Descriptions(reader)
        self.readable = Readable(source, self.descriptions, conditional(mapping))

    async def probe(self) -> Probe:
        """REST API guide, "Limits", and what the descriptions lack of the mapping."""
        checks = (self.readable.check(table, columns) for table, columns in self._mapped.items())
        (left, total), notes = await asyncio.gather(self._reader.limits(), asyncio.gather(*checks))
        return Probe(left, total, tuple(note for found in notes for note in found))

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        """Whether a field is a number is learned from the first refusal of a text, since to ask
        for the types of all would cost a call for each table."""
        try:
            return await self._matching(table, columns, field, values)
        except Misconfigured as error:
            if error.code != INVALID_FIELD or not await self._turns_out_a_number(table, field):
                raise
        return await self._matching(table, columns, field, values)

    async def _turns_out_a_number(self, table: str, field: str) -> bool:
        known = (table, field) in self._numbers
        if (await self.descriptions.types(table, [field]))[field] in NUMBERS:
            self._numbers.add((table, field))
            return not known
        return False

    async def _matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        keys = self._keys(table, field, values)
        every = (*columns, field)

        def query(part: Sequence[str]) -> str:
            # Anew for every attempt: a field that turns out to be unreadable leaves its place.
            self.readable.need(table, field)
            return soql.select(
                self.readable.of(table, every),
                table,
                [soql.one_of(field, part, numbers=(table, field) in self._numbers)],
                self._order(table),
            )

        found = await self.parts(table, every, keys, query)
        return [
            (part, rows if not isinstance(rows, list) else self.completed(table, every, rows))
            for part, rows in found
        ]

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        """One query, and one more where rows share the moment at which the first would end."""
        every = (*columns, by)
        until_then = [] if until is None else [await self._compared(table, by, "<=", until)]
        order = f"{by} DESC NULLS LAST, Id DESC"
        where = [*until_then, f"{by} != null"]
        rows = await self._rows(table, every, where, order, count + 1, needed=(by,))
        if len(rows) <= count:
            return Newest(rows, more=False)
        last = at(rows[count - 1], by)
        if at(rows[count], by) != last:
            return Newest(rows[:count], more=True)
        literal = soql.date_of(str(last[0])) or soql.instant_of(str(last[0]))
        newer = [row for row in rows if at(row, by) != last]
        same = await self._rows(table, every, [f"{by} = {literal}"], order, needed=(by,))
        return Newest(newer + same, more=True)

    async def changed(
        self,
        table: str,
        columns: Sequence[str],
        by: str,
        since: datetime,
        holding: Sequence[str] = (),
    ) -> AsyncIterator[Rows]:
        """A query per 2,000 rows; of those alone that hold one of the fields `holding`, if any."""
        held = [soql.either([f"{field} != null" for field in holding])] if holding else []
        conditions = [*held, await self._compared(table, by, ">=", since)]
        after: list[str] = []
        while True:
            where = [*conditions, *after]
            rows = await self._rows(table, columns, where, "Id", CHANGED, needed=(by, *holding))
            yield rows
            last = canonical(str(rows[-1].get("Id"))) if rows else None
            if len(rows) < CHANGED or last is None:
                return
            after = [f"Id > '{last}'"]

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        """All of them are the objects that have pages of their own, each with its fields."""
        if not tables:
            return [
                Table(name=one.name, label=one.label, columns=tuple(columns_of(one)))
                for one in await self._reader.describe_all()
            ]
        found = [await self.descriptions.table(t, self._mapped.get(t, ())) for t in tables]
        return [table for table in found if table is not None]

    async def read(
        self, table: str, columns: Sequence[str], query: Callable[[], str | None]
    ) -> Rows:
        """The rows of one query, made anew for every attempt; none where there is no query."""

        async def ask() -> Rows:
            text = query()
            return await self._reader.query(text) if text is not None else []

        return self.completed(table, columns, await self.readable.read(table, columns, ask))

    async def parts(
        self, table: str, columns: Sequence[str], keys: Sequence[str], query: Select
    ) -> Several:
        """Each part of the keys with its rows, as they came, or its failure."""
        if not keys:
            return []

        async def ask() -> Several:
            parts = list(self._reader.parts(keys, query))
            outcomes = await self._reader.queries([query(part) for part in parts])
            return list(zip(parts, outcomes, strict=True))

        return await self.readable.read_parts(table, columns, ask)

    async def nested(self, table: str, columns: Sequence[str], subquery: Any) -> Rows:
        """The rows of a child subquery."""
        return self.completed(table, columns, await self._reader.nested(subquery))

    def completed(self, table: str, columns: Sequence[str], rows: Rows) -> Rows:
        """Each row once, with ids in their one spelling, and what it lacks as MISSING."""
        expected = list(dict.fromkeys(columns))
        return [self._completed(table, expected, row) for row in _once(rows)]

    def _completed(self, table: str, expected: Sequence[str], row: Raw) -> Raw:
        row["Id"] = canonical(str(row.get("Id")))
        for field in self._ids[table]:
            if isinstance(value := row.get(field), str):
                row[field] = canonical(value) or value
        for column in expected:
            if column not in row and lacks(row, column):
                row[column] = MISSING
        return row

    async def _rows(
        self,
        table: str,
        columns: Sequence[str],
        where: Sequence[str],
        order: str,
        limit: int | None = None,
        needed: Sequence[str] = (),
    ) -> Rows:
        def query() -> str:
            for field in needed:
                self.readable.need(table, field)
            return soql.select(self.readable.of(table, columns), table, where, order, limit)

        return await self.read(table, [*columns, *needed], query)

    def _keys(self, table: str, field: str, values: Sequence[str]) -> list[str]:
        """Ids in 18 characters, since one that is none would fail the query of all."""
        if field == "Id":
            return of_table(values, table)
        if field in self._ids[table]:
            return of_table(values, "")
        return list(dict.fromkeys(values))

    def _order(self, table: str) -> str:
        """Lines in the order in which people see them, all else as it was made."""
        numbered = table == "OrderItem" and self.readable.has(table, "OrderItemNumber")
        return "OrderItemNumber, Id" if numbered else "Id"

    async def _compared(self, table: str, field: str, sign: str, moment: datetime) -> str:
        """A date is compared with the day before or after as well: more rows do no harm."""
        kind = (await self.descriptions.types(table, [field]))[field]
        if kind != "date":
            return f"{field} {sign} {soql.instant(moment)}"
        return f"{field} {sign} {soql.day_beyond(moment, later=sign == '<=')}"


def _once(rows: Rows) -> Iterator[Raw]:
    """Each row whose Id has not come before."""
    seen: set[str] = set()
    for row in rows:
        native_id = row.get("Id")
        if not isinstance(native_id, str) or native_id not in seen:
            seen.add(str(native_id))
            yield row


def _id_fields(mapping: Preset) -> defaultdict[str, set[str]]:
    """The fields that hold ids of this organisation's records, by table."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for orders in mapping.orders:
        found[orders.table].add(orders.customer)
        if orders.lines is not None:
            found[orders.lines.table].add(orders.lines.order)
    for entries in (*mapping.receipts, *mapping.refunds):
        found[entries.table].add(entries.customer)
        if entries.order_is == "id":
            found[entries.table].add(entries.order)
    return found
