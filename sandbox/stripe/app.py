"""The ASGI application: key, version, limits, idempotency, route, answer."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.simulator import Answer, Context
from sandbox.stripe import params as read
from sandbox.stripe.errors import StripeError
from sandbox.stripe.idempotency import Keys
from sandbox.stripe.ids import derived
from sandbox.stripe.keys import KeyRing, header, version
from sandbox.stripe.limits import Limits
from sandbox.stripe.routes import Moment, Route, Router
from sandbox.stripe.store import fill
from sandbox.world import Account, World

WRITE_SECONDS = 0.005  # a write takes a moment, in which its idempotency key is in use
Headers = list[tuple[str, str]]


class StripeApp:
    """All accounts of the world at one address; the key decides, as with Stripe."""

    def __init__(self, world: World, context: Context, accounts: tuple[Account, ...]) -> None:
        self.context = context
        self.ring = KeyRing.of(context, accounts)
        self.stores = {account.name: fill(account, world) for account in accounts}
        self.router = Router()
        self.limits = Limits()
        self.keys = Keys()
        self.numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"Stripe speaks HTTP, not {scope['type']}")
        request_id = derived("req_", self.context.seed, next(self.numbers), length=14)
        headers: Headers = [("Request-Id", request_id)]
        try:
            status, body = await self.answer(scope, receive, headers, request_id)
        except StripeError as error:
            status, body = error.status, error.body(request_id)
            headers += error.headers
        await send_answer(Answer(status, body, "application/json", tuple(headers)), send)

    async def answer(
        self, scope: Scope, receive: Receive, headers: Headers, request_id: str
    ) -> tuple[int, bytes]:
        account = self.ring.owner(scope)
        headers.append(("Stripe-Version", version(scope)))
        method, path = scope["method"], vendor_path(scope)
        route, native_id = self.router.find(method, path)
        now = self.context.clock().timestamp()
        if self.context.rate_limits:
            for kind in route.spends:
                self.limits.spend(account, kind, now)
        query = scope["query_string"].decode("latin-1")
        text = query if method == "GET" else await body_text(receive)
        moment = Moment(self.stores[account], now, self.context.search_lag)
        call = Call(route, moment, f"{method} {path}", text, native_id, request_id)
        key = header(scope, "idempotency-key") if method == "POST" else None
        if not key:
            return 200, call.run()
        headers.append(("Idempotency-Key", key))
        return await self.once(call, account, key, headers)

    async def once(self, call: Call, account: str, key: str, headers: Headers) -> tuple[int, bytes]:
        """Write, or give the answer that was given before under the same idempotency key."""
        fingerprint = (call.target, call.text)
        kept = self.keys.begin(account, key, fingerprint, call.moment.now, call.request_id)
        if kept is not None and kept.status is not None:
            headers += [("Idempotent-Replayed", "true"), ("Original-Request", kept.request_id)]
            return kept.status, kept.body
        try:
            await asyncio.sleep(WRITE_SECONDS)
            status, body = call.executed()
        except BaseException:
            self.keys.release(account, key)
            raise
        self.keys.finish(account, key, status, body)
        headers.append(("Original-Request", call.request_id))
        return status, body


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose sender, route and parameters are known."""

    route: Route
    moment: Moment
    target: str
    text: str
    native_id: str
    request_id: str

    def run(self) -> bytes:
        params = read.decode(self.text)
        return msgspec.json.encode(self.route.handler(self.moment, params, self.native_id))

    def executed(self) -> tuple[int, bytes]:
        """The answer to keep; errors from before the work began are raised instead."""
        try:
            return 200, self.run()
        except StripeError as error:
            if not error.executed:
                raise
            return error.status, error.body(self.request_id)


async def body_text(receive: Receive) -> str:
    chunks: list[bytes] = []
    more = True
    while more:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks).decode("utf-8", "replace")
