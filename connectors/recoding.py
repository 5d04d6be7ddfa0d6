"""Answers of vendors that write UTF-8 and at times GBK, as UTF-8 before anything is read of them.

For vendors that do not sign their answers: a signature is over the bytes that came.
"""

from __future__ import annotations

import msgspec

from connectors.charset import utf8_of
from connectors.errors import SourceError
from connectors.tokens import TokenSource
from connectors.transport import Judge, Request, Response, Transport
from connectors.vendor import Wiring


def open_recoding(
    wiring: Wiring, base_url: str, judge: Judge, tokens: TokenSource | None
) -> Transport:
    """As `wiring.open`; the judge and the caller are given UTF-8."""

    def judge_utf8(response: Response) -> SourceError | None:
        return judge(recoded(response))

    return _Recoding(wiring.open(base_url, judge_utf8, tokens))


def recoded(response: Response) -> Response:
    """The same answer in UTF-8 (see `connectors.charset`)."""
    body = utf8_of(response.body)
    return response if body is response.body else msgspec.structs.replace(response, body=body)


class _Recoding:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, request: Request) -> Response:
        return recoded(await self._transport.send(request))

    async def aclose(self) -> None:
        await self._transport.aclose()
