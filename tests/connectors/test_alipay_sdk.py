"""Alipay's own SDK: as a client of the sandbox, and as a second opinion about signatures."""

from __future__ import annotations

import json
import time
import warnings
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization

from connectors.alipay.cipher import Cipher
from connectors.alipay.gateway import Gateway, signed_text
from connectors.alipay.operations import TRADE
from connectors.alipay.ring import Ring
from connectors.alipay.settings import AlipaySettings
from connectors.rsa import SigningKey, VerifyingKey
from connectors.secret import Secret
from connectors.transport import Response
from sandbox.alipay.keys import new_key, private_text, public_text
from sandbox.server import Server
from tests.connectors.alipay_sandbox import AlipaySandbox, serve


def sdk(path: str, name: str | None = None) -> Any:
    """A class of the SDK, which has no types; a module of its has its own name unless told."""
    with warnings.catch_warnings():
        # It is written for many Pythons at once.
        warnings.simplefilter("ignore")
        module = import_module(f"alipay.aop.api.{path}")
    return getattr(module, name or path.rpartition(".")[2])


def module(path: str) -> Any:
    return import_module(f"alipay.aop.api.{path}")


AlipayClientConfig = sdk("AlipayClientConfig")
DefaultAlipayClient = sdk("DefaultAlipayClient")
ResponseException = sdk("exception.Exception", "ResponseException")
AlipayTradeQueryModel = sdk("domain.AlipayTradeQueryModel")
AlipayTradeQueryRequest = sdk("request.AlipayTradeQueryRequest")
AlipayTradeQueryResponse = sdk("response.AlipayTradeQueryResponse")
AlipayTradeFastpayRefundQueryModel = sdk("domain.AlipayTradeFastpayRefundQueryModel")
AlipayTradeFastpayRefundQueryRequest = sdk("request.AlipayTradeFastpayRefundQueryRequest")
AlipayTradeFastpayRefundQueryResponse = sdk("response.AlipayTradeFastpayRefundQueryResponse")
MybankEcnyTradeQueryModel = sdk("domain.MybankEcnyTradeQueryModel")
MybankEcnyTradeQueryRequest = sdk("request.MybankEcnyTradeQueryRequest")
SignatureUtils = module("util.SignatureUtils")

KEY, THEIRS = new_key(), new_key()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pkcs1(text: str) -> str:
    """The SDK reads keys in the older form only."""
    key = serialization.load_der_private_key(b64decode(text), None)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return "".join(pem.decode().splitlines()[1:-1])


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK trips over an address with a port: all else of its way out stays its own."""

    def open_connection(url: str, query: str, timeout: int) -> tuple[str, HTTPConnection]:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        return f"{parts.path}?{query}", connection

    monkeypatch.setattr(module("util.WebUtils"), "get_http_connection", open_connection)


@pytest.fixture(autouse=True)
def beijing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The SDK writes the time of the machine it runs on, and takes it for Beijing's."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


def client(sandbox: AlipaySandbox, **more: str) -> Any:
    config = AlipayClientConfig()
    config.server_url = f"{sandbox.credentials['base_url']}/gateway.do"
    config.app_id = sandbox.credentials["app_id"]
    config.app_private_key = pkcs1(sandbox.credentials["private_key"])
    config.alipay_public_key = sandbox.credentials["alipay_public_key"]
    for name, value in more.items():
        setattr(config, name, value)
    return DefaultAlipayClient(config)


def trade_query(**named: Any) -> Any:
    model = AlipayTradeQueryModel()
    for name, value in named.items():
        setattr(model, name, value)
    return AlipayTradeQueryRequest(biz_model=model)


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_the_sdk_reads_every_trade(server: Server, charset: str) -> None:
    sandbox = AlipaySandbox(server)
    sdk = client(sandbox, charset=charset)
    for payment in sandbox.payments[:10]:
        request = trade_query(trade_no=payment.native_id, query_options=["fund_bill_list"])
        response = AlipayTradeQueryResponse()
        response.parse_response_content(sdk.execute(request))
        assert response.is_success()
        assert response.total_amount == f"{payment.amount / 100:.2f}"
        assert response.trade_no == payment.native_id


def test_the_sdk_reads_a_refund(server: Server) -> None:
    sandbox = AlipaySandbox(server)
    payment, refund = sandbox.refunds[0]
    model = AlipayTradeFastpayRefundQueryModel()
    model.trade_no = payment.native_id
    model.out_request_no = refund.native_id.partition("-")[2]
    response = AlipayTradeFastpayRefundQueryResponse()
    request = AlipayTradeFastpayRefundQueryRequest(biz_model=model)
    response.parse_response_content(client(sandbox).execute(request))
    assert response.refund_status == "REFUND_SUCCESS"
    assert response.refund_amount == f"{refund.amount / 100:.2f}"


def test_the_sdk_understands_a_business_refusal(server: Server) -> None:
    response = AlipayTradeQueryResponse()
    request = trade_query(out_trade_no="SO-0")
    response.parse_response_content(client(AlipaySandbox(server)).execute(request))
    assert (response.code, response.sub_code) == ("40004", "ACQ.TRADE_NOT_EXIST")


def test_the_sdk_has_no_answer_to_a_refusal_without_signature(server: Server) -> None:
    with pytest.raises(ResponseException):
        client(AlipaySandbox(server), app_id="1").execute(trade_query(out_trade_no="SO-0"))


def test_the_sdk_reads_digital_yuan(server: Server) -> None:
    sandbox = AlipaySandbox(server, "ecny_cn")
    public = AlipaySandbox(server).credentials["alipay_public_key"]
    sandbox.credentials = {**sandbox.credentials, "alipay_public_key": public}
    model = MybankEcnyTradeQueryModel()
    model.merchant_id = sandbox.credentials["merchant_id"]
    model.trade_no = sandbox.payments[0].native_id
    answer = client(sandbox).execute(MybankEcnyTradeQueryRequest(biz_model=model))
    assert json.loads(answer)["trade_no"] == sandbox.payments[0].native_id


PARAMS = {
    "app_id": "2014072300007148",
    "biz_content": '{"out_trade_no":"茶/A&B=1%"}',
    "charset": "utf-8",
    "sign_type": "RSA2",
    "timestamp": "2026-01-01 08:00:00",
}


def test_the_sdk_writes_the_same_text_to_sign() -> None:
    assert SignatureUtils.get_sign_content(PARAMS) == signed_text(PARAMS)


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_the_sdk_makes_the_same_signature(charset: str) -> None:
    """RSASSA-PKCS1-v1_5 leaves nothing to chance: the same key and text give the same bytes."""
    text = signed_text(PARAMS)
    theirs = SignatureUtils.sign_with_rsa2(pkcs1(private_text(KEY)), text, charset)
    assert SigningKey.read(Secret(private_text(KEY))).sign(text.encode(charset)) == theirs
    assert VerifyingKey.read(public_text(KEY)).accepts(text.encode(charset), theirs)
    assert SignatureUtils.verify_with_rsa(public_text(KEY), text.encode(charset), theirs)


AES = "aa4BtZ4tspm2wnXLb1ThQA=="


@pytest.mark.parametrize("text", ["", "{}", "sixteen letters.", "茶" * 100])
def test_the_sdks_cipher_encrypts_the_same(text: str) -> None:
    """Its own way to call it passes text where bytes are needed, and fails."""
    aes, padding = import_module("Crypto.Cipher.AES"), import_module("Crypto.Util.Padding")
    cipher = aes.new(b64decode(AES), aes.MODE_CBC, bytes(16))
    theirs = b64encode(cipher.encrypt(padding.pad(text.encode(), 16))).decode()
    ours = Cipher.read(Secret(AES))
    assert ours.encrypted(text.encode()) == theirs
    assert ours.decrypted(theirs).decode() == text


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_the_sdk_and_we_agree_on_which_bytes_were_signed(charset: str) -> None:
    """An answer as a server might write it: the SDK takes the node out in its own way."""
    node = '{"code":"10000","subject":"茶\\/具 } \\" {","list":[{"a":"}"}]}'
    sign = sign_by(SignatureUtils.sign_with_rsa2, node, charset)
    body = f'{{"alipay_trade_query_response":{node},"sign":"{sign}"}}'.encode(charset)
    config = AlipayClientConfig()
    config.alipay_public_key, config.charset = public_text(THEIRS), charset
    sdk = DefaultAlipayClient(config)
    parsed = sdk._DefaultAlipayClient__parse_response(body)
    settings = AlipaySettings(
        vendor="alipay",
        app_id="1",
        private_key=Secret(private_text(KEY)),
        alipay_public_key=Secret(public_text(THEIRS)),
        charset="gbk" if charset == "gbk" else "utf-8",
    )
    speaks = Gateway("alipay_cn", settings, Ring(settings), lambda: NOW)
    response = Response(200, {}, body)
    assert speaks.judge(response) is None
    assert speaks.content(TRADE, response).decode() == parsed


def sign_by(sign: Callable[[str, str, str], str], text: str, charset: str) -> str:
    return sign(pkcs1(private_text(THEIRS)), text, charset)


def test_keys_are_made_anew_for_each_run(server: Server) -> None:
    with serve(world=server.world) as other:
        one, two = (AlipaySandbox(s).credentials["private_key"] for s in (server, other))
    assert one != two
