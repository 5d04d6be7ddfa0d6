"""Signed tokens (JWS, RFC 7515; RFC 8725): taken apart once, verified with a key of our choosing.

The header is the sender's claim about himself. It may choose among the keys and algorithms that
the configuration allows and nothing more: never a key of its own, never an address of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

MOST = 8 * 1024
"""Bytes of a token or proof, at most."""
ASYMMETRIC = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
    | {"EdDSA", "Ed25519"}
)
"""Whatever is configured, these are the most: no shared secrets, no `none`."""
FAPI = frozenset({"PS256", "ES256", "EdDSA", "Ed25519"})
"""What the FAPI 2.0 Security Profile allows (section 5.4)."""
SMALLEST_RSA = 2048
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
FOREIGN = ("jwk", "jku", "x5u", "x5c")
Key = RSAKey | ECKey | OKPKey


class NotSigned(Exception):
    """Why it is not what it should be, without any of it."""


class _Registry(jws.JWSRegistry):
    """Larger headers, for a proof's key in it; unknown names in a header are left alone (RFC 7515
    section 4), `crit` is not. `EdDSA` is what many still call `Ed25519`: no warning for it."""

    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        if name == "EdDSA" and name in (self.allowed or ()):
            return self.algorithms[name]
        return super().get_alg(name)


_parts = _Registry(algorithms=sorted(ASYMMETRIC), strict_check_header=False)


class Signed(msgspec.Struct, frozen=True):
    """A token taken apart and not yet believed: its header, its claims, and what to verify."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    whole: jws.CompactSignature

    @property
    def alg(self) -> str:
        return str(self.header["alg"])

    @property
    def kid(self) -> str | None:
        kid: str | None = self.header.get("kid")
        return kid


def take_apart(token: str, *, own_key: bool = False) -> Signed:
    """Raises NotSigned for what is no compact JWS of JSON claims, or brings a key that was not
    asked for (`own_key`: a DPoP proof has to bring one)."""
    if len(token) > MOST:
        raise NotSigned("it is too large")
    try:
        whole = jws.extract_compact(token.encode("ascii"), registry=_parts)
        claims = msgspec.json.decode(whole.payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotSigned("it is not a signed token") from None
    header = whole.protected
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NotSigned("its header or claims are no object")
    foreign = [name for name in FOREIGN if name in header and not (own_key and name == "jwk")]
    if foreign or "crit" in header or "b64" in header:
        raise NotSigned("its header brings a key, or demands what is not spoken")
    if not all(isinstance(header.get(name, ""), str) for name in ("alg", "kid", "typ")):
        raise NotSigned("its header is malformed")
    return Signed(header, claims, whole)


def verify(signed: Signed, key: Key, algorithms: Collection[str]) -> None:
    """Raises NotSigned unless the key signed it with one of the algorithms."""
    allowed = sorted(ASYMMETRIC & set(algorithms))
    if signed.alg not in allowed:
        raise NotSigned("its algorithm is not allowed")
    if not fits(key, signed.alg):
        raise NotSigned("its algorithm is not the key's")
    try:
        registry = _Registry(algorithms=allowed, strict_check_header=False)
        good = jws.validate_compact(signed.whole, key, registry=registry)
    except (JoseError, ValueError, TypeError):
        good = False
    if not good:
        raise NotSigned("its signature is wrong")


def verify_any(signed: Signed, keys: Iterable[Key], algorithms: Collection[str]) -> None:
    """Raises NotSigned unless one of the keys signed it."""
    for key in keys:
        try:
            verify(signed, key, algorithms)
        except NotSigned:
            continue
        return
    raise NotSigned("no key of its issuer signed it")


def fits(key: Key, alg: str) -> bool:
    """Whether the key is for signing, of the algorithm's kind and of sufficient size."""
    if key.get("use") not in (None, "sig") or key.get("alg") not in (None, alg):
        return False
    operations = key.get("key_ops")
    if operations is not None and not {"verify", "sign"} & set(operations):
        return False
    if isinstance(key, RSAKey):
        return alg[:2] in ("RS", "PS") and key.public_key.key_size >= SMALLEST_RSA
    if isinstance(key, ECKey):
        return CURVES.get(alg) == key.curve_name
    return alg in ("EdDSA", "Ed25519") and key.curve_name == "Ed25519"
