"""The simulated merchant of WeChat Pay: its controls, its settings, and what it really holds."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from connectors.secret import Secret
from connectors.wechatpay.settings import WeChatPaySettings
from sandbox.generate import generate
from sandbox.server import Server
from sandbox.simulator import Clock, Context, Credentials, Vendor, wall_clock
from sandbox.wechatpay import ACCOUNT, simulated
from sandbox.wechatpay.manners import Manners
from sandbox.world import Account, Payment, World
from tests.connectors.upstream import SandboxUpstream

SEED, SIZE = 8, 70
RARE = frozenset({f"refund {s}" for s in ("PENDING", "FAILED", "CANCELED")}) | {
    f"dispute {s}" for s in ("needs_response", "warning_closed")
}
"""What is to happen at WeChat Pay, so that there is some of it."""
SECRETS = ("private_key", "apiv3_key", "certificate", "public_key", "platform_certificates")


def _paper_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    return f"{kind}-{index}"


def _paper_app(world: World, context: Context) -> ASGIApp:
    return PlainTextResponse("paper")


def _no_credentials(context: Context) -> Credentials:
    return {}


PAPER = Vendor(
    "paper",
    (
        Account("paper", "paper", "crm"),
        # They take what WeChat Pay does not, and have what cannot happen there.
        Account("purse", "paper", "payments", ("JPY", "KWD")),
        Account("yuan_purse", "paper", "payments", ("CNY",), lacks=RARE),
    ),
    _paper_id,
    _paper_app,
    _no_credentials,
)


def a_world() -> World:
    return generate(SEED, SIZE, vendors=(PAPER, simulated(Manners())))


class WeChatPaySandbox(SandboxUpstream):
    """A running sandbox with WeChat Pay in it; `manners` may be changed while it runs."""

    def __init__(self, server: Server, manners: Manners) -> None:
        super().__init__(server.origin, "wechatpay", ACCOUNT.name)
        self.server = server
        self.manners = manners
        self.world = server.world
        self.credentials = server.credentials[ACCOUNT.name]

    @classmethod
    def start(
        cls,
        world: World | None = None,
        clock: Clock = wall_clock,
        *,
        rate_limits: bool = False,
        **manners: Any,
    ) -> WeChatPaySandbox:
        kept = Manners(**manners)
        vendors = (PAPER, simulated(kept))
        server = Server(world or a_world(), vendors, rate_limits=rate_limits, clock=clock)
        return cls(server.start(), kept)

    def reset(self) -> None:
        """Well-mannered again, and without faults."""
        for name, value in vars_of(Manners()).items():
            setattr(self.manners, name, value)
        httpx.delete(f"{self.origin}/_sandbox/faults").raise_for_status()

    def settings(self, **more: Any) -> WeChatPaySettings:
        """In public-key mode, with the order number in `attach`, as in the sandbox's world."""
        values: dict[str, Any] = {
            name: Secret(value) if name in SECRETS and isinstance(value, str) else value
            for name, value in {**self.credentials, **more}.items()
        }
        return WeChatPaySettings(vendor="wechatpay", **values)

    def certified(self, **more: Any) -> WeChatPaySettings:
        """In the mode of platform certificates, which are fetched."""
        return self.settings(public_key_id=None, public_key=None, **more)

    @property
    def payments(self) -> list[Payment]:
        return self.world.payments_of(ACCOUNT.name)

    def asked(self) -> list[str]:
        """Paths with their queries, oldest first."""
        calls = httpx.get(f"{self.origin}/_sandbox/calls").json()["calls"]
        return [f"{c['path']}?{c['query']}" if c["query"] else c["path"] for c in calls]


def vars_of(manners: Manners) -> dict[str, Any]:
    return {name: getattr(manners, name) for name in Manners.__slots__}


def only(world: World, *payments: Payment) -> World:
    """The same world with these payments alone."""
    return replace(world, payments=list(payments))
