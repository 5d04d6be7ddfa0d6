"""The two protocols: who asks for what, whether they may, and the answer with its signature."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox.alipay.cipher import decrypted, encrypted
from sandbox.alipay.keys import APP_IDS, Keys, accepts, number_of, signed
from sandbox.alipay.naming import BEIJING
from sandbox.alipay.refusals import Refusal, written
from sandbox.behaviour import in_gbk, is_gbk
from sandbox.oddities import as_meant
from sandbox.simulator import Answer

SKEW = 15 * 60  # seconds; what Alipay allows is not published
CODECS = {"utf-8": "utf-8", "gbk": "gbk"}
SCHEME = "ALIPAY-SHA256withRSA "
OWNERS: dict[str, str] = {app_id: account for account, app_id in APP_IDS.items()}
ROUTES = (
    ("POST", r"/v3/alipay/trade/query", "alipay.trade.query"),
    ("POST", r"/v3/alipay/trade/fastpay/refund/query", "alipay.trade.fastpay.refund.query"),
    ("GET", r"/v3/alipay/data/bill/accountlog/query", "alipay.data.bill.accountlog.query"),
    ("GET", r"/v3/alipay/data/bill/balance/query", "alipay.data.bill.balance.query"),
    (
        "GET",
        r"/v3/alipay/data/dataservice/bill/downloadurl/query",
        "alipay.data.dataservice.bill.downloadurl.query",
    ),
    (
        "POST",
        r"/v3/alipay/merchant/tradecomplain/batchquery",
        "alipay.merchant.tradecomplain.batchquery",
    ),
    (
        "GET",
        r"/v3/alipay/merchant/tradecomplain/(?P<complain_event_id>[^/]+)",
        "alipay.merchant.tradecomplain.query",
    ),
)


@dataclass(frozen=True)
class Question:
    """Who asks, what, and with what."""

    account: str
    method: str
    content: dict[str, Any]


Handler = Callable[[Question], dict[str, Any]]


def app_of(scope_query: str) -> str | None:
    return dict(parse_qsl(scope_query)).get("app_id")


def proof(authorization: str) -> dict[str, str]:
    """The parts of v3's `Authorization`."""
    if not authorization.startswith(SCHEME):
        return {}
    return dict(part.split("=", 1) for part in authorization[len(SCHEME) :].split(","))


def content_of(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text or "{}")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Refusal("40002", "isv.invalid-parameter", "参数无效")
    return content


def check_time(moment: datetime, now: datetime) -> None:
    if abs((moment - now).total_seconds()) > SKEW:
        raise Refusal("40002", "isv.invalid-timestamp", "非法的时间戳参数")


def check_certificates(keys: Keys, account: str, own: str | None, root: str | None) -> None:
    """Both numbers must be right where one is given."""
    if own is None and root is None:
        return
    if own != number_of(keys.app_certificates[account]):
        raise Refusal("40002", "isv.invalid-app-cert-sn", "应用公钥证书SN无效")
    if root != number_of(keys.root):
        raise Refusal("40002", "isv.invalid-alipay-root-cert-sn", "支付宝根证书SN无效")


class GatewaySpeech:
    """v2 at `/gateway.do`."""

    def __init__(self, keys: Keys, handler: Handler, clock: Callable[[], datetime]) -> None:
        self.keys = keys
        self.handler = handler
        self.clock = clock

    def answer(self, query: str, body: bytes) -> Answer:
        common = dict(parse_qsl(query))
        codec = CODECS.get(common.get("charset", "").lower(), "utf-8")
        try:
            params = {**dict(parse_qsl(query, encoding=codec)), **form(body, codec)}
            account = self.known(params, codec)
            return self.told(params, codec, account)
        except Refusal as refusal:
            return self.signed_answer({}, "error_response", refusal.node(), codec, False)

    def told(self, params: dict[str, str], codec: str, account: str) -> Answer:
        method = params.get("method", "")
        name = method.replace(".", "_") + "_response"
        text = params.get("biz_content", "")
        if params.get("encrypt_type") == "AES" and text:
            text = decrypted(self.keys.aes, text).decode(codec)
        try:
            told = self.handler(Question(account, method, content_of(text)))
        except Refusal as refusal:
            if not refusal.signed:
                raise
            return self.signed_answer(params, name, refusal.node(), codec, True)
        node = {"code": "10000", "msg": "Success", **told}
        return self.signed_answer(params, name, node, codec, True)

    def known(self, params: Mapping[str, str], codec: str) -> str:
        """The account whose application asks rightly."""
        account = OWNERS.get(params.get("app_id", ""))
        if account is None:
            raise Refusal("40002", "isv.invalid-app-id", "无效的AppID参数")
        if not params.get("sign"):
            raise Refusal("40001", "isv.missing-signature", "缺少签名参数")
        pairs = sorted((k, v) for k, v in params.items() if k != "sign" and v)
        text = "&".join(f"{k}={v}" for k, v in pairs)
        if not accepts(self.keys.apps[account], text.encode(codec), params["sign"]):
            raise Refusal("40002", "isv.invalid-signature", "验签出错，建议检查签名字符串")
        if params.get("sign_type") != "RSA2" or params.get("version") != "1.0":
            raise Refusal("40002", "isv.invalid-signature-type", "无效签名类型")
        check_time(beijing_time(params.get("timestamp", "")), self.clock())
        check_certificates(
            self.keys, account, params.get("app_cert_sn"), params.get("alipay_root_cert_sn")
        )
        return account

    def signed_answer(
        self, params: Mapping[str, str], name: str, node: Any, asked: str, sign: bool
    ) -> Answer:
        codec = "gb18030" if is_gbk() else asked
        # What GBK cannot write becomes a question mark.
        text = as_meant(written(node)).encode(codec, "replace").decode(codec)
        if params.get("encrypt_type") == "AES":
            text = f'"{encrypted(self.keys.aes, text.encode(codec))}"'
        parts = [f'"{name}":{text}']
        if sign and "app_cert_sn" in params:
            parts.append(f'"alipay_cert_sn":"{number_of(self.keys.alipay_certificate)}"')
        if sign:
            parts.append(f'"sign":"{signed(self.keys.alipay, text.encode(codec))}"')
        return Answer(
            200, ("{" + ",".join(parts) + "}").encode(codec), "text/html;charset=" + asked
        )


class RestSpeech:
    """v3 below `/v3/`."""

    def __init__(self, keys: Keys, handler: Handler, clock: Callable[[], datetime]) -> None:
        self.keys = keys
        self.handler = handler
        self.clock = clock

    def answer(self, verb: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """`target` is the path with its query, as it was sent."""
        try:
            account = self.known(verb, target, headers, body)
            secret = headers.get("alipay-encrypt-type") == "AES"
            if secret and body:
                body = decrypted(self.keys.aes, body.decode())
            told = self.handler(self.question(account, verb, target, body))
        except Refusal as refusal:
            return self.signed_answer(refusal.status, refusal.rest(), headers, False)
        return self.signed_answer(200, told, headers, secret)

    def question(self, account: str, verb: str, target: str, body: bytes) -> Question:
        path, _, query = target.partition("?")
        for route_verb, pattern, method in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and route_verb == verb:
                named = {key: unquote(value) for key, value in found.groupdict().items()}
                content = content_of(body.decode()) if body else {}
                return Question(account, method, {**content, **dict(parse_qsl(query)), **named})
        raise Refusal("40002", "isv.invalid-method", "不存在的方法名", 404)

    def known(self, verb: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
        authorization = headers.get("authorization", "")
        told = proof(authorization)
        account = OWNERS.get(told.get("app_id", ""))
        if account is None or not told.get("nonce"):
            raise Refusal("40002", "isv.invalid-app-id", "无效的AppID参数")
        text = authorization[len(SCHEME) :].partition(",sign=")[0]
        message = f"{text}\n{verb}\n{target}\n".encode() + body + b"\n"
        if token := headers.get("alipay-app-auth-token"):
            message += f"{token}\n".encode()
        if not accepts(self.keys.apps[account], message, told.get("sign", "")):
            raise Refusal("40002", "isv.invalid-signature", "验签出错", 401)
        moment = datetime.fromtimestamp(int(told["timestamp"]) / 1000, BEIJING)
        check_time(moment, self.clock())
        check_certificates(
            self.keys, account, told.get("app_cert_sn"), headers.get("alipay-root-cert-sn")
        )
        return account

    def signed_answer(
        self, status: int, content: Any, headers: Mapping[str, str], secret: bool
    ) -> Answer:
        body = as_meant(written(content)).encode()
        if is_gbk():
            body = in_gbk(body)
        if secret:
            body = encrypted(self.keys.aes, body).encode()
        at = str(int(self.clock().timestamp() * 1000))
        nonce = uuid.uuid4().hex
        signature = signed(self.keys.alipay, f"{at}\n{nonce}\n".encode() + body + b"\n")
        more = [("alipay-timestamp", at), ("alipay-nonce", nonce), ("alipay-signature", signature)]
        if "alipay-root-cert-sn" in headers:
            more.append(("alipay-sn", number_of(self.keys.alipay_certificate)))
        if secret:
            more.append(("alipay-encrypt-type", "AES"))
        kind = "text/plain" if secret else "application/json;charset=utf-8"
        return Answer(status, body, kind, (*more, ("alipay-trace-id", nonce)))


def form(body: bytes, codec: str) -> dict[str, str]:
    return dict(parse_qsl(body.decode("ascii"), encoding=codec))


def beijing_time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=BEIJING)
    except ValueError:
        raise Refusal("40002", "isv.invalid-timestamp", "非法的时间戳参数") from None
