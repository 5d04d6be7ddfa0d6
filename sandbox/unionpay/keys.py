"""Keys and certificates of one run: an authority over a middle one, UnionPay's, the merchant's.

They are made when they are first needed and never stored.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

UNIONPAY = "041@8310000000083040@中国银联股份有限公司@00016495"
STARTS, ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
Fields = Mapping[str, str]


@dataclass(frozen=True)
class Holder:
    """A private key and its certificate."""

    key: RSAPrivateKey
    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        return str(self.certificate.serial_number)

    def key_pem(self) -> str:
        form = PrivateFormat.PKCS8
        return self.key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()

    def pfx(self, password: str) -> str:
        """Key and certificate as the base64 of the file that UnionPay's portal hands out."""
        locked = BestAvailableEncryption(password.encode())
        own = serialize_key_and_certificates(b"", self.key, self.certificate, None, locked)
        return b64encode(own).decode()

    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def sign(self, fields: Fields, codec: str = "utf-8") -> str:
        return b64encode(self.key.sign(summed(fields, codec), PKCS1v15(), SHA256())).decode()

    def signed(self, fields: Fields, signature: str) -> bool:
        try:
            raw = b64decode(signature, validate=True)
            self.key.public_key().verify(raw, summed(fields), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


def summed(fields: Fields, codec: str = "utf-8") -> bytes:
    """The text that both sides sign: a digest in hex, of everything but the signature."""
    kept = {k: v for k, v in fields.items() if v != "" and k != "signature"}
    line = "&".join(f"{k}={kept[k]}" for k in sorted(kept))
    return sha256(line.encode(codec)).hexdigest().encode("ascii")


def holder(
    name: str,
    issuer: Holder | None = None,
    *,
    starts: datetime = STARTS,
    ends: datetime = ENDS,
    authority: bool = False,
    key: RSAPrivateKey | None = None,
) -> Holder:
    """A key, new unless given, certified by `issuer` or by itself."""
    key = key or generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return Holder(key, builder.sign(issuer.key if issuer else key, SHA256()))


@dataclass(frozen=True)
class Ring:
    """Everybody who signs something in this run."""

    root: Holder
    middle: Holder
    unionpay: Holder
    merchant: Holder

    def roots_pem(self) -> str:
        return self.root.pem() + self.middle.pem()


@cache
def ring() -> Ring:
    """One for the process: an injected fault has no context, and is signed all the same."""
    root = holder("SANDBOX ROOT CA", authority=True)
    middle = holder("SANDBOX OCA1", root, authority=True)
    merchant = holder("041@Z12@SANDBOX MERCHANT@00000001", middle)
    return Ring(root, middle, holder(UNIONPAY, middle), merchant)
