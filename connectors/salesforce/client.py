"""The connector: a mapped system whose pages are sorted and narrowed by Salesforce itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from connectors.errors import Rejected, SourceError
from connectors.filters import CustomerFilter, OrderFilter
from connectors.grouping import D, R, Records
from connectors.mapped import MappedCrm
from connectors.mapping import CustomerMap, Fields, OrderMap, fields_of
from connectors.metadata import Rows
from connectors.paging import Keyed, Page, PageQuery, Row, Sort, SortField
from connectors.paths import customer_paths, order_paths
from connectors.records import Customer, ExternalId, Order
from connectors.salesforce import narrowing
from connectors.salesforce.errors import login_judge
from connectors.salesforce.ids import of_table
from connectors.salesforce.keyset import KeySet, Place, Places, places_of
from connectors.salesforce.listing import Listing, Rowed, Way
from connectors.salesforce.login import Login
from connectors.salesforce.masters import MOST, Masters
from connectors.salesforce.merging import Slice, merged
from connectors.salesforce.narrowing import Knowledge, currency_of
from connectors.salesforce.presets import RELATIONSHIPS
from connectors.salesforce.reading import Judge, Reader
from connectors.salesforce.settings import SalesforceSettings, only
from connectors.salesforce.tables import SalesforceTables
from connectors.tokens import FetchedToken
from connectors.vendor import Wiring


def connect(wiring: Wiring, settings: SalesforceSettings) -> Salesforce:
    """Two transports: one to log in, one for data, whose address comes with the token."""
    source = wiring.source.name
    base = settings.login_url
    login = Login(
        source, settings, wiring.open(base, login_judge(source), None), wiring.vendor_clock
    )
    judge = Judge(source)
    transport = wiring.open(base, judge, FetchedToken(login.fetch))
    return Salesforce(wiring, settings, Reader(source, transport, settings.api_version), judge)


class Salesforce(MappedCrm):
    """See `connectors.capabilities` for what each method promises."""

    def __init__(
        self, wiring: Wiring, settings: SalesforceSettings, reader: Reader, judge: Judge
    ) -> None:
        self._org = SalesforceTables(wiring.source.name, settings.mapping, reader)
        super().__init__(wiring.source, settings, self._org)
        self._masters = Masters(reader)
        self._settings = settings
        self._judge = judge

    @property
    def quota_used(self) -> int | None:
        """Calls of the last 24 hours, as the latest answer told (`Sforce-Limit-Info`)."""
        return self._judge.quota_used

    @property
    def quota_total(self) -> int | None:
        return self._judge.quota_total

    async def customers(self, ids: Sequence[str]) -> Keyed[Customer]:
        """As everywhere; of ids that are not found one call more asks whether their records were
        merged, and each merge that is followed takes one to read what stayed."""
        known = await super().customers(ids)
        answer = dict(known)
        tables = [one.table for one in self._mapping.customers]
        now = {one: one for one in of_table(ids, "") if one not in answer}
        for _ in range(MOST):
            led = await self._masters.of(tables, list(dict.fromkeys(now.values())))
            step = {one: led[at] for one, at in now.items() if at in led}
            now = {one: at for one, at in step.items() if not isinstance(at, SourceError)}
            answer |= {one: at for one, at in step.items() if isinstance(at, SourceError)}
            if not now:
                break
            unread = [at for at in dict.fromkeys(now.values()) if at not in known]
            known = {**known, **(await super().customers(unread))}
            answer |= {one: known[at] for one, at in now.items() if at in known}
            now = {one: at for one, at in now.items() if at not in known}
        return answer

    async def customer_page(self, query: PageQuery[CustomerFilter]) -> Page[Customer]:
        keys = [self._customer_keys(query.sort, one) for one in self._mapping.customers]
        start = places_of(query.after, keys)
        if () in (query.filter.emails, query.filter.names):
            return Page(())
        listings = [
            await self._customer_listing(query.filter, one, own)
            for one, own in zip(self._mapping.customers, keys, strict=True)
        ]
        return await self._page(listings, start, query.first, self._customers_of)

    async def order_page(self, query: PageQuery[OrderFilter]) -> Page[Order]:
        keys = [self._order_keys(query, one) for one in self._mapping.orders]
        start = places_of(query.after, keys)
        if _nothing(query.filter):
            return Page(())
        listings = await self._order_listings(query.filter, keys)
        return await self._page(listings, start, query.first, self._orders_of)

    async def orders_by_customer(
        self, customer_ids: Sequence[str], query: PageQuery[OrderFilter]
    ) -> Keyed[Page[Order]]:
        """One query with a child subquery per batch of customers and table of orders
        ("Relationship Queries")."""
        keys = [self._order_keys(query, one) for one in self._mapping.orders]
        start = places_of(query.after, keys)
        ids = of_table(customer_ids, "")
        if _nothing(query.filter) or not ids:
            return {native_id: Page(()) for native_id in ids}
        listings = await self._order_listings(query.filter, keys)
        if all(listing.where() is None for listing in listings):
            return {native_id: Page(()) for native_id in ids}
        tables = zip(listings, self._mapping.orders, start, strict=True)
        found = await asyncio.gather(
            *(
                self._by_customer(listing, declared, place, ids, query.first)
                for listing, declared, place in tables
            )
        )
        return await self._pages(listings, found, start, query.first)

    async def refund_numbers(self, since: datetime) -> AsyncIterator[Sequence[ExternalId]]:
        """Of the rows alone that hold one: a query per 2,000 of them."""
        tables: list[tuple[str, Fields, Mapping[str, Fields]]] = [
            (one.table, one.updated_at or one.created_at, one.refund_ids)
            for one in self._mapping.orders
        ]
        tables += [(one.table, one.changed_at, one.refund_ids) for one in self._mapping.refunds]
        for table, by, declared in tables:
            holding = [one.field for fields in declared.values() for one in fields_of(fields)]
            times = fields_of(by)
            if not holding or not times:
                continue
            async for rows in self._org.changed(table, holding, times[0].field, since, holding):
                yield [one for row in rows for one in self._mapper.external_ids(row, declared)]

    async def _customer_listing(
        self, asked: CustomerFilter, declared: CustomerMap, keys: KeySet
    ) -> Listing[CustomerMap]:
        knows = await self._knowledge(asked, declared)
        return Listing(
            self._org,
            declared,
            customer_paths(declared),
            keys,
            lambda: narrowing.customers(asked, declared, knows),
        )

    async def _order_listings(
        self, asked: OrderFilter, keys: Sequence[KeySet]
    ) -> list[Listing[OrderMap]]:
        return [
            await self._order_listing(asked, one, own)
            for one, own in zip(self._mapping.orders, keys, strict=True)
        ]

    async def _order_listing(
        self, asked: OrderFilter, declared: OrderMap, keys: KeySet
    ) -> Listing[OrderMap]:
        knows = await self._knowledge(asked, declared)
        return Listing(
            self._org,
            declared,
            order_paths(declared),
            keys,
            lambda: narrowing.orders(asked, declared, knows),
        )

    async def _knowledge(
        self, asked: CustomerFilter | OrderFilter, declared: CustomerMap | OrderMap
    ) -> Knowledge:
        types = await self._org.descriptions.types(declared.table, narrowing.typed(asked, declared))
        readable = partial(self._org.readable.has, declared.table)
        return Knowledge(self._settings, readable, types)

    async def _page(
        self, listings: Sequence[Listing[D]], start: Places, first: int, records: Records[D, R]
    ) -> Page[R]:
        pairs = zip(listings, start, strict=True)
        found = await asyncio.gather(*(listing.page(place, first) for listing, place in pairs))
        one = self._slice(listings, found, start, first)
        made = await records(one.given)
        return Page(tuple(map(Row, made, one.tokens)), more=one.more)

    async def _by_customer(
        self,
        listing: Listing[OrderMap],
        declared: OrderMap,
        place: Place | None,
        ids: Sequence[str],
        first: int,
    ) -> Rowed:
        if not declared.customer or listing.where() is None:
            return {}
        ways = await self._ways(declared)
        if not ways:
            return await listing.holding(declared.customer, place, ids)
        found: Rowed = {}
        for way in ways:
            found |= await listing.of_children(way, place, ids, first)
        return found

    async def _ways(self, declared: OrderMap) -> list[Way]:
        """The objects of customers that these orders hang on. Standard ones cost no call."""
        parents = [one.table for one in self._mapping.customers]
        standard = [
            parent
            for parent in parents
            if (parent, declared.table, declared.customer) in RELATIONSHIPS
        ]
        ways = []
        for parent in standard or parents:
            name = await self._org.descriptions.relationship(
                parent, declared.table, declared.customer
            )
            if name is not None:
                ways.append((parent, name))
        return ways

    async def _pages(
        self,
        listings: Sequence[Listing[OrderMap]],
        found: Sequence[Rowed],
        start: Places,
        first: int,
    ) -> dict[str, Page[Order] | SourceError]:
        """A page per customer, of all tables together; what is booked is asked for all at once."""
        pages: dict[str, Page[Order] | SourceError] = {}
        slices: dict[str, Slice[OrderMap]] = {}
        for owner in dict.fromkeys(owner for rowed in found for owner in rowed):
            try:
                rows = [_or_raise(rowed.get(owner, [])) for rowed in found]
                slices[owner] = self._slice(listings, rows, start, first)
            except SourceError as error:
                pages[owner] = error
        made = iter(await self._orders_of([one for own in slices.values() for one in own.given]))
        for owner, own in slices.items():
            records = tuple(Row(next(made), token) for token in own.tokens)
            pages[owner] = Page(records, more=own.more)
        return pages

    def _slice(
        self, listings: Sequence[Listing[D]], found: Sequence[Rows], start: Places, first: int
    ) -> Slice[D]:
        lists = [
            listing.placed(self._source.name, rows)
            for listing, rows in zip(listings, found, strict=True)
        ]
        return merged(lists, [listing.keys for listing in listings], start, first)

    def _customer_keys(self, sort: Sort, declared: CustomerMap) -> KeySet:
        fields = {SortField.CREATED_AT: declared.created_at, SortField.NAME: declared.name}
        return self._keys(sort, declared.table, fields)

    def _order_keys(self, query: PageQuery[OrderFilter], declared: OrderMap) -> KeySet:
        """Refuses to sort by total across currencies.

        Rows are ordered by the converted amount, but compared by the bare number (SOQL and SOSL
        guide, "Querying Currency Fields in Multi-Currency Orgs"), so pages would not join up.
        """
        keys = self._keys(
            query.sort,
            declared.table,
            {
                SortField.CREATED_AT: declared.created_at,
                SortField.PLACED_AT: declared.placed_at,
                SortField.TOTAL: declared.total,
            },
        )
        amount = only(declared.total)
        one = amount is not None and currency_of(amount, self._settings) is not None
        if query.sort.field is SortField.TOTAL and not one and query.filter.total is None:
            raise Rejected(
                self._source.name, "sorting by total needs a filter on one currency of the total"
            )
        return keys

    def _keys(self, sort: Sort, table: str, fields: Mapping[SortField, Fields]) -> KeySet:
        """A table is sorted by one field: several would have to be one for every row."""
        one = only(fields.get(sort.field, ""))
        if one is None:
            raise Rejected(self._source.name, f"{table} has no sort {sort.field.value}")
        return KeySet(sort, table, one.field)


def _or_raise(rows: Rows | SourceError) -> Rows:
    if isinstance(rows, SourceError):
        raise rows
    return rows


def _nothing(asked: OrderFilter) -> bool:
    return () in (asked.customer_ids, asked.numbers, asked.recorded_states)
