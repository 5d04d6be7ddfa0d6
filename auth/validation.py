"""Whether claims are meant for us, now (RFC 9068 section 4, RFC 8725)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from auth.issuer import ACCESS_TOKEN, Issuer
from auth.signature import NotSigned, Signed

REQUIRED = ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
PAST = ("nbf", "iat")
OTHERS = ("ID", "Refresh", "Offline", "Logout")
"""What Keycloak writes into a claim `typ` of tokens that are no access tokens."""


def check_type(signed: Signed, issuer: Issuer) -> None:
    """Raises NotSigned for anything but an access token, where the issuer marks them."""
    typ = str(signed.header.get("typ", "")).lower()
    if typ not in (ACCESS_TOKEN if issuer.preset.strict else (*ACCESS_TOKEN, "jwt", "")):
        raise NotSigned("its type is not that of an access token")
    if signed.claims.get("typ") in OTHERS:
        raise NotSigned("it is a token of another use")


def check_claims(claims: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    """Raises NotSigned naming the claim, not its value. `now` is in seconds since 1970."""
    essential = REQUIRED if issuer.preset.strict else ("iss", "exp", "aud")
    _check(claims, issuer, now, essential)
    for name, value in issuer.claims.items():
        if claims.get(name) != value:
            raise NotSigned(f"its claim {name} is not the one expected")


def check_answer(claims: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    """The same of an introspection's answer, which need not repeat who answers (RFC 7662 2.2)."""
    _check({"iss": issuer.url, **claims}, issuer, now, ("iss", "exp", "aud"))
    for name, value in issuer.claims.items():
        if claims.get(name) != value:
            raise NotSigned(f"its claim {name} is not the one expected")


def _check(
    claims: Mapping[str, Any], issuer: Issuer, now: float, essential: tuple[str, ...]
) -> None:
    options: dict[str, ClaimsOption] = {name: {"essential": True} for name in essential}
    options["iss"] = {"essential": True, "value": issuer.url}
    options["aud"] = {"essential": True, "values": list(issuer.audiences)}
    dated = {name: claims[name] for name in PAST if name in claims}
    others = {name: value for name, value in claims.items() if name not in PAST}
    others |= dict.fromkeys(dated, 0)
    try:
        JWTClaimsRegistry(now=int(now), leeway=issuer.leeway, **options).validate(others)
        JWTClaimsRegistry(now=int(now), leeway=issuer.ahead).validate(dated)
    except (JoseError, OverflowError) as error:
        raise NotSigned(f"its claims are refused: {type(error).__name__}") from None
