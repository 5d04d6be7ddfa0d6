"""A running Galaxy simulator with settings that fit it."""

from __future__ import annotations

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
from sandbox.simulator import Context
from tests.connectors.paper_provider import (
    STRIPE_EU,
    STRIPE_US,
    WECHAT_CN,
    paper_provider,
    seen_through,
)
from tests.connectors.upstream import SandboxUpstream

CUSTOMERS, ORDERS = 60, 150


PROVIDERS = (
    paper_provider("stripe", STRIPE_EU, STRIPE_US),
    paper_provider("wechatpay", WECHAT_CN),
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
    simulated, seen = seen_through(SIMULATED)
    vendors = (simulated, *PROVIDERS)
    world = generate(5, CUSTOMERS, ORDERS, vendors=vendors)
    with Server(world, vendors, rate_limits=False) as server:
        yield GalaxyLab(server, seen[0])
