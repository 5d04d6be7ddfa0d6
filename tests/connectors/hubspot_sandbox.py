"""A running HubSpot simulator with the settings that fit it."""

from __future__ import annotations

import dataclasses
import random
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
from sandbox.simulator import Clock, Context, Credentials, Vendor, wall_clock
from sandbox.world import Account, Customer, Order, World
from tests.connectors.upstream import SandboxUpstream

CUSTOMERS, ORDERS = 60, 150


def _paper(world: World, context: Context) -> Any:
    """A provider in name only, so that orders have payments to link to."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError

    return app


def _no_credentials(context: Context) -> Credentials:
    return {}


def _payment_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    return f"{kind[:2]}_{account.name}_{index:06}"


def _provider(name: str, account: str, *currencies: str) -> Vendor:
    own = Account(account, name, "payments", currencies)
    return Vendor(name, (own,), _payment_id, _paper, _no_credentials)


PROVIDERS = (
    _provider("stripe", "stripe_eu", "EUR", "USD", "JPY", "KWD"),
    _provider("wechatpay", "wechat_cn", "CNY"),
    _provider("unionpay", "unionpay_cn", "CNY"),
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
        fresh = Portal(self.world, self.context)
        for name in vars(fresh):
            setattr(self.portal, name, getattr(fresh, name))
        self.forget()


def _secret(kind: type[Any], value: str) -> Any:
    return Secret(value) if kind is Secret else value


def lab_running(rate_limits: bool = False, clock: Clock = wall_clock) -> Iterator[Lab]:
    seen: list[Context] = []

    def app(world: World, context: Context) -> Any:
        seen.append(context)
        return SIMULATED.app(world, context)

    vendors = (dataclasses.replace(SIMULATED, app=app), *PROVIDERS)
    world = generate(11, CUSTOMERS, ORDERS, vendors=vendors)
    with Server(world, vendors, rate_limits=rate_limits, clock=clock) as server:
        yield Lab(server, seen[0])
