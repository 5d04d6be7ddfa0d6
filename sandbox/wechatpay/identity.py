"""The merchant's and WeChat's keys and certificates, made when they are first needed.

RSA keys take a moment to make, so one process makes each of them once.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from starlette.types import Scope

from sandbox.simulator import Context
from sandbox.wechatpay.numbers import digits

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_MEMBER = re.compile(r'([a-z_]+)="([^"]*)"')
SINCE = datetime(2025, 1, 1, tzinfo=UTC)
_ENDS = datetime(2035, 1, 1, tzinfo=UTC)
_ENDED = datetime(2025, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key; `serial` is 40 hexadecimal digits."""

    key: RSAPrivateKey
    pem: str
    serial: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the merchant and WeChat Pay are in this run."""

    mchid: str
    apiv3_key: str
    own: Certificate
    platform: tuple[Certificate, ...]
    public: RSAPrivateKey
    public_key_id: str

    @classmethod
    def of(cls, context: Context) -> Identity:
        """The run's one identity."""
        found = context.vault.get("wechatpay")
        if found is None:
            found = context.vault["wechatpay"] = made(context.seed)
        assert isinstance(found, cls)
        return found

    @property
    def serial_no(self) -> str:
        return self.own.serial

    @property
    def private_key(self) -> str:
        return key_text("merchant")

    @property
    def certificate(self) -> str:
        return self.own.pem

    @property
    def public_key(self) -> str:
        return spki(self.public)


def spki(key: RSAPrivateKey) -> str:
    form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


@cache
def rsa(name: str) -> RSAPrivateKey:
    """The key of that name; the merchant's is `merchant`."""
    return generate_private_key(65537, 2048)


def key_text(name: str) -> str:
    """A private key in PEM."""
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return rsa(name).private_bytes(*form).decode()


@cache
def made(seed: int) -> Identity:
    mchid = "19" + digits(8, seed, "mchid")
    return Identity(
        mchid=mchid,
        apiv3_key=digits(32, seed, "apiv3"),
        own=certificate("merchant", seed, _ENDS),
        platform=(
            certificate("platform", seed, _ENDS),
            certificate("platform next", seed, _ENDS),
            certificate("platform past", seed, _ENDED),
        ),
        public=rsa("public"),
        public_key_id=f"PUB_KEY_ID_01{mchid}{digits(20, seed, 'public')}",
    )


def certificate(name: str, seed: int, ends: datetime) -> Certificate:
    """Signed by itself; WeChat's are not, but nobody follows their chain."""
    key, serial = rsa(name), int("7" + sha256(f"{seed} {name}".encode()).hexdigest()[:39], 16)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(who, who, key.public_key(), serial, SINCE, ends)
    pem = builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()
    return Certificate(key, pem, f"{serial:040X}", ends)


def signature(key: RSAPrivateKey, message: bytes) -> str:
    return b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def sealed(apiv3_key: str, text: str, associated_data: str, nonce: str) -> str:
    """AES-256-GCM, base64, the tag at the end."""
    cipher = AESGCM(apiv3_key.encode())
    return b64encode(
        cipher.encrypt(nonce.encode(), text.encode(), associated_data.encode())
    ).decode()


def header(scope: Scope, name: str) -> str:
    wanted = name.lower().encode()
    return next((v.decode("latin-1") for k, v in scope["headers"] if k == wanted), "")


def claimed(scope: Scope) -> dict[str, str]:
    """The members of the Authorization header, not yet believed."""
    scheme, _, members = header(scope, "authorization").partition(" ")
    return dict(_MEMBER.findall(members)) if scheme == SCHEME else {}
