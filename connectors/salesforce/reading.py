"""Queries over the wire: one by GET, several wrapped in composites, cursors read to their end.

REST API guide: "Query", "Query More Results", "Composite". A URI of more than 16,384 bytes with
its headers is refused, so queries are kept below `MAX_URI`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from connectors.errors import Malformed, Rejected, SourceError
from connectors.salesforce import soql
from connectors.salesforce.errors import verdict
from connectors.salesforce.mapping import decode
from connectors.transport import Request, Response, Transport

MAX_KEYS = 200
MAX_URI = 15_000
PER_COMPOSITE = 5
Rows = list[dict[str, Any]]
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


class Field(msgspec.Struct):
    name: str
    type: str = ""


class _Description(msgspec.Struct):
    fields: list[Field]


class _Quota(msgspec.Struct):
    max: int = msgspec.field(name="Max")
    remaining: int = msgspec.field(name="Remaining")


class _Limits(msgspec.Struct):
    daily: _Quota = msgspec.field(name="DailyApiRequests")


_ANSWER = msgspec.json.Decoder(_Answer)
_COMPOSITE = msgspec.json.Decoder(_Composite)
_DESCRIPTION = msgspec.json.Decoder(_Description)
_LIMITS = msgspec.json.Decoder(_Limits)


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

    async def query(self, query: str) -> Rows:
        """All rows; a query too long for a URI goes inside a composite."""
        if len(query) > soql.MAX_QUERY:
            raise Rejected(self._source, "the query is too long")
        path = soql.address(self._base, query)
        if len(path) > MAX_URI:
            (rows,) = await self._composite([query])
            if isinstance(rows, SourceError):
                raise rows
            return rows
        answer = await self._transport.send(Request(path=path))
        return await self.drained(answer.decode(_ANSWER, self._source))

    async def queries(self, queries: Sequence[str]) -> list[Rows | SourceError]:
        """Rows or the failure of each query: one by GET, more in composites sent in parallel."""
        if len(queries) == 1:
            return [await _outcome(self.query(queries[0]))]
        groups = [queries[i : i + PER_COMPOSITE] for i in range(0, len(queries), PER_COMPOSITE)]
        answers = await asyncio.gather(*(self._group(group) for group in groups))
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

    async def describe(self, sobject: str) -> dict[str, str]:
        """Readable fields of an object and their types."""
        path = f"{self._base}/sobjects/{sobject}/describe"
        answer = await self._transport.send(Request(path=path))
        fields = answer.decode(_DESCRIPTION, self._source).fields
        return {field.name: field.type for field in fields}

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
        except msgspec.ValidationError:
            raise Malformed(self._source, "a subquery's answer does not fit") from None
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
        return [decode(row) for row in raw]

    def _following(self, path: str | None, seen: set[str]) -> str:
        """A cursor's path as given, for our own host: an address elsewhere is not followed."""
        if path is None or path in seen or not _NEXT.fullmatch(path):
            raise Malformed(self._source, "nextRecordsUrl is not the path of a further page")
        seen.add(path)
        return path

    def _length(self, query: str) -> int:
        return len(soql.address(self._base, query))

    async def _group(self, queries: Sequence[str]) -> list[Rows | SourceError]:
        try:
            return await self._composite(queries)
        except SourceError as error:
            return [error] * len(queries)

    async def _composite(self, queries: Sequence[str]) -> list[Rows | SourceError]:
        """One POST with up to five queries: 200 even when some of them fail."""
        parts = [
            {"method": "GET", "url": soql.address(self._base, query), "referenceId": f"q{index}"}
            for index, query in enumerate(queries)
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
        outcomes = (_outcome(self._part(found.get(f"q{i}"))) for i in range(len(queries)))
        return list(await asyncio.gather(*outcomes))

    async def _part(self, part: _Part | None) -> Rows:
        if part is None:
            raise Malformed(self._source, "a composite without the answer to one of its parts")
        if error := verdict(self._source, part.http_status_code, part.body):
            raise error
        try:
            answer = _ANSWER.decode(part.body)
        except msgspec.DecodeError:
            raise Malformed(self._source, "a composite's part is no answer to a query") from None
        return await self.drained(answer)


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
