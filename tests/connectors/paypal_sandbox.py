"""One account of the simulated PayPal: its controls, and what it really holds."""

from __future__ import annotations

from typing import Any

import httpx

from connectors.paypal.settings import PaypalSettings
from connectors.secret import Secret
from sandbox.server import Server
from sandbox.world import Payment
from tests.connectors.upstream import SandboxUpstream


class PaypalSandbox(SandboxUpstream):
    """The controls of a running sandbox, and the payments of its account."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.origin, "paypal", "paypal")
        self.credentials = server.credentials["paypal"]
        self.world = server.world

    def settings(self, **more: Any) -> PaypalSettings:
        own = {
            "base_url": self.credentials["base_url"],
            "client_id": self.credentials["client_id"],
            "client_secret": Secret(self.credentials["client_secret"]),
        }
        return PaypalSettings(vendor="paypal", **{**own, **more})

    def payments(self) -> list[Payment]:
        return self.world.payments_of("paypal")

    def token(self) -> str:
        pair = (self.credentials["client_id"], self.credentials["client_secret"])
        url = f"{self.credentials['base_url']}/v1/oauth2/token"
        answer = httpx.post(url, auth=pair, data={"grant_type": "client_credentials"})
        return str(answer.raise_for_status().json()["access_token"])

    def call(self, method: str, path: str, **content: Any) -> httpx.Response:
        """With a token of our own."""
        headers = {"authorization": f"Bearer {self.token()}", **content.pop("headers", {})}
        url = self.credentials["base_url"] + path
        return httpx.request(method, url, headers=headers, timeout=30, **content)

    def read(self, path: str, **query: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", path, params=query).raise_for_status().json()
        return found

    def fault(self, **fault: Any) -> None:
        body = {"faults": [{"vendor": "paypal", **fault}]}
        httpx.put(f"{self.origin}/_sandbox/faults", json=body).raise_for_status()

    def asked(self) -> list[tuple[str, str]]:
        """Path and query of each call since the log was cleared."""
        answer = httpx.get(f"{self.origin}/_sandbox/calls", params={"vendor": "paypal"})
        return [(call["path"], call["query"]) for call in answer.json()["calls"]]
