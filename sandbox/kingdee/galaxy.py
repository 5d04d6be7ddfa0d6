"""One Galaxy server: its services at `/kingdee/k3cloud/<Service>.common.kdsvc`."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.kingdee.access import Access, header
from sandbox.kingdee.bills import build
from sandbox.kingdee.details import business_info, view
from sandbox.kingdee.errors import GatewayError, Refusal, answer, in_a_cell
from sandbox.kingdee.query import Shelf, query
from sandbox.simulator import Answer, Context
from sandbox.world import World

MOUNT = "/kingdee/k3cloud/"
SERVICE = re.compile(r"/k3cloud/Kingdee\.BOS\.WebApi\.ServicesStub\.(\w+)\.(\w+)\.common\.kdsvc")
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "ExecuteBillQuery": ("data",),
    "BillQuery": ("data",),
    "QueryBusinessInfo": ("data",),
    "View": ("formid", "data"),
}
PER_SECOND = 25
"""Calls that the licence of this company allows."""


class Galaxy:
    """Tests may change what `shelf` and `access` hold while it serves."""

    def __init__(self, world: World, context: Context) -> None:
        self.context = context
        self.shelf = Shelf(build(world), rng=random.Random(context.seed))
        self.access = Access(context)
        self.recent: deque[float] = deque(maxlen=PER_SECOND)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole_body(receive)
        await send_answer(self.answer(scope, body), send)

    def answer(self, scope: Scope, body: bytes) -> Answer:
        found = SERVICE.fullmatch(vendor_path(scope))
        if found is None:
            return Answer(404, b"<html><body>404</body></html>", "text/html")
        if scope["method"] != "POST":
            return Answer(405, b"<html><body>405</body></html>", "text/html")
        service, method = found.groups()
        try:
            return self.served(scope, service, method, document(scope, body))
        except GatewayError as error:
            return error.answer()
        except Refusal as error:
            cell = method == "ExecuteBillQuery"
            return answer(in_a_cell(error) if cell else error.content)

    def served(self, scope: Scope, service: str, method: str, sent: dict[str, Any]) -> Answer:
        if service == "AuthService":
            told = self.access.log_in(method, sent.get("parameters", sent))
            return with_cookies(answer(told), told["KDSVCSessionId"])
        if service != "DynamicFormService" or method not in PARAMETERS:
            raise GatewayError(5001)
        signed = self.access.admit(scope)
        self.count()
        given = named(method, sent) if signed else positional(method, sent)
        return answer(self.result(method, given))

    def result(self, method: str, given: dict[str, Any]) -> Any:
        if method == "View":
            return view(self.shelf, given["formid"], given["data"])
        if method == "QueryBusinessInfo":
            return business_info(self.shelf, given["data"])
        found = query(self.shelf, given["data"])
        if method == "BillQuery":
            return [dict(zip(found.names, row, strict=True)) for row in found.rows]
        return found.rows

    def count(self) -> None:
        if not self.context.rate_limits:
            return
        now = self.context.clock().timestamp()
        if len(self.recent) == PER_SECOND and now - self.recent[0] < 1:
            raise Refusal(14, "WebAPI 调用次数超出许可限制")
        self.recent.append(now)


def document(scope: Scope, body: bytes) -> dict[str, Any]:
    if not header(scope, "content-type").startswith("application/json"):
        raise Refusal(8, "Content-Type 必须为 application/json")
    try:
        sent = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(8, "JSON 格式错误") from None
    if not isinstance(sent, dict):
        raise Refusal(8, "参数错误")
    return sent


def positional(method: str, sent: dict[str, Any]) -> dict[str, Any]:
    """With a session: `{"parameters": [...]}`, whose objects are JSON in a string."""
    names, parameters = PARAMETERS[method], sent.get("parameters")
    if not isinstance(parameters, list) or len(parameters) != len(names):
        raise Refusal(8, "参数个数不正确")
    given = dict(zip(names, parameters, strict=True))
    if not isinstance(given["data"], str):
        raise Refusal(8, "data 必须为 JSON 字符串")
    return given | {"data": inner(given["data"])}


def named(method: str, sent: dict[str, Any]) -> dict[str, Any]:
    """With signatures: `{"formid": ..., "data": ...}`."""
    names = PARAMETERS[method]
    if set(sent) != set(names):
        raise Refusal(8, "参数名不正确")
    return sent | {"data": inner(sent["data"])} if isinstance(sent["data"], str) else sent


def inner(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(8, "JSON 格式错误") from None


def with_cookies(told: Answer, session: str | None) -> Answer:
    if session is None:
        return told
    cookies = (
        ("set-cookie", f"ASP.NET_SessionId=asp{session[:20]}; path=/; HttpOnly"),
        ("set-cookie", f"kdservice-sessionid={session}; path=/"),
    )
    return Answer(told.status, told.body, told.content_type, cookies)


async def whole_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
