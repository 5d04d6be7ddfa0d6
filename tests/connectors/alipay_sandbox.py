"""One account of the simulated Alipay: its controls, and what it really holds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import msgspec

from connectors.alipay.settings import AlipaySettings
from connectors.conformance import Fault
from connectors.secret import Secret
from sandbox.alipay import VENDOR
from sandbox.alipay.keys import credentials
from sandbox.alipay.refusals import rest_error
from sandbox.salesforce import VENDOR as SALESFORCE
from sandbox.server import Server
from sandbox.simulator import Vendor
from sandbox.stripe import VENDOR as STRIPE
from sandbox.world import Payment, Refund, World
from tests.connectors.upstream import SandboxUpstream

SECRETS = ("private_key", "alipay_public_key", "app_cert", "alipay_root_cert", "encrypt_key")
REST = replace(VENDOR, error=rest_error)
BOTH = ("alipay_cn", "ecny_cn")
CERTIFIED = replace(VENDOR, credentials=partial(credentials, certified=BOTH))
ENCRYPTED = replace(VENDOR, credentials=partial(credentials, encrypted=True))


def serve(vendor: Vendor = VENDOR, world: World | None = None, **more: Any) -> Server:
    """A sandbox of Alipay, of a CRM with buyers, and of Stripe for what Alipay does not have."""
    return Server(
        world,
        (SALESFORCE, STRIPE, vendor),
        **{"seed": 2, "size": 120, "rate_limits": False, **more},
    )


class AlipaySandbox(SandboxUpstream):
    """The controls of a running sandbox, and what one of its accounts really holds."""

    def __init__(self, server: Server, account: str = "alipay_cn") -> None:
        super().__init__(server.origin, "alipay", account)
        self.world = server.world
        self.credentials = server.credentials[account]

    def settings(self, **more: Any) -> AlipaySettings:
        given: dict[str, Any] = {
            key: Secret(value) if key in SECRETS else value
            for key, value in self.credentials.items()
        }
        if certs := given.pop("alipay_certs", None):
            given["alipay_certs"] = (Secret(certs),)
        return AlipaySettings(vendor="alipay", **{**given, **more})

    @property
    def payments(self) -> list[Payment]:
        return self.world.payments_of(self.account)

    @property
    def refunds(self) -> list[tuple[Payment, Refund]]:
        return [(p, r) for p in self.payments for r in p.refunds]

    @property
    def disputed(self) -> list[Payment]:
        return [p for p in self.payments if p.dispute]

    def asked(self) -> list[str]:
        calls = httpx.get(f"{self.origin}/_sandbox/calls").json()["calls"]
        return [f"{call['path']}?{call['query']}" for call in calls]

    def break_path(self, path: str, fault: Fault) -> None:
        """Let a fault happen to calls below `path` only."""
        body = {**msgspec.to_builtins(fault), "vendor": "alipay", "path": path}
        url = f"{self.origin}/_sandbox/faults"
        httpx.put(url, json={"faults": [body]}).raise_for_status()

    def heal(self) -> None:
        httpx.delete(f"{self.origin}/_sandbox/faults").raise_for_status()
