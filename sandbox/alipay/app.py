"""The ASGI application: `/gateway.do`, `/v3/...`, and the files of bills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from sandbox.alipay import books, ecny, trades
from sandbox.alipay.bills import Desk
from sandbox.alipay.keys import APP_IDS, Keys
from sandbox.alipay.refusals import Refusal
from sandbox.alipay.speech import OWNERS, GatewaySpeech, Question, RestSpeech, app_of, proof
from sandbox.alipay.store import Shop, fill
from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.simulator import Answer, Context
from sandbox.world import World

FILE = "/downloadBillFile.resource"
Reader = Callable[[Shop, dict[str, Any]], dict[str, Any]]
READERS: dict[tuple[str, str], Reader] = {
    ("alipay_cn", "alipay.trade.query"): trades.trade_query,
    ("alipay_cn", "alipay.trade.fastpay.refund.query"): trades.refund_query,
    ("alipay_cn", "alipay.data.bill.accountlog.query"): books.account_log,
    ("alipay_cn", "alipay.data.bill.balance.query"): books.balance,
    ("alipay_cn", "alipay.merchant.tradecomplain.batchquery"): books.complaints,
    ("alipay_cn", "alipay.merchant.tradecomplain.query"): books.complaint,
    ("ecny_cn", "mybank.ecny.trade.query"): ecny.trade_query,
    ("ecny_cn", "mybank.ecny.bizflow.batchquery"): ecny.flows,
}
BILL = ("alipay_cn", "alipay.data.dataservice.bill.downloadurl.query")


class AlipayApp:
    """All accounts of the world at one address; the application's id decides, as with Alipay."""

    def __init__(self, world: World, context: Context) -> None:
        self.context = context
        self.shops = {account: fill(world, account) for account in APP_IDS}
        self.desk = Desk(self.shops, context.origin)
        keys = Keys.of(context)
        self.gateway = GatewaySpeech(keys, self.handle, context.clock)
        self.rest = RestSpeech(keys, self.handle, context.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"Alipay speaks HTTP, not {scope['type']}")
        await send_answer(self.answer(scope, await body_of(receive)), send)

    def answer(self, scope: Scope, body: bytes) -> Answer:
        path, query = vendor_path(scope), scope["query_string"].decode("latin-1")
        if path == "/gateway.do":
            return self.gateway.answer(query, body)
        if path.startswith("/v3/"):
            # As it was sent: the signature is over that.
            raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
            target = raw.removeprefix(scope.get("root_path", "")) + (f"?{query}" if query else "")
            return self.rest.answer(scope["method"], target, headers_of(scope), body)
        return self.file(query) if path == FILE else Answer(404, b"not found", "text/plain")

    def file(self, query: str) -> Answer:
        token = parse_qs(query).get("fileId", [""])[0]
        content = self.desk.file(token, self.context.clock())
        if content is None:
            return Answer(404, b"expired", "text/plain")
        return Answer(200, content, "application/zip")

    def handle(self, question: Question) -> dict[str, Any]:
        key = (question.account, question.method)
        if key == BILL:
            return self.desk.address(question.account, question.content, self.context.clock())
        if key not in READERS:
            raise Refusal("40006", "isv.insufficient-isv-permissions", "ISV权限不足", 403)
        return READERS[key](self.shops[question.account], question.content)


def account_of(context: Context, scope: Scope) -> str | None:
    """Whose application asks; a file's address names its account."""
    query = scope["query_string"].decode("latin-1")
    token = parse_qs(query).get("fileId", [""])[0]
    if token:
        return str(token.rpartition("-")[0])
    authorization = headers_of(scope).get("authorization", "")
    app_id = app_of(query) or proof(authorization).get("app_id", "")
    account: str | None = OWNERS.get(app_id)
    return account


def headers_of(scope: Scope) -> dict[str, str]:
    return {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}


async def body_of(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
