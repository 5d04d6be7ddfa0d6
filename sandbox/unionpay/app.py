"""The ASGI application: a signed form comes in, a signed message goes out."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.simulator import Answer, Context
from sandbox.unionpay.files import settlement_file
from sandbox.unionpay.ids import MERCHANT, moment
from sandbox.unionpay.keys import ring
from sandbox.unionpay.query import query
from sandbox.unionpay.replies import Refusal, done
from sandbox.unionpay.transactions import Transactions
from sandbox.world import World

QUERY, FILES = "/gateway/api/queryTrans.do", "/filedownload/"
REQUIRED = (
    *("version", "encoding", "signMethod", "certId", "signature", "txnType", "txnSubType"),
    *("bizType", "accessType", "merId"),
)
FIXED = {"version": "5.1.0", "signMethod": "01", "bizType": "000000"}
SHAPES = {
    "orderId": re.compile(r"[A-Za-z0-9]{8,40}"),
    "queryId": re.compile(r"[0-9]{21}"),
    "settleDate": re.compile(r"[0-9]{4}"),
    "certId": re.compile(r"[0-9]+"),
    "accessType": re.compile(r"[012]"),
}
ECHOED = (
    *("orderId", "queryId", "settleDate", "txnTime", "txnType", "txnSubType", "bizType", "merId"),
)
"""What a refusal tells of what was asked."""


class UnionPayApp:
    """One merchant's transactions and files."""

    def __init__(self, world: World, context: Context) -> None:
        self.context = context
        self.book = Transactions(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"UnionPay speaks HTTP, not {scope['type']}")
        path = vendor_path(scope)
        if scope["method"] != "POST" or path not in (QUERY, FILES):
            await send_answer(Answer(404, b"<html>404</html>", "text/html"), send)
            return
        asked = dict(parse_qsl((await content(receive)).decode("utf-8", "replace")))
        await send_answer(self.answer(path, asked), send)

    def answer(self, path: str, asked: dict[str, str]) -> Answer:
        try:
            check(asked)
            return self.query(asked) if path == QUERY else self.file(asked)
        except Refusal as refusal:
            return done({k: asked[k] for k in ECHOED if k in asked}, refusal.code)

    def query(self, asked: dict[str, str]) -> Answer:
        if asked["txnType"] != "00" or asked["txnSubType"] not in ("00", "02"):
            raise Refusal("10")
        return query(self.book, asked)

    def file(self, asked: dict[str, str]) -> Answer:
        if (asked["txnType"], asked["txnSubType"]) != ("76", "01"):
            raise Refusal("10")
        if any(not asked.get(name) for name in ("settleDate", "txnTime", "fileType")):
            raise Refusal("13")
        day = self.book.settled(asked["settleDate"], self.context.clock())
        return settlement_file(self.book, asked, day)


def check(asked: dict[str, str]) -> None:
    """What UnionPay refuses before it looks at what is asked; raises Refusal."""
    if any(not asked.get(name) for name in REQUIRED):
        raise Refusal("13")
    if any(asked[name] != value for name, value in FIXED.items()):
        raise Refusal("10")
    if any(n in asked and not shape.fullmatch(asked[n]) for n, shape in SHAPES.items()):
        raise Refusal("10")
    if asked["encoding"].upper() != "UTF-8" or not timely(asked.get("txnTime")):
        raise Refusal("10")
    if asked["merId"] != MERCHANT:
        raise Refusal("31")
    merchant = ring().merchant
    if asked["certId"] != merchant.serial or not merchant.signed(asked, asked["signature"]):
        raise Refusal("11")


def timely(text: str | None) -> bool:
    if text is None:
        return True
    try:
        moment(text)
    except ValueError:
        return False
    return True


async def content(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
