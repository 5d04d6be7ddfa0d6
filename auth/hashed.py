"""Secrets that are kept only as what scrypt (RFC 7914) makes of them.

They are made here, with 256 bits, so the cost is against a stolen table only; guessing is limited
by `auth.throttle`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets

import msgspec

LOG_N, R, P = 14, 8, 1
MOST_SECRET = 256
AT_ONCE = 4
"""Each takes 16 MiB of memory and 30 ms of a core."""


class Hashed(msgspec.Struct, frozen=True):
    """`scrypt$14$8$1$salt$digest`, both in base64."""

    log_n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt${self.log_n}${self.r}${self.p}${salt}${digest}"

    def matches(self, secret: str) -> bool:
        return hmac.compare_digest(self.digest, self._of(secret))

    def _of(self, secret: str) -> bytes:
        return hashlib.scrypt(
            secret.encode("utf-8", "surrogatepass"),
            salt=self.salt,
            n=2**self.log_n,
            r=self.r,
            p=self.p,
            dklen=32,
            maxmem=256 * 1024 * 1024,
        )


def make_secret() -> str:
    """A new secret of 256 bits, safe in URLs and headers."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> Hashed:
    empty = Hashed(LOG_N, R, P, secrets.token_bytes(16), b"")
    return msgspec.structs.replace(empty, digest=empty._of(secret))


def read_hash(text: str) -> Hashed:
    """Raises ValueError for anything that `str` of a Hashed does not make."""
    try:
        name, log_n, r, p, salt, digest = text.split("$")
        hashed = Hashed(int(log_n), int(r), int(p), _bytes(salt), _bytes(digest))
    except (ValueError, binascii.Error):
        raise ValueError("not a hash that tillgate makes") from None
    numbers = hashed.log_n in range(14, 19) and hashed.r == R and hashed.p == P
    if name != "scrypt" or not numbers or len(hashed.salt) < 16 or len(hashed.digest) != 32:
        raise ValueError("not a hash that tillgate makes")
    return hashed


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


class Comparison:
    """Compares secrets in threads, a few at a time. A name that nobody has costs what a wrong
    secret does, so the time does not tell which names there are."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._nobody = hash_secret(make_secret())

    async def matches(self, hashed: Hashed | None, secret: str) -> bool:
        """Never for None, or for a secret longer than any that is made."""
        async with self._slots:
            shorter = secret[:MOST_SECRET]
            good = await asyncio.to_thread((hashed or self._nobody).matches, shorter)
        return good and hashed is not None and shorter == secret
