"""Access tokens. Salesforce Help, "OAuth 2.0 JWT Bearer Flow" and "Client Credentials Flow".

The answer does not say when the session ends: it is used until it is refused. It does say at which
address the organisation's data is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.errors import Malformed, Misconfigured, Unauthorized
from connectors.oauth import Grant, client_credentials, fetch_token, jwt_bearer
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from connectors.tokens import Token, jwt_bearer_assertion
from connectors.transport import Transport

PATH = "/services/oauth2/token"
APART = timedelta(seconds=30)
"""Less between two moments of a clock is the time that a call took."""


class Login:
    """Fetches a token; `transport` is one of its own, without a token; `clock` is Salesforce's
    time, as far as it is known."""

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
        """An assertion ends three minutes after it was made. One that was refused while our clock
        was taken for Salesforce's is made again by the time that the refusal tells."""
        now = self._clock()
        try:
            token = await fetch_token(self._source, self._transport, PATH, self._grant(now))
        except Unauthorized:
            if abs((right := self._clock()) - now) < APART:
                raise
            token = await fetch_token(self._source, self._transport, PATH, self._grant(right))
        if token.base_url is None:
            raise Malformed(self._source, "the token comes without an instance_url")
        return token

    def _grant(self, now: datetime) -> Grant:
        if self._settings.auth == "client_credentials":
            secret = self._settings.client_secret or Secret("")
            return client_credentials(self._settings.client_id, secret)
        return jwt_bearer(self._assertion(now))

    def _assertion(self, now: datetime) -> str:
        try:
            return jwt_bearer_assertion(
                key=self._settings.private_key or Secret(""),
                issuer=self._settings.client_id,
                subject=self._settings.username or "",
                audience=self._settings.login_audience,
                now=int(now.timestamp()),
            )
        except ValueError:
            raise Misconfigured(self._source, "private_key is not an RSA key") from None
