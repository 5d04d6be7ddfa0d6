"""`tillgate check`, of `[auth]`: every issuer's keys fetched, and its introspection asked once."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import AsyncExitStack

from auth.discovery import KeySetSource
from auth.faults import Unavailable
from auth.introspection import Credential, Introspector
from auth.key_set import BadKeySet, KeySet, read_key_set
from auth.outbound import Unreachable
from gateway.auth_compose import Outbound
from gateway.auth_settings import AuthSettings, IntrospectionSettings, IssuerSettings
from gateway.finding import Finding


async def issuer_findings(settings: AuthSettings) -> list[Finding]:
    """One per issuer, of a template one per tenant, in the order of the configuration."""
    return await asyncio.gather(
        *(
            _ask(name, url, own)
            for name, own in settings.issuers.items()
            for url in own.urls.values()
        )
    )


async def _ask(name: str, url: str, own: IssuerSettings) -> Finding:
    head, started = f"issuer {name} ({url})", time.monotonic()
    asked = own.introspection
    others = (own.jwks_uri, None if asked is None else asked.url)
    async with AsyncExitStack() as stack:
        ask = Outbound(name, stack, (url, *(other for other in others if other)))
        try:
            keys = await _keys(KeySetSource(url, own.jwks_uri, ask))
            if asked is not None:
                await _introspect(asked, ask)
        except (Unreachable, BadKeySet) as error:
            return Finding(False, (f"FAIL  {head}: keys: {error}",))
        except Unavailable as error:
            return Finding(False, (f"FAIL  {head}: {error.reason}",))
    milliseconds = round((time.monotonic() - started) * 1000)
    opaque = ", opaque tokens can be asked for" if asked is not None else ""
    return Finding(True, (f"ok    {head}: {milliseconds} ms, {len(keys)} keys{opaque}",))


async def _keys(source: KeySetSource) -> KeySet:
    answer = await source.fetch()
    if answer.status != 200:
        raise Unreachable(f"HTTP {answer.status}")
    return read_key_set(answer.body)


async def _introspect(asked: IntrospectionSettings, ask: Outbound) -> None:
    """A token that nobody issued: the answer shows whether the issuer knows us."""
    credential = Credential(asked.client_id, asked.client_secret.reveal())
    introspector = Introspector(asked.url, credential, ask, clock=time.monotonic, wall=time.time)
    try:
        await introspector.claims(secrets.token_urlsafe())
    finally:
        await introspector.aclose()
