"""The keys of the audit log, all made from its one secret (HKDF-SHA256, RFC 5869).

A file has a key of its own, so that no line of one file fits into another. Pseudonyms and
checkpoints have theirs, so that who may know one of them can forge nothing of the others.
"""

from __future__ import annotations

import hashlib
import hmac
from binascii import b2a_base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SHORTEST = 32
"""Characters of a secret, at least."""
PSEUDONYM_BYTES = 16
PSEUDONYM = 22
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class AuditKeys:
    """`secret` is never kept in a file of ours; whoever has it can verify and can forge."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._pseudonym = self._derived("pseudonym")
        self._checkpoint = self._derived("checkpoint")

    def of_file(self, name: str) -> bytes:
        """The key of a file's chain: 32 bytes."""
        return self._derived(f"chain {name}")

    def pseudonym(self, record_id: str) -> str:
        """22 characters that stand for a record; the same for the same record, always."""
        digest = hmac.digest(self._pseudonym, record_id.encode("utf-8", "replace"), "sha256")
        text = b2a_base64(digest[:PSEUDONYM_BYTES], newline=False)
        return text[:PSEUDONYM].translate(_URL_SAFE).decode()

    def seal(self, told: bytes) -> str:
        """Of a checkpoint: 64 hexadecimal digits."""
        return hmac.new(self._checkpoint, told, hashlib.sha256).hexdigest()

    def _derived(self, label: str) -> bytes:
        info = f"tillgate audit {label}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)

    def __repr__(self) -> str:
        return "AuditKeys(***)"
