"""Queries over the wire: one by GET, several wrapped in composites, cursors read to their end.

REST API guide: "Query", "Query More Results", "Composite", "sObject Describe". A URI of more than
16,384 bytes with its headers is refused, so queries are kept below `MAX_URI`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from connectors.errors import Malformed, Rejected, SourceError
from connectors.json_reading import misfit, read
from connectors.metadata import Rows
from connectors.salesforce import soql
from connectors.salesforce.errors import LOST_CURSOR, verdict
from connectors.transport import Request, Response, Transport

MAX_KEYS = 200
MAX_URI = 15_000
PER_COMPOSITE = 5
"""Queries in one composite; of other calls there may be more."""
MOST_IN_COMPOSITE = 25
_NEXT = re.compile(r"/services/data/v\d{1,3}\.\d/query(?:All)?/[A-Za-z0-9-]{1,100}")
_USAGE = re.compile(r"api-usage=(\d{1,12})/(\d{1,12})")


class _Answer(msgspec.Struct):
    records: list[msgspec.Raw]
    done: bool = True
    next: str | None = msgspec.field(name="nextRecordsUrl", default=None)


class _Part(msgspec.Struct, rename="camel"):
    http_status_code: int
    reference_id: str
    body: msgspec.Raw


class _Composite(msgspec.Struct, rename="camel"):
    composite_response: list[_Part]


class Choice(msgspec.Struct):
    value: str | None = None
    active: bool = True


class Field(msgspec.Struct, rename="camel"):
    name: str
    label: str = ""
    type: str = ""
    unique: bool = False
    picklist_values: list[Choice] = []
    reference_to: list[str] = []
    relationship_name: str | None = None


class Child(msgspec.Struct, rename="camel"):
    """What leads back to this object: a field of another, and the name a subquery gives it."""

    field: str
    child: str = msgspec.field(name="childSObject")
    relationship_name: str | None = None


class Description(msgspec.Struct, rename="camel"):
    """Only what the user may read is in it."""

    name: str
    label: str = ""
    fields: list[Field] = []
    child_relationships: list[Child] = []


class Listed(msgspec.Struct, rename="camel"):
    """An object in the list of all; `layoutable` are those that people work with."""

    name: str
    queryable: bool = False
    layoutable: bool = False


class _Objects(msgspec.Struct):
    sobjects: list[Listed]


class _Quota(msgspec.Struct):
    max: int = msgspec.field(name="Max")
    remaining: int = msgspec.field(name="Remaining")


class _Limits(msgspec.Struct):
    daily: _Quota = msgspec.field(name="DailyApiRequests")


_ANSWER = msgspec.json.Decoder(_Answer)
_COMPOSITE = msgspec.json.Decoder(_Composite)
_DESCRIPTION = msgspec.json.Decoder(Description)
_OBJECTS = msgspec.json.Decoder(_Objects)
_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_LIMITS = msgspec.json.Decoder(_Limits)


def decode(raw: msgspec.Raw, source: str = "") -> dict[str, Any]:
    """A row with its numbers as int or Decimal. Malformed for one that is no object: left out, it
    would be a line or a receipt that sums lack.
    """
    try:
        return read(_ROW, raw)
    except msgspec.DecodeError:
        raise Malformed(source, "a row is no object") from None


class Judge:
    """The verdict on answers; what each of them says about the quota is kept on the way."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.quota_used: int | None = None
        self.quota_total: int | None = None

    def __call__(self, response: Response) -> SourceError | None:
        self._note(response.headers.get("sforce-limit-info", ""))
        return verdict(self._source, response.status, response.body)

    def _note(self, info: str) -> None:
        """`api-usage=25/15000`, perhaps with `per-app-api-usage=17/250(appName=x)`: the tighter."""
        found = [(int(used), int(total)) for used, total in _USAGE.findall(info)]
        if found:
            self.quota_used, self.quota_total = min(found, key=lambda pair: pair[1] - pair[0])


class Reader:
    """What the connector asks of the REST API."""

    def __init__(self, source: str, transport: Transport, version: str) -> None:
        self._source = source
        self._transport = transport
        self._base = f"/services/data/v{version}"

    async def query(self, query: str, *, deleted: bool = False) -> Rows:
        """All rows; a query too long for a URI goes inside a composite. Those of `deleted` records
        too, where that is asked for. One whose cursor was closed amid its pages is asked anew,
        once, from its beginning: none of its rows is used before."""
        return await self._again_if_lost(self._query(query, deleted), query, deleted)

    async def _again_if_lost(self, reading: Awaitable[Rows], query: str, deleted: bool) -> Rows:
        try:
            return await reading
        except SourceError as error:
            if error.code != LOST_CURSOR:
                raise
        return await self._query(query, deleted)

    async def _query(self, query: str, deleted: bool) -> Rows:
        if len(query) > soql.MAX_QUERY:
            raise Rejected(self._source, "the query is too long")
        path = soql.address(self._base, query, deleted=deleted)
        if len(path) > MAX_URI:
            (part,) = await self._composite([path])
            return await self._rows(part)
        answer = await self._transport.send(Request(path=path))
        return await self.drained(answer.decode(_ANSWER, self._source))

    async def queries(
        self, queries: Sequence[str], *, deleted: bool = False
    ) -> list[Rows | SourceError]:
        """Rows or the failure of each query: one by GET, more in composites sent in parallel."""
        if len(queries) == 1:
            return [await _outcome(self.query(queries[0], deleted=deleted))]
        groups = [queries[i : i + PER_COMPOSITE] for i in range(0, len(queries), PER_COMPOSITE)]
        answers = await asyncio.gather(*(self._group(group, deleted=deleted) for group in groups))
        return [rows for answer in answers for rows in answer]

    def parts(
        self, keys: Sequence[str], query: Callable[[Sequence[str]], str]
    ) -> Iterator[Sequence[str]]:
        """As few parts as there can be of at most `MAX_KEYS` keys, whose query fits a URI."""
        start = 0
        while start < len(keys):
            size = min(MAX_KEYS, len(keys) - start)
            while size > 1 and self._length(query(keys[start : start + size])) > MAX_URI:
                size = (size + 1) // 2
            yield keys[start : start + size]
            start += size

    async def describe(self, sobject: str) -> Description:
        answer = await self._transport.send(Request(path=self._described_at(sobject)))
        return answer.decode(_DESCRIPTION, self._source)

    async def describe_all(self) -> list[Description]:
        """Every object that people work with; those that fail are left out."""
        answer = await self._transport.send(Request(path=f"{self._base}/sobjects"))
        listed = answer.decode(_OBJECTS, self._source).sobjects
        names = [one.name for one in listed if one.queryable and one.layoutable]
        urls = [self._described_at(name) for name in names]
        groups = [urls[i : i + MOST_IN_COMPOSITE] for i in range(0, len(urls), MOST_IN_COMPOSITE)]
        found = await asyncio.gather(*(self._composite(group) for group in groups))
        parts = [part for group in found for part in group if not isinstance(part, SourceError)]
        return [Response(200, {}, bytes(part)).decode(_DESCRIPTION, self._source) for part in parts]

    async def limits(self) -> tuple[int, int]:
        """Calls left and allowed in 24 hours."""
        answer = await self._transport.send(Request(path=f"{self._base}/limits"))
        daily = answer.decode(_LIMITS, self._source).daily
        return daily.remaining, daily.max

    async def nested(self, subquery: Any) -> Rows:
        """The rows of a child subquery: null when empty, with a cursor of its own when long."""
        if subquery is None:
            return []
        try:
            answer = msgspec.convert(subquery, _Nested)
        except msgspec.ValidationError as error:
            raise Malformed(self._source, f"a subquery: {misfit(error)}") from None
        rows = list(answer.records)
        if not answer.done:
            rows += await self.drained(_Answer([], answer.done, answer.next))
        return rows

    async def drained(self, answer: _Answer) -> Rows:
        """The rows of an answer and of all that follow it."""
        raw = list(answer.records)
        seen: set[str] = set()
        while not answer.done:
            path = self._following(answer.next, seen)
            answer = (await self._transport.send(Request(path=path))).decode(_ANSWER, self._source)
            raw += answer.records
        return [decode(row, self._source) for row in raw]

    def _following(self, path: str | None, seen: set[str]) -> str:
        """A cursor's path as given, for our own host: an address elsewhere is not followed."""
        if path is None or path in seen or not _NEXT.fullmatch(path):
            raise Malformed(self._source, "nextRecordsUrl is not the path of a further page")
        seen.add(path)
        return path

    def _length(self, query: str) -> int:
        return len(soql.address(self._base, query, deleted=True))

    def _described_at(self, sobject: str) -> str:
        return f"{self._base}/sobjects/{sobject}/describe"

    async def _group(
        self, queries: Sequence[str], *, deleted: bool = False
    ) -> list[Rows | SourceError]:
        """The queries of one composite, each with its outcome."""
        try:
            parts = await self._composite(
                [soql.address(self._base, query, deleted=deleted) for query in queries]
            )
        except SourceError as error:
            return [error] * len(queries)
        readings = (
            self._again_if_lost(self._rows(part), query, deleted)
            for part, query in zip(parts, queries, strict=True)
        )
        return list(await asyncio.gather(*map(_outcome, readings)))

    async def _composite(self, urls: Sequence[str]) -> list[msgspec.Raw | SourceError]:
        """Several GETs as one POST: 200 even when some of them fail."""
        parts = [
            {"method": "GET", "url": url, "referenceId": f"q{index}"}
            for index, url in enumerate(urls)
        ]
        request = Request(
            path=f"{self._base}/composite",
            method="POST",
            headers={"content-type": "application/json"},
            body=msgspec.json.encode({"allOrNone": False, "compositeRequest": parts}),
            repeatable=True,
        )
        answer = (await self._transport.send(request)).decode(_COMPOSITE, self._source)
        found = {part.reference_id: part for part in answer.composite_response}
        return [self._body(found.get(f"q{index}")) for index in range(len(urls))]

    def _body(self, part: _Part | None) -> msgspec.Raw | SourceError:
        if part is None:
            return Malformed(self._source, "a composite without the answer to one of its parts")
        return verdict(self._source, part.http_status_code, part.body) or part.body

    async def _rows(self, part: msgspec.Raw | SourceError) -> Rows:
        if isinstance(part, SourceError):
            raise part
        return await self.drained(Response(200, {}, bytes(part)).decode(_ANSWER, self._source))


class _Nested(msgspec.Struct):
    records: Rows
    done: bool = True
    next: str | None = msgspec.field(name="nextRecordsUrl", default=None)


async def _outcome(call: Any) -> Rows | SourceError:
    try:
        rows: Rows = await call
    except SourceError as error:
        return error
    return rows
