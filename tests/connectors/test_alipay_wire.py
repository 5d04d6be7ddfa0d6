"""Both protocols byte by byte: public vectors, signatures, certificates, encryption, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import msgspec
import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from connectors.alipay.certificates import root_serial_number, serial_number
from connectors.alipay.cipher import Cipher
from connectors.alipay.gateway import Gateway, signed_text
from connectors.alipay.notifications import is_genuine, notice, parameters
from connectors.alipay.operations import BILL, COMPLAINT, TRADE
from connectors.alipay.rest import Rest
from connectors.alipay.ring import Ring
from connectors.alipay.settings import AlipaySettings
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
from connectors.rsa import Certificate, VerifyingKey
from connectors.secret import Secret
from connectors.transport import Response
from sandbox.alipay import keys as made

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors/alipay.json").read_text(encoding="utf-8")
)
MADE = VECTORS["made"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS, THEIRS, ROOT = made.new_key(), made.new_key(), made.new_key()
KEY = Secret(made.private_text(OURS))
TOKEN = Secret("202601BBtoken")
ECNY = {"family": "ecny", "merchant_id": "1", "account_no": "1"}
SM2 = """-----BEGIN CERTIFICATE-----
MIIBbjCCAROgAwIBAgIUFyFN/0vZNBcIsT9lXDA1kA3tHGwwCgYIKoEcz1UBg3Uw
DDEKMAgGA1UEAwwBeDAeFw0yNjExMjIxOTA4MzFaFw0zNjExMTkxOTA4MzFaMAwx
CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqgRzPVQGCLQNCAAQ3tUpXtfqYyMna
EDkphweAMR/Rj6YcJaIU6YN0YEsVWic5Ob8Dc0H6YxhxJdeNO/M19whzQGM8s1me
WfBwYqh8o1MwUTAdBgNVHQ4EFgQUZWlBH7Pw9DBvcKibF2S9JHyVw0AwHwYDVR0j
BBgwFoAUZWlBH7Pw9DBvcKibF2S9JHyVw0AwDwYDVR0TAQH/BAUwAwEB/zAKBggq
gRzPVQGDdQNJADBGAiEAgMnGmG1GrlF08hwomE4ezxeWWhnp8Dn5D+7vn9eFiwgC
IQDCvqL8xyGtQPFMFTZBI7DyowyaWgB4kL7LFGobwc4vbA==
-----END CERTIFICATE-----
"""
NODE = '{"code":"10000","msg":"Success","subject":"大乐透\\/镕","trade_no":"1"}'


def settings(**more: Any) -> AlipaySettings:
    given = {"alipay_public_key": Secret(made.public_text(THEIRS)), **more}
    return AlipaySettings(vendor="alipay", app_id="2014072300007148", private_key=KEY, **given)


def gateway(now: datetime = NOW, **more: Any) -> Gateway:
    made = settings(**more)
    return Gateway("alipay_cn", made, Ring(made), lambda: now)


def rest(now: datetime = NOW, **more: Any) -> Rest:
    made = settings(**more)
    return Rest("alipay_cn", made, Ring(made), lambda: now)


def certified(**more: Any) -> dict[str, Any]:
    """Settings of certificate mode; certificates are good from 2025 on, for ten years."""
    begins = NOW - timedelta(days=365)
    own = made.certificate("app", OURS, ROOT, begins)
    alipay = made.certificate("Alipay", THEIRS, ROOT, begins)
    root = made.certificate("root", ROOT, ROOT, begins)
    return {
        "alipay_public_key": None,
        "app_cert": Secret(made.pem(own)),
        "alipay_certs": (Secret(made.pem(alipay)),),
        "alipay_root_cert": Secret(made.pem(root)),
        **more,
    }


def answered(node: str = NODE, name: str = "alipay_trade_query_response", **more: str) -> Response:
    """A v2 answer with a right signature, unless `sign` says otherwise."""
    codec = more.pop("codec", "utf-8")
    sign = more.pop("sign", made.signed(THEIRS, node.encode(codec)))
    parts = [f'"{name}":{node}', *(f'"{key}":"{value}"' for key, value in more.items())]
    parts += [f'"sign":"{sign}"'] if sign else []
    return Response(200, {}, ("{" + ",".join(parts) + "}").encode(codec))


def refused(code: str, word: str, **more: str) -> Response:
    return answered(json.dumps({"code": code, "msg": "Vendor's text", "sub_code": word}), **more)


def told(
    body: bytes, status: int = 200, key: Any = THEIRS, more: Mapping[str, str] | None = None
) -> Response:
    """A v3 answer with a right signature."""
    signature = made.signed(key, b"1767225600123\nabc\n" + body + b"\n")
    headers = {"alipay-timestamp": "1767225600123", "alipay-nonce": "abc"}
    return Response(status, {**headers, "alipay-signature": signature, **(more or {})}, body)


def test_the_text_to_sign_is_that_of_the_vector() -> None:
    request = MADE["v2_request"]
    assert signed_text(request["params"]) == request["sign_content"]
    key = VerifyingKey.read(MADE["app_public_key"])
    assert key.accepts(request["sign_content"].encode(), request["sign"])


def test_a_request_is_signed_over_all_that_is_sent() -> None:
    content = {"out_trade_no": "茶/A&B=1%", "query_options": ["fund_bill_list"]}
    request = gateway(app_auth_token=TOKEN).request(TRADE, content)
    sent = {**dict(request.query), **dict(parse_qsl((request.body or b"").decode()))}
    assert json.loads(sent["biz_content"]) == content
    assert sent["timestamp"] == "2026-01-01 08:00:00"
    assert sent["app_auth_token"] == "202601BBtoken"
    sign = sent.pop("sign")
    assert made.accepts(OURS, signed_text(sent).encode(), sign)
    assert request.may_repeat


def test_in_gbk_the_bytes_of_gbk_are_signed() -> None:
    request = gateway(charset="gbk").request(TRADE, {"out_trade_no": "茶"})
    body = (request.body or b"").decode()
    assert "%B2%E8" in body
    sent = {**dict(request.query), "biz_content": parse_qs(body, encoding="gbk")["biz_content"][0]}
    sign = sent.pop("sign")
    assert made.accepts(OURS, signed_text(sent).encode("gbk"), sign)
    assert request.headers["content-type"].endswith("charset=gbk")


def test_the_answer_of_the_vector_is_accepted_as_it_stands() -> None:
    speaks = gateway(alipay_public_key=Secret(MADE["alipay_public_key"]))
    vector = MADE["v2_response"]
    response = Response(200, {}, vector["body"].encode())
    assert speaks.judge(response) is None
    assert speaks.content(TRADE, response).decode() == vector["signed_substring"]


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace("100.00", "100.01"),
        lambda body: body.replace("大乐透", "\\u5927\\u4e50\\u900f"),
        lambda body: body.replace('","', '", "'),
        lambda body: json.dumps(json.loads(body)),
        lambda body: body.replace('"sign":"o', '"sign":"p'),
    ],
)
def test_a_changed_answer_is_not_used(change: Callable[[str], str]) -> None:
    speaks = gateway(alipay_public_key=Secret(MADE["alipay_public_key"]))
    body = change(MADE["v2_response"]["body"])
    verdict = speaks.judge(Response(200, {}, body.encode()))
    assert isinstance(verdict, Malformed)
    assert verdict.detail == "the answer's signature is wrong"


def test_the_text_is_checked_before_slashes_and_characters_are_read() -> None:
    assert gateway().judge(answered()) is None
    assert gateway().content(TRADE, answered()).decode() == NODE


@pytest.mark.parametrize("text", ["大乐透 100%", "镕㐀", "emoji 🎁", "全角１２３", "乗|\\\\歕"])
def test_an_answer_in_gbk_is_checked_in_gbk(text: str) -> None:
    node = f'{{"code":"10000","subject":"{text}"}}'
    response = answered(node, codec="gb18030")
    speaks = gateway(charset="gbk")
    assert speaks.judge(response) is None
    assert speaks.content(TRADE, response).decode() == node
    wrong = answered(node, codec="gb18030", sign=made.signed(THEIRS, node.encode()))
    assert isinstance(speaks.judge(wrong), Malformed)


@pytest.mark.parametrize("text", ["大乐透 100%", "镕㐀", "emoji 🎁", "全角１２３", "乗|\\\\歕"])
@pytest.mark.parametrize("protocol", ["v2", "v3"])
def test_an_answer_in_gbk_to_a_question_in_utf8_is_checked_as_it_came(
    protocol: str, text: str
) -> None:
    node = f'{{"code":"10000","subject":"{text}"}}'
    v2, v3 = answered(node, codec="gb18030"), told(node.encode("gb18030"), 200)
    for speaks, response in [(gateway(), v2)] if protocol == "v2" else [(rest(), v3)]:
        assert speaks.judge(response) is None
        assert speaks.content(TRADE, response).decode() == node
        wrong = msgspec.structs.replace(response, body=response.body.replace(b"10000", b"10001"))
        assert isinstance(speaks.judge(wrong), Malformed)


@pytest.mark.parametrize(
    ("name", "code", "sub_code", "sign", "kind"),
    [
        ("alipay_trade_query_response", "20000", "isp.unknow-error", "", Retryable),
        ("error_response", "40002", "isv.invalid-signature", "", Unauthorized),
        ("alipay_trade_query_response", "40004", "ACQ.TRADE_NOT_EXIST", None, NotFound),
        ("alipay_trade_query_response", "40004", "ACQ.TRADE_NOT_EXIST", "", Malformed),
    ],
)
def test_a_refusal_in_gbk_to_a_question_in_utf8_is_judged_as_usual(
    name: str, code: str, sub_code: str, sign: str | None, kind: type[SourceError]
) -> None:
    node = f'{{"code":"{code}","msg":"处理失败","sub_code":"{sub_code}","sub_msg":"交易不存在"}}'
    signed = {} if sign is None else {"sign": sign}
    assert type(gateway().judge(answered(node, name, codec="gb18030", **signed))) is kind


def test_a_letter_that_was_cut_short_costs_neither_the_signature_nor_the_answer() -> None:
    node = '{"code":"10000","subject":"大乐透 茶"}'.encode().replace("茶".encode(), b"\xe8\x8c")
    body = b'{"alipay_trade_query_response":%s,"sign":"%s"}'
    response = Response(200, {}, body % (node, made.signed(THEIRS, node).encode()))
    assert gateway().judge(response) is None
    assert gateway().content(TRADE, response).decode() == (
        '{"code":"10000","subject":"大乐透 \ufffd"}'
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [("\\ud83d", "\ufffd"), ("a\tb", "a\tb"), ('}\\",{\n', '}",{\n'), ("\x01", "\x01")],
)
def test_an_answer_that_is_not_strictly_json_is_checked_as_it_came(
    written: str, meant: str
) -> None:
    response = answered(f'{{"code":"10000","subject":"{written}"}}')
    speaks = gateway()
    assert speaks.judge(response) is None
    node = Response(200, {}, speaks.content(TRADE, response))
    decoder = msgspec.json.Decoder(dict[str, str])
    assert node.decode(decoder, "alipay_cn")["subject"] == meant
    changed = Response(200, {}, response.body.replace(b"10000", b"10001"))
    assert isinstance(speaks.judge(changed), Malformed)


@pytest.mark.parametrize(
    ("response", "detail"),
    [
        (answered(sign=""), "the answer's signature is missing"),
        (refused("40004", "ACQ.TRADE_NOT_EXIST", sign=""), "the answer's signature is missing"),
        (answered(sign="bm9uc2Vuc2U="), "the answer's signature is wrong"),
        (answered(sign="no base64"), "the answer's signature is wrong"),
        (Response(200, {}, b"<html>"), "the answer is not JSON"),
        (Response(200, {}, b"[]"), "the answer does not fit: it is array, not object"),
        (Response(200, {}, b'{"code":"10000"}'), "the answer is no answer"),
        (answered("{}"), "the answer does not fit: code is missing"),
        (answered('"text"'), "the answer does not fit: it is str, not object"),
        (Response(404, {}, b""), "there is no Alipay at this address"),
    ],
)
def test_what_is_no_answer_is_malformed(response: Response, detail: str) -> None:
    verdict = gateway().judge(response)
    assert isinstance(verdict, Malformed)
    assert verdict.detail == detail


def test_an_answer_to_another_question_is_malformed() -> None:
    with pytest.raises(Malformed, match="another question"):
        gateway().content(BILL, answered())


@pytest.mark.parametrize(
    ("code", "word", "kind"),
    [
        ("20000", "isp.unknow-error", Retryable),
        ("20000", "aop.unknow-error", Retryable),
        ("20001", "aop.invalid-auth-token", Unauthorized),
        ("20001", "aop.some-new-token-word", Unauthorized),
        ("40001", "isv.missing-signature", Unauthorized),
        ("40001", "isv.missing-method", Rejected),
        ("40002", "isv.invalid-signature", Unauthorized),
        ("40002", "isv.invalid-app-id", Unauthorized),
        ("40002", "isv.invalid-timestamp", Misconfigured),
        ("40002", "isv.invalid-app-cert-sn", Misconfigured),
        ("40003", "isv.anything", Rejected),
        ("40004", "ACQ.SYSTEM_ERROR", Retryable),
        ("40004", "ACQ.TRADE_NOT_EXIST", NotFound),
        ("40004", "ACQ.INVALID_PARAMETER", Rejected),
        ("40004", "BILL_NOT_EXIST", NotReady),
        ("40004", "SYSTEM_RATE_LIMIT", RateLimited),
        ("40005", "isv.app-call-limited", RateLimited),
        ("40005", "isv.method-call-limited", RateLimited),
        ("40006", "isv.insufficient-isv-permissions", Unauthorized),
        ("50000", "", Rejected),
    ],
)
def test_a_refusal_is_its_kind_of_error(code: str, word: str, kind: type[SourceError]) -> None:
    verdict = gateway().judge(refused(code, word))
    assert type(verdict) is kind
    assert verdict is not None
    assert verdict.code == (word or code)
    assert "Vendor" not in verdict.detail


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("40002", "ACQ.TRADE_NOT_EXIST"),
        ("20000", "ACQ.TRADE_NOT_EXIST"),
        ("40006", "NO_BILL_DATA"),
        ("40002", "PARAM_ILLEGAL"),
        ("40004", "PARAM_ILLEGAL"),
    ],
)
def test_what_does_not_exist_is_believed_with_a_signature_only(code: str, word: str) -> None:
    verdict = gateway().judge(refused(code, word, sign=""))
    assert isinstance(verdict, Malformed)
    assert verdict.detail == "the answer's signature is missing"
    assert isinstance(gateway().judge(refused(code, word)), NotFound | NotReady | Rejected)


@pytest.mark.parametrize("word", ["isv.invalid-signature", "isv.invalid-timestamp"])
def test_the_gateways_own_refusal_needs_no_signature(word: str) -> None:
    unsigned = refused("40002", word, sign="", name="error_response")
    assert isinstance(gateway().judge(unsigned), Unauthorized | Misconfigured)


def test_a_vendors_text_is_not_kept() -> None:
    node = '{"code":"40004","sub_code":"张三 paid 5","sub_msg":"张三"}'
    verdict = gateway().judge(answered(node))
    assert verdict is not None
    assert "张三" not in f"{verdict} {verdict!r}"
    assert verdict.code == "40004"


def test_clocks_that_differ_are_told_as_that() -> None:
    verdict = gateway().judge(refused("40002", "isv.invalid-timestamp", sign=""))
    assert verdict is not None
    assert verdict.detail == "Alipay's clock and ours are too far apart"


@pytest.mark.parametrize("index", [0, 1])
def test_a_request_of_v3_is_that_of_the_vector(index: int) -> None:
    vector = MADE["v3_requests"][index]
    told = vector["sign_string"].partition("\n")[0]
    text = rest().signed_text(told, vector["method"], vector["url"], vector["body"].encode())
    assert text.decode() == vector["sign_string"]
    sign = vector["authorization"].partition("sign=")[2]
    assert VerifyingKey.read(MADE["app_public_key"]).accepts(text, sign)
    assert vector["authorization"] == f"ALIPAY-SHA256withRSA {told},sign={sign}"


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_request_of_v3_carries_its_own_proof(token: Secret | None) -> None:
    request = rest(app_auth_token=token).request(
        BILL, {"bill_type": "trade", "bill_date": "2025-12-31"}
    )
    assert request.path.endswith("?bill_type=trade&bill_date=2025-12-31")
    scheme, _, rest_of = request.headers["authorization"].partition(" ")
    told, _, sign = rest_of.partition(",sign=")
    tail = "202601BBtoken\n" if token else ""
    text = f"{told}\nGET\n{request.path}\n\n{tail}"
    assert scheme == "ALIPAY-SHA256withRSA"
    assert made.accepts(OURS, text.encode(), sign)
    assert "timestamp=1767225600000" in told
    assert request.headers.get("alipay-app-auth-token") == (token and token.reveal())


def test_a_parameter_of_the_address_is_quoted() -> None:
    assert (
        rest()
        .request(COMPLAINT, {"complain_event_id": "a/b?c"})
        .path.endswith("/tradecomplain/a%2Fb%3Fc")
    )


def test_the_answer_of_v3s_vector_is_accepted_and_a_changed_one_is_not() -> None:
    speaks = rest(alipay_public_key=Secret(MADE["alipay_public_key"]))
    headers, body = MADE["v3_response"]["headers"], MADE["v3_response"]["body"].encode()
    assert speaks.judge(Response(200, headers, body)) is None
    for changed in (
        Response(200, headers, body.replace(b"100.00", b"100.01")),
        Response(200, {**headers, "alipay-nonce": "other"}, body),
        Response(200, {**headers, "alipay-timestamp": "1767225600124"}, body),
        Response(200, {}, body),
    ):
        assert isinstance(speaks.judge(changed), Malformed)


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "ACQ.TRADE_NOT_EXIST", NotFound),
        (400, "illegal-timestamp", Misconfigured),
        (401, "invalid-signature", Unauthorized),
        (400, "app-call-limited", RateLimited),
        (429, "", RateLimited),
        (403, "insufficient-isv-permissions", Unauthorized),
        (500, "SYSTEM_ERROR", Retryable),
        (503, "", Retryable),
        (400, "BILL_NOT_EXIST", NotReady),
        (404, "", Malformed),
        (400, "PARAM_ILLEGAL", Rejected),
    ],
)
def test_a_refusal_of_v3_is_its_kind_of_error(
    status: int, word: str, kind: type[SourceError]
) -> None:
    body = json.dumps({"code": word, "message": "张三"}).encode() if word else b"<html>"
    denied = kind in (NotFound, NotReady) or word == "PARAM_ILLEGAL"
    assert type(rest().judge(Response(status, {}, body))) is (Malformed if denied else kind)
    assert type(rest().judge(told(body, status))) is kind
    wrong = told(body, status, key=OURS)
    assert isinstance(rest().judge(wrong), Malformed)


@pytest.mark.parametrize(
    ("minutes", "kind"),
    [(-16, Misconfigured), (-14, type(None)), (14, type(None)), (16, Misconfigured)],
)
@pytest.mark.parametrize("status", [200, 400])
def test_an_old_answer_of_v3_is_not_used_again(minutes: int, kind: type, status: int) -> None:
    body = b'{"code":"ACQ.TRADE_NOT_EXIST"}'
    verdict = rest(NOW + timedelta(minutes=minutes)).judge(told(body, status))
    right = NotFound if status == 400 else type(None)
    assert type(verdict) is (right if kind is type(None) else kind)


@pytest.mark.parametrize("at", ["", "yesterday", "-5", "１７６７", "9" * 5000])
def test_an_answer_of_v3_needs_a_time(at: str) -> None:
    signature = made.signed(THEIRS, f"{at}\nabc\n{{}}\n".encode())
    headers = {"alipay-timestamp": at, "alipay-nonce": "abc", "alipay-signature": signature}
    verdict = rest().judge(Response(200, headers, b"{}"))
    assert isinstance(verdict, Malformed)
    assert verdict.detail == "alipay-timestamp: not a time"


def test_certificates_are_named_in_requests_and_looked_up_for_answers() -> None:
    given = certified()
    both = settings(**given)
    own = Certificate.read(given["app_cert"].reveal())
    alipay = Certificate.read(given["alipay_certs"][0].reveal())
    speaks = gateway(**given)
    sent = dict(speaks.request(TRADE, {}).query)
    assert sent["app_cert_sn"] == made.number_of(own.x509) == serial_number(own.x509)
    assert sent["alipay_root_cert_sn"] == root_serial_number(given["alipay_root_cert"].reveal())
    assert Ring(both).serials == (sent["app_cert_sn"], sent["alipay_root_cert_sn"])
    serial = serial_number(alipay.x509)
    assert speaks.judge(answered(alipay_cert_sn=serial)) is None
    assert rest(**given).judge(told(b"{}", more={"alipay-sn": serial})) is None
    assert "app_cert_sn=" in rest(**given).request(TRADE, {}).headers["authorization"]


def test_two_certificates_of_alipay_are_good_at_once() -> None:
    later = made.new_key()
    second = made.certificate("Alipay 2", later, ROOT, NOW - timedelta(days=1))
    given = certified()
    given["alipay_certs"] = (*given["alipay_certs"], Secret(made.pem(second)))
    sign = made.signed(later, NODE.encode())
    named = {"alipay_cert_sn": serial_number(second)}
    assert gateway(**given).judge(answered(sign=sign, **named)) is None
    assert isinstance(gateway(**given).judge(answered(**named)), Malformed)


@pytest.mark.parametrize(
    ("now", "named", "detail"),
    [
        (NOW, False, "the answer is signed by a certificate not configured"),
        (NOW + timedelta(days=4000), True, "Alipay's certificate is not valid today"),
        (NOW - timedelta(days=400), True, "Alipay's certificate is not valid today"),
    ],
)
def test_a_certificate_that_is_unknown_or_expired_is_ours_to_mend(
    now: datetime, named: bool, detail: str
) -> None:
    given = certified()
    alipay = Certificate.read(given["alipay_certs"][0].reveal())
    serial = serial_number(alipay.x509) if named else "0" * 32
    verdict = gateway(now, **given).judge(answered(alipay_cert_sn=serial))
    assert isinstance(verdict, Misconfigured)
    assert verdict.detail == detail


def test_certificates_that_end_soon_are_noted() -> None:
    ring = Ring(settings(**certified()))
    assert ring.notes(NOW) == ()
    first, second = ring.notes(NOW + timedelta(days=3270))
    assert first.startswith("the application's certificate expires in 15 days")
    assert "Alipay's certificate" in second


def test_the_roots_number_is_that_of_its_rsa_certificates() -> None:
    begins = NOW - timedelta(days=1)
    pair = [made.certificate(name, ROOT, ROOT, begins) for name in ("one", "two")]
    bundle = "".join(f"text between\n{made.pem(c)}" for c in pair)
    assert root_serial_number(bundle) == "_".join(made.number_of(c) for c in pair)
    assert NameOID.COMMON_NAME in {a.oid for a in pair[0].issuer}


def test_the_roots_certificates_of_sm2_have_no_part_in_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = made.certificate("root", ROOT, ROOT, NOW)
    assert root_serial_number(SM2 + made.pem(root)) == made.number_of(root)
    with pytest.raises(ValueError, match="no certificate that is signed with RSA"):
        root_serial_number(SM2)
    read = x509.load_pem_x509_certificate

    def older(pem: bytes) -> x509.Certificate:
        """A library that cannot even take such a certificate apart."""
        if pem.decode() in SM2:
            raise UnsupportedAlgorithm("1.2.156.10197.1.501")
        return read(pem)

    monkeypatch.setattr(x509, "load_pem_x509_certificate", older)
    assert root_serial_number(SM2 + made.pem(root)) == made.number_of(root)


@pytest.mark.parametrize("name", ["app_cert", "alipay_certs"])
def test_a_certificate_of_sm2_in_place_of_ours_is_told_at_start(name: str) -> None:
    given = certified(**{name: Secret(SM2) if name == "app_cert" else (Secret(SM2),)})
    with pytest.raises(ValueError, match=f"{name}: "):
        settings(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"private_key": Secret("nonsense")}, "private_key: not an RSA private key"),
        ({"alipay_public_key": Secret("nonsense")}, "alipay_public_key: not an RSA public key"),
        ({"alipay_public_key": None}, "alipay_public_key: needed"),
        ({"app_cert": KEY}, "alipay_public_key: certificates take its place"),
        (certified(app_cert=None), "app_cert: needed for certificate mode"),
        (certified(app_cert=Secret("x")), "app_cert: not a certificate in PEM"),
        (certified(alipay_root_cert=None), "alipay_root_cert: needed"),
        (certified(alipay_root_cert=Secret("x")), "alipay_root_cert: no certificate"),
        (certified(alipay_certs=()), "alipay_certs: needed"),
        (certified(alipay_certs=(Secret("x"),)), "alipay_certs: not a certificate"),
        (
            certified(app_cert=Secret(made.pem(made.certificate("app", THEIRS, ROOT, NOW)))),
            "app_cert: not the certificate of private_key",
        ),
        ({"encrypt_key": Secret("short")}, "encrypt_key: not an AES key"),
        ({"app_auth_token": Secret("a,b")}, "app_auth_token: holds letters"),
        ({"protocol": "v3", "charset": "gbk"}, "charset: v3 speaks utf-8 only"),
        ({"family": "ecny"}, "merchant_id: digital yuan needs it"),
        ({"family": "ecny", "merchant_id": "1"}, "account_no: digital yuan needs it"),
        ({"family": "ecny", "protocol": "v3"}, "protocol: digital yuan"),
        ({**ECNY, "books": "bill"}, "books: digital yuan has its wallet's flows only"),
        ({**ECNY, "complaints": False}, "complaints: digital yuan has none to leave out"),
        ({"reference_pattern": "SO-.*"}, "reference_pattern: a pattern without a group"),
        ({"reference_pattern": "("}, "reference_pattern: not a regular expression"),
    ],
)
def test_a_wrong_setting_is_told_at_start(given: dict[str, Any], message: str) -> None:
    right = {
        "app_id": "2014072300007148",
        "private_key": KEY,
        "alipay_public_key": Secret(made.public_text(THEIRS)),
    }
    with pytest.raises(ValueError) as caught:
        AlipaySettings(vendor="alipay", **{**right, **given})
    assert str(caught.value).startswith(message)


AES = Secret("aa4BtZ4tspm2wnXLb1ThQA==")


def test_encrypted_contents_are_read_by_both_sides() -> None:
    cipher = Cipher.read(AES)
    request = gateway(encrypt_key=AES).request(TRADE, {"out_trade_no": "茶"})
    text = dict(parse_qsl((request.body or b"").decode()))["biz_content"]
    assert json.loads(cipher.decrypted(text)) == {"out_trade_no": "茶"}
    assert dict(request.query)["encrypt_type"] == "AES"
    node = f'"{cipher.encrypted(NODE.encode())}"'
    assert gateway(encrypt_key=AES).judge(answered(node)) is None
    assert gateway(encrypt_key=AES).content(TRADE, answered(node)).decode() == NODE
    sealed = rest(encrypt_key=AES).request(TRADE, {"out_trade_no": "茶"})
    assert json.loads(cipher.decrypted(sealed.body or b"")) == {"out_trade_no": "茶"}


@pytest.mark.parametrize("sealed", ["bm9uc2Vuc2U=", "no base64", "", "AAAAAAAAAAAAAAAAAAAAAA=="])
def test_what_cannot_be_decrypted_is_malformed(sealed: str) -> None:
    verdict = gateway(encrypt_key=AES).judge(answered(f'"{sealed}"'))
    assert isinstance(verdict, Malformed)
    with pytest.raises(Malformed):
        rest(encrypt_key=AES).content(
            TRADE, told(sealed.encode(), more={"alipay-encrypt-type": "AES"})
        )


def test_nothing_secret_is_shown() -> None:
    given = settings(encrypt_key=AES, app_auth_token=TOKEN)
    ring = Ring(given)
    shown = f"{given!r} {ring!r} {given.cipher()!r} {Gateway('a', given, ring, lambda: NOW)!r}"
    assert not [s for s in (KEY, AES, TOKEN) if s.reveal() in shown]


@pytest.mark.parametrize("index", [0, 1])
def test_a_real_notification_is_genuine(index: int) -> None:
    vector = VECTORS["public_notifications"][index]
    key = VerifyingKey.read(vector["alipay_public_key"])
    assert is_genuine(vector["params"], key)
    assert not is_genuine({**vector["params"], "notify_id": "1"}, key)
    assert not is_genuine({**vector["params"], "sign": ""}, key)
    assert not is_genuine({**vector["params"], "more": "1"}, key)


def test_a_posted_notification_is_decoded_once() -> None:
    vector = MADE["v2_notify"]
    params = parameters(vector["form_body"].encode())
    assert params == vector["params"]
    assert params["passback_params"].startswith("merchantBizType%3d3C")
    key = VerifyingKey.read(MADE["alipay_public_key"])
    assert is_genuine(params, key)
    found = notice(params)
    assert found is not None
    assert found.payment == "2013112011001004330000121536"
    assert found.refund == "2013112011001004330000121536-RF20260101001"
    assert notice({**params, "notify_type": "other"}) is None
    assert notice({k: v for k, v in params.items() if k != "out_biz_no"}) != found


def test_a_notification_in_gbk_is_decoded_in_gbk() -> None:
    fields = {"charset": "GBK", "subject": "大乐透", "trade_no": "1"}
    sign = made.signed(THEIRS, signed_text(fields).encode("gbk"))
    body = "charset=GBK&subject=%B4%F3%C0%D6%CD%B8&trade_no=1&sign_type=RSA2"
    params = {**parameters(body.encode()), "sign": sign}
    assert params["subject"] == "大乐透"
    assert is_genuine(params, VerifyingKey.read(made.public_text(THEIRS)))


@pytest.mark.parametrize(
    "body", [b"charset=big5&a=1", b"charset=utf-8&a=%B4%F3", "charset=utf-8&a=茶".encode()]
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        parameters(body)
