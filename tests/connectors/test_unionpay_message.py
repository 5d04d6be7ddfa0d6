"""UnionPay's messages, signatures, certificates and settings, without a network."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    Unauthorized,
)
from connectors.records import Kind
from connectors.rsa import Certificate, VerifyingKey
from connectors.secret import Secret
from connectors.transport import Response
from connectors.unionpay import VENDOR
from connectors.unionpay.answers import Answers
from connectors.unionpay.errors import http_error
from connectors.unionpay.ids import normalise, parts
from connectors.unionpay.message import Message, digest, inner
from connectors.unionpay.settings import UnionPaySettings
from connectors.unionpay.trust import Trust
from sandbox.unionpay.ids import MERCHANT
from sandbox.unionpay.keys import UNIONPAY, Holder, holder, ring, summed
from sandbox.unionpay.replies import body
from tests.connectors.unionpay_counter import connector
from tests.connectors.unionpay_sandbox import settings_from

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors/unionpay.json").read_text(encoding="utf-8")
)
NOW = datetime(2026, 1, 10, tzinfo=UTC)
ALL: frozenset[str] = frozenset()
TEST_MERCHANT = "777290058167151"
REPLIES = pytest.mark.parametrize("reply", VECTORS["replies"], ids=lambda r: r["name"][:8])


def roots(*holders: Holder) -> list[Certificate]:
    return [Certificate.read(one.pem()) for one in holders]


def answers(
    trusted: list[Certificate] | None = None, now: datetime = NOW, test: bool = False
) -> Answers:
    known = roots(ring().root, ring().middle) if trusted is None else trusted
    return Answers("unionpay_cn", MERCHANT, Trust("unionpay_cn", known, lambda: now, test=test))


def opened(raw: bytes, by: Answers | None = None) -> Message | SourceError:
    try:
        return (by or answers()).opened(raw, {})
    except SourceError as error:
        return error


def said(code: str = "00", signer: Holder | None = None, **fields: str) -> bytes:
    return body({"merId": MERCHANT, "respCode": code, **fields}, signer)


# The public vectors.


def test_a_request_is_digested_as_the_vector_says() -> None:
    for request in (VECTORS["request"], VECTORS["generated"]["request"]):
        assert digest(request["params"]).decode() == request["sha256_hex"]


def test_the_signature_of_a_vector_is_that_of_its_key() -> None:
    params = VECTORS["generated"]["request"]["params"]
    key = VerifyingKey.read(VECTORS["generated"]["merchant_public_key"])
    assert key.accepts(digest(params), params["signature"])
    assert not key.accepts(digest({**params, "orderId": "20260101080000002"}), params["signature"])


@REPLIES
def test_a_real_reply_is_taken_apart_and_its_signature_is_good(reply: Mapping[str, str]) -> None:
    message = Message(reply["raw_body"].encode())
    assert message.digest().decode() == reply["sha256_hex"]
    own = Certificate.read(message.text("signPubKeyCert"))
    assert own.key.accepts(message.digest(), message.text("signature"))


def test_a_real_callback_is_signed_the_same_way() -> None:
    callback = VECTORS["callback"]
    message = Message(callback["content"].encode())
    assert message.digest().decode() == callback["sha256_hex"]
    key = Certificate.read(message.text("signPubKeyCert")).key
    assert key.accepts(message.digest(), callback["signature"])


@REPLIES
def test_a_real_reply_is_refused_where_its_authority_is_not_configured(
    reply: Mapping[str, str],
) -> None:
    trust = Trust("u", roots(ring().root), lambda: datetime(2024, 1, 6, tzinfo=UTC), test=True)
    error = opened(reply["raw_body"].encode(), Answers("u", TEST_MERCHANT, trust))
    assert isinstance(error, Misconfigured)
    assert "root_certs" in error.detail


def test_a_generated_reply_is_opened_with_its_own_certificate_as_root() -> None:
    fields = VECTORS["generated"]["reply"]["params"]
    raw = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    root = Certificate.read(fields["signPubKeyCert"])
    trust = Trust("u", [root], lambda: NOW)
    message = opened(raw, Answers("u", "777290058110048", trust))
    assert isinstance(message, Message)
    assert message.digest().decode() == VECTORS["generated"]["reply"]["sha256_hex"]
    assert message.fields(without=ALL) == fields


# The wire.


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=x+y/z==&b=", {"a": "x+y/z==", "b": ""}),
        ("a={b=1&c={d=2&e=3}&f=4}&g=5", {"a": "{b=1&c={d=2&e=3}&f=4}", "g": "5"}),
        ('a=[{"b":"c&d"},{"e":"f=g"}]&h=1', {"a": '[{"b":"c&d"},{"e":"f=g"}]', "h": "1"}),
        ("respMsg=成功[0000000]&b=1", {"respMsg": "成功[0000000]", "b": "1"}),
        ("a=}]&b=1", {"a": "}]", "b": "1"}),
    ],
)
def test_answers_are_split_outside_of_braces(raw: str, fields: dict[str, str]) -> None:
    assert Message(raw.encode()).fields(without=ALL) == fields


@pytest.mark.parametrize(
    "raw", ["", "a", "=1", "a=1&", "a=1&a=2", "<html>", "<a href='x=y'>", "ü=1", "a b=1", "&a=1"]
)
def test_what_is_no_message_is_told(raw: str) -> None:
    with pytest.raises(ValueError):
        Message(raw.encode())


def test_more_fields_than_any_message_has_are_refused() -> None:
    with pytest.raises(ValueError):
        Message("&".join(f"f{index}=1" for index in range(201)).encode())


def test_a_message_is_read_where_it_lies_on_disk() -> None:
    raw = said(fileContent="QUJD" * 1000)
    with TemporaryFile() as file:
        file.write(raw)
        file.flush()
        with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
            message = Message(mapped)
            assert message.digest() == Message(raw).digest()
            assert [len(piece) for piece in message.pieces("fileContent", 1024)] == [
                1024,
                1024,
                1024,
                928,
            ]
            assert list(message.pieces("nothing")) == []


def test_values_in_braces_have_fields_of_their_own() -> None:
    assert inner("{numberOfInstallments=3&instalFee=0}") == {
        "numberOfInstallments": "3",
        "instalFee": "0",
    }


NAMES = st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="&{}[]", exclude_categories=["Cs"]))


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=30))
def test_both_sides_read_and_digest_any_message_alike(fields: dict[str, str]) -> None:
    message = Message("&".join(f"{name}={value}" for name, value in fields.items()).encode())
    assert message.fields(without=ALL) == fields
    assert message.digest() == digest(fields) == summed(fields)


def test_a_plus_of_base64_survives_the_form() -> None:
    assert urlencode({"signature": "a+b/c="}) == "signature=a%2Bb%2Fc%3D"


def test_our_signature_is_what_the_other_side_makes_of_the_same() -> None:
    keys = ring()
    settings = settings_from(merchant())
    fields = {"orderId": "A1234567", "txnTime": "20260101080000", "empty": "", "名": "值"}
    signed = settings.identity().signed(fields)
    assert signed["certId"] == str(keys.merchant.certificate.serial_number)
    assert signed["signature"] == keys.merchant.sign({**fields, "certId": signed["certId"]})


# Whose signature it is.


def test_an_answer_of_unionpay_is_opened() -> None:
    message = opened(said(orderId="A1234567"))
    assert isinstance(message, Message)
    assert message.text("orderId") == "A1234567"


def test_card_numbers_are_dropped_as_the_answer_is_read() -> None:
    raw = said(accNo="6226090000000048", payCardNo="6226", customerInfo="{phoneNo=1}", a="1")
    told = answers().fields(raw, {})
    assert told["a"] == "1"
    assert not {"accNo", "payCardNo", "customerInfo"} & told.keys()
    assert "6226" not in str({k: v for k, v in told.items() if k != "signPubKeyCert"})


def swapped(raw: bytes, old: bytes, new: bytes) -> bytes:
    assert old in raw
    return raw.replace(old, new)


KEY, MIDDLE = ring().merchant.key, ring().middle
STRANGER = holder(UNIONPAY, key=KEY)
NEIGHBOUR = holder("041@Z12@有限公司@00000001", MIDDLE, key=KEY)
GONE = holder(UNIONPAY, MIDDLE, ends=NOW - timedelta(days=1), key=KEY)
EARLY = holder(UNIONPAY, MIDDLE, starts=NOW + timedelta(days=1), key=KEY)
TESTER = holder("041@Z12@00040000:SIGN@00000001", MIDDLE, key=KEY)
NAMELESS = holder("unionpay", MIDDLE, key=KEY)


@pytest.mark.parametrize(
    ("raw", "kind", "detail"),
    [
        (swapped(said(txnAmt="100"), b"txnAmt=100", b"txnAmt=900"), Malformed, "signature is wr"),
        (said(signer=STRANGER), Misconfigured, "none of root_certs"),
        (said(signer=NEIGHBOUR), Malformed, "somebody else"),
        (said(signer=NAMELESS), Malformed, "somebody else"),
        (said(signer=ring().merchant), Malformed, "somebody else"),
        (said(signer=GONE), Misconfigured, "not valid today"),
        (said(signer=EARLY), Misconfigured, "not valid today"),
        (said(signer=TESTER), Malformed, "somebody else"),
        (said(merId="777290058110097"), Malformed, "another merchant"),
        (said(signMethod="11"), Malformed, "not asked for"),
        (said().partition(b"&signature")[0], Malformed, "not signed"),
        (b"respCode=00&merId=" + MERCHANT.encode(), Malformed, "not signed"),
        (swapped(said(), b"BEGIN CERT", b"BEGIN SERT"), Malformed, "cannot be read"),
        (b"<html>", Malformed, "not a message"),
        (b"\xff=1&respCode=\xff", Malformed, "not a message"),
        (b"", Retryable, "empty"),
        (said(merId=""), Malformed, "names no merchant"),
        (said("34", merId="777290058110097"), Malformed, "another merchant"),
        (said(""), Malformed, "without a respCode"),
        (said("<b>"), Malformed, "without a respCode"),
    ],
)
def test_an_answer_that_does_not_count_says_why(
    raw: bytes, kind: type[SourceError], detail: str
) -> None:
    error = opened(raw)
    assert type(error) is kind
    assert detail in error.detail


@pytest.mark.parametrize("weeks", [0, 52 * 70])
def test_a_chain_that_was_good_once_is_asked_for_its_dates_again(weeks: int) -> None:
    clock = [NOW]
    trust = Trust("u", roots(ring().root, ring().middle), lambda: clock[0])
    trust.key(ring().unionpay.pem())
    clock[0] += timedelta(weeks=weeks)
    if weeks:
        with pytest.raises(Misconfigured):
            trust.key(ring().unionpay.pem())
    else:
        assert trust.key(ring().unionpay.pem()) is trust.key(ring().unionpay.pem())


LATER = NOW + timedelta(days=30)
OLD_ROOT = holder("SANDBOX ROOT CA", authority=True, ends=NOW, key=ring().root.key)
OLD_MIDDLE = holder("SANDBOX OCA1", ring().root, authority=True, ends=NOW, key=MIDDLE.key)
"""The same names and keys, as when a certificate was renewed."""


@pytest.mark.parametrize(
    "given",
    [
        (ring().root, OLD_MIDDLE, MIDDLE),
        (ring().root, MIDDLE, OLD_MIDDLE),
        (OLD_ROOT, ring().root, OLD_MIDDLE, MIDDLE),
        (ring().root, OLD_ROOT, MIDDLE, OLD_MIDDLE),
    ],
)
def test_a_renewed_issuer_counts_in_any_order(given: tuple[Holder, ...]) -> None:
    for now in (NOW, LATER):
        assert isinstance(opened(said(), answers(roots(*given), now)), Message)


def test_an_issuer_that_is_renewed_while_we_run_counts() -> None:
    clock = [NOW]
    trust = Trust("u", roots(ring().root, OLD_MIDDLE, MIDDLE), lambda: clock[0])
    both = Answers("u", MERCHANT, trust)
    assert isinstance(opened(said(), both), Message)
    clock[0] = LATER
    assert isinstance(opened(said(), both), Message)


def test_an_issuer_that_leads_to_no_root_hides_none_that_does() -> None:
    other_root = holder("NEW ROOT", authority=True, key=KEY)
    astray = holder("SANDBOX OCA1", other_root, authority=True, key=MIDDLE.key)
    assert isinstance(opened(said(), answers(roots(ring().root, astray, MIDDLE))), Message)


def test_an_issuer_that_was_not_renewed_counts_no_longer() -> None:
    error = opened(said(), answers(roots(ring().root, OLD_MIDDLE), LATER))
    assert isinstance(error, Misconfigured)
    assert "not valid today" in error.detail


def test_old_and_new_roots_may_stand_beside_each_other() -> None:
    new_root = holder("NEW ROOT", authority=True, key=KEY)
    new = holder(UNIONPAY, new_root, key=KEY)
    both = answers(roots(new_root, ring().middle, ring().root))
    assert isinstance(opened(said(signer=new), both), Message)
    assert isinstance(opened(said(), both), Message)


def test_a_middle_certificate_alone_is_no_root() -> None:
    error = opened(said(), answers(roots(ring().middle)))
    assert isinstance(error, Misconfigured)


def test_a_chain_that_never_ends_is_given_up() -> None:
    line = [holder("LEVEL 0", authority=True, key=KEY)]
    for level in range(1, 7):
        line.append(holder(f"LEVEL {level}", line[-1], authority=True, key=KEY))
    own = holder(UNIONPAY, line[-1], key=KEY)
    assert isinstance(opened(said(signer=own), answers(roots(*line))), Misconfigured)


def test_the_certificate_of_the_test_environment_counts_there_only() -> None:
    assert isinstance(opened(said(signer=TESTER), answers(test=True)), Message)


def weakly_signed(own: Holder, issuer: Holder) -> Holder:
    """The same certificate, signed with SHA-1, as the test environment's are."""
    sha256_rsa, sha1_rsa = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    weak = own.certificate.public_bytes(Encoding.DER).replace(sha256_rsa, sha1_rsa)
    signed = x509.load_der_x509_certificate(weak).tbs_certificate_bytes
    signature = issuer.key.sign(signed, PKCS1v15(), SHA1())  # noqa: S303 - what is tested
    return Holder(own.key, x509.load_der_x509_certificate(weak[: -len(signature)] + signature))


def test_sha1_counts_in_the_test_environment_only() -> None:
    weak = weakly_signed(ring().unionpay, ring().middle)
    assert isinstance(opened(said(signer=weak), answers(test=True)), Message)
    assert isinstance(opened(said(signer=weak)), Misconfigured)


def test_sha1_of_a_wrong_issuer_never_counts() -> None:
    weak = weakly_signed(ring().unionpay, STRANGER)
    assert isinstance(opened(said(signer=weak), answers(test=True)), Misconfigured)


# What it says of the call.


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("02", Retryable),
        ("03", Retryable),
        ("04", Retryable),
        ("05", Retryable),
        ("06", Retryable),
        ("10", Rejected),
        ("11", Unauthorized),
        ("13", Rejected),
        ("30", Unauthorized),
        ("31", Unauthorized),
        ("32", Unauthorized),
        ("33", Rejected),
        ("34", NotFound),
        ("36", Rejected),
        ("37", RateLimited),
        ("38", Rejected),
        ("98", NotReady),
        ("99", Rejected),
        ("Z9", Rejected),
    ],
)
def test_a_code_of_the_call_is_its_error(code: str, kind: type[SourceError]) -> None:
    error = opened(said(code, respMsg="秘密 secret"))
    assert type(error) is kind
    assert error.code == code
    assert "secret" not in f"{error}{error!r}"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, Malformed),
        (429, RateLimited),
        (500, Retryable),
        (502, Retryable),
        (504, Retryable),
    ],
)
def test_a_status_is_its_error(status: int, kind: type[SourceError]) -> None:
    assert type(http_error("u", Response(status, {}, b"<html>"))) is kind
    assert type(answers().judge(Response(status, {}, b"<html>"))) is kind


@pytest.mark.parametrize("raw", [said(), said("34"), said("11"), said("99"), b"<html>"])
def test_what_is_not_asked_again_is_left_to_who_knows_what_was_asked(raw: bytes) -> None:
    assert answers().judge(Response(200, {}, raw)) is None


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (said("06"), Retryable),
        (said("37"), RateLimited),
        (b"", Retryable),
        (said("06", signer=STRANGER), Misconfigured),
        (swapped(said("00"), b"respCode=00", b"respCode=06"), Malformed),
    ],
)
def test_what_is_asked_again_is_signed_too(raw: bytes, kind: type[SourceError]) -> None:
    assert type(answers().judge(Response(200, {}, raw))) is kind


@pytest.mark.anyio
@pytest.mark.parametrize("code", ["00", "34", "11", "06"])
async def test_an_answer_is_verified_once(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    known = Trust.key

    def counted(self: Trust, pem: str) -> VerifyingKey:
        verified.append(pem)
        return known(self, pem)

    monkeypatch.setattr(Trust, "key", counted)
    raw = said(code, orderId="A1234567", txnTime="20260101080000")
    await connector(lambda form: raw).payments(["A1234567-20260101080000"])
    assert len(verified) == 1


# Settings.


def merchant(**more: str) -> dict[str, str]:
    keys = ring()
    given = {
        "merchant_id": MERCHANT,
        "private_key": keys.merchant.key_pem(),
        "certificate": keys.merchant.pem(),
        "root_certs": keys.roots_pem(),
        **more,
    }
    return {name: value for name, value in given.items() if value}


def pfx(password: bytes, key: Any = None, certificate: Any = None) -> str:
    own = ring().merchant
    packed = pkcs12.serialize_key_and_certificates(
        b"merchant",
        key or own.key,
        certificate or own.certificate,
        None,
        BestAvailableEncryption(password),
    )
    return b64encode(packed).decode()


def from_pfx(content: str, password: str = "000000") -> UnionPaySettings:
    own = merchant(private_key="", certificate="", pfx=content, pfx_password=password)
    return settings_from(own)


def test_a_pfx_is_as_good_as_pem() -> None:
    by_pem, by_pfx = settings_from(merchant()).identity(), from_pfx(pfx(b"000000")).identity()
    assert by_pem.cert_id == by_pfx.cert_id
    assert by_pem.key.sign(b"x") == by_pfx.key.sign(b"x")
    assert by_pem.cert_id.isdecimal()


def curve_pfx() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    own = ring().merchant.certificate
    made = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(own.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
        .sign(key, SHA256())
    )
    return pfx(b"000000", key, made)


SM2_PFX = (
    "MIHOAgEDMIHIBgkqhkiG9w0BBwGggboEgbcwgbQwgbEGCSqGSIb3DQEHAaCBowSBoDCBnTCBmgYLKoZIhvcNAQwKAQGg"
    "gYowgYcCAQAwEwYHKoZIzj0CAQYIKoEcz1UBgi0EbTBrAgEBBCBwWPODq0nKFUB6ZN/W9NvK8R7nYnk/52r1wIZJrzFQ"
    "baFEA0IABLm6Bwg6zKxlq//64/g9bEPhGl6mXfpMOcdG4GePo/bfTIfUe9/S42BcJl2d+fYFxyXLz0dfEE8gc/ttK7UK"
    "4f4="
)
"""A key of the curve that SM2 uses, made by OpenSSL for this test and locked with nothing."""


def curve_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"merchant_id": "123"}, "merchant_id:"),
        ({"private_key": "no key"}, "private_key: not an RSA"),
        ({"private_key": curve_key()}, "private_key: not an RSA"),
        ({"private_key": holder("other").key_pem()}, "certificate: does not belong"),
        ({"private_key": ""}, "private_key: give it with certificate"),
        ({"certificate": ""}, "private_key: give it with certificate"),
        ({"pfx": pfx(b"000000")}, "private_key: give it with certificate"),
        ({"certificate": "-----BEGIN CERTIFICATE-----"}, "certificate: not a certificate"),
        ({"root_certs": "nothing"}, "root_certs: holds no certificate"),
        (
            {"root_certs": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
            "root_certs: a certificate that cannot be read",
        ),
        ({"reference_pattern": "SO-1"}, "reference_pattern: a pattern without a group"),
        ({"reference_pattern": "("}, "reference_pattern: not a regular expression"),
    ],
)
def test_settings_that_cannot_work_name_their_key(changes: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}") as error:
        settings_from(merchant(**changes))
    assert ring().merchant.key_pem()[60:90] not in str(error.value)


@pytest.mark.parametrize(
    ("content", "password", "told"),
    [
        (pfx(b"000000"), "111111", "pfx: not the base64"),
        ("no base64!", "000000", "pfx: not the base64"),
        ("QUJD", "000000", "pfx: not the base64"),
        (curve_pfx(), "000000", "pfx: holds no RSA key"),
        (SM2_PFX, "", "pfx: its key or its encryption is of another kind than RSA's"),
    ],
)
def test_a_pfx_that_cannot_be_opened_is_told(content: str, password: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}"):
        from_pfx(content, password)


@pytest.mark.parametrize(
    ("environment", "hosts"),
    [
        ("production", ["https://gateway.95516.com", "https://filedownload.95516.com"]),
        ("test", ["https://gateway.test.95516.com", "https://filedownload.test.95516.com"]),
    ],
)
def test_the_environment_decides_where_to(environment: str, hosts: list[str]) -> None:
    from connectors.unionpay.client import HOSTS

    assert list(HOSTS[environment]) == hosts
    assert all(host.removeprefix("https://") in VENDOR.hosts for host in hosts)


@pytest.mark.anyio
async def test_the_probe_tells_what_expires() -> None:
    soon = datetime(2089, 12, 20, tzinfo=UTC)
    probe = await connector(lambda form: said("34", orderId=form["orderId"]), soon).probe()
    assert [note.partition(" expires in 12 days")[0] for note in probe.notes] == [
        "the merchant's certificate",
        "certificate 1 of root_certs",
        "certificate 2 of root_certs",
    ]
    assert (await connector(lambda form: said("34")).probe()).notes == ()


@pytest.mark.anyio
async def test_the_probe_of_a_refused_signature_says_so() -> None:
    with pytest.raises(Unauthorized, match="wrong key, certificate or merchant_id"):
        await connector(lambda form: said("11")).probe()


def test_secrets_are_not_shown() -> None:
    settings = settings_from(merchant())
    assert "BEGIN" not in repr(settings)
    assert isinstance(settings.private_key, Secret)


# Ids.


@pytest.mark.parametrize(
    ("native_id", "kept"),
    [
        ("pay20240105145046-20240105145046", True),
        ("442401051450467846498", True),
        ("pay20240105145046", False),
        ("pay-1-20240105145046", False),
        ("pay_1-20240105145046", False),
        ("pay-20241305145046", False),
        ("pay-20240230145046", False),
        ("pay-2024010514504", False),
        ("x1-00010101000000", False),
        ("x1-00000101000000", False),
        ("x1-99991231235959", True),
        ("-20240105145046", False),
        ("44240105145046784649", False),
        ("", False),
        ("é-20240105145046", False),
        ("A" * 41 + "-20240105145046", False),
    ],
)
def test_an_id_is_an_order_number_and_its_time_or_a_query_id(native_id: str, kept: bool) -> None:
    for kind in (Kind.PAYMENT, Kind.REFUND):
        assert normalise(kind, native_id) == (native_id if kept else None)


def test_an_id_becomes_the_fields_that_ask_for_it() -> None:
    assert parts("pay1-20240105145046") == {"orderId": "pay1", "txnTime": "20240105145046"}
    assert parts("442401051450467846498") == {"queryId": "442401051450467846498"}
