"""Orders of sources that cannot list: where a filter names numbers, they are found by these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.errors import SourceError
from connectors.filters import Filter, OrderFilter
from connectors.moment_cursor import Position, position_of, token_of
from connectors.paging import Page, PageQuery, Row
from connectors.records import Order, SourceKind
from resolvers.context import Context
from resolvers.pages import Fetch
from resolvers.sources import ConfiguredSource

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


def sources(context: Context, asked: Filter, names: Sequence[str] | None) -> list[ConfiguredSource]:
    """CRMs that know an order by its number and have no list, if the filter names numbers."""
    if not isinstance(asked, OrderFilter) or asked.numbers is None:
        return []
    return [
        source
        for source in context.sources.able("orders_by_number", SourceKind.CRM)
        if not source.can("order_page") and (names is None or source.name in names)
    ]


def fetch_from(context: Context, source: ConfiguredSource) -> Fetch:
    """A page of the orders that have one of the numbers, newest first: one call for all."""

    async def fetch(query: PageQuery[OrderFilter]) -> Page[Order]:
        asked = query.filter
        found = await context.lookups.many(
            source.name, "orders_by_number", list(asked.numbers or ())
        )
        values = [value for value in found.values() if not _is_hidden(context, value)]
        after = position_of(query.after) if query.after is not None else None
        placed = [
            (place, order)
            for place, order in sorted(_placed(values), key=lambda one: one[0], reverse=True)
            if asked.customer_ids is None or order.customer_id in asked.customer_ids
        ]
        rows = [
            Row(order, token_of(place)) for place, order in placed if after is None or place < after
        ]
        return Page(tuple(rows[: query.first]), more=len(rows) > query.first)

    return fetch


def _is_hidden(context: Context, value: Any) -> bool:
    rows = context.rows
    return isinstance(value, SourceError) and rows is not None and rows.hides(value)


def _placed(values: Any) -> list[tuple[Position, Order]]:
    """Each order once; raises the failure of any number, as a list may not lack it silently."""
    orders: dict[str, Order] = {}
    for value in values:
        if isinstance(value, SourceError):
            raise value
        orders |= {order.native_id: order for order in value}
    return [
        (Position(order.created_at or _UNDATED, order.native_id), order)
        for order in orders.values()
    ]
