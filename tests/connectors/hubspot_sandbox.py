"""A running HubSpot simulator with the settings that fit it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from connectors.hubspot.settings import HubspotSettings
from connectors.secret import Secret
from sandbox.generate import generate
from sandbox.hubspot import VENDOR as SIMULATED
from sandbox.hubspot import Portal, portal_of
from sandbox.server import Server
from sandbox.simulator import Clock, Context, wall_clock
from sandbox.world import Account, Customer, Order
from tests.connectors.paper_provider import (
    STRIPE_EU,
    WECHAT_CN,
    paper_provider,
    seen_through,
)
from tests.connectors.upstream import SandboxUpstream

CUSTOMERS, ORDERS = 60, 150


UNIONPAY_CN = Account("unionpay_cn", "unionpay", "payments", ("CNY",))
PROVIDERS = (
    paper_provider("stripe", STRIPE_EU),
    paper_provider("wechatpay", WECHAT_CN),
    paper_provider("unionpay", UNIONPAY_CN),
)


class Lab(SandboxUpstream):
    """The simulator with its world, its portal, and its controls."""

    def __init__(self, server: Server, context: Context) -> None:
        super().__init__(server.origin, "hubspot", "hubspot")
        self.context = context
        self.world = server.world
        self.portal: Portal = portal_of(context)
        self.customers: dict[str, Customer] = {
            c.sources["hubspot"]: c for c in self.world.customers if "hubspot" in c.sources
        }
        self.orders: dict[str, Order] = {o.native_id: o for o in self.world.orders}

    def settings(self, toml: str | None = None, **more: Any) -> HubspotSettings:
        """The mapping that the simulator gives, or `toml`; `more` replaces keys."""
        text = SIMULATED.settings(self.context)["hubspot"] if toml is None else toml
        own = tomllib.loads(f"[sources.hubspot]\n{text}")["sources"]["hubspot"]
        keys = SIMULATED.credentials(self.context)["hubspot"]
        return msgspec.convert(
            {"vendor": "hubspot", **own, **keys, **more}, HubspotSettings, dec_hook=_secret
        )

    def asked(self) -> list[str]:
        """The path of each call since the log was cleared."""
        return [call["path"] for call in self.calls_made()]

    def calls_made(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.origin}/_sandbox/calls", params={"vendor": "hubspot"})
        calls: list[dict[str, Any]] = answer.json()["calls"]
        return calls

    def forget(self) -> None:
        httpx.delete(f"{self.origin}/_sandbox/calls").raise_for_status()

    def reset(self) -> None:
        """As the portal was at first."""
        for number, customer in self.customers.items():
            customer.sources["hubspot"] = number
        fresh = Portal(self.world, self.context)
        for name in vars(fresh):
            setattr(self.portal, name, getattr(fresh, name))
        self.forget()


def _secret(kind: type[Any], value: str) -> Any:
    return Secret(value) if kind is Secret else value


def lab_running(rate_limits: bool = False, clock: Clock = wall_clock) -> Iterator[Lab]:
    simulated, seen = seen_through(SIMULATED)
    vendors = (simulated, *PROVIDERS)
    world = generate(12, CUSTOMERS, ORDERS, vendors=vendors)
    with Server(world, vendors, rate_limits=rate_limits, clock=clock) as server:
        yield Lab(server, seen[0])
