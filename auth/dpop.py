"""Proofs of possession (RFC 9449): that who sends a token holds the key it is bound to."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from auth.digest import digest
from auth.faults import InvalidProof, NonceNeeded
from auth.key_set import PRIVATE, read_key
from auth.numeric_date import numeric_date
from auth.signature import FAPI, Key, NotSigned, Signed, take_apart, verify

WINDOW = 60
"""Seconds that a proof's `iat` may differ from our clock, either way."""
NONCE_SECONDS = 300
ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
MOST_ID = 255


class Seen(Protocol):
    async def first(self, kind: str, value: str, ends: float) -> bool:
        """Whether nobody used the value before, in any process; it is remembered until `ends`.
        Raises Unavailable when that cannot be told."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The request that a proof has to be about. `headers` are all DPoP headers it has; `url` is
    ours as clients see it; `token` the access token, None where one is asked for."""

    headers: tuple[str, ...]
    method: str
    url: str
    token: str | None


class Nonces:
    """Nonces that need no memory: a time and its HMAC, so that every process with the same secret
    knows those of the others. One lives for 5 to 10 minutes."""

    def __init__(self, secret: bytes, wall: Callable[[], float]) -> None:
        self._secret = secret
        self._wall = wall

    def current(self) -> str:
        return self._made(int(self._wall() // NONCE_SECONDS))

    def good(self, nonce: object) -> bool:
        if not isinstance(nonce, str) or not nonce.isascii():
            return False
        period = int(self._wall() // NONCE_SECONDS)
        return any(hmac.compare_digest(self._made(p), nonce) for p in (period, period - 1))

    def _made(self, period: int) -> str:
        digest = hmac.digest(self._secret, b"dpop-nonce %d" % period, "sha256")
        return base64.urlsafe_b64encode(digest[:18]).decode()


class Proven(msgspec.Struct, frozen=True):
    """The thumbprint (RFC 7638) of the key that signed a proof, and what makes the proof unique."""

    key: str
    identity: str


class Proofs:
    """Checks proofs. `wall` is seconds since 1970; without `nonces` none is asked for."""

    def __init__(self, seen: Seen, wall: Callable[[], float], nonces: Nonces | None = None) -> None:
        self._seen = seen
        self._wall = wall
        self.nonces = nonces

    def check(self, proof: Proof) -> Proven:
        """Raises InvalidProof or NonceNeeded. All of section 4.3 but that it was not used before,
        which costs a write and is asked last, of those who have a good token (`spend`)."""
        if len(proof.headers) != 1:
            raise InvalidProof("not exactly one proof", "DPoP")
        try:
            signed = take_apart(proof.headers[0], own_key=True)
            key = _verified(signed)
        except NotSigned as error:
            raise InvalidProof(f"the proof: {error}", "DPoP") from None
        self._check_claims(signed.claims, proof)
        thumbprint = key.thumbprint()
        return Proven(thumbprint, f"{thumbprint} {signed.claims['jti']}")

    async def spend(self, proven: Proven) -> None:
        """Raises InvalidProof for a proof that was used before (section 11.1)."""
        if not await self._seen.first("dpop", proven.identity, self._wall() + 2 * WINDOW):
            raise InvalidProof("the proof was used before", "DPoP")

    def _check_claims(self, claims: Any, proof: Proof) -> None:
        token_id, at = claims.get("jti"), numeric_date(claims.get("iat"))
        if not isinstance(token_id, str) or not 0 < len(token_id) <= MOST_ID:
            raise InvalidProof("the proof has no jti", "DPoP")
        if claims.get("htm") != proof.method or not _same_url(claims.get("htu"), proof.url):
            raise InvalidProof("the proof is about another request", "DPoP")
        if at is None:
            raise InvalidProof("the proof has no time", "DPoP")
        if abs(at - self._wall()) > WINDOW:
            raise InvalidProof("the proof is too old, or of the future", "DPoP")
        if proof.token is not None and claims.get("ath") != digest(proof.token):
            raise InvalidProof("the proof is about another token", "DPoP")
        if self.nonces is not None and not self.nonces.good(claims.get("nonce")):
            raise NonceNeeded(self.nonces.current())


def _verified(signed: Signed) -> Key:
    """The key that the proof brings, which signed it. Raises NotSigned."""
    if str(signed.header.get("typ", "")).lower() != "dpop+jwt":
        raise NotSigned("its type is not dpop+jwt")
    jwk = signed.header.get("jwk")
    if not isinstance(jwk, dict) or PRIVATE & jwk.keys():
        raise NotSigned("it brings no public key")
    if (key := read_key(jwk)) is None:
        raise NotSigned("its key cannot verify anything here")
    verify(signed, key, FAPI)
    return key


def _same_url(told: object, ours: str) -> bool:
    """Scheme, host and port after normalisation (RFC 3986 section 6.2.2, 6.2.3), and the exact
    path; query and fragment do not count (section 4.3)."""
    if not isinstance(told, str):
        return False
    try:
        return _normal(told) == _normal(ours)
    except ValueError:
        return False


def _normal(url: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with credentials")
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port, parts.path or "/"
