"""Who may issue tokens for us, and how each spells what it grants.

No two identity providers write scopes, clients and tenants alike, so each has a preset; whatever
differs from it is said in the settings. Everything here is compared exactly: an issuer with a
slash more is another issuer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from auth.numeric_date import numeric_date
from auth.principal import Principal

ACCESS_TOKEN = ("at+jwt", "application/at+jwt")
"""The `typ` of an access token (RFC 9068 section 2.1); an ID token has another."""
MOST_TEXT = 255


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """Names of claims, the first that a token has counts; `.` leads into an object.

    `strict` demands what RFC 9068 does: its `typ`, and iss, exp, aud, sub, client_id, iat, jti.
    """

    strict: bool = True
    algorithms: tuple[str, ...] = ("ES256", "PS256", "RS256", "EdDSA", "Ed25519")
    scopes_from: tuple[str, ...] = ("scope",)
    client_id_from: tuple[str, ...] = ("client_id",)
    tenant_from: tuple[str, ...] = ("tenant",)
    partner_from: tuple[str, ...] = ("partner_id",)
    token_id_from: tuple[str, ...] = ("jti",)


PRESETS: Mapping[str, Preset] = {
    "rfc9068": Preset(),
    "keycloak": Preset(
        strict=False,
        scopes_from=("scope",),
        # Never as the audience: azp is who asked for the token, not whom it is for.
        client_id_from=("client_id", "azp"),
    ),
    "auth0": Preset(
        strict=False,
        algorithms=("RS256", "PS256"),
        scopes_from=("permissions", "scope"),
        client_id_from=("client_id", "azp"),
        tenant_from=("org_id",),
    ),
    "okta": Preset(
        strict=False,
        algorithms=("RS256", "ES256"),
        scopes_from=("scp",),
        client_id_from=("cid",),
    ),
    "entra": Preset(
        strict=False,
        algorithms=("RS256",),
        # Delegated tokens have scp, a text; those of applications have roles, a list.
        scopes_from=("scp", "roles"),
        client_id_from=("azp", "appid"),
        tenant_from=("tid",),
        token_id_from=("uti", "jti"),
    ),
}


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is its exact `iss`. `grants` turns its words into our scopes, where they are not the
    same; without it they are taken as they are. `required` are the scopes, ours, without which no
    token is let in. `leeway` in seconds is how far clocks may differ, `ahead` how far a token may
    be dated in the future. `claims` must have these values, besides."""

    name: str
    url: str
    audiences: tuple[str, ...]
    preset: Preset = PRESETS["rfc9068"]
    separator: str | None = None
    grants: Mapping[str, tuple[str, ...]] | None = None
    required: frozenset[str] = frozenset()
    leeway: int = 60
    ahead: int = 60
    claims: Mapping[str, str] = {}

    def principal(self, claims: Mapping[str, Any]) -> Principal | None:
        """Of claims that were verified; None if they do not say which client it is."""
        preset = self.preset
        client = _text(claims, preset.client_id_from)
        if client is None:
            return None
        ends = numeric_date(claims.get("exp"))
        return Principal(
            issuer=self.url,
            client_id=client,
            subject=_text(claims, ("sub",)) or client,
            scopes=self.scopes(claims),
            tenant=_text(claims, preset.tenant_from),
            partner=_text(claims, preset.partner_from),
            token_id=_text(claims, preset.token_id_from),
            expires_at=None if ends is None else int(ends),
        )

    def tells_scopes(self, claims: Mapping[str, Any]) -> bool:
        return _first(claims, self.preset.scopes_from) is not None

    def scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Of the first claim that is there at all: an empty one grants nothing, and the next in
        the list does not make up for it."""
        told = _first(claims, self.preset.scopes_from)
        words: Sequence[object] = told if isinstance(told, list) else ()
        if isinstance(told, str):
            words = told.split(self.separator)
        own = [word for word in words if isinstance(word, str) and word]
        if self.grants is None:
            return frozenset(own)
        return frozenset(scope for word in own for scope in self.grants.get(word, ()))


def _first(claims: Mapping[str, Any], names: Sequence[str]) -> Any:
    found = (value for name in names if (value := _at(claims, name)) is not None)
    return next(found, None)


def _at(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of that name, even with a dot or slash in it, else the one at that path."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(claims: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first that is there, if it is a text: one of another type is not skipped for the next."""
    value = _first(claims, names)
    good = isinstance(value, str) and 0 < len(value) <= MOST_TEXT
    return value if good else None
