"""Whether claims are meant for us, now (RFC 9068 section 4, RFC 8725)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auth.issuer import ACCESS_TOKEN, Issuer
from auth.numeric_date import numeric_date
from auth.signature import NotSigned, Signed

LEAST = ("iss", "exp", "aud")
REQUIRED = (*LEAST, "sub", "client_id", "iat", "jti")
PAST = ("nbf", "iat")
KIND = ("typ", "token_use", "token_type")
"""Where Keycloak, Cognito and Hydra, and introspection write what kind of token it is."""
ACCESS = frozenset({"bearer", "dpop", "pop", "access", "access_token", "jwt", *ACCESS_TOKEN})
"""What they write of access tokens; others are for logging in, or for getting more tokens."""
FORMAL = "urn:ietf:params:oauth:token-type:"


def check_type(signed: Signed, issuer: Issuer) -> None:
    """Raises NotSigned for anything but an access token, where the issuer marks them."""
    typ = str(signed.header.get("typ", "")).lower()
    if typ not in (ACCESS_TOKEN if issuer.preset.strict else (*ACCESS_TOKEN, "jwt", "")):
        raise NotSigned("its type is not that of an access token")


def check_claims(claims: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    """Raises NotSigned naming the claim, not its value. `now` is in seconds since 1970."""
    _check(claims, issuer, now, REQUIRED if issuer.preset.strict else LEAST)


def check_answer(claims: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    """The same of an introspection's answer, which need not repeat who answers (RFC 7662 2.2)."""
    _check({"iss": issuer.url, **claims}, issuer, now, LEAST)


def _check(claims: Mapping[str, Any], issuer: Issuer, now: float, needed: Sequence[str]) -> None:
    for name in needed:
        if claims.get(name) in (None, ""):
            raise NotSigned(f"its claim {name} is missing")
    for name in KIND:
        if not _is_access(claims.get(name, "bearer")):
            raise NotSigned(f"its claim {name} is not that of an access token")
    for name, value in {"iss": issuer.url, **issuer.claims}.items():
        if claims.get(name) != value:
            raise NotSigned(f"its claim {name} is not the one expected")
    if not any(own in _texts(claims["aud"]) for own in issuer.audiences):
        raise NotSigned("its claim aud is somebody else")
    _check_times(claims, issuer, now)


def _check_times(claims: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    ends = numeric_date(claims["exp"])
    if ends is None or ends <= now - issuer.leeway:
        raise NotSigned("its claim exp is no time, or over")
    for name in PAST:
        begins = numeric_date(claims.get(name, 0))
        if begins is None or begins > now + issuer.ahead:
            raise NotSigned(f"its claim {name} is no time, or to come")


def _is_access(kind: object) -> bool:
    return isinstance(kind, str) and kind.lower().removeprefix(FORMAL) in ACCESS


def _texts(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else (value,)
