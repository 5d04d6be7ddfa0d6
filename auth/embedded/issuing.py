"""Our own authorization server: RFC 6749 section 4.4, 7009, 7662, 8414, 8707, 9068, 9449."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from joserfc import jwt

from auth.access_tokens import AccessTokens, Verified
from auth.audit.canonical import plain
from auth.audit.entry import Event, Origin, Result, Who
from auth.audit.writer import AuditUnavailable, Tell
from auth.binding import JKT
from auth.dpop import Proof, Proofs
from auth.embedded.client_auth import ClientAuth
from auth.embedded.clients import Client
from auth.embedded.key_ring import ALGORITHM, MAX_AGE, KeyFileUnusable, KeyRing
from auth.embedded.protocol import Form, OAuthError, Reply, from_fault, refused
from auth.faults import Fault, InvalidToken, Unavailable
from auth.key_cache import NoKeys
from auth.revocations import Kind, Revocations
from auth.signature import FAPI, NotSigned

audit = logging.getLogger("tillgate.oauth")
INTROSPECT = "introspection"
"""The scope of a client who may ask about tokens of others: a resource server."""
SPARE = 60
TOKEN = "/oauth/token"  # noqa: S105 - a path
REVOKE = "/oauth/revoke"
INTROSPECTION = "/oauth/introspect"
JWKS = "/oauth/jwks.json"


class Issuing(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is our `iss`, `audience` what tokens are for, `lifetime` theirs in seconds."""

    url: str
    audience: str
    lifetime: int = 600
    fapi: bool = False


class EmbeddedIssuer:
    """Answers the forms that the endpoints get. `tokens` checks what we issued; `tell` is told of
    every answer, and no answer is given where it cannot be."""

    def __init__(
        self,
        settings: Issuing,
        ring: KeyRing,
        auth: ClientAuth,
        tokens: AccessTokens,
        revocations: Revocations,
        proofs: Proofs,
        wall: Callable[[], float],
        tell: Tell | None = None,
    ) -> None:
        self._settings = settings
        self._ring = ring
        self._auth = auth
        self._tokens = tokens
        self._revocations = revocations
        self._proofs = proofs
        self._wall = wall
        self._tell = tell

    def metadata(self) -> dict[str, Any]:
        """RFC 8414 section 2."""
        url, methods = self._settings.url, list(self._auth.methods)
        return {
            "issuer": url,
            "token_endpoint": url + TOKEN,
            "jwks_uri": url + JWKS,
            "revocation_endpoint": url + REVOKE,
            "introspection_endpoint": url + INTROSPECTION,
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": sorted(FAPI),
            "revocation_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": methods,
            "dpop_signing_alg_values_supported": sorted(FAPI),
        }

    def jwks(self) -> Reply:
        try:
            keys = self._ring.published()
        except KeyFileUnusable:
            return refused(from_fault(Unavailable("the signing key")))
        return Reply(200, keys, {"cache-control": f"max-age={MAX_AGE}"})

    async def token(self, form: Form) -> Reply:
        return await self._answered("token", form, self._token)

    async def revoke(self, form: Form) -> Reply:
        return await self._answered("token_revoked", form, self._revoke)

    async def introspect(self, form: Form) -> Reply:
        return await self._answered("token_looked_up", form, self._introspect)

    async def _answered(
        self, action: str, form: Form, answer: Callable[[Form, Client], Awaitable[Reply]]
    ) -> Reply:
        client: Client | None = None
        try:
            client = await self._auth.client(form)
            reply = await self._replied(form, client, answer)
        except OAuthError as error:
            reply = refused(error)
        except Fault as fault:
            reply = refused(from_fault(fault))
        if self._tell is None:
            return reply
        said = await self._claimed(form) if client is None else client.client_id
        try:
            await self._tell(_event(action, said, form, reply, self._settings.url))
        except AuditUnavailable:
            return refused(from_fault(Unavailable("the audit log")))
        return reply

    async def _claimed(self, form: Form) -> str | None:
        try:
            return await self._auth.claimed(form)
        except Unavailable:
            return None

    async def _replied(
        self, form: Form, client: Client, answer: Callable[[Form, Client], Awaitable[Reply]]
    ) -> Reply:
        try:
            return await answer(form, client)
        except KeyFileUnusable as error:
            audit.error("no token is issued", extra={"fields": {"why": str(error)}})
            return refused(from_fault(Unavailable("the signing key")))

    async def _token(self, form: Form, client: Client) -> Reply:
        try:
            granted = self._granted(form, client)
            key = await self._proven(form)
        except (OAuthError, Fault) as error:
            _note("refused", client, reason=getattr(error, "error", None))
            raise
        token_id = secrets.token_urlsafe(16)
        token = self._signed(client, granted, key, token_id)
        _note("issued", client, token_id=token_id, scopes=sorted(granted))
        body = {
            "access_token": token,
            "token_type": "Bearer" if key is None else "DPoP",
            "expires_in": self._settings.lifetime,
            "scope": " ".join(sorted(granted)),
        }
        return Reply(200, body, token_id=token_id)

    def _granted(self, form: Form, client: Client) -> frozenset[str]:
        if form.one("grant_type") != "client_credentials":
            raise OAuthError("unsupported_grant_type", "Only client_credentials is known.")
        if set(form.fields.get("resource", ())) - {self._settings.audience}:
            raise OAuthError("invalid_target", "Tokens are for this gateway only.")
        asked = frozenset((form.one("scope") or "").split())
        if not asked <= client.scopes:
            raise OAuthError("invalid_scope", "The client may not have all of these scopes.")
        if not (granted := asked or client.default_scopes):
            raise OAuthError("invalid_scope", "Say which scopes are wanted.")
        return granted

    async def _proven(self, form: Form) -> str | None:
        """The key that the token is bound to (RFC 9449 section 5)."""
        headers = form.asked.all("dpop")
        if not headers and not self._settings.fapi:
            return None
        url = self._settings.url + form.asked.path
        proof = Proof(headers=headers, method=form.asked.method, url=url, token=None)
        proven = self._proofs.check(proof)
        await self._proofs.spend(proven)
        return proven.key

    def _signed(
        self, client: Client, granted: frozenset[str], key: str | None, token_id: str
    ) -> str:
        now, signer = int(self._wall()), self._ring.signing()
        claims: dict[str, Any] = {
            "iss": self._settings.url,
            "aud": self._settings.audience,
            "sub": client.client_id,
            "client_id": client.client_id,
            "iat": now,
            "exp": now + self._settings.lifetime,
            "jti": token_id,
            "scope": " ".join(sorted(granted)),
        }
        for name, value in (("tenant", client.tenant), ("partner_id", client.partner)):
            if value is not None:
                claims[name] = value
        if key is not None:
            claims["cnf"] = {JKT: key}
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": signer.kid}
        return jwt.encode(header, claims, signer, algorithms=[ALGORITHM])

    async def _revoke(self, form: Form, client: Client) -> Reply:
        """A token that is unknown, over or another client's is revoked as far as its sender is
        concerned (RFC 7009 section 2.2)."""
        verified = await self._known(form)
        own = verified is not None and verified.principal.client_id == client.client_id
        if own and verified is not None and (token_id := verified.principal.token_id) is not None:
            ends = (verified.principal.expires_at or int(self._wall())) + SPARE
            await self._revocations.add(self._settings.url, Kind.TOKEN, token_id, ends)
            _note("revoked", client, token_id=token_id)
            return Reply(200, None, token_id=token_id)
        return Reply(200, None)

    async def _introspect(self, form: Form, client: Client) -> Reply:
        """RFC 7662 section 2.2; of others' tokens only a resource server is told anything."""
        verified = await self._known(form)
        if verified is None or not self._live(verified):
            return Reply(200, {"active": False})
        principal = verified.principal
        if client.client_id != principal.client_id and INTROSPECT not in client.scopes:
            return Reply(200, {"active": False})
        told = {
            "active": True,
            "iss": self._settings.url,
            "aud": self._settings.audience,
            "sub": principal.subject,
            "client_id": principal.client_id,
            "scope": " ".join(sorted(principal.scopes)),
            "exp": principal.expires_at,
            "jti": principal.token_id,
            "tenant": principal.tenant,
            "partner_id": principal.partner,
            "token_type": "Bearer" if verified.bound.key is None else "DPoP",
            "cnf": None if verified.bound.key is None else {JKT: verified.bound.key},
        }
        return Reply(200, {name: value for name, value in told.items() if value is not None})

    async def _known(self, form: Form) -> Verified | None:
        token = form.one("token")
        if token is None:
            raise OAuthError("invalid_request", "token is missing.")
        try:
            return await self._tokens.verified(token)
        except (NotSigned, NoKeys):
            return None

    def _live(self, verified: Verified) -> bool:
        try:
            self._revocations.check(verified.principal, "Bearer")
        except InvalidToken:
            return False
        return (verified.principal.expires_at or 0) > self._wall()


def _event(action: str, said: str | None, form: Form, reply: Reply, issuer: str) -> Event:
    """Of an answer, whatever it is. Without good credentials `said` is only what was said."""
    error = (reply.body or {}).get("error")
    return Event(
        action=action,
        origin=Origin.OAUTH,
        outcome=Result.ALLOWED if reply.status < 400 else Result.DENIED,
        principal=None if said is None else Who(iss=issuer, client_id=plain(said)),
        token_jti=reply.token_id,
        ip=form.asked.peer,
        status=reply.status,
        reason=None if error is None else str(error),
    )


def _note(event: str, client: Client, **fields: object) -> None:
    told = {"event": event, "client": client.client_id, **fields}
    audit.info(event, extra={"fields": told})
