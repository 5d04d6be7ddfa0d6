"""How many upstream calls an operation is planned to make, from what joins and vendors state.

Nothing is asked, neither sources nor the index. The figures are those of docs/calls.md: an estimate
from above where parents may be of any source, and never less for more parents. It does not know of
further vendor pages, of what comes with its parent anyway, and of what tells whose a record is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.records import Kind, SourceKind
from connectors.vendor import CallCost
from resolvers.asking import Asked, ById, ByKey, Joined, Paged, Place, Probed
from resolvers.context import Context
from resolvers.incomplete import DEFAULT_KIND, PAGE_METHODS
from resolvers.index.connector import calls_of
from resolvers.joins import ALL
from resolvers.lookups import SOURCE_FIRST
from resolvers.own import JOINS, are_joined
from resolvers.sources import OWNERS, ConfiguredSource, Sources

EVERYWHERE = frozenset(
    {
        "payments_by_reference",
        "find_payments",
        "orders_by_number",
        "orders_by_payment_id",
        "customers_by_external_id",
    }
)
"""Methods by a key that any source may know; those by id are asked where the record is."""


def planned_calls(places: Iterable[Place], context: Context) -> int:
    """Over the sources that whoever asks may see."""
    planner = _Planner(context.sources, _customers(context))
    return sum(planner.place(place) for place in places)


def _customers(context: Context) -> int | None:
    """How many customers there are for somebody who sees some of them only."""
    if not are_joined(context, Kind.PAYMENT):
        return None
    assert context.rows is not None
    return len(context.rows.scope.customers or ())


class _Planner:
    def __init__(self, sources: Sources, customers: int | None) -> None:
        self._sources = sources
        self._customers = customers
        self._others = len(sources.able("payments"))

    def place(self, place: Place) -> int:
        joins: dict[str, int] = {}
        calls = 0
        for asked in place:
            if isinstance(asked.read, Joined):
                _merge(joins, _made_of(asked.read.join, asked.parents * asked.read.each))
            else:
                calls += self._root(asked)
        return calls + self._joins(joins)

    def _joins(self, parents: Mapping[str, int]) -> int:
        return sum(
            self._method(method, count)
            for name, count in parents.items()
            for method in ALL[name].methods
        )

    def _method(self, method: str, keys: int) -> int:
        """Of so many keys, asked together."""
        if keys <= 0:
            return 0
        own, added = self._costs(method)
        if method in SOURCE_FIRST:
            return sum(spread([cost] * max(1, self._others), keys) for cost in own)
        if method not in EVERYWHERE:
            return spread([*own, *added], keys)
        # What the index adds reads only records that exist, and each of these is in one source.
        return sum(cost.calls(keys) for cost in own) + spread(added, keys)

    def _costs(self, method: str) -> tuple[list[CallCost], list[CallCost]]:
        """Of the sources that can do it: the vendors' own, and those that the index adds."""
        own, added = [], []
        for source in self._sources.able(method):
            calls = source.vendor.calls
            if method in calls:
                own.append(calls[method])
            elif (cost := calls_of(source.vendor).get(method)) is not None:
                added.append(cost)
        return own, added

    def _root(self, asked: Asked) -> int:
        read = asked.read
        if isinstance(read, Paged):
            return asked.parents * self._page(read.kind, asked)
        if isinstance(read, ById):
            kinds = Kind if read.kind is None else (read.kind,)
            return max(self._method(OWNERS[kind], asked.parents * asked.rows) for kind in kinds)
        if isinstance(read, ByKey):
            return asked.parents * sum(self._method(method, 1) for method in read.methods)
        assert isinstance(read, Probed)
        return asked.parents * len(self._sources)

    def _page(self, kind: Kind, asked: Asked) -> int:
        if self._customers is not None and kind in JOINS:
            return self._method("customers", self._customers) + self._joins(
                _made_of(JOINS[kind].name, self._customers)
            )
        able = self._sources.able(PAGE_METHODS[kind], DEFAULT_KIND.get(kind))
        # Where the index makes the page, each record on it is read by its id.
        listed = [source for source in able if not source.can("ledger")]
        read = [_cost(source, kind) for source in able if source.can("ledger")]
        firsts = sum(max(1, _cost(source, kind).calls(1)) for source in listed)
        return firsts + spread(read, asked.rows) + self._numbered(kind, asked.arguments)

    def _numbered(self, kind: Kind, arguments: Mapping[str, Any]) -> int:
        """Of CRMs that have no list, where a filter names numbers."""
        numbers = _numbers(arguments.get("filter")) if kind is Kind.ORDER else 0
        return sum(
            calls_of(source.vendor)["orders_by_number"].calls(numbers)
            for source in self._sources.able("orders_by_number", SourceKind.CRM)
            if not source.can("order_page")
        )


def spread(costs: Iterable[CallCost], keys: int) -> int:
    """At most what keys cost that are of one source each, nobody knows of which: the first batch of
    as many sources as there can be, and the rest in the dearest."""
    if keys <= 0:
        return 0
    costs = list(costs)
    firsts = sorted((cost.calls(1) for cost in costs), reverse=True)[:keys]
    rate = max((cost.each / cost.batch for cost in costs if cost.batch is not None), default=0.0)
    return sum(firsts) + math.ceil(rate * (keys - 1))


def _made_of(name: str, parents: int) -> dict[str, int]:
    """A join and all that it is made of, with how many parents each has."""
    found = {name: parents}
    for part, each in ALL[name].parts:
        _merge(found, _made_of(part, parents * each))
    return found


def _merge(into: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        into[name] = max(into.get(name, 0), count)


def _cost(source: ConfiguredSource, kind: Kind) -> CallCost:
    return calls_of(source.vendor).get(OWNERS[kind], CallCost())


def _numbers(narrow: Any) -> int:
    number = narrow.get("number") if isinstance(narrow, Mapping) else None
    if not isinstance(number, Mapping):
        return 0
    among = number.get("in")
    return len(among) if isinstance(among, list) else int(number.get("eq") is not None)
