"""Alipay's calls: one operation with its content, and the answer as a typed value."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Protocol, TypeVar

import msgspec

from connectors.alipay.errors import Unfit
from connectors.alipay.operations import Content, Operation
from connectors.blanks import decoded
from connectors.errors import Malformed, NotFound, Rejected, SourceError
from connectors.transport import Request, Response, Transport

T = TypeVar("T")


class Wire(Protocol):
    """One of the two protocols."""

    def request(self, operation: Operation, content: Content) -> Request: ...

    def judge(self, response: Response) -> SourceError | None: ...

    def content(self, operation: Operation, response: Response) -> bytes: ...


class Api:
    """One application of Alipay's."""

    def __init__(self, source: str, wire: Wire, transport: Transport) -> None:
        self.source = source
        self._wire = wire
        self._transport = transport

    async def ask(
        self, operation: Operation, content: Content, decoder: msgspec.json.Decoder[T]
    ) -> T:
        """The answer's content; what is None is not sent. Unfit where a field is another than it is
        documented.
        """
        given = {key: value for key, value in content.items() if value is not None}
        response = await self._transport.send(self._wire.request(operation, given))
        plain = self._wire.content(operation, response)
        try:
            return decoded(Response(response.status, {}, plain), decoder, self.source)
        except Malformed as error:
            raise Unfit(self.source, error.detail, status=error.status) from None

    async def known(self, call: Awaitable[T], unknown: Collection[str] = ()) -> T | None:
        """None for what Alipay does not have; `unknown` are its words for that beside the usual."""
        try:
            return await call
        except NotFound:
            return None
        except Rejected as error:
            if error.code in unknown:
                return None
            raise

    def same(self, asked: str, told: str | None) -> None:
        """Malformed for an answer about something else: a signature holds for any of them."""
        if asked != told:
            raise Malformed(self.source, "the answer is about something else")
