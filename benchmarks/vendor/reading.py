"""What both vendors' APIs have in common: lists by keys or in pages, of at most 100 keys a call."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from connectors.errors import Rejected, Retryable, SourceError
from connectors.paging import BadCursor, Page, PageQuery, Row
from connectors.records import Record
from connectors.transport import Judge, Request, Response, Transport
from connectors.vendor import SourceSettings, Wiring

MOST_KEYS = 100
T = TypeVar("T")
R = TypeVar("R", bound=Record)


class Listed(msgspec.Struct, Generic[T], frozen=True):
    data: list[T]
    has_more: bool


class Api:
    """One source's lists."""

    def __init__(self, wiring: Wiring, settings: SourceSettings) -> None:
        self.source = wiring.source
        self._transport: Transport = wiring.open(settings.base_url or "", _judge(self.name), None)

    @property
    def name(self) -> str:
        return self.source.name

    async def by_keys(
        self, path: str, param: str, keys: Sequence[str], decoder: msgspec.json.Decoder[Listed[T]]
    ) -> list[T]:
        """All rows under the keys: one call per 100 keys, at the same time."""
        unique = list(dict.fromkeys(keys))
        parts = [unique[at : at + MOST_KEYS] for at in range(0, len(unique), MOST_KEYS)]
        found = await asyncio.gather(
            *(self._read(path, ((param, ",".join(part)),), decoder) for part in parts)
        )
        return [row for listed in found for row in listed.data]

    async def page(
        self,
        path: str,
        query: PageQuery[Any],
        decoder: msgspec.json.Decoder[Listed[T]],
        make: Callable[[T], R],
    ) -> Page[R]:
        """The vendor narrows by nothing: whoever asked checks each row."""
        params = [("limit", str(query.first))]
        if query.after is not None:
            if not query.after.replace("_", "").isalnum():
                raise BadCursor("no id of this vendor")
            params.append(("after", query.after))
        listed = await self._read(path, tuple(params), decoder)
        made = map(make, listed.data)
        return Page(tuple(Row(record, record.native_id) for record in made), listed.has_more)

    async def _read(
        self,
        path: str,
        params: tuple[tuple[str, str], ...],
        decoder: msgspec.json.Decoder[Listed[T]],
    ) -> Listed[T]:
        response = await self._transport.send(Request(path=path, query=params))
        return response.decode(decoder, self.name)


def _judge(source: str) -> Judge:
    def judge(response: Response) -> SourceError | None:
        if response.status < 400:
            return None
        kind = Retryable if response.status >= 500 else Rejected
        return kind(source, "the call failed", status=response.status)

    return judge


def grouped(pairs: Iterable[tuple[str, R]]) -> dict[str, tuple[R, ...]]:
    found: defaultdict[str, list[R]] = defaultdict(list)
    for key, record in pairs:
        found[key].append(record)
    return {key: tuple(records) for key, records in found.items()}


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
