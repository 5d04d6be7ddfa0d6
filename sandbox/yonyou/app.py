"""The ASGI application: who calls whom, what for, and whether the company's server is there."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.types import Receive, Scope, Send

from sandbox.answers import send_answer
from sandbox.calls import vendor_path
from sandbox.simulator import Answer, Context
from sandbox.world import World
from sandbox.yonyou import lists
from sandbox.yonyou.keys import DATA_SOURCE, LIFETIME, Keys
from sandbox.yonyou.refusals import Refused, body
from sandbox.yonyou.vouchers import build

JSON = "application/json;charset=UTF-8"
A_SECOND = 50
"""Calls that are let through, where calls are counted."""


class YonyouApp:
    """What tests may set while it serves: `slow` seconds that the relay takes, an `offline` relay,
    a plan that is `used_up`, `denied` lists, `hidden` fields of a list, a `wrong_count` of rows,
    what is `untold` of pages, the `most_rows` that a page has whatever was asked. `heal()` undoes
    it.
    """

    def __init__(self, world: World, context: Context) -> None:
        self.context = context
        self.keys = Keys.of(context)
        self.rows = build(world)
        self.slow = 0.0
        self.offline = False
        self.used_up = False
        self.denied: set[str] = set()
        self.hidden: set[tuple[str, str]] = set()
        self.wrong_count: int | None = None
        self.untold: set[str] = set()
        self.most_rows: int | None = None
        self._recent: deque[datetime] = deque()

    def heal(self) -> None:
        """As at the start."""
        self.slow, self.offline, self.used_up = 0.0, False, False
        self.wrong_count = self.most_rows = None
        self.denied.clear()
        self.hidden.clear()
        self.untold.clear()
        self.keys.revoked = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"U8 OpenAPI speaks HTTP, not {scope['type']}")
        query = query_of(scope)
        try:
            content = msgspec.json.encode(await self._answer(scope, query))
        except Refused as refused:
            content = body(refused.code, refused.text)
        await send_answer(Answer(200, content, JSON), send)

    async def _answer(self, scope: Scope, query: dict[str, str]) -> dict[str, Any]:
        if scope["method"] not in ("GET", "POST"):
            raise Refused("unknown api")
        path = vendor_path(scope)
        if path == "/system/token":
            return self._token(query)
        self._admit(query)
        parts = path.strip("/").split("/")
        if len(parts) != 3 or parts[0] != "api":
            raise Refused("unknown api")
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.offline:
            raise Refused("offline")
        return self._read(parts[1], parts[2], query)

    def _token(self, query: dict[str, str]) -> dict[str, Any]:
        keys = self.keys
        given = tuple(query.get(name) for name in ("from_account", "app_key", "app_secret"))
        if keys.revoked or given != (keys.from_account, keys.app_key, keys.app_secret):
            raise Refused("secret")
        token = {
            "appKey": keys.app_key,
            "expiresIn": int(LIFETIME.total_seconds()),
            "id": keys.log_in(),
        }
        return {"errcode": "0", "errmsg": "", "token": token}

    def _admit(self, query: dict[str, str]) -> None:
        keys = self.keys
        if not keys.good(query.get("token", "")) or keys.revoked:
            raise Refused("token")
        if (query.get("from_account"), query.get("app_key")) != (keys.from_account, keys.app_key):
            raise Refused("secret")
        if query.get("to_account") != keys.to_account:
            raise Refused("accounts")
        if query.get("ds_sequence") != DATA_SOURCE:
            raise Refused("data source")
        if self.used_up:
            raise Refused("quota")
        self._count()

    def _count(self) -> None:
        if not self.context.rate_limits:
            return
        now = self.context.clock()
        while self._recent and now - self._recent[0] >= timedelta(seconds=1):
            self._recent.popleft()
        if len(self._recent) >= A_SECOND:
            raise Refused("rate")
        self._recent.append(now)

    def _read(self, name: str, action: str, query: dict[str, str]) -> dict[str, Any]:
        listing = name if action == "batch_get" else lists.SINGLES.get(name, "")
        if action not in ("batch_get", "get") or listing not in self.rows:
            raise Refused("unknown api")
        if listing in self.denied:
            raise Refused("denied")
        rows = self.rows[listing]
        if action == "get":
            answer = lists.document(name, rows, query)
            return answer | {name: self._shown(listing, answer[name])}
        if self.most_rows is not None:
            size = min(int(query.get("rows_per_page", "20")), self.most_rows)
            query = {**query, "rows_per_page": str(size)}
        answer = lists.page(name, rows, query)
        answer[name] = [self._shown(listing, row) for row in answer[name]]
        if self.wrong_count is not None:
            answer["row_count"] = str(self.wrong_count)
        return {key: value for key, value in answer.items() if key not in self.untold}

    def _shown(self, listing: str, row: dict[str, Any]) -> dict[str, Any]:
        """What is hidden still narrows lists."""
        return {key: value for key, value in row.items() if (listing, key) not in self.hidden}


def query_of(scope: Scope) -> dict[str, str]:
    """The first value of each parameter; empty ones are as good as none."""
    found = parse_qs(scope["query_string"].decode("latin-1"))
    return {name: values[0] for name, values in found.items()}
