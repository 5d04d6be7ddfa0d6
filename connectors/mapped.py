"""The connector of every mapped system: capabilities made of a vendor's `Tables` and a mapping.

Upstream calls: each method asks its table once for all keys (`Tables.matching`), each further table
of the mapping once more; orders also ask each table of receipts and refunds once. A page asks
`Tables.newest` once, and more often only where many rows share one moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.booking import Booking
from connectors.capabilities import Probe
from connectors.errors import Malformed, Misconfigured, SourceError
from connectors.filters import CustomerFilter, Filter, OrderFilter
from connectors.grouping import (
    D,
    Given,
    Groups,
    R,
    Raw,
    Records,
    grouped,
    held,
    mark,
    raise_if_all_failed,
    singles,
    together,
    united,
)
from connectors.mapper import (
    Booked,
    Mapper,
    customer_paths,
    entry_paths,
    external_ids,
    line_paths,
    order_paths,
)
from connectors.mapping import (
    CustomerMap,
    EntryMap,
    Fields,
    LineMap,
    MappedSettings,
    OrderMap,
    TableMap,
    fields_of,
)
from connectors.metadata import Rows, Table
from connectors.moment_cursor import Position, position_of, token_of
from connectors.paging import Keyed, Page, PageQuery
from connectors.paging import Row as PageRow
from connectors.records import Customer, ExternalId, Order, OrderLine, Source
from connectors.tables import Newest, Tables
from connectors.values import MISSING, Misfit, at

_NEEDS = {
    "customers": ("customers", "customer_page", "customers_by_external_id"),
    "orders": (
        "orders",
        "order_page",
        "orders_by_number",
        "orders_by_payment_id",
        "orders_by_customer",
        "order_lines",
        "refund_numbers",
    ),
}
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class MappedCrm:
    """See `connectors.capabilities` for what each method promises."""

    def __init__(self, source: Source, settings: MappedSettings, tables: Tables) -> None:
        self._source = source
        self._tables = tables
        self._mapping = settings.mapping
        self._mapper = Mapper(source, settings)
        self._booking = Booking(source.name, self._mapping, self._mapper, tables)
        for kind, methods in _NEEDS.items():
            if not getattr(self._mapping, kind):
                # Lacking a capability means lacking the method.
                self.__dict__.update(dict.fromkeys(methods))

    async def probe(self) -> Probe:
        return await self._tables.probe()

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        return await self._tables.describe(tables)

    async def sample(self, table: str, columns: Sequence[str], by: str, most: int) -> Rows:
        return (await self._tables.newest(table, columns, by, None, most)).rows[:most]

    async def customers(self, ids: Sequence[str]) -> Keyed[Customer]:
        wanted = [(one, one.id, customer_paths(one)) for one in self._mapping.customers]
        given, failed = await grouped(self._tables, wanted, ids)
        return failed | singles(self._source.name, given, self._customer)

    async def customers_by_external_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Customer, ...]]:
        wanted = [
            (one, field, customer_paths(one))
            for one in self._mapping.customers
            for field in _names(one.external_ids.get(source, ""))
        ]
        return await _groups(await grouped(self._tables, wanted, ids), self._customers_of)

    async def customer_page(self, query: PageQuery[CustomerFilter]) -> Page[Customer]:
        asked = query.filter
        if () in (asked.emails, asked.names):
            return Page(())
        declared = self._mapping.customers
        if asked.names is not None:
            named = [(one, _names(one.name), customer_paths(one)) for one in declared]
            return await self._chosen(named, asked.names, query, self._customers_of)
        if asked.emails is not None and self._tables.folds:
            named = [(one, _names(one.email), customer_paths(one)) for one in declared]
            return await self._chosen(named, asked.emails, query, self._customers_of)
        every = [(one, customer_paths(one)) for one in declared]
        return await self._newest(every, query, self._customers_of)

    async def orders(self, ids: Sequence[str]) -> Keyed[Order]:
        wanted = [(one, one.id, order_paths(one)) for one in self._mapping.orders]
        given, failed = await grouped(self._tables, wanted, ids)
        every = [one for rows in given.values() for one in rows]
        made = dict(zip(map(id, every), await self._orders_of(every), strict=True))
        return failed | singles(self._source.name, given, lambda one: made[id(one)])

    async def orders_by_number(self, numbers: Sequence[str]) -> Keyed[tuple[Order, ...]]:
        return await self._numbered(numbers)

    async def orders_by_payment_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Order, ...]]:
        """By the order's own fields, and by the entries that were booked for it."""
        wanted = [
            (one, field, order_paths(one))
            for one in self._mapping.orders
            for field in _names(one.payment_ids.get(source, ""))
        ]
        answer = await _groups(await grouped(self._tables, wanted, ids), self._orders_of)
        for declared in self._booking.declared:
            named, failed = await self._booking.orders_of(declared, source, ids)
            answer = united(answer, await self._of_entries(declared, named) | failed)
        return answer

    async def orders_by_customer(
        self, customer_ids: Sequence[str], query: PageQuery[OrderFilter]
    ) -> Keyed[Page[Order]]:
        wanted = [
            (one, one.customer, order_paths(one)) for one in self._mapping.orders if one.customer
        ]
        given, failed = await grouped(self._tables, wanted, customer_ids)
        after = position_of(query.after) if query.after is not None else None
        placed: dict[str, list[tuple[Position, Given[OrderMap]]]] = {}
        for key, own in given.items():
            try:
                placed[key] = self._placed(own, after)
            except Malformed as error:
                failed[key] = error
        shown = [one for rows in placed.values() for _, one in rows[: query.first]]
        made = dict(zip(map(id, shown), await self._orders_of(shown), strict=True))
        pages: dict[str, Page[Order] | SourceError] = dict(failed)
        for key, rows in placed.items():
            if key in failed:
                continue
            page = tuple(PageRow(made[id(one)], token_of(at_)) for at_, one in rows[: query.first])
            pages[key] = Page(page, more=len(rows) > query.first)
        return pages

    async def order_page(self, query: PageQuery[OrderFilter]) -> Page[Order]:
        asked = query.filter
        if () in (asked.customer_ids, asked.numbers, asked.recorded_states):
            return Page(())
        declared = self._mapping.orders
        if asked.numbers is not None:
            named = [(one, _names(one.number), order_paths(one)) for one in declared]
            return await self._chosen(named, asked.numbers, query, self._orders_of)
        if asked.customer_ids is not None:
            named = [(one, _names(one.customer), order_paths(one)) for one in declared]
            return await self._chosen(named, asked.customer_ids, query, self._orders_of)
        every = [(one, order_paths(one)) for one in declared]
        return await self._newest(every, query, self._orders_of)

    async def order_lines(self, order_ids: Sequence[str]) -> Keyed[tuple[OrderLine, ...]]:
        found: dict[str, tuple[OrderLine, ...] | SourceError] = {}
        for declared in self._mapping.orders:
            if declared.lines is None:
                continue
            if declared.lines.path:
                lines = await self._inner_lines(declared, declared.lines, order_ids)
            else:
                lines = await self._lines_of(declared.lines, order_ids)
            found = {**lines, **{k: v for k, v in found.items() if k not in lines}}
        return found

    async def refund_numbers(self, since: datetime) -> AsyncIterator[Sequence[ExternalId]]:
        tables: list[tuple[str, tuple[str, ...], str, Mapping[str, Fields]]] = [
            (
                one.table,
                order_paths(one),
                _names(one.updated_at or one.created_at)[0],
                one.refund_ids,
            )
            for one in self._mapping.orders
        ]
        tables += [
            (one.table, entry_paths(one), one.changed_at, one.refund_ids)
            for one in self._mapping.refunds
            if one.changed_at
        ]
        for table, columns, by, declared in tables:
            if declared:
                async for rows in self._tables.changed(table, columns, by, since):
                    yield [one for row in rows for one in external_ids(row, declared)]

    async def _numbered(self, numbers: Sequence[str]) -> dict[str, tuple[Order, ...] | SourceError]:
        wanted = [
            (one, field, order_paths(one))
            for one in self._mapping.orders
            for field in _names(one.number)
        ]
        return await _groups(await grouped(self._tables, wanted, numbers), self._orders_of)

    async def _of_entries(
        self, declared: EntryMap, named: Mapping[str, Sequence[str]]
    ) -> dict[str, tuple[Order, ...] | SourceError]:
        """The orders that booked entries lead to, by payment."""
        every = list(dict.fromkeys(order for orders in named.values() for order in orders))
        if declared.order_is == "number":
            found = await self._numbered(every)
        else:
            alone = await self.orders(every)
            found = {k: v if isinstance(v, SourceError) else (v,) for k, v in alone.items()}
        answer: dict[str, tuple[Order, ...] | SourceError] = {}
        for payment, orders in named.items():
            for order in dict.fromkeys(orders):
                answer = united(answer, {payment: found[order]} if order in found else {})
        return answer

    async def _chosen(
        self,
        wanted: Sequence[tuple[D, Sequence[str], Sequence[str]]],
        values: Sequence[str],
        query: PageQuery[Any],
        records: Records[D, R],
    ) -> Page[R]:
        """A page of the rows that hold one of the values; a failure of any is that of the page."""
        asked = [value for value in dict.fromkeys(values) if value]
        words = {value.strip().casefold() for value in asked}
        found: dict[str, Given[D]] = {}
        for declared, fields, columns in wanted if asked else ():
            for field in fields:
                for _, rows in await self._tables.matching(declared.table, columns, field, asked):
                    if isinstance(rows, SourceError):
                        raise rows
                    for row in rows:
                        if _holds(row, field, words) and _may_be_of(row, declared, query.filter):
                            found.setdefault(mark(row, declared), Given(row, declared))
        after = position_of(query.after) if query.after is not None else None
        placed = self._placed(list(found.values()), after, whole=True)
        return await _page(placed, query.first, False, records)

    async def _newest(
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
                    self._tables.newest(one.table, columns, _names(one.created_at)[0], until, count)
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
        given: list[Given[D]] = []
        for declared, newest in told:
            own = [Given(row, declared) for row in newest.rows]
            given += own
            if newest.more and own:
                edge = max(edge, min(place.moment for place, _ in self._placed(own, None)))
        return [(place, one) for place, one in self._placed(given, after) if place.moment >= edge]

    def _placed(
        self, given: Sequence[Given[D]], after: Position | None, *, whole: bool = False
    ) -> list[tuple[Position, Given[D]]]:
        """Newest first, the rows that follow `after`; `whole` says that these are all there are:
        then one without a usable time comes last."""
        placed = [(self._place(one, whole), one) for one in given]
        follow = [(place, one) for place, one in placed if after is None or place < after]
        return sorted(follow, key=lambda one: one[0], reverse=True)

    def _place(self, given: Given[D], whole: bool) -> Position:
        """Raises Malformed for a row without a usable time or id, as no page could go on after it;
        where all rows are there, one without a time has a place."""
        row, declared = given.row, given.declared
        native_id = self._mapper.identity(row, declared)
        try:
            if native_id is None:
                raise Misfit(f"{declared.id}: there is no id")
            return Position(self._mapper.created_at(row, declared), native_id)
        except Misfit as misfit:
            if whole and native_id is not None:
                return Position(_FIRST, native_id)
            why = f"{declared.table}: a row cannot be listed, {misfit}"
            raise self._mapper.malformed(row, declared, why) from None

    async def _customers_of(
        self, given: Sequence[Given[CustomerMap]]
    ) -> Sequence[Customer | SourceError]:
        return [self._customer(one) for one in given]

    def _customer(self, one: Given[CustomerMap]) -> Customer | SourceError:
        row, declared = one.row, one.declared
        return self._mapper.fitting(lambda: self._mapper.customer(row, declared), row, declared)

    async def _orders_of(self, given: Sequence[Given[OrderMap]]) -> Sequence[Order | SourceError]:
        """With what was booked for them; where that cannot be read, nor can the order: its
        payments would lack some without a word."""
        booked = await self._booking.of(given)
        return [self._order(one, sums) for one, sums in zip(given, booked, strict=True)]

    def _order(
        self, one: Given[OrderMap], booked: Booked | SourceError | None
    ) -> Order | SourceError:
        if isinstance(booked, SourceError):
            return booked
        row, declared = one.row, one.declared
        made = lambda: self._mapper.order(row, declared, booked)  # noqa: E731
        return self._mapper.fitting(made, row, declared)

    async def _inner_lines(
        self, declared: OrderMap, lines: LineMap, order_ids: Sequence[str]
    ) -> dict[str, tuple[OrderLine, ...] | SourceError]:
        """Lines in the orders' own rows, whose currency may be the order's."""
        columns = (*line_paths(lines), *_currencies(lines), declared.id)
        wanted = [(declared, declared.id, columns)]
        given, failed = await grouped(self._tables, wanted, order_ids)
        found: dict[str, tuple[OrderLine, ...] | SourceError] = dict(failed)
        for key, rows in given.items():
            if key in failed:
                continue
            if len(rows) > 1:
                found[key] = Malformed(
                    self._source.name, f"{declared.table}: several rows have the same id"
                )
                continue
            row = rows[0].row
            inner = [line for line in at(row, lines.path) if isinstance(line, Mapping)]
            if MISSING in at(row, lines.path.removesuffix("[]")):
                found[key] = Misconfigured(
                    self._source.name, f"{declared.table} has no list {lines.path!r}"
                )
                continue
            lacking = _lacking(row, lines)
            found[key] = tuple(self._mapper.line({**line, **lacking}, lines, row) for line in inner)
        return {key: value for key, value in found.items() if value}

    async def _lines_of(
        self, lines: LineMap, order_ids: Sequence[str]
    ) -> dict[str, tuple[OrderLine, ...] | SourceError]:
        """Rows of the lines' own table, in the order in which the vendor tells them."""
        wanted = list(dict.fromkeys(filter(None, order_ids)))
        if not wanted:
            return {}
        answer = await self._tables.matching(lines.table, line_paths(lines), lines.order, wanted)
        raise_if_all_failed([answer])
        found: dict[str, list[OrderLine]] = {}
        failed: dict[str, SourceError] = {}
        for part, rows in answer:
            if isinstance(rows, SourceError):
                failed.update(dict.fromkeys(part, rows))
                continue
            for row in rows:
                for key in held(row, lines.order) & set(part):
                    found.setdefault(key, []).append(self._mapper.line(row, lines))
        return {**failed, **{key: tuple(several) for key, several in found.items()}}


async def _groups(
    groups: Groups[D], records: Records[D, R]
) -> dict[str, tuple[R, ...] | SourceError]:
    """All records per key, newest first; one that does not fit is the failure of its key."""
    given, failed = groups
    every = [one for rows in given.values() for one in rows]
    made = dict(zip(map(id, every), await records(every), strict=True))
    found = {key: together([made[id(one)] for one in rows]) for key, rows in given.items()}
    return {**found, **failed}


async def _page(
    placed: Sequence[tuple[Position, Given[D]]], first: int, more: bool, records: Records[D, R]
) -> Page[R]:
    shown = placed[:first]
    made = await records([one for _, one in shown])
    rows = tuple(
        PageRow(record, token_of(place)) for record, (place, _) in zip(made, shown, strict=True)
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


def _names(fields: Fields) -> tuple[str, ...]:
    return tuple(one.field for one in fields_of(fields))


def _earliest(after: Position | None, asked: Filter) -> datetime | None:
    """Where to begin: after the last page, and not after what the filter accepts."""
    bounds = [after.moment if after is not None else None]
    if asked.created_at is not None:
        bounds += [asked.created_at.lt, asked.created_at.lte]
    return min((bound for bound in bounds if bound is not None), default=None)


def _lacking(row: Mapping[str, Any], lines: LineMap) -> dict[str, Any]:
    """The columns of lines that the order's row says are not there."""
    head = f"{lines.path}."
    return {
        path.removeprefix(head): MISSING for path in line_paths(lines) if row.get(path) is MISSING
    }


def _currencies(lines: LineMap) -> tuple[str, ...]:
    """Fields of the order's own row that hold the currency of its lines."""
    fields = (*fields_of(lines.unit_price), *fields_of(lines.total))
    return tuple(dict.fromkeys(one.currency_field for one in fields if one.currency_field))
