"""Access tokens. Salesforce Help, "OAuth 2.0 JWT Bearer Flow" and "Client Credentials Flow".

The answer does not say when the session ends: it is used until it is refused.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from connectors.errors import Misconfigured
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from connectors.tokens import Token, jwt_bearer_assertion
from connectors.transport import Request, Transport

PATH = "/services/oauth2/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _Grant(msgspec.Struct):
    access_token: str
    instance_url: str

    def __repr__(self) -> str:
        return "Grant(***)"


_GRANT = msgspec.json.Decoder(_Grant)


class Login:
    """Fetches a token; `transport` is one of its own, without a token."""

    def __init__(
        self,
        source: str,
        settings: SalesforceSettings,
        transport: Transport,
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._settings = settings
        self._transport = transport
        self._clock = clock

    async def fetch(self) -> Token:
        jwt = self._settings.auth == "jwt_bearer"
        answer = await self._transport.send(self._by_assertion() if jwt else self._by_secret())
        grant = answer.decode(_GRANT, self._source)
        return Token(
            {"authorization": f"Bearer {grant.access_token}"}, grant.instance_url.rstrip("/")
        )

    def _by_assertion(self) -> Request:
        try:
            assertion = jwt_bearer_assertion(
                key=self._settings.private_key or Secret(""),
                issuer=self._settings.client_id,
                subject=self._settings.username or "",
                audience=self._settings.login_audience,
                now=int(self._clock().timestamp()),
            )
        except ValueError:
            raise Misconfigured(self._source, "private_key is not an RSA key") from None
        return _form({"grant_type": JWT_BEARER, "assertion": assertion})

    def _by_secret(self) -> Request:
        secret = self._settings.client_secret or Secret("")
        basic = b64encode(f"{self._settings.client_id}:{secret.reveal()}".encode()).decode()
        return _form({"grant_type": "client_credentials"}, {"authorization": f"Basic {basic}"})


def _form(fields: dict[str, str], headers: dict[str, str] | None = None) -> Request:
    """Asking for another session changes nothing, so the call may be repeated."""
    return Request(
        path=PATH,
        method="POST",
        headers={"content-type": "application/x-www-form-urlencoded", **(headers or {})},
        body=urlencode(fields).encode(),
        repeatable=True,
    )
