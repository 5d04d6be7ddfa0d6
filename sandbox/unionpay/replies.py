"""What UnionPay sends back: raw `k=v` pairs with its certificate and its signature."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sandbox.behaviour import is_gbk
from sandbox.oddities import as_meant
from sandbox.simulator import Answer
from sandbox.unionpay.ids import MERCHANT
from sandbox.unionpay.keys import Holder, ring

FORM = "application/x-www-form-urlencoded;charset=UTF-8"
TEXTS = {
    "00": "成功[0000000]",
    "10": "报文格式错误[6100030]",
    "11": "签名验证失败[9100004]",
    "13": "报文交易要素缺失[6131301]",
    "31": "商户状态不正确[6131001]",
    "34": "查无此交易[2600000]",
    "37": "查询次数过于频繁[6133700]",
    "98": "文件不存在[6139800]",
}
BASE = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0"}


class Refusal(Exception):
    """A call that was understood, and its respCode."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def body(fields: Mapping[str, str], signer: Holder | None = None) -> bytes:
    """A signed answer; the certificate in it has UnionPay's line ends and is signed too."""
    signer = signer or ring().unionpay
    certificate = signer.pem().strip().replace("\n", "\r\n")
    told = {k: v for k, v in sorted({**BASE, **fields}.items()) if v}
    told["signPubKeyCert"] = certificate
    codec = "gb18030" if is_gbk() else "utf-8"
    told["signature"] = signer.sign(told, codec)
    return "&".join(f"{k}={v}" for k, v in told.items()).encode(codec)


def done(fields: Mapping[str, str], code: str = "00") -> Answer:
    """HTTP 200, whatever the code."""
    said = {"respCode": code, "respMsg": TEXTS.get(code, "交易失败[0000099]")}
    return Answer(200, body(odd({"merId": MERCHANT, **fields, **said})), FORM)


def odd(fields: Mapping[str, str]) -> Mapping[str, str]:
    """The fields as a fault wants them, which sees them as JSON; here everything is a text."""
    told = json.loads(as_meant(json.dumps(fields)).removeprefix("\ufeff"), strict=False)
    texts = {
        name: value if isinstance(value, str) else "" if value is None else json.dumps(value)
        for name, value in (told.items() if isinstance(told, dict) else ())
    }
    return {name: text.encode("utf-8", "replace").decode() for name, text in texts.items()}


FAULTS = {401: "11", 403: "31", 429: "37"}
"""By the status that a fault asks for: UnionPay itself answers 200 with a code."""


def error_answer(status: int) -> Answer:
    if status in FAULTS:
        return done({}, FAULTS[status])
    page = f"<html><body><h1>{status}</h1>nginx</body></html>".encode()
    return Answer(status, page, "text/html")
