"""PayPal's calls. There is no batch: one object a call, and no list but of disputes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from connectors.blanks import decoded
from connectors.errors import Malformed
from connectors.paypal.payloads import Authorization, Capture, Dispute, Order, Refund
from connectors.transport import Request, Response, Transport, absent

T = TypeVar("T")
Params = tuple[tuple[str, str], ...]


class Resource(msgspec.Struct, Generic[T], frozen=True):
    """A kind of object: its address, its JSON, and where that holds its own id."""

    path: str
    decoder: msgspec.json.Decoder[T]
    id_of: Callable[[T], str]


CAPTURES = Resource("/v2/payments/captures", msgspec.json.Decoder(Capture), lambda row: row.id)
AUTHORIZATIONS = Resource(
    "/v2/payments/authorizations", msgspec.json.Decoder(Authorization), lambda row: row.id
)
REFUNDS = Resource("/v2/payments/refunds", msgspec.json.Decoder(Refund), lambda row: row.id)
ORDERS = Resource("/v2/checkout/orders", msgspec.json.Decoder(Order), lambda row: row.id)
DISPUTES = Resource(
    "/v1/customer/disputes", msgspec.json.Decoder(Dispute), lambda row: row.dispute_id
)


class Api:
    """One account of PayPal."""

    def __init__(self, source: str, transport: Transport) -> None:
        self.source = source
        self._transport = transport

    async def send(
        self, path: str, query: Params = (), rate: str = "", seconds: float | None = None
    ) -> Response:
        request = Request(path=path, query=query, rate=rate, seconds=seconds)
        return await self._transport.send(request)

    async def one(self, kind: Resource[T], native_id: str) -> T | None:
        """The object of this id, None when there is none; Malformed when it is another one."""
        response = await absent(self.send(f"{kind.path}/{quote(native_id, safe='')}"))
        if response is None:
            return None
        found = decoded(response, kind.decoder, self.source)
        if kind.id_of(found) != native_id:
            raise Malformed(self.source, "the answer is about another object")
        return found
