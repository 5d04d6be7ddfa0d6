"""Keys and certificates of this run, and what a gateway is handed of them."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from sandbox.simulator import Context, Credentials

APP_IDS = {"alipay_cn": "2021000000000001", "ecny_cn": "2021000000000002"}
MERCHANT, WALLET_NO = "226800000000000001", "0022000000000001"
PATTERN = r"(SO-\d+|WEB-\d+)(?:-\d+)?"
YEARS = timedelta(days=3650)


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_text(key: rsa.RSAPrivateKey) -> str:
    """PKCS #8 in naked base64, as Alipay's own tool writes it."""
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return base64.b64encode(der).decode()


def public_text(key: rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def signed(key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def accepts(key: rsa.RSAPrivateKey, message: bytes, signature: str) -> bool:
    """Whether the signature is that key's."""
    try:
        key.public_key().verify(
            base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def certificate(
    subject: str, key: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey, begins: datetime
) -> x509.Certificate:
    """Issued by the run's root for ten years."""
    return (
        x509.CertificateBuilder()
        .subject_name(name_of(subject))
        .issuer_name(name_of("Sandbox Certification Authority R1"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + YEARS)
        .sign(signer, hashes.SHA256())
    )


def name_of(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sandbox Financial"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def number_of(certificate: x509.Certificate) -> str:
    """The MD5 by which Alipay names a certificate: issuer from the common name outwards."""
    shorts = {
        NameOID.COMMON_NAME: "CN",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
        NameOID.ORGANIZATION_NAME: "O",
        NameOID.COUNTRY_NAME: "C",
    }
    told = {shorts[a.oid]: str(a.value) for a in certificate.issuer}
    issuer = ",".join(f"{short}={told[short]}" for short in ("CN", "OU", "O", "C"))
    return hashlib.md5(f"{issuer}{certificate.serial_number}".encode()).hexdigest()  # noqa: S324


@dataclass(frozen=True)
class Keys:
    """The applications' keys, Alipay's own, and, once asked for, certificates of all of them."""

    apps: dict[str, rsa.RSAPrivateKey]
    alipay: rsa.RSAPrivateKey
    aes: bytes
    begins: datetime

    @classmethod
    def of(cls, context: Context) -> Keys:
        """The run's one set."""
        kept = context.vault.get("alipay")
        if kept is None:
            apps = {account: new_key() for account in APP_IDS}
            begins = context.clock() - timedelta(days=365)
            kept = context.vault["alipay"] = cls(apps, new_key(), os.urandom(16), begins)
        assert isinstance(kept, cls)
        return kept

    @cached_property
    def root_key(self) -> rsa.RSAPrivateKey:
        return new_key()

    @cached_property
    def root(self) -> x509.Certificate:
        name = "Sandbox Certification Authority R1"
        return certificate(name, self.root_key, self.root_key, self.begins)

    @cached_property
    def alipay_certificate(self) -> x509.Certificate:
        return certificate("Alipay", self.alipay, self.root_key, self.begins)

    @cached_property
    def app_certificates(self) -> dict[str, x509.Certificate]:
        return {
            account: certificate(APP_IDS[account], key, self.root_key, self.begins)
            for account, key in self.apps.items()
        }


def credentials(
    context: Context, certified: tuple[str, ...] = ("ecny_cn",), encrypted: bool = False
) -> Credentials:
    """What a gateway needs for each account; those of `certified` log in with certificates."""
    keys = Keys.of(context)
    made: Credentials = {}
    for account, app_id in APP_IDS.items():
        made[account] = {
            "base_url": f"{context.origin}/alipay",
            "app_id": app_id,
            "private_key": private_text(keys.apps[account]),
            "reference_pattern": PATTERN,
        }
        made[account] |= certificates(keys, account) if account in certified else public(keys)
        if encrypted:
            made[account]["encrypt_key"] = base64.b64encode(keys.aes).decode()
    made["ecny_cn"] |= {"family": "ecny", "merchant_id": MERCHANT, "account_no": WALLET_NO}
    return made


def public(keys: Keys) -> dict[str, str]:
    return {"alipay_public_key": public_text(keys.alipay)}


def certificates(keys: Keys, account: str) -> dict[str, str]:
    return {
        "app_cert": pem(keys.app_certificates[account]),
        "alipay_certs": pem(keys.alipay_certificate),
        "alipay_root_cert": pem(keys.root),
    }
