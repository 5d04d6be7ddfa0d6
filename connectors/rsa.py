"""RSA keys and certificates as providers hand them out, and the one signature they all use:
RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2), in base64.

Keys are read once, at start, so that a wrong one is told to the operator and not to a client.
Raises ValueError in plain words that never quote a key.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from connectors.secret import Secret

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
SOON = timedelta(days=30)
WEAK = 2048


class SigningKey:
    """A private key. It signs; nothing can be read from it."""

    def __init__(self, key: RSAPrivateKey) -> None:
        if key.key_size < WEAK:
            raise ValueError(f"an RSA key of fewer than {WEAK} bits")
        self._key = key
        # OpenSSL's own check of a key takes a hundred times as long as using it once.
        if not VerifyingKey(key.public_key()).accepts(b"?", self.sign(b"?")):
            raise ValueError("an RSA key whose parts do not go together")

    @classmethod
    def read(cls, secret: Secret) -> SigningKey:
        """From PEM, or from naked base64 (PKCS#1 or PKCS#8), as consoles show it."""
        try:
            key = _private(secret.reveal().strip())
        except (ValueError, TypeError, Base64Error, UnsupportedAlgorithm):
            raise ValueError("not an RSA private key in PEM or base64") from None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("not an RSA key")
        return cls(key)

    def sign(self, message: bytes) -> str:
        return b64encode(self._key.sign(message, PKCS1v15(), SHA256())).decode()

    def __repr__(self) -> str:
        return "SigningKey(***)"


def _private(text: str) -> object:
    if text.startswith("-----"):
        return load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
    content = b64decode("".join(text.split()), validate=True)
    return load_der_private_key(content, None, unsafe_skip_rsa_key_validation=True)


class VerifyingKey:
    """A public key of the other side."""

    def __init__(self, key: RSAPublicKey) -> None:
        if key.key_size < WEAK:
            raise ValueError(f"an RSA key of fewer than {WEAK} bits")
        self._key = key

    @classmethod
    def read(cls, text: str) -> VerifyingKey:
        """From a PEM of a public key or certificate, or from naked base64."""
        text = text.strip()
        if "BEGIN CERTIFICATE" in text:
            return Certificate.read(text).key
        try:
            key = (
                load_pem_public_key(text.encode())
                if text.startswith("-----")
                else load_der_public_key(b64decode("".join(text.split()), validate=True))
            )
        except (ValueError, TypeError, Base64Error, UnsupportedAlgorithm):
            raise ValueError("not an RSA public key in PEM or base64") from None
        if not isinstance(key, RSAPublicKey):
            raise ValueError("not an RSA key")
        return cls(key)

    def accepts(self, message: bytes, signature: str) -> bool:
        """Whether `signature`, in base64, is this key's of `message`; never raises."""
        try:
            self._key.verify(b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


class Certificate:
    """An X.509 certificate with an RSA key."""

    def __init__(self, certificate: x509.Certificate) -> None:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("a certificate without an RSA key")
        self.x509 = certificate
        self.key = VerifyingKey(key)

    @classmethod
    def read(cls, text: str) -> Certificate:
        """The first certificate of a PEM text."""
        found = cls.read_all(text)
        if not found:
            raise ValueError("not a certificate in PEM")
        return found[0]

    @classmethod
    def read_all(cls, text: str) -> list[Certificate]:
        """All certificates of a PEM bundle that have an RSA key; others are passed over."""
        found = []
        for block in _PEM.findall(text):
            try:
                certificate = x509.load_pem_x509_certificate(block.encode())
                usable = isinstance(certificate.public_key(), RSAPublicKey)
            except UnsupportedAlgorithm:
                continue  # of an SM2 key, for instance
            except ValueError:
                raise ValueError("a damaged certificate") from None
            if usable:
                found.append(cls(certificate))
        return found

    @property
    def serial(self) -> int:
        return self.x509.serial_number

    @property
    def ends(self) -> datetime:
        return self.x509.not_valid_after_utc

    def is_valid(self, now: datetime) -> bool:
        return self.x509.not_valid_before_utc <= now <= self.ends


def expiry_notes(
    certificates: Iterable[tuple[str, datetime]], now: datetime, ahead: timedelta = SOON
) -> tuple[str, ...]:
    """Sentences for the operator about (name, end) of what ends within `ahead`, or has ended."""
    notes = []
    for name, ends in certificates:
        if ends <= now:
            notes.append(f"{name} expired on {ends:%Y-%m-%d}")
        elif ends - now <= ahead:
            notes.append(f"{name} expires in {(ends - now).days} days, on {ends:%Y-%m-%d}")
    return tuple(notes)
