"""The simulated U8 with its world, its switches and settings that fit it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from connectors.conformance import Fault
from connectors.secret import Secret
from connectors.yonyou.settings import YonyouSettings
from sandbox.generate import generate
from sandbox.server import Server
from sandbox.simulator import Clock, wall_clock
from sandbox.world import Customer, Order
from sandbox.yonyou import VENDOR as SIMULATED
from sandbox.yonyou import YonyouApp, app_of
from tests.connectors.paper_provider import (
    STRIPE_EU,
    WECHAT_CN,
    paper_provider,
    seen_through,
)
from tests.connectors.upstream import SandboxUpstream

CUSTOMERS, ORDERS = 60, 150
PROVIDERS = (
    paper_provider("stripe", STRIPE_EU),
    paper_provider("wechatpay", replace(WECHAT_CN, lacks=frozenset({"customers"}))),
)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class YonyouSandbox(SandboxUpstream):
    """The controls of a running simulator, and what the company's books really hold."""

    def __init__(self, server: Server, app: YonyouApp) -> None:
        super().__init__(server.origin, "yonyou", "yonyou")
        self.app = app
        self.world = server.world
        self.credentials = server.credentials["yonyou"]
        self.toml = server.settings["yonyou"]

    def settings(self, **changes: Any) -> YonyouSettings:
        """As `tillgate.toml` says it, with `changes` to the source's own keys."""
        written = tomllib.loads(f'[sources.yonyou]\nvendor = "yonyou"\n{self.toml}')
        own = written["sources"]["yonyou"] | self.credentials
        made: YonyouSettings = msgspec.convert(
            own | changes, YonyouSettings, dec_hook=lambda kind, value: Secret(value)
        )
        return made

    def customers(self) -> list[Customer]:
        return [one for one in self.world.customers if "yonyou" in one.sources]

    def orders(self) -> list[Order]:
        return [one for one in self.world.orders if one.source == "yonyou"]

    def asked(self) -> list[str]:
        """The path of each call since the log was cleared."""
        answer = httpx.get(f"{self.origin}/_sandbox/calls", params={"vendor": "yonyou"})
        return [call["path"] for call in answer.json()["calls"]]

    async def set_login_faults(self, faults: Sequence[Fault]) -> None:
        """As `set_faults`, for the calls that ask for a token."""
        where = {"vendor": self.vendor, "path": "/system/token"}
        body = {"faults": [{**msgspec.to_builtins(fault), **where} for fault in faults]}
        await self._send("PUT", "/faults", msgspec.json.encode(body))

    def row(self, table: str, code: str) -> dict[str, Any]:
        """What the books hold, to be changed."""
        found = [row for row in self.app.rows[table] if code in (row.get("code"), row["define10"])]
        return found[0]

    def read(self, path: str, **query: str) -> dict[str, Any]:
        """A call as any client would make it, with a token of its own."""
        url, own = self.credentials["base_url"], self.credentials
        app = {"from_account": own["from_account"], "app_key": own["app_key"]}
        login = {**app, "app_secret": own["app_secret"]}
        token = httpx.get(f"{url}/system/token", params=login).json()["token"]["id"]
        whom = {"to_account": own["to_account"], "ds_sequence": "1", "token": token}
        answer = httpx.get(url + path, params={**app, **whom, **query})
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found


def running(
    *, rate_limits: bool = False, clock: Clock = wall_clock, orders: int = ORDERS
) -> Iterator[YonyouSandbox]:
    simulated, seen = seen_through(SIMULATED)
    vendors = (simulated, *PROVIDERS)
    world = generate(11, CUSTOMERS, orders, vendors=vendors)
    with Server(world, vendors, rate_limits=rate_limits, clock=clock) as server:
        yield YonyouSandbox(server, app_of(seen[0]))
