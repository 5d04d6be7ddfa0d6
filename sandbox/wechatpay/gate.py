"""What a request must have before anything is done for it: headers, time, signature."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.types import Scope

from sandbox.wechatpay.errors import WeChatPayError, bad_parameter, bad_signature
from sandbox.wechatpay.identity import Identity, claimed, header

MEMBERS = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
TOLERANCE = 300
REFUND_QUERIES = 300


def target(scope: Scope) -> str:
    """Path and query exactly as they came, without where the sandbox hangs it."""
    path = scope["raw_path"].decode("latin-1").removeprefix(scope.get("root_path", ""))
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def admit(scope: Scope, body: bytes, identity: Identity, now: datetime) -> None:
    """Raises what WeChat Pay answers to a request that it does not let in."""
    if not header(scope, "user-agent"):
        raise bad_parameter("User-Agent", "header", "missing")
    accepted = header(scope, "accept")
    if "application/json" not in accepted and "*/*" not in accepted:
        raise bad_parameter("Accept", "header", "application/json is what there is")
    if body and "application/json" not in header(scope, "content-type"):
        raise bad_parameter("Content-Type", "header", "application/json is what is read")
    members = claimed(scope)
    if MEMBERS - members.keys():
        raise bad_signature("the Authorization header is not complete")
    check_time(members["timestamp"], now)
    if (members["mchid"], members["serial_no"].upper()) != (identity.mchid, identity.serial_no):
        raise bad_signature("this merchant has no certificate of that number")
    check_signature(scope, body, identity, members)


def check_time(timestamp: str, now: datetime) -> None:
    known = timestamp.isdecimal() and len(timestamp) <= 12
    if not known or abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise bad_signature("the timestamp is not within five minutes")


def check_signature(scope: Scope, body: bytes, identity: Identity, members: dict[str, str]) -> None:
    """`detail` shows the beginning of what WeChat Pay itself signed, as it does in reality."""
    head = (scope["method"], target(scope), members["timestamp"], members["nonce_str"])
    message = "\n".join(head).encode() + b"\n" + body + b"\n"
    try:
        given = base64.b64decode(members["signature"], validate=True)
        identity.own.key.public_key().verify(given, message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error):
        raise WeChatPayError(
            401,
            "SIGN_ERROR",
            "签名错误，请检查后再试",
            sign_information={
                "method": scope["method"],
                "url": target(scope),
                "truncated_sign_message": message[:64].decode("utf-8", "replace"),
                "sign_message_length": len(message),
            },
        ) from None


class Pace:
    """At most so many queries of refunds in any one second."""

    def __init__(self) -> None:
        self.second, self.count = 0, 0

    def spend(self, now: datetime) -> None:
        second = int(now.timestamp())
        self.count = self.count + 1 if second == self.second else 1
        self.second = second
        if self.count > REFUND_QUERIES:
            raise WeChatPayError(429, "FREQUENCY_LIMITED", "查询退款请求频率超限")
