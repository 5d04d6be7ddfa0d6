"""A published key set (RFC 7517): read with suspicion, for it decides who gets in.

A key that cannot verify a signature here is left out; a set without any that can is refused, so
that it never takes the place of one that works.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.signature import ASYMMETRIC, Key, fits

MOST_BYTES = 256 * 1024
MOST_KEYS = 50
RSA_TEXT = range(342, 1367)
"""Characters of a modulus of 2048 to 8192 bits."""
MOST_EXPONENT = 7
KINDS: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k", "oth"})
"""What nobody publishes of a key."""
PUBLIC = ("kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y")


class BadKeySet(Exception):
    """Why the set is not used."""


class KeySet:
    """Keys by their id; several may share one, and then differ in algorithm, kind or curve."""

    def __init__(self, keys: list[Key]) -> None:
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str | None, alg: str) -> list[Key]:
        """Those that may have signed. A token without a key's id may be of any key that fits."""
        return [key for key in self._keys if kid in (None, key.get("kid")) and fits(key, alg)]

    def has(self, kid: str | None) -> bool:
        return any(key.get("kid") == kid for key in self._keys)


def read_key_set(body: bytes) -> KeySet:
    """Raises BadKeySet."""
    if len(body) > MOST_BYTES:
        raise BadKeySet("it is too large")
    try:
        listed = msgspec.json.decode(body)["keys"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        raise BadKeySet("it is not a key set") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise BadKeySet(f"it does not have 1 to {MOST_KEYS} keys")
    keys = [key for entry in listed if (key := read_key(entry)) is not None]
    if not keys:
        raise BadKeySet("it has no key that can verify a signature")
    return KeySet(keys)


def read_key(entry: Any) -> Key | None:
    """The public part of a JWK that can verify some signature, else None."""
    kind = KINDS.get(str(entry.get("kty"))) if isinstance(entry, dict) else None
    if kind is None:
        return None
    public = {name: entry[name] for name in PUBLIC if name in entry}
    if not _affordable(public):
        return None
    if public["kty"] == "OKP" and public.get("alg") in ("EdDSA", "Ed25519"):
        # Two names of one algorithm (RFC 9864): a token may use the other.
        del public["alg"]
    try:
        key = kind.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return key if any(fits(key, alg) for alg in ASYMMETRIC) else None


def _affordable(jwk: Mapping[str, Any]) -> bool:
    """A proof brings its own key: one that is too short, or made to cost seconds, is not tried."""
    if jwk["kty"] != "RSA":
        return True
    modulus, exponent = jwk.get("n"), jwk.get("e")
    if not isinstance(modulus, str) or not isinstance(exponent, str):
        return False
    return len(modulus) in RSA_TEXT and len(exponent) <= MOST_EXPONENT
