"""The example configuration is one that is read, with keys of the right kind beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from connectors.registry import Registry
from gateway.settings import load
from gateway.strict import SettingsError

EXAMPLE = Path(__file__).parents[2] / "tillgate.example.toml"
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example")])
KEY = generate_private_key(65537, 2048)
CERTIFICATE = (
    x509.CertificateBuilder()
    .subject_name(NAME)
    .issuer_name(NAME)
    .public_key(KEY.public_key())
    .serial_number(4711)
    .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    .not_valid_after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=3650))
    .sign(KEY, SHA256())
)
PRIVATE = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
FILES = {
    "alipay_app_private_key.pem": PRIVATE,
    "alipay_public_key.pem": PUBLIC,
    "apiclient_key.pem": PRIVATE,
    "wechat_pub_key.pem": PUBLIC,
    "acp_sign.pfx": pkcs12.serialize_key_and_certificates(
        b"sign", KEY, CERTIFICATE, None, BestAvailableEncryption(b"000000")
    ),
    "acp_roots.pem": CERTIFICATE.public_bytes(Encoding.PEM),
}
ENVIRONMENT = {
    "SALESFORCE_PRIVATE_KEY": PRIVATE.decode(),
    "STRIPE_EU_KEY": "sk_test_1",
    "STRIPE_US_KEY": "sk_test_2",
    "PAYPAL_SECRET": "secret",
    "UNIONPAY_PFX_PASSWORD": "000000",
    "HUBSPOT_TOKEN": "pat-na1-1",
    "JIANDAOYUN_KEY": "key",
    "KINGDEE_APP_SECRET": "secret",
    "U8_APP_KEY": "key",
    "U8_APP_SECRET": "secret",
    "YONBIP_APP_SECRET": "secret",
    "WEAVER_PASSWORD": "secret",
}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return Path(copy(EXAMPLE, tmp_path / "tillgate.toml"))


def test_the_example_is_read(example: Path) -> None:
    settings = load(example, Registry(), ENVIRONMENT)
    assert {own.vendor for own in settings.sources.values()} == set(Registry().names)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("alipay_app_private_key.pem", "sources.alipay_cn.private_key: "),
        ("alipay_public_key.pem", "sources.alipay_cn.alipay_public_key: "),
        ("apiclient_key.pem", "sources.wechat_cn.private_key: "),
        ("wechat_pub_key.pem", "sources.wechat_cn.public_key: "),
        ("acp_sign.pfx", "sources.unionpay_cn.pfx: "),
        ("acp_roots.pem", "sources.unionpay_cn.root_certs: "),
    ],
)
def test_a_wrong_key_is_told_by_its_place_and_not_quoted(
    example: Path, name: str, told: str
) -> None:
    (example.parent / name).write_text("not-a-key-at-all")
    with pytest.raises(SettingsError) as error:
        load(example, Registry(), ENVIRONMENT)
    assert str(error.value).startswith(told)
    assert "not-a-key-at-all" not in str(error.value)
