"""A running e-cology simulator with a small world, and settings that fit it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from connectors.weaver.settings import WeaverSettings
from sandbox.generate import generate
from sandbox.server import Server
from sandbox.simulator import Clock, Context, wall_clock
from sandbox.weaver import VENDOR as SIMULATED
from sandbox.weaver import Simulator, simulator_of
from sandbox.world import Customer, Order
from tests.connectors.paper_provider import seen_through
from tests.connectors.upstream import SandboxUpstream
from tests.connectors.yonbip_sandbox import PROVIDERS, revealed

ORDERS = 150


class WeaverSandbox(SandboxUpstream):
    """The controls of a running sandbox, and what its OA holds."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server.origin, "weaver", "weaver")
        self.world = server.world
        self.simulator: Simulator = simulator_of(context)
        self.keys = server.credentials["weaver"]
        text = "[sources.weaver]\n" + server.settings["weaver"]
        self.table = tomllib.loads(text)["sources"]["weaver"]

    def settings(self, **changes: Any) -> WeaverSettings:
        """What the company would write, with changes."""
        table = {"vendor": "weaver", **self.keys, **self.table}
        made = msgspec.convert(table, WeaverSettings, dec_hook=revealed)
        return msgspec.structs.replace(made, **changes)

    def guarded(self, **changes: Any) -> WeaverSettings:
        """For an OA that wants a token as well."""
        return self.settings(app_id=self.simulator.app_id, user_id="298", **changes)

    def orders(self) -> list[Order]:
        return [order for order in self.world.orders if order.source == "weaver"]

    def customers(self) -> list[Customer]:
        return [one for one in self.world.customers if "weaver" in one.sources]

    def ask(self, path: str, **options: Any) -> httpx.Response:
        return httpx.post(f"{self.keys['base_url']}{path}", **options)


def running(clock: Clock = wall_clock) -> Iterator[WeaverSandbox]:
    simulated, seen = seen_through(SIMULATED)
    vendors = (simulated, *PROVIDERS)
    with Server(generate(11, 60, ORDERS, vendors=vendors), vendors, clock=clock) as server:
        yield WeaverSandbox(server, seen[0])
