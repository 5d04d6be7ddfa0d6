"""Jiandaoyun's error bodies: HTTP 400 with a code, whatever is wrong."""

from __future__ import annotations

import msgspec

from sandbox.simulator import Answer

MESSAGES = {
    1: "错误的请求",
    2004: "应用不存在",
    3000: "表单不存在",
    3005: "无效的参数",
    4001: "数据不存在",
    4815: "无效的筛选条件",
    8301: "API Key 鉴权失败",
    8302: "无权限调用该 API",
    8303: "超出请求频率限制",
    17017: "无效的参数",
    17023: "批量修改超出限制",
    17024: "批量新增超出限制",
    17032: "不支持的字段类型",
}
GATEWAY = b"<html><head><title>Bad Gateway</title></head><body>nginx</body></html>"
CODES = {401: 8301, 403: 8302, 404: 4001, 429: 8303}


class JdyError(Exception):
    """An error as Jiandaoyun answers it."""

    def __init__(self, code: int, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status

    @property
    def answer(self) -> Answer:
        content = {"code": self.code, "msg": MESSAGES[self.code]}
        return Answer(self.status, msgspec.json.encode(content))


def too_many_at_once() -> Answer:
    """The one refusal that has a status of its own."""
    body = {"code": 8303, "msg": "超出请求并发限制"}
    return Answer(429, msgspec.json.encode(body))


def error(status: int) -> Answer:
    """The vendor's own body for an injected fault; what its gateway says is a page."""
    if status >= 500:
        return Answer(status, GATEWAY, "text/html; charset=utf-8")
    return JdyError(CODES.get(status, 1)).answer
