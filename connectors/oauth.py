"""Fetching an access token: the grants of RFC 6749 and RFC 7523 that need no user.

A vendor's folder says where its token endpoint is and which grant it takes; the transport for it
carries no token. `FetchedToken` keeps the answer and sees that only one is fetched at a time.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote_plus, urlencode

import msgspec

from connectors.secret import Secret
from connectors.tokens import Token
from connectors.transport import Request, Transport

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Grant(msgspec.Struct, frozen=True):
    """What is posted to a token endpoint. Never printed: it holds credentials."""

    fields: dict[str, str]
    headers: dict[str, str] = {}

    def __repr__(self) -> str:
        return "Grant(***)"


def client_credentials(client_id: str, secret: Secret, scope: str | None = None) -> Grant:
    """RFC 6749 section 4.4, the client named by HTTP Basic (section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret.reveal())}"
    fields = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    return Grant(fields, {"authorization": "Basic " + b64encode(pair.encode()).decode()})


def jwt_bearer(assertion: str) -> Grant:
    """RFC 7523 section 2.1; see `connectors.tokens.jwt_bearer_assertion`."""
    return Grant({"grant_type": JWT_BEARER, "assertion": assertion})


class _Answer(msgspec.Struct):
    """RFC 6749 section 5.1; `instance_url` is Salesforce's, for the address that goes with it."""

    access_token: str
    expires_in: int | None = None
    instance_url: str | None = None

    def __repr__(self) -> str:
        return "Answer(***)"


_ANSWER = msgspec.json.Decoder(_Answer)


async def fetch_token(
    source: str,
    transport: Transport,
    path: str,
    grant: Grant,
    clock: Callable[[], float] = time.monotonic,
) -> Token:
    """The token, good until `expires_in` seconds from now or, if it does not say, until refused."""
    request = Request(
        path=path,
        method="POST",
        headers={"content-type": "application/x-www-form-urlencoded", **grant.headers},
        body=urlencode(grant.fields).encode(),
        # Asking for another token changes nothing.
        repeatable=True,
    )
    asked_at = clock()
    answer = (await transport.send(request)).decode(_ANSWER, source)
    ends = None if answer.expires_in is None else asked_at + answer.expires_in
    base_url = answer.instance_url.rstrip("/") if answer.instance_url else None
    return Token({"authorization": f"Bearer {answer.access_token}"}, base_url, ends)
