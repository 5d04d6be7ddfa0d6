"""Who asks: built once per request from a token or key, immutable, passed explicitly."""

from __future__ import annotations

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """`scopes` are what the issuer granted; `tenant` and `partner` the rows that may be seen, None
    where the issuer says nothing. `token_id` is the token's `jti`. Never holds the token itself."""

    issuer: str
    client_id: str
    subject: str
    scopes: frozenset[str] = frozenset()
    tenant: str | None = None
    partner: str | None = None
    token_id: str | None = None
    expires_at: int | None = None
