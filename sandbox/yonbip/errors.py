"""YonBIP's refusals: HTTP 200 nearly always, and a code as text. The texts are the platform's."""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.simulator import Answer

MESSAGES = {
    "310001": "access_token不能为空。",
    "310002": "请求体必须是JSON结构",
    "310008": "参数校验失败，缺少必填参数",
    "310015": "参数校验错误，未通过参数正则匹配",
    "310023": "参数类型校验失败",
    "310036": "非法token",
    "310037": "API未被授权",
    "310046": "触发了API级限流",
    "310404": "网关上没有注册此API，请确认后重新调用",
    "310405": "请求方法不允许",
    "10018": "应用不存在或appKey已停用",
    "999": "服务端逻辑异常",
}
ENCODER = msgspec.json.Encoder(decimal_format="number")
NO_ORDER = "未获取到当前订单商品信息"
STATUSES = {"310404": 404, "310405": 405}
INJECTED = {400: "999", 401: "310036", 403: "310037", 404: "310404", 429: "310046"}


class Refusal(Exception):
    """One of the codes above; `number` writes it as a number, which some services do."""

    def __init__(self, code: str, message: str | None = None, *, number: bool = False) -> None:
        super().__init__(code)
        self.status = STATUSES.get(code, 200)
        self.content: dict[str, Any] = {
            "code": int(code) if number else code,
            "message": message or MESSAGES.get(code, "操作失败"),
        }


def answer(status: int, content: Any) -> Answer:
    return Answer(status, ENCODER.encode(content), "application/json;charset=UTF-8")


def injected(status: int) -> Answer:
    """What stands for a fault: outages are the web server's own."""
    if status >= 500:
        return Answer(status, b"<html><body>Bad Gateway</body></html>", "text/html")
    refusal = Refusal(INJECTED.get(status, "999"))
    return answer(refusal.status, refusal.content)
