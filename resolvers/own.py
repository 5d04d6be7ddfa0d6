"""Pages of those who see some customers only: asked for by these, not filtered out of all.

Customers are read by their ids and orders by their customers; payments and refunds are those of
these customers, found over their orders and as payers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.errors import SourceError
from connectors.filters import Filter, OrderFilter
from connectors.paging import BadCursor, Page, PageQuery, Row, Sort
from connectors.records import Customer, Kind, Record
from resolvers.context import Context, Join
from resolvers.joins.customer import CUSTOMER_PAYMENTS, CUSTOMER_REFUNDS
from resolvers.links import Linked
from resolvers.pages import Ask, Connection, Fetch, Keeps, Node, paged, sort_value
from resolvers.rows import Rows
from resolvers.sources import ConfiguredSource

JOINS: dict[Kind, Join[Any, Any]] = {
    Kind.PAYMENT: CUSTOMER_PAYMENTS,
    Kind.REFUND: CUSTOMER_REFUNDS,
}


def limit(context: Context) -> Rows | None:
    """The filter of somebody who sees some customers only; None for all others."""
    rows = context.rows
    return None if rows is None or rows.scope.customers is None else rows


def are_joined(context: Context, kind: Kind) -> bool:
    """Whether records of the kind are found over customers, for somebody who sees some of them."""
    return limit(context) is not None and kind in JOINS


def narrowed(
    context: Context, kind: Kind, sources: Sequence[ConfiguredSource]
) -> list[ConfiguredSource]:
    """Sources in which somebody of theirs is; the others need not be asked."""
    rows = limit(context)
    if rows is None or kind in JOINS:
        return list(sources)
    return [source for source in sources if rows.scope.customers_in(source.name)]


def keeps(context: Context, kind: Kind, narrow: Filter) -> Keeps | None:
    """Looks at every row again. Of what is asked for by number a source need not look at the
    customer too, so one of somebody else among it is nobody's fault."""
    rows = limit(context)
    if rows is None or kind is Kind.CUSTOMER:
        return None if rows is None else rows.expects
    by_number = isinstance(narrow, OrderFilter) and narrow.numbers is not None
    judge = rows.is_own if by_number else rows.expects

    def keep(row: Node) -> bool:
        return not rows.hides(row) if isinstance(row, SourceError) else judge(row)

    return keep


def asked(context: Context, kind: Kind, source: ConfiguredSource, fetch: Fetch) -> Fetch:
    """The same pages, of their customers alone."""
    rows = limit(context)
    if rows is None:
        return fetch
    ids = rows.scope.customers_in(source.name)
    return _customers(context, source, ids) if kind is Kind.CUSTOMER else _orders(fetch, ids)


def _orders(fetch: Fetch, ids: tuple[str, ...]) -> Fetch:
    async def narrow(query: PageQuery[OrderFilter]) -> Any:
        wanted = query.filter.customer_ids
        both = ids if wanted is None else tuple(id_ for id_ in ids if id_ in wanted)
        if not both:
            return Page(())
        filter_ = msgspec.structs.replace(query.filter, customer_ids=both)
        return await fetch(msgspec.structs.replace(query, filter=filter_))

    return narrow


def _customers(context: Context, source: ConfiguredSource, ids: tuple[str, ...]) -> Fetch:
    """Read by their ids, which every source can that has customers. All of them are read for each
    page: what is filtered afterwards is not missed, however many there are."""

    async def read(query: PageQuery[Any]) -> Page[Any]:
        found = await context.lookups.many(source.name, "customers", ids)
        values = [found[id_] for id_ in ids if id_ in found]
        failed = [value for value in values if isinstance(value, SourceError)]
        records = [v for v in values if isinstance(v, Record) and query.filter.accepts(v)]
        start = _place(query.after)
        ordered: list[Node] = [*failed, *_ordered(records, query.sort)]
        rows: list[Row[Any]] = [Row(record, str(place)) for place, record in enumerate(ordered, 1)]
        shown = rows[start : start + query.first]
        return Page(tuple(shown), more=start + query.first < len(rows))

    return read


def _place(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdecimal() and len(after) < 10):
        raise BadCursor("not a place among these customers")
    return int(after)


def _ordered(records: Sequence[Record], sort: Sort) -> list[Record]:
    """Those without a value last, whichever way."""
    named = sorted(records, key=lambda record: record.id)
    valued = [r for r in named if sort_value(r, sort.field) is not None]
    valued.sort(key=lambda r: sort_value(r, sort.field), reverse=sort.descending)
    return [*valued, *(r for r in named if sort_value(r, sort.field) is None)]


async def page(
    context: Context, kind: Kind, ask: Ask, sources: Sequence[ConfiguredSource]
) -> Connection:
    """Payments or refunds of their customers, newest first."""
    names = frozenset(source.name for source in sources)
    customers, failures = await _all_customers(context)
    found = await context.many(JOINS[kind], customers, names)
    records: dict[str, Record] = {}
    for value in found.values():
        if isinstance(value, Linked):
            failures += value.failures
            records |= {r.id: r for r in value.records if r.source.name in names}
        elif isinstance(value, SourceError):
            failures.append(value)
        elif isinstance(value, Exception):
            raise value
    ask = msgspec.structs.replace(ask, of=f"own {kind.value} {','.join(sorted(names))}")
    once = tuple({failure.source: failure for failure in failures}.values())
    return paged(list(records.values()), once, ask, "own")


async def _all_customers(context: Context) -> tuple[list[Customer], list[SourceError]]:
    answers = await asyncio.gather(
        *(_customers_of(context, source) for source in context.sources.values())
    )
    values = [value for answer in answers for value in answer]
    rows = limit(context)
    customers = [v for v in values if isinstance(v, Customer) and rows and rows.is_own(v)]
    return customers, [v for v in values if isinstance(v, SourceError)]


async def _customers_of(context: Context, source: ConfiguredSource) -> list[Any]:
    """A source that tells nothing of its customers has orders of theirs nevertheless."""
    rows = limit(context)
    ids = rows.scope.customers_in(source.name) if rows is not None else ()
    if not source.can("customers"):
        return [Customer(source=source.source, native_id=id_) for id_ in ids]
    return list((await context.lookups.many(source.name, "customers", ids)).values())
