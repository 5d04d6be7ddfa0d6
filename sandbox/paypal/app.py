"""The ASGI application: who calls, route, answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.paypal.errors import PaypalError, answer
from sandbox.paypal.keys import DISPUTES, PAYMENTS, REPORTS, KeyRing, header
from sandbox.paypal.queries import Query
from sandbox.paypal.store import Store
from sandbox.paypal.writes import refund
from sandbox.simulator import Context
from sandbox.world import Account, World

LOGIN = "/v1/oauth2/token"
REFUND = re.compile(r"/v2/payments/captures/([^/]+)/refund")
BRIEF = ("id", "status", "links")
Read = Callable[[Store, str, Query, Context], Any]


@dataclass(frozen=True, slots=True)
class Route:
    path: re.Pattern[str]
    scope: str
    read: Read


ROUTES = (
    Route(re.compile(r"/v2/checkout/orders/([^/]+)"), PAYMENTS, lambda s, key, q, c: s.order(key)),
    Route(
        re.compile(r"/v2/payments/captures/([^/]+)"), PAYMENTS, lambda s, key, q, c: s.capture(key)
    ),
    Route(
        re.compile(r"/v2/payments/authorizations/([^/]+)"),
        PAYMENTS,
        lambda s, key, q, c: s.authorization(key),
    ),
    Route(
        re.compile(r"/v2/payments/refunds/([^/]+)"), PAYMENTS, lambda s, key, q, c: s.refund(key)
    ),
    Route(
        re.compile(r"/v1/customer/disputes/([^/]+)"), DISPUTES, lambda s, key, q, c: s.dispute(key)
    ),
    Route(re.compile(r"/v1/customer/disputes()"), DISPUTES, lambda s, key, q, c: s.dispute_list(q)),
    Route(
        re.compile(r"/v1/reporting/transactions()"),
        REPORTS,
        lambda s, key, q, c: s.history.search(q, c.clock()),
    ),
)


class PaypalApp:
    """All accounts of the world at one address; the token decides, as with PayPal."""

    def __init__(self, world: World, context: Context, accounts: tuple[Account, ...]) -> None:
        self.context = context
        self.ring = KeyRing.of(context, accounts)
        self.stores = {a.name: Store(world.payments_of(a.name)) for a in accounts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"PayPal speaks HTTP, not {scope['type']}")
        try:
            status, content = await self.answer(scope, receive)
        except PaypalError as error:
            status, content = error.status, error.content
        await send_answer(answer(status, content), send)

    async def answer(self, scope: Scope, receive: Receive) -> tuple[int, Any]:
        path, method = vendor_path(scope), scope["method"]
        if method == "POST":
            return await self.post(scope, path, await body_text(receive))
        if method != "GET":
            raise PaypalError("METHOD_NOT_SUPPORTED")
        for route in ROUTES:
            if found := route.path.fullmatch(path):
                store = self.stores[self.ring.admit(scope, route.scope)]
                query = Query.of(scope["query_string"].decode("latin-1"))
                return 200, route.read(store, found[1], query, self.context)
        raise PaypalError("RESOURCE_NOT_FOUND")

    async def post(self, scope: Scope, path: str, body: str) -> tuple[int, Any]:
        if path == LOGIN:
            return 200, self.ring.log_in(scope, body)
        found = REFUND.fullmatch(path)
        if found is None:
            raise PaypalError("RESOURCE_NOT_FOUND")
        store = self.stores[self.ring.admit(scope, PAYMENTS)]
        if not header(scope, "content-type").startswith("application/json"):
            raise PaypalError("UNSUPPORTED_MEDIA_TYPE")
        request_id = header(scope, "paypal-request-id")
        status, made = refund(store, found[1], body, request_id, self.context.clock())
        whole = header(scope, "prefer") == "return=representation"
        return status, made if whole else {name: made[name] for name in BRIEF}


async def body_text(receive: Receive) -> str:
    chunks: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks).decode("utf-8", "replace")
