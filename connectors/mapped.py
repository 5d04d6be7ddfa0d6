"""The connector of every mapped system: capabilities made of a vendor's `Tables` and a mapping.

Upstream calls: each method asks its table once for all keys (`Tables.matching`), each further table
of the mapping once more; orders also ask each table of receipts and refunds once. What lists and
lines of orders ask stands in `connectors.lists` and `connectors.lines`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Self

from connectors.booking import Booking
from connectors.capabilities import Probe
from connectors.errors import SourceError
from connectors.filters import CustomerFilter, OrderFilter
from connectors.grouping import (
    D,
    Given,
    Groups,
    R,
    Records,
    grouped,
    singles,
    together,
    united,
)
from connectors.lines import Lines
from connectors.lists import Lists
from connectors.mapper import Booked, Mapper
from connectors.mapping import (
    CustomerMap,
    EntryMap,
    Fields,
    MappedSettings,
    OrderMap,
    Preset,
    fields_of,
)
from connectors.metadata import Rows, Table
from connectors.moment_cursor import position_of, token_of
from connectors.paging import Keyed, Page, PageQuery
from connectors.paging import Row as PageRow
from connectors.paths import customer_paths, entry_paths, order_paths
from connectors.records import Customer, ExternalId, Order, OrderLine, Source
from connectors.tables import Tables
from connectors.withholding import STATE, without

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


class MappedCrm:
    """See `connectors.capabilities` for what each method promises."""

    def __init__(self, source: Source, settings: MappedSettings, tables: Tables) -> None:
        self._source = source
        self._tables = tables
        self._narrowed: dict[frozenset[str], Self] = {}
        self._maps(settings.mapping, Mapper(source, settings))
        for kind, methods in _NEEDS.items():
            if not getattr(self._mapping, kind):
                # Lacking a capability means lacking the method.
                self.__dict__.update(dict.fromkeys(methods))

    def _maps(self, mapping: Preset, mapper: Mapper) -> None:
        """Everything that is made of the mapping, for this connector and each narrowed one."""
        self._mapping = mapping
        self._mapper = mapper
        self._booking = Booking(self._source.name, mapping, mapper, self._tables)
        self._lines = Lines(self._source.name, mapping, mapper, self._tables)
        self._lists = Lists(mapper, self._tables)

    def narrowed(self, withheld: frozenset[str]) -> Self:
        """Made once for each set; the tables, and with them transport, tokens and all that was
        learned, are the same."""
        if withheld not in self._narrowed:
            self._narrowed[withheld] = self._without(withheld)
        return self._narrowed[withheld]

    def _without(self, withheld: frozenset[str]) -> Self:
        mapping = without(self._mapping, withheld)
        if mapping is self._mapping:
            return self
        one = copy(self)
        one._narrowed = {}
        one._maps(mapping, self._mapper.stateless() if STATE in withheld else self._mapper)
        return one

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
            return await self._lists.holding(named, asked.names, query, self._customers_of)
        if asked.emails is not None and self._tables.folds:
            named = [(one, _names(one.email), customer_paths(one)) for one in declared]
            return await self._lists.holding(named, asked.emails, query, self._customers_of)
        every = [(one, customer_paths(one)) for one in declared]
        return await self._lists.newest(every, query, self._customers_of)

    async def orders(self, ids: Sequence[str]) -> Keyed[Order]:
        wanted = [(one, one.id, order_paths(one)) for one in self._mapping.orders]
        given, failed = await grouped(self._tables, wanted, ids)
        every = [one for rows in given.values() for one in rows]
        made = dict(zip(map(id, every), await self._orders_of(every), strict=True))
        return failed | singles(self._source.name, given, lambda one: made[id(one)])

    async def orders_by_number(
        self, numbers: Sequence[str]
    ) -> dict[str, tuple[Order, ...] | SourceError]:
        wanted = [
            (one, field, order_paths(one))
            for one in self._mapping.orders
            for field in _names(one.number)
        ]
        return await self._found(wanted, numbers)

    async def orders_by_payment_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Order, ...]]:
        """By the order's own fields, and by the entries that were booked for it."""
        wanted = [
            (one, field, order_paths(one))
            for one in self._mapping.orders
            for field in _names(one.payment_ids.get(source, ""))
        ]
        answer, *booked = await asyncio.gather(
            self._found(wanted, ids),
            *(self._booked_for(one, source, ids) for one in self._booking.declared),
        )
        for found in booked:
            answer = united(answer, found)
        return answer

    async def orders_by_customer(
        self, customer_ids: Sequence[str], query: PageQuery[OrderFilter]
    ) -> Keyed[Page[Order]]:
        wanted = [
            (one, one.customer, order_paths(one)) for one in self._mapping.orders if one.customer
        ]
        given, failed = await grouped(self._tables, wanted, customer_ids)
        after = position_of(query.after) if query.after is not None else None
        placed = {key: self._lists.placed(own, after) for key, own in given.items()}
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
            return await self._lists.holding(named, asked.numbers, query, self._orders_of)
        if asked.customer_ids is not None:
            named = [(one, _names(one.customer), order_paths(one)) for one in declared]
            return await self._lists.holding(named, asked.customer_ids, query, self._orders_of)
        every = [(one, order_paths(one)) for one in declared]
        return await self._lists.newest(every, query, self._orders_of)

    async def order_lines(self, order_ids: Sequence[str]) -> Keyed[tuple[OrderLine, ...]]:
        return await self._lines.of(order_ids)

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
                    yield [one for row in rows for one in self._mapper.external_ids(row, declared)]

    async def _found(
        self, wanted: Sequence[tuple[OrderMap, str, Sequence[str]]], keys: Sequence[str]
    ) -> dict[str, tuple[Order, ...] | SourceError]:
        """The orders that hold a key in one of the fields, by key."""
        return await _groups(await grouped(self._tables, wanted, keys), self._orders_of)

    async def _booked_for(
        self, declared: EntryMap, source: str, payment_ids: Sequence[str]
    ) -> dict[str, tuple[Order, ...] | SourceError]:
        """The orders of the entries that name a payment, by payment."""
        named, failed = await self._booking.orders_of(declared, source, payment_ids)
        return await self._of_entries(declared, named) | failed

    async def _of_entries(
        self, declared: EntryMap, named: Mapping[str, Sequence[str]]
    ) -> dict[str, tuple[Order, ...] | SourceError]:
        """The orders that booked entries lead to, by payment."""
        every = list(dict.fromkeys(order for orders in named.values() for order in orders))
        if declared.order_is == "number":
            found = await self.orders_by_number(every)
        else:
            alone = await self.orders(every)
            found = {k: v if isinstance(v, SourceError) else (v,) for k, v in alone.items()}
        answer: dict[str, tuple[Order, ...] | SourceError] = {}
        for payment, orders in named.items():
            for order in dict.fromkeys(orders):
                answer = united(answer, {payment: found[order]} if order in found else {})
        return answer

    async def _customers_of(
        self, given: Sequence[Given[CustomerMap]]
    ) -> Sequence[Customer | SourceError]:
        return [self._customer(one) for one in given]

    def _customer(self, one: Given[CustomerMap]) -> Customer | SourceError:
        return self._mapper.fitting(self._mapper.customer, one.row, one.declared)

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
        return self._mapper.fitting(self._mapper.order, one.row, one.declared, booked)


async def _groups(
    groups: Groups[D], records: Records[D, R]
) -> dict[str, tuple[R, ...] | SourceError]:
    """All records per key, newest first; one that does not fit is the failure of its key."""
    given, failed = groups
    every = [one for rows in given.values() for one in rows]
    made = dict(zip(map(id, every), await records(every), strict=True))
    found = {key: together([made[id(one)] for one in rows]) for key, rows in given.items()}
    return {**found, **failed}


def _names(fields: Fields) -> tuple[str, ...]:
    return tuple(one.field for one in fields_of(fields))
