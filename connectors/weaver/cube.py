"""Tables of an e-cology: each is a cube interface, asked by the equality of one field.

An interface has no "one of", no order and no ranges: each value is a call of its own, and pages of
all rows cannot be made. Every value is a text; a field that may not be read is just not there, and
so is a detail table that does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from connectors.asking import Asking
from connectors.capabilities import Probe
from connectors.errors import Malformed, Misconfigured, Rejected, SourceError
from connectors.json_reading import read
from connectors.metadata import Column, ColumnType, Rows, Table
from connectors.tables import Found, Newest
from connectors.transport import Request, Response, Transport
from connectors.values import MISSING
from connectors.weaver.settings import WeaverSettings
from connectors.weaver.signing import header

LIST = "/api/cube/restful/interface/getModeDataPageList/"
COUNT = "/api/cube/restful/interface/getModeDataPageCount/"
SAMPLE = 20
Row = dict[str, Any]
T = TypeVar("T")


class _Answer(msgspec.Struct):
    """`result` is JSON once more, as a text; empty where there are no rows."""

    result: str | None = None


class _Counted(msgspec.Struct):
    result: str | int | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_COUNTED = msgspec.json.Decoder(_Counted)
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
        self._asking = Asking(source)

    async def probe(self) -> Probe:
        """A page of each table and its count: notes tell which are refused, unless all of them are,
        what is not there, and where a page is smaller than was asked for."""
        tables, size = list(self._wanted), self._settings.page_size
        answers = await asyncio.gather(*(_outcome(self._page(one, {}, 1, size)) for one in tables))
        failed = [answer for answer in answers if isinstance(answer, SourceError)]
        graver = [error for error in failed if not isinstance(error, Rejected)]
        if graver or (failed and len(failed) == len(answers)):
            raise (graver or failed)[0]
        notes: list[str] = []
        for table, rows in zip(tables, answers, strict=True):
            if isinstance(rows, SourceError):
                notes.append(rows.detail)
                continue
            gone = (one for row in rows[:1] for one in _gone(row, self._wanted[table]))
            notes += [f"{table} has no field {one}, or does not show it" for one in gone]
            if 0 < len(rows) < size and await self._count(table) > len(rows):
                notes.append(f"{table} gives {len(rows)} rows at once: set page_size to no more")
        return Probe(notes=tuple(notes))

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        if not field.isidentifier():
            raise Misconfigured(
                self._source, f"{table} cannot be asked by {field}: it is not a field of its own"
            )

        async def of(value: str) -> Rows:
            rows = await self._asking.holding(table, field, value, pages)
            return [_with(row, (*columns, field)) for row in rows]

        def pages(value: str) -> AsyncIterator[Rows]:
            return self._pages(table, field, value)

        return await self._asking.each(table, field, values, of)

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

    async def _pages(self, table: str, field: str, value: str) -> AsyncIterator[Rows]:
        """The interface does not tell how many there are: the last is not full."""
        size = self._settings.page_size
        number = 1
        before: Rows = []
        while True:
            page = await self._page(table, {field: value}, number, size)
            if page and all(field not in row for row in page):
                raise Misconfigured(
                    self._source, f"{table} has no field {field}, or does not show it"
                )
            if page and page == before:
                raise Malformed(self._source, f"{table} gives the same page again and again")
            yield page
            if len(page) < size:
                return
            number, before = number + 1, page

    async def _page(self, table: str, asked: Mapping[str, str], number: int, size: int) -> Rows:
        pages = {"pageInfo": {"pageNo": str(number), "pageSize": str(size)}}
        answer = await self._send(LIST, table, {"mainTable": asked, **pages})
        text = answer.decode(_ANSWER, self._source).result
        try:
            rows = read(_ROWS, text) if text else []
            return [_row(row) for row in rows]
        except (msgspec.DecodeError, TypeError, KeyError):
            raise Malformed(self._source, f"{table}: the result is not a list of rows") from None

    async def _count(self, table: str) -> int:
        """How many rows there are; 0 where the interface does not tell, whatever it says then."""
        try:
            answer = await self._send(COUNT, table, {"mainTable": {}})
            told = str(answer.decode(_COUNTED, self._source).result)
        except SourceError:
            return 0
        return int(told) if told.isdecimal() else 0

    async def _send(self, action: str, table: str, asked: Mapping[str, Any]) -> Response:
        settings = self._settings
        zone = settings.zone or "Asia/Shanghai"
        content = {
            "operationinfo": {"operator": settings.operator},
            **asked,
            "header": header(settings.system_id, settings.password, self._clock(), zone),
        }
        request = Request(
            path=action + quote(table, safe=""),
            method="POST",
            headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            body=urlencode({"datajson": msgspec.json.encode(content).decode()}).encode(),
            repeatable=True,  # lists and counts change nothing
        )
        try:
            return await self._transport.send(request)
        except Rejected as error:
            raise Rejected(self._source, f"{table}: {error.detail}", status=error.status) from None

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
        if _lacks(row, column):
            # Also the detail table itself, whose lines are asked for as a whole.
            whole |= dict.fromkeys((column, outer), MISSING)
        elif inner:
            lines = whole.get(outer)
            whole[outer] = [
                {inner: MISSING, **line} if isinstance(line, dict) else line
                for line in (lines if isinstance(lines, list) else filter(None, [lines]))
            ]
        elif " " in column:
            whole[column] = _joined([row[name] for name in column.split()])
    return whole


def _joined(parts: Sequence[Any]) -> str:
    """A date and its time, which may be empty; without the date there is none."""
    day, *rest = ("" if part is None else str(part).strip() for part in parts)
    return " ".join(filter(None, (day, *rest))) if day else ""


def _lacks(row: Row, column: str) -> bool:
    """Whether a field of the form is not there; of a detail table, whether the table is not."""
    return any(name not in row for name in column.partition("[]")[0].split())


def _gone(row: Row, columns: Sequence[str]) -> Iterator[str]:
    """What a row lacks, each detail table once."""
    lacking = (one.partition("[]") for one in columns if _lacks(row, one))
    yield from dict.fromkeys(name + many for name, many, _ in lacking)


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
