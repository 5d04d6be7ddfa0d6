"""The token endpoint, and the sessions it opens."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from typing import Any

from sandbox.salesforce.call import Reply
from sandbox.salesforce.keys import ConnectedApp
from sandbox.simulator import Clock, Context

ORGANISATION = "00D000000000001EAA"
USER = "005000000000001AAA"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
MAX_AHEAD = 300  # seconds that an assertion's `exp` may lie ahead
SESSION_SECONDS = 7_200
UNAPPROVED = "user hasn't approved this consumer"

Form = dict[str, str]


class Sessions:
    """Open sessions. Each use makes one last longer; nobody is told how long."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = SESSION_SECONDS
        self.open: dict[str, float] = {}

    def now(self) -> float:
        return self.clock().timestamp()

    def begin(self) -> str:
        token = f"{ORGANISATION[:15]}!AQ{secrets.token_urlsafe(48)}"
        self.open[token] = self.now()
        return token

    def alive(self, token: str) -> bool:
        """Whether a session exists and was used recently enough."""
        used = self.open.get(token)
        return used is not None and self.now() < used + self.seconds

    def use(self, token: str) -> bool:
        """Whether the session is alive; being used keeps it so."""
        if not self.alive(token):
            self.open.pop(token, None)
            return False
        self.open[token] = self.now()
        return True


class OAuth:
    """`/services/oauth2/...`. Errors here are an object, not an array."""

    def __init__(self, context: Context, app: ConnectedApp, instance_url: str) -> None:
        self.app = app
        self.instance_url = instance_url
        self.sessions = Sessions(context.clock)
        self.audiences = {*LOGIN_HOSTS, context.origin, instance_url}
        self.grants: dict[str, Callable[[Form, str], Reply]] = {
            JWT_BEARER: self.jwt_bearer,
            "client_credentials": self.client_credentials,
        }

    def token(self, form: Form, authorization: str) -> Reply:
        grant = self.grants.get(form.get("grant_type", ""))
        if grant is None:
            return refusal("unsupported_grant_type", "grant type not supported")
        return grant(form, authorization)

    def jwt_bearer(self, form: Form, authorization: str) -> Reply:
        claims = self.app.claims(form.get("assertion", ""))
        if claims is None:
            return refusal("invalid_grant", "invalid assertion")
        if claims.get("iss") != self.app.client_id:
            return refusal("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in self.audiences:
            return refusal("invalid_grant", "audience is invalid")
        if not self.timely(claims.get("exp")):
            return refusal("invalid_grant", "expired authorization code")
        if claims.get("sub") != self.app.username:
            return refusal("invalid_grant", UNAPPROVED)
        return self.granted()

    def timely(self, expiry: Any) -> bool:
        """Not passed, and not further ahead than allowed; clients send a number or its text."""
        try:
            ahead = int(expiry) - self.sessions.now()
        except (TypeError, ValueError, OverflowError):
            return False
        return 0 < ahead <= MAX_AHEAD

    def client_credentials(self, form: Form, authorization: str) -> Reply:
        client_id, secret = basic(authorization) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        if client_id != self.app.client_id:
            return refusal("invalid_client_id", "client identifier invalid")
        if secret != self.app.client_secret:
            return refusal("invalid_client", "invalid client credentials")
        return self.granted()

    def granted(self) -> Reply:
        """A new session. The answer does not say when it ends."""
        body = {
            "access_token": self.sessions.begin(),
            "scope": "id api",
            "instance_url": self.instance_url,
            "id": f"{LOGIN_HOSTS[0]}/id/{ORGANISATION}/{USER}",
            "token_type": "Bearer",
            "issued_at": str(int(self.sessions.now() * 1000)),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        return Reply(200, body)

    def revoke(self, form: Form, authorization: str) -> Reply:
        if self.sessions.open.pop(form.get("token", ""), None) is None:
            return refusal("invalid_token", "invalid token")
        return Reply(200)


def basic(authorization: str) -> tuple[str, str] | None:
    """Name and secret of an HTTP Basic header, if there is a readable one."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def bearer(authorization: str) -> str:
    """The session a data request carries; `OAuth` is the scheme's older name."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() in ("bearer", "oauth") else ""


def refusal(error: str, description: str) -> Reply:
    return Reply(400, {"error": error, "error_description": description})
