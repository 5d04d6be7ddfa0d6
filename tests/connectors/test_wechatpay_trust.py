"""Keys, signatures and encryption of WeChat Pay: public vectors, an SDK as a judge, bad keys."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wechatpayv3 import utils

from connectors.rsa import Certificate, SigningKey, VerifyingKey
from connectors.secret import Secret
from connectors.wechatpay import notifications
from connectors.wechatpay.payloads import Transaction
from connectors.wechatpay.proof import Proof, Unproven
from connectors.wechatpay.seal import Sealed
from connectors.wechatpay.settings import WeChatPaySettings
from connectors.wechatpay.signing import Signer, request_message
from sandbox.simulator import Context
from sandbox.wechatpay import credentials
from sandbox.wechatpay.identity import Identity, certificate, rsa, sealed, signature, spki

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/wechatpay.json").read_text("utf-8"))
PUBLIC, GENERATED = VECTORS["public"], VECTORS["generated"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTEXT = Context("http://127.0.0.1")
IDENTITY = Identity.of(CONTEXT)
GIVEN = credentials(CONTEXT)["wechat_cn"]
PUB_KEY = VerifyingKey.read(PUBLIC["public_key_verify"]["public_key_pem"])


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def at(timestamp: str) -> datetime:
    return datetime.fromtimestamp(int(timestamp), UTC)


def settings(**changes: Any) -> WeChatPaySettings:
    values: dict[str, Any] = {
        **GIVEN,
        "private_key": Secret(GIVEN["private_key"]),
        "apiv3_key": Secret(GIVEN["apiv3_key"]),
        "public_key": Secret(GIVEN["public_key"]),
        "certificate": Secret(GIVEN["certificate"]),
    }
    return WeChatPaySettings(vendor="wechatpay", **{**values, **changes})


def test_the_public_signature_is_accepted_and_no_other() -> None:
    vector = PUBLIC["public_key_verify"]
    assert PUB_KEY.accepts(vector["message"].encode(), vector["signature"])
    assert not PUB_KEY.accepts(vector["message"].encode() + b"!", vector["signature"])


@pytest.mark.parametrize("case", PUBLIC["authorization_header_shape"]["cases"])
def test_a_requests_message_is_the_public_one(case: dict[str, str]) -> None:
    shape = PUBLIC["authorization_header_shape"]
    made = request_message(
        case["method"], case["url"], shape["timestamp"], shape["nonce_str"], case["body"]
    )
    assert made.decode() == case["message"]


@pytest.mark.parametrize("case", GENERATED["requests"], ids=lambda case: case["method"])
def test_a_requests_signature_is_of_its_message(case: dict[str, Any]) -> None:
    made = request_message(
        case["method"], case["url"], case["timestamp"], case["nonce_str"], case["body"]
    )
    assert made.decode() == case["message"]
    assert PUB_KEY.accepts(made, case["signature"])
    assert case["signature"] in case["authorization"]


@pytest.mark.parametrize("body", ["", '{"reason":"商品已售完"}'])
def test_the_sdk_signs_the_same(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(utils.time, "time", lambda: 1554208460)
    path = "/v3/pay/transactions/out-trade-no/P1?mchid=19"
    theirs = utils.build_authorization(
        path, "GET", "19", "7F", utils.load_private_key(GIVEN["private_key"]), body, "N" * 32
    )
    signer = Signer("19", "7F", settings().signing_key)
    ours = signer.authorization("GET", path, 1554208460, "N" * 32, body)
    scheme, _, members = ours.partition(" ")
    assert scheme == theirs.partition(" ")[0]
    assert set(members.split(",")) == set(theirs.partition(" ")[2].split(","))


def test_the_sdk_verifies_what_we_verify() -> None:
    body = '{"trade_state_desc":"支付成功"}'
    signed = signature(IDENTITY.public, f"1767225600\nabc\n{body}\n".encode())
    key = utils.load_public_key(GIVEN["public_key"])
    assert utils.rsa_verify("1767225600", "abc", body, signed, key)
    proof = Proof(timestamp="1767225600", nonce="abc", serial="s", signature=signed)
    proof.check(body.encode(), VerifyingKey.read(GIVEN["public_key"]), at("1767225600"))


def test_what_the_sdk_opens_we_open() -> None:
    text = sealed(GIVEN["apiv3_key"], "数字人民币", "transaction", "fdasflkja484")
    assert (
        utils.aes_decrypt("fdasflkja484", text, "transaction", GIVEN["apiv3_key"]) == "数字人民币"
    )
    found = Sealed(nonce="fdasflkja484", ciphertext=text, associated_data="transaction")
    assert found.opened(GIVEN["apiv3_key"].encode()).decode() == "数字人民币"


def test_the_public_ciphertext_is_opened() -> None:
    vector = PUBLIC["aes_gcm"]
    found = Sealed(
        nonce=vector["nonce"],
        ciphertext=vector["ciphertext_b64_with_tag"],
        associated_data=vector["associated_data"],
    )
    assert found.opened(vector["key"].encode()).decode() == vector["plaintext"]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({}, b"another key, of 32 bytes as well"),
        ({}, b"short"),
        ({"associated_data": "refund"}, None),
        ({"nonce": "0" * 12}, None),
        ({"nonce": ""}, None),
        ({"ciphertext": "!"}, None),
        ({"ciphertext": b64encode(b"x" * 40).decode()}, None),
    ],
)
def test_what_was_changed_or_is_for_another_is_not_opened(
    change: dict[str, str], key: bytes | None
) -> None:
    text = sealed(GIVEN["apiv3_key"], "x", "transaction", "fdasflkja484")
    whole: dict[str, Any] = {
        "nonce": "fdasflkja484",
        "ciphertext": text,
        "associated_data": "transaction",
    }
    with pytest.raises(ValueError, match="not encrypted with this APIv3 key"):
        Sealed(**{**whole, **change}).opened(key or GIVEN["apiv3_key"].encode())


def test_the_public_notification_is_opened() -> None:
    vector = PUBLIC["notification"]
    pem = Certificate.read(vector["platform_certificate_pem"])
    headers = lower(vector["headers"])
    found = notifications.opened(
        headers,
        vector["body"].encode(),
        {headers["wechatpay-serial"]: pem.key},
        vector["apiv3_key"].encode(),
        at(str(vector["now"])),
    )
    assert f"{pem.serial:X}" == "D7CE59D1F522D701"
    assert found.plaintext.decode() == vector["plaintext"]
    assert (found.event_type, found.original_type) == ("PAYSCORE.USER_OPEN_SERVICE", "payscore")
    assert found.id == "3119dfba-e649-5eec-ab1e-3412bc4d2e17"


@pytest.mark.parametrize("vector", GENERATED["notifications"], ids=["payment", "refund"])
def test_notifications_signed_with_a_public_key_are_opened(vector: dict[str, Any]) -> None:
    found = opened(vector)
    assert found.plaintext.decode() == vector["plaintext"]


def opened(vector: dict[str, Any], later: float = 0, **headers: str) -> notifications.Notification:
    given = lower(vector["headers"]) | headers
    return notifications.opened(
        given,
        vector["body"].encode(),
        {vector["headers"]["Wechatpay-Serial"]: PUB_KEY},
        vector["apiv3_key"].encode(),
        at(vector["headers"]["Wechatpay-Timestamp"]) + timedelta(seconds=later),
    )


def test_a_notified_payment_has_the_shape_of_one_that_was_asked_for() -> None:
    row = msgspec.json.decode(opened(GENERATED["notifications"][0]).plaintext, type=Transaction)
    assert (row.out_trade_no, row.trade_state) == ("P20260101001", "SUCCESS")


@pytest.mark.parametrize(
    ("later", "headers", "said"),
    [
        (300, {}, "another time"),
        (-300, {}, "another time"),
        (0, {"wechatpay-timestamp": "soon"}, "wrong"),
        (0, {"wechatpay-nonce": "other"}, "wrong"),
        (0, {"wechatpay-signature": "WECHATPAY/SIGNTEST/abc"}, "a probe"),
        (0, {"wechatpay-signature": "x"}, "wrong"),
        (0, {"wechatpay-signature": ""}, "not signed"),
        (0, {"wechatpay-serial": "PUB_KEY_ID_02"}, "a key that is not known"),
        (0, {"wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"}, "not asked for"),
    ],
)
def test_a_notification_that_proves_nothing_is_not_opened(
    later: float, headers: dict[str, str], said: str
) -> None:
    with pytest.raises(Unproven, match=said):
        opened(GENERATED["notifications"][0], later, **headers)


def test_within_five_minutes_a_notification_is_believed() -> None:
    assert opened(GENERATED["notifications"][0], 299) == opened(GENERATED["notifications"][0], -299)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"id":"1"}', b'{"id":"1","create_time":"x","event_type":"A"}']
)
def test_a_notification_of_another_shape_is_refused(body: bytes) -> None:
    signed = signature(IDENTITY.public, b"1767225600\nabc\n" + body + b"\n")
    headers = {
        "wechatpay-timestamp": "1767225600",
        "wechatpay-nonce": "abc",
        "wechatpay-serial": "s",
        "wechatpay-signature": signed,
    }
    key = VerifyingKey.read(GIVEN["public_key"])
    with pytest.raises(ValueError, match="not as documented"):
        notifications.opened(headers, body, {"s": key}, b"k" * 32, at("1767225600"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"private_key": Secret("nonsense")}, "private_key: not an RSA private key"),
        ({"private_key": Secret(GIVEN["public_key"])}, "private_key: not an RSA private key"),
        ({"apiv3_key": Secret("too short")}, "apiv3_key: has 32 characters"),
        ({"mchid": "19/../20"}, "mchid: not as WeChat Pay writes it"),
        ({"sub_mchid": "x"}, "sub_mchid: not as"),
        ({"serial_no": "not hex"}, "serial_no: not as"),
        ({"public_key_id": "0114"}, "public_key_id: not as"),
        ({"public_key": None}, "public_key: goes with public_key_id"),
        ({"public_key": Secret("nonsense")}, "public_key: not an RSA public key"),
        (
            {"more_public_keys": {"x": Secret(GIVEN["public_key"])}},
            "more_public_keys: its keys are ids",
        ),
        (
            {"more_public_keys": {"PUB_KEY_ID_1": Secret("x")}},
            "more_public_keys: not an RSA public key",
        ),
        ({"platform_certificates": Secret("nonsense")}, "platform_certificates: no certificate"),
        (
            {"certificate": Secret(IDENTITY.platform[0].pem)},
            "certificate: another certificate than",
        ),
        ({"reference_pattern": "("}, "reference_pattern: not a regular expression"),
        (
            {"public_key": None, "public_key_id": None, "apiv3_key": None},
            "public_key: missing; without it, or apiv3_key, no answer can be believed",
        ),
    ],
)
def test_wrong_settings_are_told_by_their_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        settings(**changes)
    assert str(caught.value).startswith(said)


def test_a_weak_key_is_refused_at_start() -> None:
    weak = generate_private_key(65537, 1024)  # noqa: S505
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="private_key: an RSA key of fewer than 2048 bits"):
        settings(private_key=Secret(weak.private_bytes(*form).decode()))


def test_several_keys_may_be_known_at_once() -> None:
    bundle = "\n".join(c.pem for c in IDENTITY.platform)
    more = {"PUB_KEY_ID_0199": Secret(spki(rsa("next public")))}
    found = settings(platform_certificates=Secret(bundle), more_public_keys=more)
    assert set(found.public_keys) == {GIVEN["public_key_id"], "PUB_KEY_ID_0199"}
    assert [c.serial for c in found.known_certificates] == [
        int(c.serial, 16) for c in IDENTITY.platform
    ]


def test_secrets_are_not_shown() -> None:
    shown = repr(settings())
    assert GIVEN["apiv3_key"] not in shown
    assert GIVEN["private_key"][40:80] not in shown


def test_a_serial_number_is_read_the_same_with_zeros_before_it() -> None:
    own = certificate("merchant", 1, NOW + timedelta(days=1))
    assert int(own.serial, 16) == Certificate.read(own.pem).serial
    assert isinstance(settings().signing_key, SigningKey)
