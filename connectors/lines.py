"""Lines of orders: inside the order's own row, or rows of a table of their own.

One call of `Tables.matching` for each table of orders that has lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import Malformed, Misconfigured, SourceError
from connectors.grouping import grouped, held, raise_if_all_failed
from connectors.mapper import Mapper
from connectors.mapping import LineMap, OrderMap, Preset, fields_of
from connectors.paths import line_paths
from connectors.records import OrderLine
from connectors.tables import Tables
from connectors.values import MISSING, at


class Lines:
    """Of one source."""

    def __init__(self, source: str, mapping: Preset, mapper: Mapper, tables: Tables) -> None:
        self._source = source
        self._orders = mapping.orders
        self._mapper = mapper
        self._tables = tables

    async def of(self, order_ids: Sequence[str]) -> dict[str, tuple[OrderLine, ...] | SourceError]:
        """By order id; one without lines is left out."""
        found: dict[str, tuple[OrderLine, ...] | SourceError] = {}
        for declared in self._orders:
            if declared.lines is None:
                continue
            if declared.lines.path:
                lines = await self._inside(declared, declared.lines, order_ids)
            else:
                lines = await self._of_table(declared.lines, order_ids)
            found = {**lines, **{k: v for k, v in found.items() if k not in lines}}
        return found

    async def _inside(
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
                    self._source, f"{declared.table}: several rows have the same id"
                )
                continue
            row = rows[0].row
            inner = at(row, lines.path)
            if MISSING in at(row, lines.path.removesuffix("[]")):
                found[key] = Misconfigured(
                    self._source, f"{declared.table} has no list {lines.path!r}"
                )
                continue
            if not all(isinstance(line, Mapping) for line in inner):
                found[key] = Malformed(
                    self._source, f"{declared.table}: an item of {lines.path} is no line"
                )
                continue
            lacking = _lacking(row, lines)
            found[key] = tuple(self._mapper.line({**line, **lacking}, lines, row) for line in inner)
        return {key: value for key, value in found.items() if value}

    async def _of_table(
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
