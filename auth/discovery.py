"""Where an issuer's keys are: configured, or told by its metadata (RFC 8414, OpenID Connect)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from auth.metadata import SERVER
from auth.outbound import Answer, Ask, Call, Unreachable

OPENID = "/.well-known/openid-configuration"


class _Metadata(msgspec.Struct):
    issuer: str
    jwks_uri: str


class KeySetSource:
    """`jwks_uri` None looks for it, and believes only what names exactly this issuer."""

    def __init__(self, issuer: str, jwks_uri: str | None, ask: Ask) -> None:
        self._issuer = issuer
        self._configured = jwks_uri
        self._found: str | None = None
        self._ask = ask

    async def fetch(self) -> Answer:
        """The answer with the key set. Raises Unreachable."""
        url = self._configured or self._found or await self._discover()
        answer = await self._ask(Call(url=url))
        # What moved is looked for again the next time.
        self._found = url if answer.status == 200 else None
        return answer

    async def _discover(self) -> str:
        for url in places(self._issuer):
            answer = await self._ask(Call(url=url))
            if answer.status == 200:
                return self._read(answer.body)
        raise Unreachable("it publishes no metadata: set jwks_uri")

    def _read(self, body: bytes) -> str:
        try:
            metadata = msgspec.json.decode(body, type=_Metadata)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable("its metadata does not fit") from None
        if metadata.issuer != self._issuer:
            raise Unreachable("its metadata is another issuer's")
        return metadata.jwks_uri


def places(issuer: str) -> Iterable[str]:
    """RFC 8414 puts it between host and path (section 3.1), OpenID Connect after the path."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    yield f"{parts.scheme}://{parts.netloc}{SERVER}{path}"
    yield issuer.rstrip("/") + OPENID
