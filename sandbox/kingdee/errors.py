"""Failures as Galaxy writes them: HTTP 200 with a code, in a bill query as the only cell."""

from __future__ import annotations

from typing import Any

import msgspec

from sandbox.simulator import Answer

ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON = "application/json; charset=utf-8"
LOST = "会话信息已丢失，请重新登录"
GATEWAY = {
    4002: ("Unauthorized, APP_ID is empty[GW]", "认证失败, 应用ID为空[网关]"),
    4006: ("Unauthorized, timestamp expired[GW]", "认证失败, 时间戳过期[网关]"),
    5001: ("API not found[GW]", "API不存在[网关]"),
}


class Refusal(Exception):
    """A business error: MsgCode and message."""

    def __init__(self, code: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.content = {
            "Result": {
                "ResponseStatus": {
                    "ErrorCode": 500,
                    "IsSuccess": False,
                    "Errors": [{"FieldName": field, "Message": message, "DIndex": 0}],
                    "SuccessEntitys": [],
                    "SuccessMessages": [],
                    "MsgCode": code,
                }
            }
        }


class GatewayError(Exception):
    """The gateway before the server did not let the call pass."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def answer(self) -> Answer:
        english, chinese = GATEWAY[self.code]
        body = {"errcode": self.code, "description": english, "description_cn": chinese}
        headers = (("X-Api-Requestid", "0a1b2c3d"),)
        return Answer(519, ENCODER.encode(body), JSON, headers)


def lost_session() -> Refusal:
    return Refusal(1, LOST)


def no_field(name: str) -> Refusal:
    return Refusal(9, f"元数据中标识为{name}的字段不存在")


def answer(content: Any) -> Answer:
    return Answer(200, ENCODER.encode(content), JSON)


def in_a_cell(refusal: Refusal) -> list[list[Any]]:
    return [[refusal.content]]


def error_answer(status: int) -> Answer:
    """What an injected fault looks like here: there is no 401 and no 429."""
    if status == 401:
        return answer(in_a_cell(lost_session()))
    if status == 429:
        return answer(in_a_cell(Refusal(14, "WebAPI 调用次数超出许可限制")))
    text = "response_error:服务器内部错误"
    return Answer(status, text.encode(), "text/plain; charset=utf-8")
