"""Failures as U8 OpenAPI tells them: HTTP 200, a code as text, and a sentence.

The vendor publishes no list of codes; these are numbered by us, the sentences are what counts.
"""

from __future__ import annotations

import msgspec

from sandbox.simulator import Answer

REFUSALS = {
    "secret": ("20001", "app_key或app_secret错误"),
    "token": ("20003", "token无效或已过期"),
    "accounts": ("20005", "to_account不存在或未授权给该应用"),
    "data source": ("20006", "ds_sequence对应的数据源未配置"),
    "denied": ("20010", "应用没有调用该接口的权限"),
    "unknown api": ("20011", "接口不存在"),
    "parameter": ("30001", "参数错误"),
    "rate": ("40001", "接口调用过于频繁，请稍后再试"),
    "quota": ("40002", "今日调用次数已达上限"),
    "offline": ("50001", "用友开放平台客户端未启动或已离线"),
    "absent": ("60001", "单据不存在"),
}
SERVER_ERROR = ("50000", "系统内部错误")


class Refused(Exception):
    """One of `REFUSALS`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.code, self.text = REFUSALS[name]


def body(code: str, text: str) -> bytes:
    return msgspec.json.encode({"errcode": code, "errmsg": text})


def error(status: int) -> Answer:
    """The answer to an injected fault: only a failure of the platform itself is an HTTP status."""
    if status >= 500:
        return Answer(status, body(*SERVER_ERROR), "application/json;charset=UTF-8")
    name = {401: "token", 403: "denied", 404: "absent", 429: "rate"}.get(status, "parameter")
    return Answer(200, body(*REFUSALS[name]), "application/json;charset=UTF-8")
