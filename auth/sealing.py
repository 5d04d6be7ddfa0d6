"""What we keep and nobody else may read: sealed with AES-256-GCM (NIST SP 800-38D).

    sealed = MAGIC, length of the key's id (1 byte), the id, nonce (12 bytes), ciphertext and tag

What stands before the ciphertext and the place where all of it stands are authenticated with it:
a sealed value that is put elsewhere, or said to be of another key, does not open. Nonces are
random, so one key may seal 2**32 values (section 8.3); then it is time for another one.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"\x00tillgate-sealed-1\x00"
KEY_BYTES = 32
NONCE_BYTES = 12
IF_LOST = "if that key is lost, `tillgate encryption reset` says what is lost with it"
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class CannotOpen(Exception):
    """Why, for the operator: it names keys by their ids and never holds what is sealed."""


class SealingKey:
    """`text` is 32 bytes in base64. Raises ValueError, which does not quote it."""

    __slots__ = ("_cipher", "id")

    def __init__(self, id_: str, text: str) -> None:
        if not KEY_ID.fullmatch(id_):
            raise ValueError("an id is letters, digits and . _ -, at most 64")
        try:
            key = b64decode(text, validate=True)
        except (Base64Error, ValueError):
            raise ValueError(f"the key {id_!r} is not base64") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key {id_!r} has {len(key)} bytes instead of {KEY_BYTES}")
        self.id = id_
        self._cipher = AESGCM(key)

    def seal(self, content: bytes, place: str) -> bytes:
        named = self.id.encode()
        head = MAGIC + bytes([len(named)]) + named
        nonce = os.urandom(NONCE_BYTES)
        return head + nonce + self._cipher.encrypt(nonce, content, head + place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        head, rest = sealed[: _head(sealed)], sealed[_head(sealed) :]
        nonce, secret = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, secret, head + place.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen(
                f"what is sealed with {self.id!r} does not open: another key has this id, or it"
                " was changed or moved"
            ) from None


class Sealer:
    """The first key seals, all of them open."""

    def __init__(self, keys: Sequence[SealingKey]) -> None:
        self._first = keys[0]
        self._keys = {key.id: key for key in keys}
        if len(self._keys) < len(keys):
            raise ValueError("two keys have the same id")

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._first.id

    def seal(self, content: bytes, place: str) -> bytes:
        """`place` says where it will stand, as `table.column name` or `file name`."""
        return self._first.seal(content, place)

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises CannotOpen."""
        id_ = key_id(sealed)
        if (key := self._keys.get(id_)) is None:
            raise CannotOpen(
                f"it is sealed with the key {id_!r}, which encryption.keys has not; {IF_LOST}"
            )
        try:
            return key.open(sealed, place)
        except CannotOpen as error:
            raise CannotOpen(f"{error}; {IF_LOST}") from None


def open_sealed(sealed: bytes, place: str, sealer: Sealer | None) -> bytes:
    """As `Sealer.open`, where nobody may have configured keys. Raises CannotOpen."""
    if sealer is None:
        raise CannotOpen(f"it is sealed with the key {key_id(sealed)!r}: [encryption] is missing")
    return sealer.open(sealed, place)


def is_sealed(content: bytes) -> bool:
    return content.startswith(MAGIC)


def key_id(sealed: bytes) -> str:
    """The id of the key that it is sealed with. Raises CannotOpen for what is not sealed."""
    named = sealed[len(MAGIC) + 1 : _head(sealed)]
    return named.decode("ascii", "replace")


def make_key() -> str:
    """A new one, as the settings take it."""
    return b64encode(os.urandom(KEY_BYTES)).decode()


def _head(sealed: bytes) -> int:
    """Where the nonce begins."""
    end = len(MAGIC) + 1
    if not is_sealed(sealed) or len(sealed) < end or len(sealed) < end + sealed[end - 1]:
        raise CannotOpen("it is not sealed, or broken off")
    return end + sealed[end - 1]
