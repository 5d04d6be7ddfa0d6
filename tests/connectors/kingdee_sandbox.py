"""A running Galaxy simulator with settings that fit it."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.kingdee.settings import KingdeeSettings
from connectors.secret import Secret
from sandbox.generate import generate
from sandbox.kingdee import VENDOR as SIMULATED
from sandbox.kingdee import Galaxy, galaxy_of
from sandbox.server import Server
from sandbox.simulator import Context, Credentials
from sandbox.simulator import Vendor as SimulatedVendor
from sandbox.world import Account, World
from tests.connectors.upstream import SandboxUpstream

CUSTOMERS, ORDERS = 60, 150


def _paper(world: World, context: Context) -> Any:
    """A provider in name only, so that orders have payments to link to."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError

    return app


def _no_credentials(context: Context) -> Credentials:
    return {}


def _provider(name: str, *accounts: Account) -> SimulatedVendor:
    return SimulatedVendor(
        name,
        accounts,
        lambda kind, account, index, rng: f"{account.name}_{kind[:2]}_{index:06}",
        _paper,
        _no_credentials,
    )


PROVIDERS = (
    _provider(
        "stripe",
        Account("stripe_eu", "stripe", "payments", ("EUR", "USD", "JPY", "KWD")),
        Account("stripe_us", "stripe", "payments", ("USD",)),
    ),
    _provider("wechatpay", Account("wechat_cn", "wechatpay", "payments", ("CNY",))),
)


class GalaxyLab:
    """One running server with its world and its credentials."""

    def __init__(self, server: Server, context: Context) -> None:
        self.server = server
        self.world = server.world
        self.galaxy: Galaxy = galaxy_of(context)
        self.base_url = server.credentials["kingdee"]["base_url"]

    def settings(self, **changes: Any) -> KingdeeSettings:
        """As `tillgate demo` configures the source."""
        said = tomllib.loads("[sources.kingdee]\n" + self.server.settings["kingdee"])
        values = {**said["sources"]["kingdee"], **self.server.credentials["kingdee"], **changes}
        return msgspec.convert(
            {"vendor": "kingdee", **values},
            KingdeeSettings,
            dec_hook=lambda kind, value: kind(value) if kind is Secret else value,
        )

    def plain(self, **changes: Any) -> KingdeeSettings:
        """With nothing mapped: a standard installation."""
        none: dict[str, Any] = dict.fromkeys(("customers", "orders", "receipts", "refunds"), ())
        return self.settings(**{**none, **changes})

    def upstream(self) -> SandboxUpstream:
        return SandboxUpstream(self.server.origin, "kingdee", "kingdee")


def lab_running() -> Iterator[GalaxyLab]:
    seen: list[Context] = []

    def app(world: World, context: Context) -> Any:
        seen.append(context)
        return SIMULATED.app(world, context)

    vendors = (dataclasses.replace(SIMULATED, app=app), *PROVIDERS)
    world = generate(5, CUSTOMERS, ORDERS, vendors=vendors)
    with Server(world, vendors, rate_limits=False) as server:
        yield GalaxyLab(server, seen[0])
