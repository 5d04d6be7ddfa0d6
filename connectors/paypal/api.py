"""PayPal's calls. There is no batch: one object a call, and no list but of disputes."""

from __future__ import annotations

from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from connectors.errors import NotFound
from connectors.paypal.payloads import Authorization, Capture, Dispute, Order, Refund
from connectors.transport import Request, Response, Transport

T = TypeVar("T")
Params = tuple[tuple[str, str], ...]


class Resource(msgspec.Struct, Generic[T], frozen=True):
    """A kind of object: its address and its JSON."""

    path: str
    decoder: msgspec.json.Decoder[T]


CAPTURES = Resource("/v2/payments/captures", msgspec.json.Decoder(Capture))
AUTHORIZATIONS = Resource("/v2/payments/authorizations", msgspec.json.Decoder(Authorization))
REFUNDS = Resource("/v2/payments/refunds", msgspec.json.Decoder(Refund))
ORDERS = Resource("/v2/checkout/orders", msgspec.json.Decoder(Order))
DISPUTES = Resource("/v1/customer/disputes", msgspec.json.Decoder(Dispute))


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
        """The object of this id, None when there is none."""
        try:
            response = await self.send(f"{kind.path}/{quote(native_id, safe='')}")
        except NotFound:
            return None
        return response.decode(kind.decoder, self.source)
