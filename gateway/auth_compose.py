"""From `[auth]` to everything that tells who asks; opened and closed with the application."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from auth.access_tokens import AccessTokens, Trusted
from auth.api_keys import ApiKey, ApiKeys
from auth.audit.writer import Tell
from auth.authenticator import Authenticator
from auth.certificate import Certificates
from auth.challenge import Challenger
from auth.discovery import KeySetSource
from auth.dpop import ALGORITHMS, Nonces, Proofs
from auth.embedded.client_auth import ClientAuth
from auth.embedded.clients import Clients
from auth.embedded.issuing import TOKEN, EmbeddedIssuer, Issuing
from auth.embedded.key_ring import ALGORITHM, KeyFileUnusable, KeyRing
from auth.hashed import read_hash
from auth.introspection import Credential, Introspector
from auth.issuer import PRESETS, Issuer, Preset
from auth.key_cache import KeyCache
from auth.metadata import RESOURCE, protected_resource
from auth.outbound import Answer, Call, Unreachable
from auth.revocations import Revocations
from auth.sealing import Sealer
from auth.seen import SeenStore
from auth.throttle import Throttle
from connectors.errors import SourceError
from connectors.transport import HttpTransport, Limits, Request
from gateway.auth_settings import (
    AuthSettings,
    EmbeddedSettings,
    IntrospectionSettings,
    IssuerSettings,
)
from gateway.demo_clients import add_demo_clients
from resolvers.store import Engine

log = logging.getLogger("tillgate.auth")
TEND = 60.0
"""Seconds between looks at our own keys."""
AHEAD_FAPI = 10
OUTBOUND = Limits(
    deadline=5.0, concurrency=16, queue=200, max_body=256 * 1024, attempts=1, rates={"": 50}
)


class Auth(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoints and the middleware need. `embedded` None: others issue the tokens.
    `unready` says why every request is refused now, None if not; it waits for nothing.
    `fetch_keys` begins to fetch the issuers' keys again; `use_sealer` opens our own with other keys
    and raises KeyFileUnusable where they do not."""

    unready: Callable[[], str | None]
    fetch_keys: Callable[[], None]
    use_sealer: Callable[[Sealer | None], None]
    authenticator: Authenticator
    challenger: Challenger
    embedded: EmbeddedIssuer | None
    metadata: Mapping[str, Any]


class Outbound:
    """Calls to issuers, at the origins that the settings name and nowhere else."""

    def __init__(self, name: str, stack: AsyncExitStack, urls: tuple[str, ...]) -> None:
        self._transports: dict[str, HttpTransport] = {}
        for origin in dict.fromkeys(map(_origin, urls)):
            transport = HttpTransport(f"issuer {name}", origin, limits=OUTBOUND)
            stack.push_async_callback(transport.aclose)
            self._transports[origin] = transport

    async def __call__(self, call: Call) -> Answer:
        transport = self._transports.get(_origin(call.url))
        if transport is None:
            raise Unreachable("an address that the settings do not name: set jwks_uri")
        body = None if call.form is None else urlencode(call.form).encode()
        typed = {} if body is None else {"content-type": "application/x-www-form-urlencoded"}
        request = Request(
            path=call.url,
            method="GET" if body is None else "POST",
            headers={**typed, **call.headers},
            body=body,
        )
        try:
            response = await transport.send(request)
        except SourceError as error:
            raise Unreachable(f"{type(error).__name__}: {error.detail}") from None
        return Answer(response.status, response.headers, response.body)


@asynccontextmanager
async def open_auth(
    settings: AuthSettings,
    engine: Engine,
    wall: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
    sealer: Sealer | None = None,
    tell: Tell | None = None,
) -> AsyncIterator[Auth]:
    """Reads what was revoked, makes the signing key at the first start, and keeps both up to date.
    `tell` is where the issuer's events go. Raises Unavailable or KeyFileUnusable."""
    async with AsyncExitStack() as stack:
        opening = _Opening(settings, engine, wall, clock, stack, sealer, tell)
        yield await opening.auth()


class _Opening:
    def __init__(
        self,
        settings: AuthSettings,
        engine: Engine,
        wall: Callable[[], float],
        clock: Callable[[], float],
        stack: AsyncExitStack,
        sealer: Sealer | None,
        tell: Tell | None,
    ) -> None:
        self._tell = tell
        self._settings = settings
        self._sealer = sealer
        self._engine = engine
        self._wall = wall
        self._clock = clock
        self._stack = stack
        self._revocations = Revocations(engine, wall, clock)
        self._seen = SeenStore(engine, wall)
        self._caches: list[KeyCache] = []
        self._ring: KeyRing | None = None

    def _unready(self) -> str | None:
        if not self._revocations.is_fresh:
            return "revocations cannot be read"
        others = bool(self._settings.api_keys) or any(
            one.introspection is not None for one in self._settings.issuers.values()
        )
        own = () if self._ring is None else (self._ring,)
        if not others and not any(keys.has_keys for keys in (*self._caches, *own)):
            return "no issuer's keys are known"
        return None

    def _fetch_keys(self) -> None:
        for cache in self._caches:
            cache.fetch_again()

    def _use_sealer(self, sealer: Sealer | None) -> None:
        if self._ring is not None:
            self._ring.use(sealer)

    async def auth(self) -> Auth:
        settings = self._settings
        await self._revocations.load()
        self._run("revocations", self._revocations.poll())
        trusted = [
            one for name, own in settings.issuers.items() for one in self._trusted(name, own)
        ]
        proofs = Proofs(self._seen, self._wall, self._nonces())
        embedded = None
        if settings.embedded is not None:
            ring, one = await self._own(settings.embedded)
            trusted.append(one)
            embedded = self._embedded(settings.embedded, ring, one, proofs)
        authenticator = Authenticator(
            settings.resource,
            self._tokens(trusted),
            proofs,
            None if settings.mtls is None else _certificates(settings),
            self._keys(),
        )
        urls = [one.issuer.url for one in trusted]
        return Auth(
            unready=self._unready,
            fetch_keys=self._fetch_keys,
            use_sealer=self._use_sealer,
            authenticator=authenticator,
            challenger=Challenger(
                realm=settings.realm,
                metadata_url=settings.resource + RESOURCE,
                algorithms=ALGORITHMS,
                basic=bool(settings.api_keys),
            ),
            embedded=embedded,
            metadata=protected_resource(
                settings.resource,
                urls,
                ALGORITHMS,
                mtls=settings.mtls is not None,
                bound_only=settings.fapi,
            ),
        )

    def _trusted(self, name: str, own: IssuerSettings) -> list[Trusted]:
        introspector = None if own.introspection is None else self._asked(name, own.introspection)
        return [self._of_tenant(name, own, tenant, introspector) for tenant in own.urls]

    def _of_tenant(
        self, name: str, own: IssuerSettings, tenant: str, introspector: Introspector | None
    ) -> Trusted:
        issuer = make_issuer(self._settings, name, own, tenant)
        places = (issuer.url, *filter(None, (own.jwks_uri,)))
        source = KeySetSource(issuer.url, own.jwks_uri, Outbound(name, self._stack, places))
        keys = KeyCache(name, source.fetch, self._clock, own.key_wait)
        self._caches.append(keys)
        self._stack.push_async_callback(keys.aclose)
        self._run(f"keys of {name}", keys.poll())
        always = own.introspection is not None and own.introspection.always
        return Trusted(issuer=issuer, keys=keys, introspector=introspector, always=always)

    def _asked(self, name: str, own: IntrospectionSettings) -> Introspector:
        """With connections of its own: whoever sends many opaque tokens delays no keys."""
        introspector = Introspector(
            own.url,
            Credential(own.client_id, own.client_secret.reveal()),
            Outbound(name, self._stack, (own.url,)),
            clock=self._clock,
            wall=self._wall,
            stale=own.stale,
        )
        self._stack.push_async_callback(introspector.aclose)
        return introspector

    async def _own(self, own: EmbeddedSettings) -> tuple[KeyRing, Trusted]:
        ring = key_ring(own, self._wall, self._sealer)
        ring.tend()
        self._ring = ring
        self._run("signing keys", _tended(ring))
        if own.demo_clients:
            await add_demo_clients(Clients(self._engine, self._wall, demo=True), self._wall)
        preset = msgspec.structs.replace(PRESETS["rfc9068"], algorithms=(ALGORITHM,))
        resource = self._settings.resource
        issuer = Issuer(name="embedded", url=resource, audiences=(resource,), preset=preset)
        return ring, Trusted(issuer=issuer, keys=ring)

    def _embedded(
        self, own: EmbeddedSettings, ring: KeyRing, trusted: Trusted, proofs: Proofs
    ) -> EmbeddedIssuer:
        settings = self._settings
        endpoint = settings.resource + TOKEN
        auth = ClientAuth(
            # The profile accepts the issuer only (FAPI 2.0 Security Profile 5.3.2.1).
            (settings.resource,) if settings.fapi else (settings.resource, endpoint),
            Clients(self._engine, self._wall, demo=own.demo_clients),
            self._seen,
            Throttle(self._clock),
            realm=settings.realm,
            clock=self._clock,
            wall=self._wall,
            secrets=not settings.fapi,
        )
        told = Issuing(
            url=settings.resource,
            audience=settings.resource,
            lifetime=own.lifetime,
            fapi=settings.fapi,
        )
        tokens = self._tokens([trusted])
        return EmbeddedIssuer(
            told, ring, auth, tokens, self._revocations, proofs, self._wall, self._tell
        )

    def _tokens(self, trusted: list[Trusted]) -> AccessTokens:
        return AccessTokens(
            trusted,
            self._revocations,
            clock=self._clock,
            wall=self._wall,
            bound_only=self._settings.fapi,
        )

    def _keys(self) -> ApiKeys | None:
        if not self._settings.api_keys:
            return None
        keys = {
            name: ApiKey(
                hashed=read_hash(own.secret_hash),
                scopes=frozenset(own.scopes),
                tenant=own.tenant,
                partner=own.partner,
                ends=None if own.ends is None else own.ends.timestamp(),
            )
            for name, own in self._settings.api_keys.items()
        }
        return ApiKeys(keys, Throttle(self._clock), clock=self._clock, wall=self._wall)

    def _nonces(self) -> Nonces | None:
        secret = self._settings.dpop.nonce_secret
        return None if secret is None else Nonces(secret.reveal().encode(), self._wall)

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Beside the requests, until all is closed. It ends by itself only if it fails."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_tell_end)

        async def ended() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(ended)


def _tell_end(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        fields = {"task": task.get_name(), "why": type(error).__name__}
        log.error("something that runs beside the requests ended", extra={"fields": fields})


def key_ring(own: EmbeddedSettings, wall: Callable[[], float], sealer: Sealer | None) -> KeyRing:
    """The signing keys of the embedded issuer; nothing is read yet."""
    rotate = own.rotate_days * 86_400
    return KeyRing(Path(own.keys), lifetime=own.lifetime, rotate=rotate, wall=wall, sealer=sealer)


def make_issuer(settings: AuthSettings, name: str, own: IssuerSettings, tenant: str) -> Issuer:
    """One that is trusted; of a template, the one of a tenant."""
    changes: dict[str, Any] = {
        "strict": own.strict,
        "scopes_from": own.scopes_from,
        "client_id_from": own.client_id_from,
        "tenant_from": own.tenant_from,
        "partner_from": own.partner_from,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    preset: Preset = msgspec.structs.replace(
        PRESETS[own.preset], algorithms=own.all_algorithms(settings.fapi), **given
    )
    return Issuer(
        name=name,
        url=own.urls[tenant],
        audiences=own.audiences or (settings.resource,),
        preset=preset,
        separator=own.separator,
        grants=own.scopes,
        required=frozenset(own.required_scopes),
        leeway=own.leeway,
        ahead=AHEAD_FAPI if settings.fapi else own.leeway,
        claims={"tid": tenant} if tenant else {},
    )


async def _tended(ring: KeyRing) -> None:
    while True:
        await asyncio.sleep(TEND)
        try:
            await asyncio.to_thread(ring.tend)
        except KeyFileUnusable as error:
            log.error("the signing keys are not tended", extra={"fields": {"why": str(error)}})


def _certificates(settings: AuthSettings) -> Certificates:
    assert settings.mtls is not None
    return Certificates(settings.mtls.header.lower(), settings.mtls.networks)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
