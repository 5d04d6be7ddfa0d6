"""Where a query starts: pages over sources, one record by id or by a business key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.capabilities import Probe
from connectors.errors import SourceError
from connectors.filters import CustomerFilter
from connectors.paging import NEWEST_FIRST, PageQuery, SortField
from connectors.records import Customer, Kind, Order, Payment, Record
from connectors.references import trimmed
from connectors.time_limit import allotted
from resolvers import numbered, own
from resolvers.context import Context
from resolvers.errors import BadFilter
from resolvers.incomplete import DEFAULT_KIND, PAGE_METHODS, Incomplete, cannot_list, unlisted
from resolvers.index.connector import is_decided
from resolvers.pages import Ask, Connection, Fetch, Load, merged, scans_of, sort_value
from resolvers.rows import sees_kind
from resolvers.sources import OWNERS, Address, ConfiguredSource, connector_method


async def page(
    context: Context, kind: Kind, ask: Ask, sources: Sequence[str] | None = None
) -> Connection:
    """Rows of one kind over the named sources, or over all that own it. One call per source.

    Orders that a filter names by number are found also where a source has no list of them. Unless
    sources are named, those that have no list are named in the answer.
    """
    check_sort(ask)
    by_number = numbered.sources(context, ask.filter, sources)
    unlisted = {source.name for source in by_number}
    listed = None if sources is None else [name for name in sources if name not in unlisted]
    chosen = own.narrowed(context, kind, [*_sources(context, kind, listed), *by_number])
    if own.are_joined(context, kind):
        return await own.page(context, kind, ask, chosen)
    _check_sorted(context, kind, ask, chosen)
    # The names are part of the question: a cursor made over two sources says nothing about one.
    names = ",".join(source.name for source in chosen)
    ask = msgspec.structs.replace(ask, of=f"{PAGE_METHODS[kind]} {names}")
    by_entry = {s.name for s in chosen if is_decided(ask.filter) and _lists_entries(s, kind)}
    fetches = {}
    for source in chosen:
        fetch = (
            numbered.fetch_from(context, source)
            if source.name in unlisted
            else _fetch(context, source, kind, source.name in by_entry)
        )
        fetches[source.name] = own.asked(context, kind, source, fetch)
    loads = {name: _load(context, name, kind) for name in by_entry}
    keeps = own.keeps(context, kind, ask.filter)
    incomplete = left_out(context, kind, by_number) if sources is None else ()
    with allotted(context.deadline.level()):
        return await merged(scans_of(ask, fetches, loads, keeps), ask, incomplete=incomplete)


def left_out(
    context: Context, kind: Kind, taking_part: Sequence[ConfiguredSource] = ()
) -> tuple[Incomplete, ...]:
    """Sources that a list over all of them lacks; of who sees some customers only, those in which
    one of these is. They list customers by the ids that they have."""
    if kind is Kind.CUSTOMER and own.limit(context) is not None:
        return ()
    return cannot_list(own.narrowed(context, kind, unlisted(context.sources, kind, taking_part)))


def _check_sorted(
    context: Context, kind: Kind, ask: Ask, chosen: Sequence[ConfiguredSource]
) -> None:
    """BadFilter where a source cannot list in this order; own customers are put in order here."""
    if kind is Kind.CUSTOMER and own.limit(context) is not None:
        return
    unable = [source.name for source in chosen if not source.can_sort(kind, ask.sort)]
    if unable:
        able = [source.name for source in chosen if source.name not in unable]
        others = f"name those that can in filter.source: {', '.join(able)}" if able else "none can"
        raise BadFilter(f"{', '.join(unable)} cannot list {kind.value}s in this order; {others}")


def check_sort(ask: Ask) -> None:
    """Amounts have an order within one currency only. BadFilter without one."""
    if ask.sort.field is SortField.TOTAL and getattr(ask.filter, "total", None) is None:
        raise BadFilter("ordering by total needs filter.total, which names the currency")


async def record(context: Context, address: Address | None) -> Record | None:
    """One record by id; None when it does not exist, or not for who asks. Raises SourceError."""
    if address is None or not sees_kind(context.access, address.kind):
        return None
    method = OWNERS[address.kind]
    rows = context.rows
    if address.kind is Kind.CUSTOMER and rows is not None and not rows.may_be_own(str(address)):
        return None
    found = await context.lookups.many(address.source, method, [address.native_id])
    value = found.get(address.native_id)
    if isinstance(value, SourceError):
        if address.kind is not Kind.CUSTOMER and rows is not None and rows.hides(value):
            return None
        raise value
    return value if rows is None else await rows.one(value)


async def records(context: Context, addresses: Sequence[Address]) -> list[Any]:
    """A record, its failure or None for each address, in order: one batch per source and kind."""
    return await asyncio.gather(
        *(record(context, address) for address in addresses), return_exceptions=True
    )


async def order_numbered(context: Context, number: str) -> Order | None:
    """The order of that number, in the CRM configured first that has it.

    Raises SourceError if a CRM failed that is configured before one that has it.
    """
    for value in await _everywhere(context, "orders_by_number", trimmed(number)):
        if isinstance(value, SourceError):
            raise value
        return value  # type: ignore[no-any-return]
    return None


async def payment_referenced(context: Context, reference: str) -> Payment | None:
    """The newest payment that carries the merchant's reference, in any source.

    Raises SourceError if any source failed: it may hold a newer one.
    """
    reference = trimmed(reference)
    found = await _everywhere(context, "payments_by_reference", reference)
    if not found:
        found = await _everywhere(context, "find_payments", reference)
    for value in found:
        if isinstance(value, SourceError):
            raise value
    dated = [p for p in found if p.created_at is not None]
    return max(dated, key=lambda p: sort_value(p, NEWEST_FIRST.field)) if dated else None


async def customer_mailed(context: Context, email: str) -> Customer | None:
    """The newest customer with that e-mail in any CRM.

    Raises SourceError if any CRM failed: it may hold a newer one.
    """
    ask = Ask(1, None, CustomerFilter(emails=(email,)), NEWEST_FIRST)
    connection = await page(context, Kind.CUSTOMER, ask)
    for node in connection.nodes:
        if isinstance(node, SourceError):
            raise node
    return connection.nodes[0] if connection.nodes else None  # type: ignore[return-value]


async def probe(context: Context, source: ConfiguredSource) -> Probe:
    """A live call of one source. Raises SourceError."""
    found: Probe = await context.lookups.once(source, source.connector.probe)
    return found


async def _everywhere(context: Context, method: str, key: str) -> list[Any]:
    """Records and failures found under a business key, in the order of the configuration."""
    answers = await asyncio.gather(
        *(
            context.lookups.many(source.name, method, [key])
            for source in context.sources.able(method)
        )
    )
    found: list[Any] = []
    for answer in answers:
        value = answer.get(key, ())
        found += [value] if isinstance(value, SourceError) else value
    return found if context.rows is None else await context.rows.some(found)


def _sources(context: Context, kind: Kind, names: Sequence[str] | None) -> list[ConfiguredSource]:
    """Those that were named, or all that own the kind. Who sees some customers only learns of no
    source that it is there: one that there is not has nothing of theirs, as others have."""
    limited = own.limit(context) is not None
    method = OWNERS[kind] if limited and kind is Kind.CUSTOMER else PAGE_METHODS[kind]
    if names is None:
        return context.sources.able(method, DEFAULT_KIND.get(kind))
    if limited:
        return [source for source in context.sources.able(method) if source.name in names]
    return context.sources.chosen(names, method)


def _lists_entries(source: ConfiguredSource, kind: Kind) -> bool:
    """Whether the index can say which records a page has before any of them is read."""
    return hasattr(source.connector, f"{kind.value}_entries")


def _load(context: Context, source: str, kind: Kind) -> Load:
    async def load(ids: Sequence[str]) -> Mapping[str, Any]:
        return await context.lookups.many(source, OWNERS[kind], ids)

    return load


def _fetch(context: Context, source: ConfiguredSource, kind: Kind, entries: bool) -> Fetch:
    name = f"{kind.value}_entries" if entries else PAGE_METHODS[kind]

    async def fetch(query: PageQuery[Any]) -> Any:
        method = connector_method(source, name)
        return await context.lookups.once(source, lambda: method(query))

    return fetch
