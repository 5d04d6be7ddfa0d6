"""The tenant's gateway and token service as one ASGI application."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.simulator import Context
from sandbox.world import World
from sandbox.yonbip.apps import App
from sandbox.yonbip.errors import NO_ORDER, Refusal, answer
from sandbox.yonbip.listing import STRETCHES, page_of
from sandbox.yonbip.orders import detailed, listed, orders_of

TOKEN = "/iuap-api-auth/open-auth/selfAppAuth/base/v1/getAccessToken"
LIST = "/iuap-api-gateway/yonbip/sd/voucherorder/list"
DETAIL = "/iuap-api-gateway/yonbip/sd/voucherorder/detail"
METHODS = {TOKEN: "GET", LIST: "POST", DETAIL: "GET"}
MINUTE = timedelta(minutes=1)
CONDITIONS = {"code", "simpleVOs", *STRETCHES}


class Simulator:
    """`per_minute` is what the tenant bought, 60 are free; `licensed` whether the app may use the
    sales order's API. One that is `careless` leaves out all conditions."""

    def __init__(self, world: World, context: Context) -> None:
        self.accounts = world.accounts
        self.context = context
        self.app = App(context.seed, context.clock)
        self.per_minute = 60_000
        self.licensed = True
        self.careless = False
        self.orders = orders_of(world)
        self.calls: deque[datetime] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            content = self.asked(scope, await Request(scope, receive).body())
            status = 200
        except Refusal as refusal:
            status, content = refusal.status, refusal.content
        await send_answer(answer(status, content), send)

    def asked(self, scope: Scope, body: bytes) -> dict[str, Any]:
        """The path is looked at before the token, as there."""
        path, query = vendor_path(scope), scope["query_string"].decode("latin-1")
        if path not in METHODS:
            raise Refusal("310404")
        if scope["method"] != METHODS[path]:
            raise Refusal("310405")
        if path == TOKEN:
            return self.app.grant(query)
        self.admit(query)
        data = self.page(body) if path == LIST else self.detail(query)
        return {"code": "200", "message": "操作成功", "data": data}

    def admit(self, query: str) -> None:
        token = token_in(query)
        if not token:
            raise Refusal("310001")
        if not self.app.alive(token):
            raise Refusal("310036")
        if not self.licensed:
            raise Refusal("310037")
        now = self.context.clock()
        while self.calls and self.calls[0] <= now - MINUTE:
            self.calls.popleft()
        if self.context.rate_limits and len(self.calls) >= self.per_minute:
            raise Refusal("310046")
        self.calls.append(now)

    def page(self, body: bytes) -> dict[str, Any]:
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            raise Refusal("310002") from None
        if self.careless:
            asked = {name: value for name, value in asked.items() if name not in CONDITIONS}
        rows = [row for row, _ in self.orders]
        whole = page_of(rows, asked)
        if not asked.get("isSum", False):  # a row for each line
            raise Refusal("999", "the simulator lists heads alone")
        return {**whole, "recordList": [listed(row) for row in whole["recordList"]]}

    def detail(self, query: str) -> dict[str, Any]:
        ids = parse_qs(query).get("id", [])
        if len(ids) != 1:
            raise Refusal("310008")
        for row, lines in self.orders:
            if row["id"] == ids[0]:
                return detailed(row, lines)
        raise Refusal("999", NO_ORDER)


def token_in(query: str) -> str:
    return parse_qs(query).get("access_token", [""])[0]
