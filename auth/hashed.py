"""Secrets that are kept only as what scrypt (RFC 7914) makes of them.

They are made here, with 256 bits: nobody guesses one, and what scrypt costs is against a stolen
table only. So that nobody can make us pay it with wrong secrets, the first 32 bits of a salted
SHA-256 stand beside it: what does not fit them is refused in microseconds, and what does is the
secret, but for one in four billion. They leave 224 bits to whoever has the table.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable

import msgspec

from auth.bounded import Bounded

LOG_N, R, P = 14, 8, 1
KIND = f"scrypt${LOG_N}${R}${P}"
MOST_SECRET = 256
"""Characters of a secret that is looked at at all."""
SALT, CHECK, DIGEST = 16, 4, 32
"""Bytes of each."""
AT_ONCE = 4
"""Each takes 16 MiB of memory and 30 ms of a core."""
KEPT = 60.0
MOST_KEPT = 1000


class Hashed(msgspec.Struct, frozen=True):
    """`scrypt$14$8$1$salt$check$digest`, the last three in base64."""

    salt: bytes
    check: bytes
    digest: bytes

    def __str__(self) -> str:
        parts = (base64.b64encode(part).decode() for part in (self.salt, self.check, self.digest))
        return "$".join((KIND, *parts))

    def fits(self, secret: str) -> bool:
        """False for a wrong secret, at once."""
        return hmac.compare_digest(self.check, _check(self.salt, secret))

    def matches(self, secret: str) -> bool:
        """Takes as long as scrypt does if the secret fits."""
        return self.fits(secret) and hmac.compare_digest(self.digest, _digest(self.salt, secret))


def make_secret() -> str:
    """A new secret of 256 bits, safe in URLs and headers."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> Hashed:
    salt = secrets.token_bytes(SALT)
    return Hashed(salt, _check(salt, secret), _digest(salt, secret))


def read_hash(text: str) -> Hashed:
    """Raises ValueError for anything that `str` of a Hashed does not make."""
    kind, *parts = text.rsplit("$", 3)
    try:
        decoded = [base64.b64decode(part, validate=True) for part in parts]
    except (ValueError, binascii.Error):
        decoded = []
    if kind != KIND or [len(part) for part in decoded] != [SALT, CHECK, DIGEST]:
        raise ValueError("not a hash that tillgate makes")
    return Hashed(*decoded)


class Comparison:
    """Compares secrets: only right ones cost anything, a few at a time in threads. One that was
    right is known for a while by its HMAC under a key of this process. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._nobody = hash_secret(make_secret())
        self._pepper = secrets.token_bytes(32)
        self._right: Bounded[bytes, bool] = Bounded(MOST_KEPT)

    async def matches(self, hashed: Hashed | None, secret: str) -> bool:
        """Never for None, which takes as long as a wrong secret does."""
        fits = len(secret) <= MOST_SECRET and (hashed or self._nobody).fits(secret)
        if hashed is None or not fits:
            return False
        now = self._clock()
        pair = hmac.digest(self._pepper, _bytes(f"{hashed} {secret}"), "sha256")
        if self._right.get(pair, now):
            return True
        async with self._slots:
            right = await asyncio.to_thread(hashed.matches, secret)
        if right:
            self._right.put(pair, True, now, now + KEPT)
        return right


def _check(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + _bytes(secret)).digest()[:CHECK]


def _digest(salt: bytes, secret: str) -> bytes:
    return hashlib.scrypt(
        _bytes(secret), salt=salt, n=2**LOG_N, r=R, p=P, dklen=DIGEST, maxmem=32 * 1024 * 1024
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
