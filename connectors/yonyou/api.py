"""One call to U8 OpenAPI: who calls whom stands in its query string, beside the token.

No address is ever logged or put into an error, for that reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    RateLimited,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.metadata import Rows
from connectors.tables import Found
from connectors.transport import Request, Transport
from connectors.yonyou.errors import NoRows
from connectors.yonyou.resources import Listed, Params
from connectors.yonyou.settings import CONCURRENCY, YonyouSettings

_BODY: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(
    dict[str, Any], float_hook=Decimal
)
_ENDS = (Unauthorized, RateLimited, Misconfigured)
"""What the next call would meet with as well."""
_IN_A_ROW = 2
"""So many keys that fail for the moment, one after the other: it is not the documents."""
_USUAL_ROWS = 20
"""Of a page where nothing is asked, or what is asked is not heeded."""


class Answered(msgspec.Struct, frozen=True):
    """A page of a list: its rows, from how many on it is full, and how many rows and pages there
    are; None where that is not told, or cannot be."""

    rows: Rows
    size: int
    total: int | None = None
    pages: int | None = None

    @property
    def full(self) -> bool:
        return len(self.rows) >= self.size


class Api:
    """The calls of one source. They wait here for their turn, since the transport counts waiting
    among the time that a call may take."""

    def __init__(self, source: str, settings: YonyouSettings, transport: Transport) -> None:
        self.source = source
        self._transport = transport
        self._size = settings.rows_per_page
        self.at_once = settings.concurrency or CONCURRENCY
        self._turns = asyncio.Semaphore(self.at_once)
        self._who: Params = (
            ("from_account", settings.from_account),
            ("to_account", settings.to_account),
            ("ds_sequence", str(settings.ds_sequence)),
        )

    async def page(
        self, listed: Listed, params: Params, index: int, rows: int | None = None
    ) -> Answered:
        """A page of a list, counted from 1; none where the API says that there is no data."""
        size = rows or self._size
        paging = (("page_index", str(index)), ("rows_per_page", str(size)))
        name = listed.resource.name
        try:
            body = await self._call(
                listed.table, f"/api/{name}/batch_get", (*listed.fixed, *params, *paging)
            )
        except NoRows:
            return Answered([], size)
        except NotFound as error:
            raise Misconfigured(
                self.source,
                f"{listed.table}: something that it is asked with does not exist there; if this "
                'is how it tells that there are no rows, let errcodes say "empty"',
                code=error.code,
            ) from None
        found, total = _rows(body, name), _number(body.get("row_count"))
        if found is None or (total and name not in body):
            raise Malformed(self.source, f"{listed.table}: the answer does not hold its list")
        return Answered(
            found,
            min(size, _number(body.get("rows_per_page")) or _USUAL_ROWS),
            total if total and total >= len(found) else None,
            _number(body.get("page_count")) or None,
        )

    async def one(self, listed: Listed, code: str) -> dict[str, Any] | None:
        """A document with the rows inside it; None when there is none."""
        name = listed.resource.single
        try:
            body = await self._call(listed.table, f"/api/{name}/get", (("id", code),))
        except NotFound:
            return None
        found = body.get(name)
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if not isinstance(found, dict):
            raise Malformed(self.source, f"{listed.table}: the answer holds no document")
        return found

    async def each(self, keys: Sequence[str], ask: Callable[[str], Awaitable[Rows]]) -> Found:
        """One call or more a key, each with its own outcome; after a failure that all would share
        the rest are not asked for. One document that always fails is not such a failure."""
        end: list[SourceError] = []
        failing: list[str] = []
        turns = asyncio.Semaphore(self.at_once)

        async def outcome(key: str) -> tuple[Sequence[str], Rows | SourceError]:
            async with turns:
                if end:
                    return [key], end[0]
                try:
                    answer = await ask(key)
                except SourceError as error:
                    failing.append(key) if isinstance(error, Retryable) else failing.clear()
                    if isinstance(error, _ENDS) or len(failing) >= _IN_A_ROW:
                        end.append(error)
                    return [key], error
                failing.clear()
                return [key], answer

        return list(await asyncio.gather(*map(outcome, keys)))

    async def _call(self, table: str, path: str, params: Params) -> Mapping[str, Any]:
        request = Request(path=path, query=(*self._who, *params))
        try:
            async with self._turns:
                response = await self._transport.send(request)
            return response.decode(_BODY, self.source)
        except Misconfigured as error:
            raise Misconfigured(
                self.source, f"{table}: {error.detail}", status=error.status, code=error.code
            ) from None


def _rows(body: Mapping[str, Any], name: str) -> Rows | None:
    """The objects of a list; what stands for no rows is null, "" or nothing at all."""
    value = body.get(name)
    if value in (None, "", {}):
        return []
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    return None


def _number(value: Any) -> int | None:
    """A number, or the text of one."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
