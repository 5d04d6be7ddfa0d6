"""HubSpot's calls, and their failures told with the names of what they were about."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from connectors.errors import Malformed, Misconfigured, NotFound, Rejected, SourceError
from connectors.hubspot.addresses import Addresses
from connectors.hubspot.errors import LacksScope
from connectors.hubspot.payloads import (
    Batch,
    Linked,
    Links,
    Object,
    Page,
    PartError,
    Properties,
    Schemas,
    decoder,
)
from connectors.transport import Request, Response, Transport

T = TypeVar("T")
P = TypeVar("P", Object, Linked)
_JSON = {"content-type": "application/json"}
_BATCH, _LINKS, _PAGE = decoder(Batch), decoder(Links), decoder(Page)
_PROPERTIES, _SCHEMAS = decoder(Properties), decoder(Schemas)
_OBJECT, _LINKED = decoder(Object), decoder(Linked)


class Told(msgspec.Struct, Generic[T], frozen=True):
    """What a batch was answered: `unfit` are results that are not as HubSpot documents them."""

    found: list[T]
    errors: list[PartError]
    unfit: list[SourceError]


class Api:
    """One portal."""

    def __init__(self, source: str, transport: Transport, addresses: Addresses) -> None:
        self.source = source
        self._transport = transport
        self._at = addresses

    async def properties(self, table: str) -> tuple[Properties, Mapping[str, str]]:
        """What a table's properties are, and the answer's headers; Misconfigured where there is no
        such table, or the token may not see it."""
        call = self._transport.send(Request(path=self._at.properties(table)))
        try:
            response = await self._about(table, call)
        except (NotFound, Rejected) as error:
            raise self._none(table, error) from None
        return response.decode(_PROPERTIES, self.source), response.headers

    async def read(
        self, table: str, names: Sequence[str], keys: Sequence[str], by: str = ""
    ) -> Told[Object]:
        """Records by their number, or by the unique property `by`."""
        body: dict[str, Any] = {
            "properties": names,
            "propertiesWithHistory": [],
            "inputs": [{"id": key} for key in keys],
        }
        if by:
            body["idProperty"] = by
        call = self._post(self._at.objects(table, "batch/read"), msgspec.json.encode(body))
        batch = (await self._about(table, call)).decode(_BATCH, self.source)
        self._check_complete(batch.status)
        return self._told(batch, _OBJECT)

    async def search(self, table: str, body: bytes, rate: str) -> Page:
        call = self._post(self._at.objects(table, "search"), body, rate)
        return (await self._about(table, call)).decode(_PAGE, self.source)

    async def links(
        self, origin: str, target: str, inputs: Sequence[dict[str, str]]
    ) -> Told[Linked]:
        """What records of `origin` are associated with in `target`."""
        body = msgspec.json.encode({"inputs": inputs})
        call = self._post(self._at.links(origin, target), body)
        try:
            response = await self._about(f"{origin} and {target}", call)
        except (NotFound, Rejected) as error:
            raise Misconfigured(
                self.source,
                f"there is no association of {origin} with {target}",
                status=error.status,
                code=error.code,
            ) from None
        links = response.decode(_LINKS, self.source)
        self._check_complete(links.status)
        return self._told(links, _LINKED)

    async def schemas(self) -> Schemas:
        """The portal's own object types."""
        response = await self._transport.send(Request(path=self._at.schemas()))
        return response.decode(_SCHEMAS, self.source)

    async def _post(self, path: str, body: bytes, rate: str = "") -> Response:
        """All of ours only read, so they may be repeated."""
        return await self._transport.send(
            Request(path=path, method="POST", headers=_JSON, body=body, rate=rate, repeatable=True)
        )

    async def _about(self, table: str, call: Awaitable[T]) -> T:
        try:
            return await call
        except LacksScope as error:
            raise Misconfigured(
                self.source,
                f"the token may not read {table}: it lacks a scope, such as"
                " crm.objects.*.read or crm.schemas.*.read",
                status=error.status,
                code=error.code,
            ) from None

    def _none(self, table: str, error: NotFound | Rejected) -> Misconfigured:
        return Misconfigured(
            self.source,
            f"there is no object type {table}",
            status=error.status,
            code=error.code,
        )

    def _told(self, batch: Batch | Links, decoder: msgspec.json.Decoder[P]) -> Told[P]:
        """The results one by one: what does not fit is a failure of its own."""
        found: list[P] = []
        unfit: list[SourceError] = []
        for raw in batch.results:
            try:
                found.append(Response(200, {}, bytes(raw)).decode(decoder, self.source))
            except Malformed as error:
                unfit.append(error)
        return Told(found, batch.errors, unfit)

    def _check_complete(self, status: str) -> None:
        if status != "COMPLETE":
            raise Malformed(self.source, "a batch that is not complete")
