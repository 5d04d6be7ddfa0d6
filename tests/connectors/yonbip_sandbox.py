"""A running YonBIP simulator with a small world, and settings that fit it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from connectors.secret import Secret
from connectors.yonbip.settings import YonbipSettings
from sandbox.generate import generate
from sandbox.server import Server
from sandbox.simulator import Clock, Context, wall_clock
from sandbox.world import Order
from sandbox.yonbip import VENDOR as SIMULATED
from sandbox.yonbip import Simulator, simulator_of
from tests.connectors.paper_provider import (
    STRIPE_EU,
    WECHAT_CN,
    paper_provider,
    seen_through,
)
from tests.connectors.upstream import SandboxUpstream

ORDERS = 150


PROVIDERS = (
    paper_provider("stripe", STRIPE_EU),
    paper_provider("wechatpay", WECHAT_CN),
)


def revealed(kind: type, value: Any) -> Any:
    """Secrets of a TOML table, for msgspec."""
    if kind is Secret:
        return Secret(value)
    raise TypeError(kind)


class YonbipSandbox(SandboxUpstream):
    """The controls of a running sandbox, and the orders of its tenant."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server.origin, "yonbip", "yonbip")
        self.world = server.world
        self.simulator: Simulator = simulator_of(context)
        self.keys = server.credentials["yonbip"]
        text = "[sources.yonbip]\n" + server.settings["yonbip"]
        self.table = tomllib.loads(text)["sources"]["yonbip"]

    def settings(self, **changes: Any) -> YonbipSettings:
        """What the tenant would write, with changes."""
        table = {"vendor": "yonbip", **self.keys, **self.table}
        made = msgspec.convert(table, YonbipSettings, dec_hook=revealed)
        return msgspec.structs.replace(made, **changes)

    def orders(self) -> list[Order]:
        return [order for order in self.world.orders if order.source == "yonbip"]

    def asked(self) -> list[tuple[str, str]]:
        """Method and path of each call since the log was cleared."""
        answer = httpx.get(f"{self.origin}/_sandbox/calls", params={"vendor": "yonbip"})
        return [(call["method"], call["path"]) for call in answer.json()["calls"]]


def running(clock: Clock = wall_clock) -> Iterator[YonbipSandbox]:
    simulated, seen = seen_through(SIMULATED)
    vendors = (simulated, *PROVIDERS)
    with Server(generate(11, 60, ORDERS, vendors=vendors), vendors, clock=clock) as server:
        yield YonbipSandbox(server, seen[0])
