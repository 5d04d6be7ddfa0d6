"""Who we are to UnionPay: the merchant's private key and the certificate whose number names it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from connectors.rsa import Certificate, SigningKey
from connectors.secret import Secret
from connectors.unionpay.message import SIGNATURE, digest


class Identity(msgspec.Struct, frozen=True):
    """A key and its certificate."""

    key: SigningKey
    certificate: Certificate

    @property
    def cert_id(self) -> str:
        """The certificate's serial number as UnionPay wants it: decimal."""
        return str(self.certificate.serial)

    @property
    def ends(self) -> datetime:
        return self.certificate.ends

    def signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        """The fields with `certId` and `signature`."""
        named = {**fields, "certId": self.cert_id}
        return {**named, SIGNATURE: self.key.sign(digest(named))}


def from_pem(private_key: Secret, certificate: Secret) -> Identity:
    """Raises ValueError that names the key of the settings."""
    try:
        key = SigningKey.read(private_key)
    except ValueError as error:
        raise ValueError(f"private_key: {error}") from None
    try:
        own = Certificate.read(certificate.reveal())
    except ValueError as error:
        raise ValueError(f"certificate: {error}") from None
    if not own.key.accepts(b"ours", key.sign(b"ours")):
        raise ValueError("certificate: does not belong to private_key")
    return Identity(key, own)


def from_pfx(pfx: Secret, password: Secret) -> Identity:
    """From the base64 of a `.pfx` file, as UnionPay's portal hands it out. Raises ValueError."""
    try:
        content = b64decode("".join(pfx.reveal().split()), validate=True)
        store = load_pkcs12(content, password.reveal().encode())
    except UnsupportedAlgorithm:  # an SM2 key, for instance
        raise ValueError("pfx: its key or its encryption is of another kind than RSA's") from None
    except ValueError:
        raise ValueError("pfx: not the base64 of a .pfx that pfx_password opens") from None
    if store.cert is None or not isinstance(store.key, RSAPrivateKey):
        raise ValueError("pfx: holds no RSA key with its certificate")
    try:
        return Identity(SigningKey(store.key), Certificate(store.cert.certificate))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"pfx: {error}") from None
