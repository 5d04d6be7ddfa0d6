"""Contents that only the two sides can read: AES-128 in CBC with a zero vector and PKCS #7,
in base64 (https://opendocs.alipay.com/common/02mse3).
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers import Cipher as Modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from connectors.secret import Secret

_BLOCK = 128  # bits


class Cipher:
    """One application's key. Nothing can be read from it."""

    def __init__(self, key: bytes) -> None:
        # The vector is Alipay's choice: both sides must have the same.
        self._modes = Modes(AES(key), CBC(bytes(_BLOCK // 8)))

    @classmethod
    def read(cls, secret: Secret) -> Cipher:
        """From base64 as Alipay shows it. Raises ValueError."""
        try:
            return cls(b64decode(secret.reveal().strip(), validate=True))
        except ValueError:
            raise ValueError("encrypt_key: not an AES key in base64") from None

    def encrypted(self, content: bytes) -> str:
        padder, encryptor = PKCS7(_BLOCK).padder(), self._modes.encryptor()
        padded = padder.update(content) + padder.finalize()
        return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def decrypted(self, text: str | bytes) -> bytes:
        """Raises ValueError for what was not encrypted with this key."""
        decryptor, unpadder = self._modes.decryptor(), PKCS7(_BLOCK).unpadder()
        padded = decryptor.update(b64decode(text, validate=True)) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()

    def __repr__(self) -> str:
        return "Cipher(***)"
