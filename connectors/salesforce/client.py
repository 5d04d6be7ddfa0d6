"""The connector: batch methods and pages of Account or Contact, Order or Opportunity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from connectors.capabilities import Probe
from connectors.errors import Misconfigured, Rejected, SourceError
from connectors.filters import CustomerFilter, OrderFilter
from connectors.paging import Keyed, Page, PageQuery, Sort, SortField
from connectors.records import Customer, ExternalId, Order, OrderLine
from connectors.salesforce import mapping, narrowing, soql
from connectors.salesforce.columns import (
    LINES,
    Columns,
    customer_columns,
    line_columns,
    order_columns,
)
from connectors.salesforce.errors import login_judge
from connectors.salesforce.ids import PREFIXES, canonical
from connectors.salesforce.keyset import KeySet
from connectors.salesforce.login import Login
from connectors.salesforce.paging import page_of
from connectors.salesforce.reading import Judge, Reader, Rows
from connectors.salesforce.settings import SalesforceSettings
from connectors.tokens import FetchedToken
from connectors.vendor import Wiring

NUMBERS = 2000
T = TypeVar("T")
Row = dict[str, Any]


def connect(wiring: Wiring, settings: SalesforceSettings) -> Salesforce:
    """Two transports: one to log in, one for data, whose address comes with the token."""
    source = wiring.source.name
    if settings.relationship is None:
        raise Misconfigured(
            source,
            f"orders_relationship: {settings.customer_object} has no standard way to its "
            f"{settings.order_object} records, name the relationship",
        )
    base = settings.login_url
    login = Login(source, settings, wiring.open(base, login_judge(source), None), wiring.clock)
    judge = Judge(source)
    transport = wiring.open(base, judge, FetchedToken(login.fetch))
    return Salesforce(wiring, settings, Reader(source, transport, settings.api_version), judge)


class Salesforce:
    """See `connectors.capabilities` for what each method promises."""

    def __init__(
        self, wiring: Wiring, settings: SalesforceSettings, reader: Reader, judge: Judge
    ) -> None:
        source = wiring.source.name
        self._source = wiring.source
        self._settings = settings
        self._reader = reader
        self._judge = judge
        self._customers = customer_columns(source, reader, settings)
        self._orders = order_columns(source, reader, settings)
        self._lines = line_columns(source, reader, settings)

    @property
    def quota_used(self) -> int | None:
        """Calls of the last 24 hours, as the latest answer told (`Sforce-Limit-Info`)."""
        return self._judge.quota_used

    @property
    def quota_total(self) -> int | None:
        return self._judge.quota_total

    async def probe(self) -> Probe:
        """REST API guide, "Limits", and what the descriptions lack of the configuration."""
        (left, total), *notes = await asyncio.gather(
            self._reader.limits(),
            self._customers.check(),
            self._orders.check(),
            self._lines.check(),
        )
        return Probe(left, total, tuple(note for found in notes for note in found))

    async def customers(self, ids: Sequence[str]) -> Keyed[Customer]:
        keys = narrowing.of_object(ids, self._settings.customer_object)
        return await self._singles(self._customers, keys, self._customer)

    async def customers_by_external_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Customer, ...]]:
        fields = _fields_of(self._settings.customer_id_fields, source)
        return await self._linked(self._customers, fields, ids, self._customer)

    async def customer_page(self, query: PageQuery[CustomerFilter]) -> Page[Customer]:
        columns = self._customers
        keys = self._keyset(query.sort, columns, {SortField.NAME: "Name"})
        resume = [keys.after(query.after)] if query.after is not None else []

        async def ask() -> Rows | None:
            where = narrowing.customers(query.filter, self._settings, columns.readable)
            return await self._rows_of_page(columns, keys, where, resume, query.first)

        return page_of(await columns.read(ask), query.first, keys, self._customer, self._source)

    async def orders(self, ids: Sequence[str]) -> Keyed[Order]:
        keys = narrowing.of_object(ids, self._settings.order_object)
        return await self._singles(self._orders, keys, self._order)

    async def orders_by_number(self, numbers: Sequence[str]) -> Keyed[tuple[Order, ...]]:
        return await self._linked(
            self._orders, [self._settings.order_map["number"]], numbers, self._order
        )

    async def orders_by_payment_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Order, ...]]:
        fields = _fields_of(self._settings.order_payment_fields, source)
        return await self._linked(self._orders, fields, ids, self._order)

    async def order_page(self, query: PageQuery[OrderFilter]) -> Page[Order]:
        columns = self._orders
        keys = self._order_keyset(query)
        resume = [keys.after(query.after)] if query.after is not None else []

        async def ask() -> Rows | None:
            where = await self._order_conditions(query.filter)
            return await self._rows_of_page(columns, keys, where, resume, query.first)

        return page_of(await columns.read(ask), query.first, keys, self._order, self._source)

    async def orders_by_customer(
        self, customer_ids: Sequence[str], query: PageQuery[OrderFilter]
    ) -> Keyed[Page[Order]]:
        """One query with a child subquery per batch of customers ("Relationship Queries")."""
        keys = self._order_keyset(query)
        resume = [keys.after(query.after)] if query.after is not None else []
        ids = narrowing.of_object(customer_ids, self._settings.customer_object)
        if await self._order_conditions(query.filter) is None:
            return {native_id: Page(()) for native_id in ids}
        dates = await self._placed_by_day(query.filter)

        def ask(part: Sequence[str]) -> str:
            # Anew for every attempt: a field that turns out to be unreadable leaves both places.
            self._check_sortable(self._orders, keys)
            fields = self._orders.fields
            where = narrowing.orders(
                query.filter, self._settings, self._orders.readable, dates=dates
            )
            conditions = [*(where or []), *resume]
            inner = soql.select(
                fields, str(self._settings.relationship), conditions, keys.order, query.first + 1
            )
            parents = soql.one_of("Id", part)
            return soql.select(["Id", f"({inner})"], self._settings.customer_object, [parents])

        pages: dict[str, Page[Order] | SourceError] = {}
        found = await self._batched(self._orders, ids, ask)
        for part, rows in found:
            if isinstance(rows, SourceError):
                pages.update(dict.fromkeys(part, rows))
                continue
            made = await asyncio.gather(*(self._customer_page(row, query, keys) for row in rows))
            for native_id, page in made:
                pages.setdefault(native_id, page)
        return pages

    async def refund_numbers(self, since: datetime) -> AsyncIterator[Sequence[ExternalId]]:
        """A query per 2,000 orders that hold one and were changed since."""
        fields = self._settings.order_refund_fields
        held = soql.either([f"{field} != null" for field in fields]) if fields else ""
        changed = f"LastModifiedDate >= {soql.instant(since)}"
        after: list[str] = []
        while fields:
            rows = await self._reader.query(
                soql.select(["Id", *fields], self._settings.order_object, [held, changed, *after],
                            "Id", NUMBERS)
            )  # fmt: skip
            yield [held for row in rows for held in mapping.external_ids(row, fields)]
            last = canonical(str(rows[-1].get("Id"))) if rows else None
            if len(rows) < NUMBERS or last is None:
                return
            after = [f"Id > '{last}'"]

    async def order_lines(self, order_ids: Sequence[str]) -> Keyed[tuple[OrderLine, ...]]:
        ids = narrowing.of_object(order_ids, self._settings.order_object)
        sobject, parent = LINES[self._settings.order_object]
        order = "OrderItemNumber, Id" if sobject == "OrderItem" else "Id"
        found = await self._batched(
            self._lines,
            ids,
            lambda part: soql.select(
                self._lines.fields, sobject, [soql.one_of(parent, part)], order
            ),
        )
        return self._grouped(found, [parent], set(ids), self._line)

    async def _singles(
        self, columns: Columns, ids: list[str], record: Callable[[Row], T]
    ) -> Keyed[T]:
        """One record per Id."""
        found = await self._batched(
            columns,
            ids,
            lambda part: soql.select(columns.fields, columns.sobject, [soql.one_of("Id", part)]),
        )
        answer: dict[str, T | SourceError] = {}
        for part, rows in found:
            if isinstance(rows, SourceError):
                answer.update(dict.fromkeys(part, rows))
                continue
            for row in rows:
                native_id = canonical(str(row.get("Id")))
                if native_id is not None and native_id not in answer:
                    answer[native_id] = mapping.fitting(record, row, self._source.name)
        return answer

    async def _linked(
        self, columns: Columns, fields: list[str], keys: Sequence[str], record: Callable[[Row], T]
    ) -> Keyed[tuple[T, ...]]:
        """The records whose fields hold a key, exactly: SOQL's equality ignores case."""
        wanted = [key for key in dict.fromkeys(keys) if key]
        if not fields or not wanted:
            return {}

        def ask(part: Sequence[str]) -> str:
            usable = [field for field in fields if columns.readable(field)]
            if not usable:
                raise Misconfigured(
                    self._source.name, f"{columns.sobject}.{fields[0]} cannot be read"
                )
            where = soql.either([soql.one_of(field, part) for field in usable])
            return soql.select(columns.fields, columns.sobject, [where], "CreatedDate DESC, Id")

        found = await self._batched(columns, wanted, ask)
        return self._grouped(found, fields, set(wanted), record)

    def _grouped(
        self,
        found: Iterable[tuple[Sequence[str], Rows | SourceError]],
        fields: Sequence[str],
        wanted: set[str],
        record: Callable[[Row], T],
    ) -> dict[str, tuple[T, ...] | SourceError]:
        """Rows by the key they hold; a row that does not fit is the failure of its keys."""
        groups: dict[str, list[T]] = {}
        failed: dict[str, SourceError] = {}
        seen: set[str] = set()
        for part, rows in found:
            if isinstance(rows, SourceError):
                failed.update(dict.fromkeys(part, rows))
                continue
            for row in _once(rows, seen):
                made = mapping.fitting(record, row, self._source.name)
                for key in {str(row.get(field)) for field in fields} & wanted:
                    if isinstance(made, SourceError):
                        failed[key] = made
                    else:
                        groups.setdefault(key, []).append(made)
        return {key: tuple(group) for key, group in groups.items()} | failed

    async def _batched(
        self, columns: Columns, keys: Sequence[str], query: Callable[[Sequence[str]], str]
    ) -> list[tuple[Sequence[str], Rows | SourceError]]:
        """Each part of the keys with its rows or failure; raises when every part failed."""
        if not keys:
            return []
        parts: list[Sequence[str]] = []

        async def ask() -> list[Rows | SourceError]:
            parts[:] = self._reader.parts(keys, query)
            return await self._reader.queries([query(part) for part in parts])

        found = await columns.read_all(ask)
        if isinstance(found[0], SourceError) and all(isinstance(f, SourceError) for f in found):
            raise found[0]
        return list(zip(parts, found, strict=True))

    async def _rows_of_page(
        self,
        columns: Columns,
        keys: KeySet,
        where: list[str] | None,
        resume: list[str],
        first: int,
    ) -> Rows | None:
        """One row more than asked tells whether there are more; None when nothing is accepted."""
        if where is None:
            return None
        self._check_sortable(columns, keys)
        conditions = [*where, *resume]
        return await self._reader.query(
            soql.select(columns.fields, columns.sobject, conditions, keys.order, first + 1)
        )

    async def _customer_page(
        self, row: Row, query: PageQuery[OrderFilter], keys: KeySet
    ) -> tuple[str, Page[Order] | SourceError]:
        native_id = canonical(str(row.get("Id"))) or ""
        try:
            rows = await self._reader.nested(row.get(str(self._settings.relationship)))
            return native_id, page_of(rows, query.first, keys, self._order, self._source)
        except SourceError as error:
            return native_id, error

    async def _order_conditions(self, asked: OrderFilter) -> list[str] | None:
        dates = await self._placed_by_day(asked)
        return narrowing.orders(asked, self._settings, self._orders.readable, dates=dates)

    async def _placed_by_day(self, asked: OrderFilter) -> bool:
        """Whether `placed_at` is compared with dates; asked only when the filter needs it."""
        field = self._settings.order_map["placed_at"]
        return asked.placed_at is not None and await self._orders.is_date(field)

    def _order_keyset(self, query: PageQuery[OrderFilter]) -> KeySet:
        """Refuses to sort by total across currencies.

        Rows are ordered by the converted amount, but compared by the bare number (SOQL and SOSL
        guide, "Querying Currency Fields in Multi-Currency Orgs"), so pages would not join up.
        """
        names = self._settings.order_map
        keys = self._keyset(
            query.sort,
            self._orders,
            {SortField.PLACED_AT: names["placed_at"], SortField.TOTAL: names["total"]},
        )
        one = self._settings.currency is not None or query.filter.total is not None
        if query.sort.field is SortField.TOTAL and not one:
            raise Rejected(
                self._source.name, "sorting by total needs a filter on one currency of the total"
            )
        return keys

    def _keyset(self, sort: Sort, columns: Columns, fields: dict[SortField, str]) -> KeySet:
        known = {SortField.CREATED_AT: "CreatedDate", **fields}
        if sort.field not in known:
            raise Rejected(self._source.name, f"{columns.sobject} has no sort {sort.field.value}")
        return KeySet(sort, known[sort.field], PREFIXES[columns.sobject])

    def _check_sortable(self, columns: Columns, keys: KeySet) -> None:
        if not columns.readable(keys.field):
            raise Misconfigured(
                self._source.name, f"{columns.sobject}.{keys.field} cannot be read, nor sorted by"
            )

    def _customer(self, row: Row) -> Customer:
        return mapping.customer(row, self._settings, self._source)

    def _order(self, row: Row) -> Order:
        return mapping.order(row, self._settings, self._source)

    def _line(self, row: Row) -> OrderLine:
        return mapping.line(row, self._settings)


def _fields_of(links: Mapping[str, str], source: str) -> list[str]:
    return [field for field, name in links.items() if name == source]


def _once(rows: Rows, seen: set[str]) -> Iterable[Row]:
    """Each row whose Id has not come before."""
    for row in rows:
        native_id = str(row.get("Id"))
        if native_id not in seen:
            seen.add(native_id)
            yield row
