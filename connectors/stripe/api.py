"""Stripe's calls: single objects, lists and searches, each row decoded on its own.

https://docs.stripe.com/api/pagination and https://docs.stripe.com/api/pagination/search
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from connectors.blanks import decoded
from connectors.errors import Malformed, SourceError
from connectors.stripe.errors import SearchUnavailable, TooManyPages
from connectors.stripe.payloads import Listing, Stub
from connectors.stripe.search import Params
from connectors.transport import Request, Response, Transport, absent

MOST = 100
T = TypeVar("T")
_LISTING = msgspec.json.Decoder(Listing)
_STUB = msgspec.json.Decoder(Stub)


class Read(msgspec.Struct, Generic[T], frozen=True):
    """A row: its id, the object or why it does not fit, and what can be told of it anyway."""

    stub: Stub
    object: T | SourceError

    @property
    def id(self) -> str:
        return self.stub.id


class Batch(msgspec.Struct, Generic[T], frozen=True):
    """The rows of one answer; `next_page` is a search's."""

    rows: tuple[Read[T], ...]
    more: bool
    next_page: str | None = None


class Resource(msgspec.Struct, Generic[T], frozen=True):
    """A kind of object: its address, its JSON, and what to expand on it."""

    path: str
    decoder: msgspec.json.Decoder[T]
    expand: tuple[str, ...] = ()

    def expansions(self, prefix: str = "") -> Params:
        return tuple(("expand[]", prefix + field) for field in self.expand)


class Api:
    """One account of Stripe: every request carries the version, and the account if there is one.

    `searchable` turns False with the first search that Stripe does not offer the account: from
    then on lists are asked instead.
    """

    def __init__(
        self, source: str, transport: Transport, version: str, account: str | None
    ) -> None:
        self.source = source
        self.searchable = True
        self._transport = transport
        self._headers: Mapping[str, str] = {"stripe-version": version}
        if account:
            self._headers = {**self._headers, "stripe-account": account}

    async def send(self, path: str, query: Params = (), rate: str = "") -> Response:
        request = Request(path=path, query=query, headers=self._headers, rate=rate)
        return await self._transport.send(request)

    async def one(self, kind: Resource[T], native_id: str) -> T | None:
        """The object of this id, None when there is none."""
        path = f"{kind.path}/{quote(native_id, safe='')}"
        response = await absent(self.send(path, kind.expansions()))
        return None if response is None else decoded(response, kind.decoder, self.source)

    async def listed(self, kind: Resource[T], query: Params, limit: int = MOST) -> Batch[T]:
        """One page of a list, newest first."""
        paging = (("limit", str(limit)), *kind.expansions("data."))
        return self._batch(kind, await self.send(kind.path, (*query, *paging)))

    async def searched(
        self, kind: Resource[T], query: str, page: str = "", limit: int = MOST
    ) -> Batch[T]:
        """One page of a search; its index is up to a minute behind, in an outage an hour.

        SearchUnavailable where the account has none.
        """
        params = (("query", query), ("limit", str(limit)), *kind.expansions("data."))
        at = (("page", page),) if page else ()
        path = kind.path + "/search"
        try:
            response = await self.send(path, (*params, *at), rate="search")
        except SearchUnavailable:
            self.searchable = False
            raise
        return self._batch(kind, response)

    async def all_listed(
        self, kind: Resource[T], query: Params, most: int | None = None
    ) -> list[Read[T]]:
        """All pages of a list. TooManyPages if it has more than `most`."""

        async def after(last: Batch[T]) -> Batch[T]:
            return await self.listed(kind, (*query, ("starting_after", last.rows[-1].id)))

        return await self._all(await self.listed(kind, query), after, most)

    async def all_searched(self, kind: Resource[T], query: str) -> list[Read[T]]:
        """All pages of a search."""

        async def after(last: Batch[T]) -> Batch[T]:
            return await self.searched(kind, query, last.next_page or "")

        return await self._all(await self.searched(kind, query), after)

    async def _all(
        self,
        batch: Batch[T],
        after: Callable[[Batch[T]], Awaitable[Batch[T]]],
        most: int | None = None,
    ) -> list[Read[T]]:
        found = {row.id: row for row in batch.rows}
        pages = 1
        while batch.more:
            if pages == most:
                raise TooManyPages(self.source, f"the list has more than {most} pages")
            batch, pages = await after(batch), pages + 1
            known = len(found)
            found = {**{row.id: row for row in batch.rows}, **found}
            if len(found) == known:
                raise Malformed(self.source, "a page that repeats the one before")
        return list(found.values())

    def _batch(self, kind: Resource[T], response: Response) -> Batch[T]:
        listing = response.decode(_LISTING, self.source)
        rows: dict[str, Read[T]] = {}
        for raw in listing.data:
            row = self._row(kind, bytes(raw))
            rows.setdefault(row.id, row)
        onward = listing.next_page is not None or listing.object == "list"
        return Batch(
            tuple(rows.values()), listing.has_more and bool(rows) and onward, listing.next_page
        )

    def _row(self, kind: Resource[T], raw: bytes) -> Read[T]:
        """A row without as much as an id cannot be resumed after: then the whole page is bad."""
        row = Response(200, {}, raw)
        stub = row.decode(_STUB, self.source)
        try:
            return Read(stub, decoded(row, kind.decoder, self.source))
        except Malformed as error:
            return Read(stub, error)


def fitting(row: Read[T]) -> T:
    """The object of a row on which others depend: where it does not fit, they fail with it."""
    if isinstance(row.object, SourceError):
        raise row.object
    return row.object
