"""`tillgate check --data SOURCE`: every record of a source read, and what of it does not fit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from connectors.errors import Malformed, SourceError
from connectors.filters import CustomerFilter, OrderFilter
from connectors.paging import PageQuery
from connectors.records import Order, OrderLine, Record
from connectors.registry import Registry
from gateway.compose import open_gateway
from gateway.settings import Settings
from gateway.strict import SettingsError, unknown_name
from resolvers.sources import ConfiguredSource

PAGE = 100
_PAGES: tuple[tuple[str, Any], ...] = (
    ("customer_page", CustomerFilter),
    ("order_page", OrderFilter),
)


class Misfitting(msgspec.Struct, frozen=True):
    """A record, which attribute of it does not fit (empty: the record as a whole), and why."""

    id: str
    attribute: str
    reason: str

    def __str__(self) -> str:
        return f"{self.id}  {self.attribute or 'the record'}  {self.reason}"


class DataCheck(msgspec.Struct, frozen=True):
    """What was read and what was found, in the order in which it was read."""

    records: int
    found: tuple[Misfitting, ...]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How often each attribute did not fit, the most frequent first."""
        return Counter(one.attribute or "the record" for one in self.found).most_common()


async def data_check(
    settings: Settings, registry: Registry, name: str, tell: Callable[[str], None]
) -> DataCheck:
    """Reads customers, orders and lines page by page; `tell` is told how far it is."""
    if name not in settings.sources:
        raise SettingsError(unknown_name("--data", name, settings.sources))
    async with open_gateway(settings, registry) as gateway:
        source = gateway.sources[name]
        listed = [method for method, _ in _PAGES if source.can(method)]
        if not listed:
            raise SettingsError(f"--data: {source.vendor.label} cannot list its records")
        records = 0
        found: list[Misfitting] = []
        numbers: defaultdict[str, list[str]] = defaultdict(list)
        async for page in _pages(source):
            records += len(page)
            for record in page:
                found += _of(source, record)
                if isinstance(record, Order):
                    numbers[record.number].append(record.id)
            found += await _of_lines(source, [r for r in page if isinstance(r, Order)])
            tell(f"{records} records read, {len(found)} values do not fit")
        found += _twice(numbers)
        return DataCheck(records, tuple(found))


async def _pages(source: ConfiguredSource) -> AsyncIterator[list[Record | SourceError]]:
    connector: Any = source.connector
    for method, filter_ in _PAGES:
        after: str | None = None
        more = source.can(method)
        while more:
            query = PageQuery(first=PAGE, filter=filter_(), after=after)
            try:
                page = await getattr(connector, method)(query)
            except Malformed as error:
                # The list cannot go on past this row, so what follows it was not read.
                yield [error]
                break
            yield [row.record for row in page.rows]
            more = page.more and bool(page.rows)
            after = page.rows[-1].after if page.rows else None


def _of(source: ConfiguredSource, record: Record | SourceError) -> list[Misfitting]:
    if isinstance(record, Malformed):
        return [Misfitting(f"{source.name}:{record.record or '?'}", "", record.detail)]
    if isinstance(record, SourceError):
        raise record
    return [Misfitting(record.id, name, why) for name, why in (record.misfits or {}).items()]


async def _of_lines(source: ConfiguredSource, orders: list[Order]) -> list[Misfitting]:
    if not orders or not source.can("order_lines"):
        return []
    connector: Any = source.connector
    answer: dict[str, tuple[OrderLine, ...] | SourceError] = await connector.order_lines(
        [order.native_id for order in orders]
    )
    found: list[Misfitting] = []
    for order in orders:
        lines = answer.get(order.native_id, ())
        if isinstance(lines, Malformed):
            found.append(Misfitting(order.id, "lines", lines.detail))
        elif isinstance(lines, SourceError):
            raise lines
        else:
            found += [
                Misfitting(order.id, f"lines[{index}].{name}", why)
                for index, line in enumerate(lines)
                for name, why in (line.misfits or {}).items()
            ]
    return found


def _twice(numbers: dict[str, list[str]]) -> list[Misfitting]:
    """Orders that share a number: their payments cannot be told apart."""
    return [
        Misfitting(id_, "number", f"{len(ids)} orders have this number")
        for ids in numbers.values()
        if len(ids) > 1
        for id_ in ids
    ]
