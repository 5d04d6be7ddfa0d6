"""Tables of an e-cology: each is a cube interface, asked by the equality of one field.

An interface has no "one of", no order and no ranges: each value is a call of its own, and pages of
all rows cannot be made. Every value is a text; a field that may not be read is just not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from connectors.capabilities import Probe
from connectors.errors import Malformed, Misconfigured, Rejected, SourceError
from connectors.metadata import Column, ColumnType, Rows, Table
from connectors.tables import Found, Newest
from connectors.transport import Request, Transport, gather_keyed
from connectors.values import MISSING
from connectors.weaver.settings import WeaverSettings
from connectors.weaver.signing import header

LIST = "/api/cube/restful/interface/getModeDataPageList/"
SAMPLE = 20
Row = dict[str, Any]
T = TypeVar("T")


class _Answer(msgspec.Struct):
    """`result` is JSON once more, as a text; empty where there are no rows."""

    result: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_ROWS = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)


class CubeTables:
    """`wanted` are the columns that the mapping reads, by table."""

    folds = False

    def __init__(
        self,
        source: str,
        transport: Transport,
        settings: WeaverSettings,
        clock: Callable[[], datetime],
        wanted: Mapping[str, Sequence[str]],
    ) -> None:
        self._source = source
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._wanted = wanted

    async def probe(self) -> Probe:
        """One row of each table: notes tell which are refused, unless all of them are."""
        tables = list(self._wanted)
        answers = await asyncio.gather(*(_outcome(self._page(one, {}, 1, 1)) for one in tables))
        failed = [answer for answer in answers if isinstance(answer, SourceError)]
        graver = [error for error in failed if not isinstance(error, Rejected)]
        if graver or (failed and len(failed) == len(answers)):
            raise (graver or failed)[0]
        notes: list[str] = []
        for table, rows in zip(tables, answers, strict=True):
            if isinstance(rows, SourceError):
                notes.append(rows.detail)
                continue
            for row in rows:
                gone = [one for one in self._wanted[table] if _lacks(row, one)]
                notes += [f"{table} has no field {one}, or does not show it" for one in gone]
        return Probe(notes=tuple(notes))

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        if not field.isidentifier():
            raise Misconfigured(
                self._source, f"{table} cannot be asked by {field}: it is not a field of its own"
            )

        async def of(value: str) -> Rows | SourceError:
            rows = await self._all(table, {field: value})
            self._check_asked(table, field, value, rows)
            return [_with(row, (*columns, field)) for row in rows]

        found: Mapping[str, Any] = await gather_keyed(values, of)
        for rows in found.values():
            if isinstance(rows, Misconfigured):
                raise rows
        return [([value], rows) for value, rows in found.items()]

    async def some(self, table: str, columns: Sequence[str], most: int) -> Rows:
        """Any rows of a table, in the order of the interface."""
        return [_with(row, columns) for row in await self._page(table, {}, 1, most)]

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        raise self._unordered(table)

    def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        raise self._unordered(table)

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        """Fields are seen from some rows; interfaces that are not mapped or named are not known."""
        asked = list(tables or self._wanted)
        answers = await asyncio.gather(*(_outcome(self._page(one, {}, 1, SAMPLE)) for one in asked))
        found = []
        for table, rows in zip(asked, answers, strict=True):
            if isinstance(rows, Rejected):
                continue
            if isinstance(rows, SourceError):
                raise rows
            found.append(Table(name=table, columns=_columns(rows, self._wanted.get(table, ()))))
        return found

    async def _all(self, table: str, asked: Mapping[str, str]) -> Rows:
        """All pages: the interface does not tell how many there are, the last is not full."""
        size = self._settings.page_size
        rows: Rows = []
        page: Rows | None = None
        while page is None or len(page) >= size:
            before = page
            page = await self._page(table, asked, len(rows) // size + 1, size)
            if page and page == before:
                raise Malformed(self._source, f"{table} gives the same page again and again")
            rows += page
        return rows

    async def _page(self, table: str, asked: Mapping[str, str], number: int, size: int) -> Rows:
        settings = self._settings
        zone = settings.zone or "Asia/Shanghai"
        content = {
            "operationinfo": {"operator": settings.operator},
            "mainTable": asked,
            "pageInfo": {"pageNo": str(number), "pageSize": str(size)},
            "header": header(settings.system_id, settings.password, self._clock(), zone),
        }
        request = Request(
            path=LIST + quote(table, safe=""),
            method="POST",
            headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            body=urlencode({"datajson": msgspec.json.encode(content).decode()}).encode(),
            repeatable=True,  # a list changes nothing
        )
        try:
            answer = await self._transport.send(request)
        except Rejected as error:
            raise Rejected(self._source, f"{table}: {error.detail}", status=error.status) from None
        text = answer.decode(_ANSWER, self._source).result
        try:
            rows = _ROWS.decode(text) if text else []
            return [_row(row) for row in rows]
        except (msgspec.DecodeError, RecursionError, TypeError, KeyError):
            raise Malformed(self._source, f"{table}: the result is not a list of rows") from None

    def _check_asked(self, table: str, field: str, value: str, rows: Rows) -> None:
        """An interface leaves out a condition that it does not know, and tells all its rows."""
        for row in rows:
            if field not in row:
                raise Misconfigured(
                    self._source, f"{table} has no field {field}, or does not show it"
                )
            if str(row[field]).strip().casefold() != value.strip().casefold():
                raise Misconfigured(self._source, f"{table} cannot be asked by {field}")

    def _unordered(self, table: str) -> Misconfigured:
        return Misconfigured(self._source, f"{table}: a cube interface gives rows in no order")


async def _outcome(call: Awaitable[T]) -> T | SourceError:
    try:
        return await call
    except SourceError as error:
        return error


def _row(told: Row) -> Row:
    """The fields of the form itself, and its detail tables by their names."""
    details = {name: value for name, value in told.items() if name != "mainTable"}
    return {**details, **told["mainTable"]}


def _with(row: Row, columns: Sequence[str]) -> Row:
    """With everything that is read of it: MISSING where it is not there, and a date with its time
    where `date time` is read, two fields in one."""
    whole = dict(row)
    for column in columns:
        outer, _, inner = column.partition("[].")
        if inner:
            lines = [line for line in whole.get(outer) or () if isinstance(line, dict)]
            whole[outer] = [{inner: MISSING, **line} for line in lines]
        elif _lacks(row, column):
            whole[column] = MISSING
        elif " " in column:
            whole[column] = " ".join(str(row[name]) for name in column.split()).strip()
    return whole


def _lacks(row: Row, column: str) -> bool:
    """Whether a field of the form is not there; of a detail table only its lines could tell."""
    return "[]" not in column and any(name not in row for name in column.split())


def _columns(rows: Rows, wanted: Sequence[str]) -> tuple[Column, ...]:
    """All are texts: what a form calls them, and its choices, stand in no interface."""
    names: dict[str, None] = {}
    for row in rows:
        for name, value in row.items():
            inner = [line for line in value if isinstance(line, dict)] if _many(value) else []
            names.update(dict.fromkeys(f"{name}[].{key}" for line in inner for key in line))
            if not _many(value):
                names[name] = None
    pairs = [one for one in wanted if " " in one and all(part in names for part in one.split())]
    return (
        *(Column(path=name, key=name, unique=name == "id") for name in names),
        *(Column(path=one, key=one, type=ColumnType.TIME) for one in pairs),
    )


def _many(value: Any) -> bool:
    return isinstance(value, list)
