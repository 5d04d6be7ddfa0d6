"""Which client it is: its secret (RFC 6749 section 2.3.1) or a signed assertion (RFC 7523).

Whoever is not known costs as much time as a wrong secret, and gets the same answer.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from auth.credentials import NAME
from auth.dpop import Seen
from auth.embedded.clients import Client, Clients
from auth.embedded.protocol import Form, OAuthError, from_fault
from auth.faults import TooManyFailures
from auth.hashed import Comparison
from auth.numeric_date import numeric_date
from auth.signature import FAPI, NotSigned, take_apart, verify_any
from auth.throttle import Throttle

audit = logging.getLogger("tillgate.oauth")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = ("jwt", "client-authentication+jwt")
LONGEST = 3600
"""Seconds that an assertion may be good for, at most."""
LEEWAY = 10
SECRETS = ("client_secret_basic", "client_secret_post")


class Claim(msgspec.Struct, frozen=True):
    """Who a request says it is from, and what it proves it with."""

    method: str
    client_id: str
    proof: str

    def __repr__(self) -> str:
        return f"Claim({self.method})"


class ClientAuth:
    """`audiences` are what an assertion may be for, one of them alone: our `iss`, and in practice
    often the token endpoint. `secrets` False accepts assertions only (FAPI 2.0). `clock` is
    monotonic, `wall` seconds since 1970."""

    def __init__(
        self,
        audiences: tuple[str, ...],
        clients: Clients,
        seen: Seen,
        throttle: Throttle,
        *,
        realm: str,
        clock: Callable[[], float],
        wall: Callable[[], float],
        secrets: bool = True,
    ) -> None:
        self._audiences = audiences
        self._clients = clients
        self._seen = seen
        self._throttle = throttle
        self._wall = wall
        self._secrets = secrets
        self._challenge = {"www-authenticate": f'Basic realm="{realm}"'}
        self._comparison = Comparison(clock)

    @property
    def methods(self) -> tuple[str, ...]:
        return (*(SECRETS if self._secrets else ()), "private_key_jwt")

    async def client(self, form: Form) -> Client:
        """Raises OAuthError: invalid_client (401), invalid_request, slow_down (429)."""
        try:
            return await self._client(_claim(form), form.asked.peer)
        except OAuthError as error:
            # Whoever tried this header is told of it (RFC 6749 section 5.2).
            if error.status == 401 and form.asked.all("authorization"):
                error.headers |= self._challenge
            raise

    async def _client(self, claim: Claim, peer: str | None) -> Client:
        client = await self._clients.get(claim.client_id)
        if claim.method in self.methods and await self._proves(claim, client):
            assert client is not None
            return client
        said = await self._said(claim)
        if claim.method in SECRETS:
            self._count(claim, said, f"{claim.client_id} {peer}")
        _note("client refused", claim, said)
        raise _unknown()

    async def claimed(self, form: Form) -> str | None:
        """Who the request says it is from, proven or not; None if there never was such a client.
        Raises Unavailable."""
        try:
            claim = _claim(form)
        except OAuthError:
            return None
        return await self._said(claim)

    async def _said(self, claim: Claim) -> str | None:
        """The claimed id as it may be written down: what is nobody's may be a secret that was typed
        into the wrong field."""
        return claim.client_id if await self._clients.exists(claim.client_id) else None

    def _count(self, claim: Claim, said: str | None, name: str) -> None:
        """Of failures only: a right secret is accepted however often others failed."""
        try:
            self._throttle.check(name)
        except TooManyFailures as error:
            _note("throttled", claim, said)
            raise from_fault(error) from None
        self._throttle.failed(name)

    async def _proves(self, claim: Claim, client: Client | None) -> bool:
        if claim.method in SECRETS:
            hashed = None if client is None else client.secret
            return await self._comparison.matches(hashed, claim.proof)
        return client is not None and await self._signed(claim, client)

    async def _signed(self, claim: Claim, client: Client) -> bool:
        keys = client.keys
        if keys is None:
            return False
        try:
            signed = take_apart(claim.proof)
            if str(signed.header.get("typ", "jwt")).lower() not in TYPES:
                return False
            verify_any(signed, keys.find(signed.kid, signed.alg), FAPI)
        except NotSigned:
            return False
        ends = self._ends(signed.claims, client.client_id)
        if ends is None:
            return False
        identity = f"{client.client_id} {signed.claims['jti']}"
        return await self._seen.first("assertion", identity, ends + LEEWAY)

    def _ends(self, claims: Mapping[str, Any], client_id: str) -> float | None:
        """When it ends; None if it is not the client's, for us, and of now (RFC 7523 section 3)."""
        now, ends = self._wall(), numeric_date(claims.get("exp"))
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            return None
        # One audience only: an assertion for somebody else as well could be used by him here.
        if claims.get("aud") not in [*self._audiences, *([one] for one in self._audiences)]:
            return None
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            return None
        if ends is None or not now - LEEWAY < ends <= now + LONGEST + LEEWAY:
            return None
        for begin in (numeric_date(claims[name]) for name in ("nbf", "iat") if name in claims):
            if begin is None or begin > now + LEEWAY:
                return None
        return ends


def _claim(form: Form) -> Claim:
    """The one way in which the request says who it is (RFC 6749 section 2.3)."""
    headers = form.asked.all("authorization")
    secret, assertion = form.one("client_secret"), form.one("client_assertion")
    if (len(headers) + (secret is not None) + (assertion is not None)) > 1:
        raise OAuthError("invalid_request", "Authenticate in one way only.")
    if headers:
        claim = _from_header(headers[0])
    elif assertion is not None:
        if form.one("client_assertion_type") != ASSERTION:
            raise OAuthError("invalid_request", "The client_assertion_type is not known.")
        claim = Claim("private_key_jwt", _subject(assertion), assertion)
    else:
        claim = Claim("client_secret_post", form.one("client_id") or "", secret or "")
    if form.one("client_id") not in (None, claim.client_id) or not claim.proof:
        raise _unknown()
    if not NAME.fullmatch(claim.client_id):
        raise _unknown()
    return claim


def _unknown() -> OAuthError:
    return OAuthError("invalid_client", "The client is not known.", 401)


def _from_header(value: str) -> Claim:
    """Both parts are form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    scheme, _, pair = value.partition(" ")
    try:
        text = base64.b64decode(pair.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        scheme, text = "", ""
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise OAuthError("invalid_request", "The Authorization header is not Basic.")
    return Claim("client_secret_basic", unquote_plus(client_id), unquote_plus(secret))


def _subject(assertion: str) -> str:
    try:
        subject = take_apart(assertion).claims.get("sub")
    except NotSigned:
        subject = None
    return subject if isinstance(subject, str) else ""


def _note(what: str, claim: Claim, said: str | None) -> None:
    """`said` None is a client that there never was."""
    fields = {"event": what, "client": said, "method": claim.method}
    audit.warning(what, extra={"fields": fields})
