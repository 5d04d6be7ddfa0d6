"""The clients of our own issuer: what each may have, and how it proves who it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, MetaData, String, Table, Text, insert, update
from sqlalchemy import select as choose
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from auth.database import DATABASE_ERRORS, reason
from auth.faults import Unavailable
from auth.hashed import Hashed, read_hash
from auth.key_set import KeySet, read_key_set

oauth_client = Table(
    "oauth_client",
    MetaData(),
    Column("client_id", String(64), primary_key=True),
    Column("secret_hash", String(255)),
    Column("jwks", Text),
    Column("scopes", Text, nullable=False),
    Column("default_scopes", Text, nullable=False),
    Column("tenant", String(255)),
    Column("partner", String(255)),
    Column("demo", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)


class ClientExists(Exception):
    """A client of this id is there, or was: ids are never given again."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` or `keys` (a JWKS, for `private_key_jwt`) is how it authenticates, never both.
    `default_scopes` is what it gets when it asks for none. Times in seconds since 1970."""

    client_id: str
    secret: Hashed | None = None
    jwks: str | None = None
    scopes: frozenset[str]
    default_scopes: frozenset[str] = frozenset()
    tenant: str | None = None
    partner: str | None = None
    demo: bool = False
    created_at: int
    revoked_at: int | None = None

    @property
    def keys(self) -> KeySet | None:
        return None if self.jwks is None else read_key_set(self.jwks.encode())


class Clients:
    """Of a store that was opened and migrated. Every method raises Unavailable without it. `demo`
    allows clients whose secrets everybody knows."""

    def __init__(self, engine: AsyncEngine, wall: Callable[[], float], demo: bool = False) -> None:
        self._engine = engine
        self._wall = wall
        self._demo = demo

    async def get(self, client_id: str) -> Client | None:
        """None for one that was revoked, too."""
        query = choose(oauth_client).where(
            oauth_client.c.client_id == client_id, oauth_client.c.revoked_at.is_(None)
        )
        rows = await self._rows(query)
        return _client(rows[0]) if rows and (self._demo or not rows[0].demo) else None

    async def exists(self, client_id: str) -> bool:
        """Whether it is there or was."""
        query = choose(oauth_client.c.client_id).where(oauth_client.c.client_id == client_id)
        return bool(await self._rows(query))

    async def all(self) -> list[Client]:
        return [
            _client(row)
            for row in await self._rows(choose(oauth_client).order_by(oauth_client.c.client_id))
        ]

    async def add(self, client: Client) -> None:
        """Raises ClientExists."""
        row = msgspec.structs.asdict(client) | {
            "scopes": " ".join(sorted(client.scopes)),
            "default_scopes": " ".join(sorted(client.default_scopes)),
        }
        secret = row.pop("secret")
        row["secret_hash"] = None if secret is None else str(secret)
        try:
            await self._write(insert(oauth_client).values(**row))
        except IntegrityError:
            raise ClientExists(client.client_id) from None

    async def rotate(self, client_id: str, secret: Hashed | None, jwks: str | None) -> bool:
        """Replaces what it authenticates with; False if there is no such client."""
        values = {"secret_hash": None if secret is None else str(secret), "jwks": jwks}
        return await self._change(client_id, values)

    async def revoke(self, client_id: str) -> bool:
        """It gets no token any more; those it has are for `Revocations`. False if it was revoked
        before, or never was."""
        return await self._change(client_id, {"revoked_at": int(self._wall())})

    async def _change(self, client_id: str, values: dict[str, Any]) -> bool:
        done = await self._write(
            update(oauth_client)
            .where(oauth_client.c.client_id == client_id, oauth_client.c.revoked_at.is_(None))
            .values(**values)
        )
        return bool(done.rowcount)

    async def _rows(self, query: Any) -> list[Any]:
        try:
            async with self._engine.connect() as connection:
                return list(await connection.execute(query))
        except DATABASE_ERRORS as error:
            raise Unavailable(f"clients: {reason(error)}") from None

    async def _write(self, statement: Any) -> Any:
        try:
            async with self._engine.begin() as connection:
                return await connection.execute(statement)
        except IntegrityError:
            raise
        except DATABASE_ERRORS as error:
            raise Unavailable(f"clients: {reason(error)}") from None


def _client(row: Any) -> Client:
    return Client(
        client_id=row.client_id,
        secret=_secret(row.secret_hash),
        jwks=row.jwks,
        scopes=frozenset(row.scopes.split()),
        default_scopes=frozenset(row.default_scopes.split()),
        tenant=row.tenant,
        partner=row.partner,
        demo=row.demo,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


def _secret(text: str | None) -> Hashed | None:
    """None also for what is no hash of ours: such a client is let in when it got a new secret."""
    try:
        return None if text is None else read_hash(text)
    except ValueError:
        return None
