"""Keys and certificates as providers hand them out."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from connectors.rsa import Certificate, SigningKey, VerifyingKey, expiry_notes
from connectors.secret import Secret

KEY = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PKCS1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8


def private(encoding: Encoding, form: PrivateFormat, key: object = KEY) -> bytes:
    written: bytes = key.private_bytes(encoding, form, NoEncryption())  # type: ignore[attr-defined]
    return written


def public(encoding: Encoding) -> bytes:
    return KEY.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def certificate(days: int = 365, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "支付")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


PRIVATE = [
    private(Encoding.PEM, PKCS1).decode(),
    private(Encoding.PEM, PKCS8).decode(),
    b64encode(private(Encoding.DER, PKCS1)).decode(),
    b64encode(private(Encoding.DER, PKCS8)).decode(),
    "\n  " + private(Encoding.PEM, PKCS8).decode() + "\n",
]
PUBLIC = [
    public(Encoding.PEM).decode(),
    b64encode(public(Encoding.DER)).decode(),
    certificate(),
]


@pytest.mark.parametrize("secret", PRIVATE, ids=["pkcs1", "pkcs8", "naked 1", "naked 8", "spaces"])
@pytest.mark.parametrize("text", PUBLIC, ids=["pem", "naked", "certificate"])
def test_what_one_side_signs_the_other_accepts(secret: str, text: str) -> None:
    signature = SigningKey.read(Secret(secret)).sign("金额=１".encode())
    key = VerifyingKey.read(text)
    assert key.accepts("金额=１".encode(), signature)
    assert not key.accepts("金额=２".encode(), signature)


@pytest.mark.parametrize("signature", ["", "x", "é", "AAAA", "=" * 40, "A" * 344, "A" * 100_000])
def test_a_strange_signature_is_refused(signature: str) -> None:
    assert not VerifyingKey.read(PUBLIC[0]).accepts(b"message", signature)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk_live_secret",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        private(Encoding.PEM, PKCS8, CURVE).decode(),
        PUBLIC[0],
    ],
    ids=["empty", "word", "damaged", "elliptic", "public"],
)
def test_a_wrong_private_key_is_told_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match="RSA") as error:
        SigningKey.read(Secret(text))
    assert not text or text not in str(error.value)
    assert error.value.__cause__ is None


def test_a_key_whose_parts_do_not_go_together_is_refused() -> None:
    numbers, others = KEY.private_numbers(), rsa.generate_private_key(65537, 2048)
    mixed = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=others.private_numbers().d,
        dmp1=others.private_numbers().dmp1,
        dmq1=others.private_numbers().dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    with pytest.raises(ValueError, match="RSA"):
        SigningKey.read(Secret(private(Encoding.PEM, PKCS8, mixed).decode()))


def test_a_short_key_is_refused() -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505
    with pytest.raises(ValueError, match="2048"):
        SigningKey(short)
    with pytest.raises(ValueError, match="2048"):
        VerifyingKey(short.public_key())


@pytest.mark.parametrize("text", ["", "x", PRIVATE[0], certificate(key=CURVE)])
def test_a_wrong_public_key_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"RSA|certificate"):
        VerifyingKey.read(text)


def test_a_bundle_gives_its_rsa_certificates() -> None:
    bundle = "# root\n" + certificate() + certificate(key=CURVE) + certificate(days=10)
    found = Certificate.read_all(bundle)
    assert [c.serial for c in found] == [4711, 4711]
    assert [c.is_valid(NOW + timedelta(days=20)) for c in found] == [True, False]
    assert not found[0].is_valid(NOW - timedelta(days=2))


def test_a_damaged_certificate_is_told() -> None:
    damaged = certificate().replace("M", "N", 5)
    with pytest.raises(ValueError, match="damaged certificate"):
        Certificate.read_all(damaged)


def test_what_ends_soon_is_told_ahead() -> None:
    ends = [("a", NOW + timedelta(days=31)), ("b", NOW + timedelta(days=30)), ("c", NOW)]
    assert expiry_notes(ends, NOW) == (
        "b expires in 30 days, on 2026-07-01",
        "c expired on 2026-06-01",
    )


def test_a_key_is_in_no_text() -> None:
    assert repr(SigningKey.read(Secret(PRIVATE[0]))) == "SigningKey(***)"
