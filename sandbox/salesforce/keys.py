"""The connected app that may log in: a key pair and secrets made for one run."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.simulator import Context

SLOT = "salesforce.app"


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """What the organisation's administrator set up for the integration user."""

    key: rsa.RSAPrivateKey
    client_id: str = "3MVG9.SANDBOX.consumer_key"
    client_secret: str = "SANDBOX0consumer0secret"
    username: str = "integration@tillgate.example"

    def private_pem(self) -> str:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()

    def claims(self, assertion: str) -> dict[str, Any] | None:
        """The claims of a JWT that this app's certificate verifies; else None."""
        try:
            signed, _, signature = assertion.rpartition(".")
            header, claims = (json.loads(unpadded(part)) for part in signed.split("."))
            self.key.public_key().verify(
                unpadded(signature), signed.encode(), padding.PKCS1v15(), SHA256()
            )
        except (InvalidSignature, ValueError, binascii.Error):
            return None
        objects = isinstance(claims, dict) and isinstance(header, dict)
        return claims if objects and header.get("alg") == "RS256" else None


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def connected_app(context: Context) -> ConnectedApp:
    """The run's app: made once, then kept in the vault."""
    if SLOT not in context.vault:
        context.vault[SLOT] = ConnectedApp(rsa.generate_private_key(65537, 2048))
    app: ConnectedApp = context.vault[SLOT]
    return app
