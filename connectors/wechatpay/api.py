"""WeChat Pay's calls: each request signed, each answer proven, before anything is read of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

import msgspec

from connectors.blanks import decoded
from connectors.recoding import recoded
from connectors.transport import Downloader, Request, Response
from connectors.wechatpay.signing import Signer
from connectors.wechatpay.trust import Trust

T = TypeVar("T")
AGENT = "tillgate"


class Api:
    """One merchant at one address. `prefix` is what that address has before `/v3`: nothing, at
    WeChat Pay's own. It is sent but not signed. `wishes` asks for answers signed with that key.
    """

    def __init__(
        self,
        source: str,
        transport: Downloader,
        signer: Signer,
        trust: Trust,
        clock: Callable[[], datetime],
        *,
        prefix: str = "",
        wishes: str | None = None,
    ) -> None:
        self.source = source
        self.trust = trust
        self._transport = transport
        self._signer = signer
        self._clock = clock
        self._prefix = prefix
        self._headers: Mapping[str, str] = {
            "accept": "application/json",
            "user-agent": AGENT,
            **({"wechatpay-serial": wishes} if wishes else {}),
        }

    async def get(self, path: str, decoder: msgspec.json.Decoder[T], rate: str = "") -> T:
        """What is at `path`, which comes with its query. Malformed unless WeChat signed it."""
        response = await self.unproven(path, rate)
        proven = await self.trust.prove(response, self.certificates)
        return decoded(recoded(proven), decoder, self.source)

    async def download(self, url: str, sink: BinaryIO) -> None:
        """A bill, from the address that WeChat gave for it. The one answer that is not signed."""
        parts = urlsplit(url)
        path = parts.path.removeprefix(self._prefix)
        signed = f"{path}?{parts.query}" if parts.query else path
        await self._transport.download(self._request(url, signed), sink)

    async def certificates(self) -> Response:
        return await self.unproven("/v3/certificates")

    async def unproven(self, path: str, rate: str = "") -> Response:
        """An answer of which nothing may be used yet."""
        return await self._transport.send(self._request(path, path, rate))

    def _request(self, address: str, signed: str, rate: str = "") -> Request:
        now, nonce = int(self._clock().timestamp()), secrets.token_hex(16).upper()
        who = self._signer.authorization("GET", signed, now, nonce)
        return Request(path=address, headers={**self._headers, "authorization": who}, rate=rate)
