"""WeChat Pay's error bodies. https://pay.weixin.qq.com/doc/v3/merchant/4012070379"""

from __future__ import annotations

import json
from typing import Any

from sandbox.behaviour import in_gbk, is_gbk
from sandbox.simulator import Answer

JSON = "application/json; charset=utf-8"


class WeChatPayError(Exception):
    """An error as WeChat Pay answers it."""

    def __init__(self, status: int, code: str, message: str, **detail: Any) -> None:
        super().__init__(code, message)
        self.status = status
        content = {"code": code, "message": message}
        self.body = encoded(content | ({"detail": detail} if detail else {}))


def encoded(content: Any) -> bytes:
    """JSON with letters beyond ASCII escaped: who verifies other bytes than these will notice."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=not is_gbk()).encode()
    return in_gbk(body) if is_gbk() else body


def bad_parameter(field: str, location: str, issue: str) -> WeChatPayError:
    return WeChatPayError(
        400, "PARAM_ERROR", "参数错误", field=field, location=location, issue=issue
    )


def bad_signature(issue: str) -> WeChatPayError:
    return WeChatPayError(401, "SIGN_ERROR", "签名错误", issue=issue)


def no_order() -> WeChatPayError:
    return WeChatPayError(404, "ORDER_NOT_EXIST", "订单不存在")


def missing(message: str) -> WeChatPayError:
    return WeChatPayError(404, "RESOURCE_NOT_EXISTS", message)


def error_answer(status: int) -> Answer:
    """WeChat Pay's own body for an injected fault."""
    error = PLAIN.get(status) or WeChatPayError(
        status, "SYSTEM_ERROR" if status >= 500 else "INVALID_REQUEST", "系统错误"
    )
    return Answer(status, error.body, JSON, (("Request-ID", "08F7D4B2A90618B80120-268435456"),))


PLAIN = {
    401: bad_signature("the signature does not fit"),
    403: WeChatPayError(403, "NO_AUTH", "商户无权限"),
    404: no_order(),
    429: WeChatPayError(429, "FREQUENCY_LIMITED", "频率超限"),
    502: WeChatPayError(502, "SERVICE_UNAVAILABLE", "服务不可用"),
    503: WeChatPayError(503, "BANK_ERROR", "银行系统异常"),
}
