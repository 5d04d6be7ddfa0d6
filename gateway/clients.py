"""`tillgate clients`: the clients of the embedded issuer, in the store; and keys for BI tools."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from auth.credentials import NAME
from auth.embedded.clients import Client, ClientExists, Clients
from auth.embedded.issuing import INTROSPECT
from auth.hashed import hash_secret, make_secret
from auth.key_set import PRIVATE, BadKeySet, read_key_set
from auth.metadata import SCOPES
from auth.revocations import Kind, Revocations
from gateway.auth_compose import key_ring
from gateway.auth_settings import AuthSettings, check_scopes
from gateway.settings import Settings
from gateway.strict import SettingsError
from resolvers.store import Engine, open_store


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a client; `keys` is a file with its public keys (JWKS)."""

    client_id: str
    scopes: Sequence[str]
    default_scopes: Sequence[str] = ()
    tenant: str | None = None
    partner: str | None = None
    keys: Path | None = None


async def add(settings: Settings, new: NewClient) -> str | None:
    """The secret, which is nowhere else; None for a client with keys of its own."""
    auth = _embedded(settings)
    _check(new)
    jwks, secret = _proof(auth, new.keys)
    client = Client(
        client_id=new.client_id,
        secret=None if secret is None else hash_secret(secret),
        jwks=jwks,
        scopes=frozenset(new.scopes),
        default_scopes=frozenset(new.default_scopes),
        tenant=new.tenant,
        partner=new.partner,
        created_at=int(time.time()),
    )
    async with _opened(settings) as engine:
        try:
            await Clients(engine, time.time).add(client)
        except ClientExists:
            text = f"clients: {new.client_id} is there already, or was: an id is never given again"
            raise SettingsError(text) from None
    return secret


async def rotate(settings: Settings, client_id: str, keys: Path | None) -> str | None:
    """As `add`: what it authenticated with before is refused at once, its tokens end in time."""
    jwks, secret = _proof(_embedded(settings), keys)
    hashed = None if secret is None else hash_secret(secret)
    async with _opened(settings) as engine:
        if not await Clients(engine, time.time).rotate(client_id, hashed, jwks):
            raise SettingsError(f"clients: there is no client {client_id!r}")
    return secret


async def revoke(settings: Settings, client_id: str, issuer: str | None) -> None:
    """Its tokens are refused within a second, by every process that shares the store. Of another
    issuer, by its name in the settings, only the tokens: whether it gets new ones is told there.
    May be repeated: what failed half-way is done to its end."""
    urls = (_auth(settings).resource,) if issuer is None else _urls(settings, issuer)
    async with _opened(settings) as engine:
        clients = Clients(engine, time.time)
        if issuer is None and not await clients.exists(client_id):
            raise SettingsError(f"clients: there is no client {client_id!r}")
        for url in urls:
            await Revocations(engine).add(url, Kind.CLIENT, client_id)
        if issuer is None:
            await clients.revoke(client_id)


async def restore(settings: Settings, client_id: str, issuer: str) -> None:
    """Takes back what `revoke` did to a client of another issuer. One of our own stays revoked:
    it is given a new id."""
    urls = _urls(settings, issuer)
    async with _opened(settings) as engine:
        for url in urls:
            await Revocations(engine).take_back(url, Kind.CLIENT, client_id)


async def listed(settings: Settings) -> list[str]:
    """One line per client, without secrets."""
    _embedded(settings)
    async with _opened(settings) as engine:
        return [_line(client) for client in await Clients(engine, time.time).all()]


def rekey(settings: Settings) -> str:
    """Publishes a new signing key, which is used when everybody had the time to fetch it; its
    id. Raises KeyFileUnusable."""
    embedded = _embedded(settings).embedded
    assert embedded is not None
    return key_ring(embedded, time.time, settings.sealer).rotate()


def api_key(name: str) -> tuple[str, str]:
    """A secret for a BI tool, and the table for the settings that lets it in."""
    if not NAME.fullmatch(name):
        raise SettingsError(f"{name[:64]!r}: letters, digits, - . _ ~, at most 64")
    secret = make_secret()
    head = f"[auth.api_keys.{name if name.isalnum() else json.dumps(name)}]"
    table = [head, f'secret_hash = "{hash_secret(secret)}"', 'scopes = ["orders:read"]']
    return secret, "\n".join(table)


def _line(client: Client) -> str:
    facts = [
        client.client_id,
        "revoked" if client.revoked_at else "keys" if client.jwks else "secret",
        datetime.fromtimestamp(client.created_at, UTC).date().isoformat(),
        " ".join(sorted(client.scopes)),
    ]
    facts += [f"tenant={client.tenant}"] if client.tenant else []
    facts += [f"partner={client.partner}"] if client.partner else []
    return "\t".join(facts)


def _check(new: NewClient) -> None:
    if not NAME.fullmatch(new.client_id):
        raise SettingsError(f"{new.client_id[:64]!r}: letters, digits, - . _ ~, at most 64")
    try:
        check_scopes("--scope", new.scopes, (*SCOPES, INTROSPECT))
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if missing := set(new.default_scopes) - set(new.scopes):
        raise SettingsError(f"--default: it may not have {', '.join(sorted(missing))}")
    for name, value in (("--tenant", new.tenant), ("--partner", new.partner)):
        if value is not None and not 0 < len(value) <= 255:
            raise SettingsError(f"{name}: 1 to 255 characters")


def _proof(auth: AuthSettings, keys: Path | None) -> tuple[str | None, str | None]:
    """Its public keys or a new secret."""
    if keys is None and auth.fapi:
        raise SettingsError("--keys: with the profile fapi2 a client has keys of its own")
    return (None, make_secret()) if keys is None else (_public_keys(keys), None)


def _public_keys(path: Path) -> str:
    try:
        body = path.read_bytes()
        found = read_key_set(body)
        listed = msgspec.json.decode(body)["keys"]
    except (OSError, BadKeySet) as error:
        raise SettingsError(f"{path}: {error or type(error).__name__}") from None
    if any(PRIVATE & entry.keys() for entry in listed if isinstance(entry, dict)):
        raise SettingsError(f"{path}: it holds a private key: the client keeps that to itself")
    assert len(found)
    return body.decode()


def _auth(settings: Settings) -> AuthSettings:
    if settings.auth is None:
        raise SettingsError("auth: it is not configured")
    return settings.auth


def _urls(settings: Settings, issuer: str) -> tuple[str, ...]:
    """What an issuer of the settings is in its tokens; of a template, each of its tenants."""
    issuers = _auth(settings).issuers
    if issuer not in issuers:
        raise SettingsError(f"auth.issuers: there is none named {issuer!r}")
    return tuple(issuers[issuer].urls.values())


def _embedded(settings: Settings) -> AuthSettings:
    auth = _auth(settings)
    if auth.embedded is None:
        raise SettingsError("auth.embedded: it is not configured; others issue the tokens")
    return auth


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Engine]:
    password = settings.store.password
    plain = None if password is None else password.reveal()
    async with open_store(settings.store.url, plain) as engine:
        yield engine
