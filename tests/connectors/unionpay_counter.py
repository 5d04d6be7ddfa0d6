"""A connector of UnionPay without a network: each request is answered by a function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

from connectors.records import Source, SourceKind
from connectors.transport import MOST, Judge, Request, Response
from connectors.unionpay.client import UnionPayConnector, connect
from connectors.vendor import Wiring
from sandbox.unionpay.ids import MERCHANT
from sandbox.unionpay.keys import ring
from tests.connectors.unionpay_sandbox import settings_from

SOURCE = Source("unionpay_cn", "unionpay", SourceKind.PAYMENTS)
NOW = datetime(2026, 1, 10, 4, tzinfo=UTC)
Form = dict[str, str]
Answering = Callable[[Form], bytes]


class Counter:
    """Takes forms and hands out answers; it neither retries nor waits."""

    def __init__(self, answering: Answering, judge: Judge) -> None:
        self.answering = answering
        self.judge = judge
        self.status = 200

    async def send(self, request: Request) -> Response:
        response = Response(self.status, {}, self.answer(request))
        if (error := self.judge(response)) is not None:
            raise error
        return response

    async def download(self, request: Request, sink: BinaryIO, most: int = MOST) -> Response:
        sink.write(self.answer(request))
        return Response(200, {}, b"")

    async def aclose(self) -> None:
        """Nothing is open."""

    def answer(self, request: Request) -> bytes:
        assert request.body is not None
        return self.answering(dict(parse_qsl(request.body.decode(), strict_parsing=True)))


def connector(answering: Answering, now: datetime = NOW, **more: Any) -> UnionPayConnector:
    """As the composition root makes it, with the sandbox's keys."""
    keys = ring()
    settings = settings_from(
        {
            "merchant_id": MERCHANT,
            "private_key": keys.merchant.key_pem(),
            "certificate": keys.merchant.pem(),
            "root_certs": keys.roots_pem(),
            "reference": "req_reserved",
        },
        **more,
    )
    wiring = Wiring(SOURCE, lambda url, judge, tokens: Counter(answering, judge), lambda: now)
    return connect(wiring, settings)
