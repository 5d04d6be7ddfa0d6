"""A customised system on paper: its tables are lists of rows, and its calls are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.capabilities import Probe
from connectors.errors import SourceError
from connectors.grouping import held
from connectors.mapped import MappedCrm
from connectors.mapping import MappedSettings
from connectors.metadata import Rows, Table
from connectors.records import Source, SourceKind
from connectors.tables import Found, Newest
from connectors.values import at, moment

SOURCE = Source("paper", "paper", SourceKind.CRM)


class PaperTables:
    """Rows by table. `failures` are what a table answers with instead of its rows, and
    `garbled` by `id` of a row what lists tell as its time; the table itself sorts rightly.
    """

    def __init__(
        self, rows: Mapping[str, Rows], tables: Sequence[Table] = (), folds: bool = False
    ) -> None:
        self.rows = dict(rows)
        self.tables = tables
        self.folds = folds
        self.failures: dict[str, SourceError] = {}
        self.garbled: dict[int, Any] = {}
        self.calls: list[str] = []

    async def probe(self) -> Probe:
        return Probe()

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        self.calls.append(f"{table}.{field}")
        if table in self.failures:
            return [(values, self.failures[table])]
        wanted = {value.casefold() for value in values}
        rows = [
            row
            for row in self.rows[table]
            if wanted & {word.casefold() for word in held(row, field)}
        ]
        return [(values, rows)]

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        self.calls.append(f"{table} newest {count}")
        if table in self.failures:
            raise self.failures[table]
        known = sorted(self.rows[table], key=lambda row: _time(row, by), reverse=True)
        until = until or datetime.max.replace(tzinfo=UTC)
        older = [row for row in known if _time(row, by) <= until]
        last = _time(older[min(count, len(older)) - 1], by) if older else until
        whole = [row for row in older if _time(row, by) >= last]
        told = [{**row, by: self.garbled.get(id(row), row[by])} for row in whole]
        return Newest(told, more=len(told) < len(older), ordered=True)

    async def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        self.calls.append(f"{table} changed")
        yield [row for row in self.rows[table] if _time(row, by) >= since]

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        return [table for table in self.tables if not tables or table.name in tables]


def _time(row: Mapping[str, Any], by: str) -> datetime:
    return moment(at(row, by)[0], "Asia/Shanghai")


def paper(rows: Mapping[str, Rows], **settings: Any) -> tuple[MappedCrm, PaperTables]:
    """A connector of these tables with a mapping as a company would write it, in plain values."""
    tables = PaperTables(rows)
    own = msgspec.convert({"vendor": "paper", **settings}, MappedSettings)
    return MappedCrm(SOURCE, own, tables), tables
