"""One account of the simulated Stripe: its controls, and what it really holds."""

from __future__ import annotations

from typing import Any

import httpx

from connectors.secret import Secret
from connectors.stripe.settings import StripeSettings
from sandbox.server import Server
from tests.connectors.upstream import SandboxUpstream

KEY = "order_id"


class StripeSandbox(SandboxUpstream):
    """The controls of a running sandbox, and what one of its accounts really holds."""

    def __init__(self, server: Server, account: str = "stripe_eu") -> None:
        super().__init__(server.origin, "stripe", account)
        self.credentials = self.get("credentials")[account]
        self.headers = {"authorization": f"Bearer {self.credentials['key']}"}

    def get(self, what: str) -> Any:
        return httpx.get(f"{self.origin}/_sandbox/{what}").json()

    def settings(self, **more: Any) -> StripeSettings:
        base_url, key = self.credentials["base_url"], Secret(self.credentials["key"])
        return StripeSettings(vendor="stripe", **{"base_url": base_url, "key": key, **more})

    def payments(self) -> list[dict[str, Any]]:
        """The true payments of this account's orders."""
        orders = self.get("truth")["orders"]
        own = [p for o in orders for p in o["payments"] if p["source"] == self.account]
        told = ("source", "nativeId", "amount", "currency", "status", "refunds")
        return [{key: payment[key] for key in told} for payment in own]

    def numbers(self) -> list[str]:
        return [order["number"] for order in self.get("truth")["orders"]]

    def rows(self, path: str) -> list[dict[str, Any]]:
        """All rows of a list, as Stripe itself tells them."""
        found: list[dict[str, Any]] = []
        more = True
        while more:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = self.call("GET", path, params={"limit": "100", **after})
            found, more = found + page["data"], page["has_more"]
        return found

    def pay(self, reference: str, **more: str) -> str:
        """The id of a card payment of this moment."""
        fields = {"amount": "1000", "currency": "eur", "payment_method": "pm_card_visa"}
        named = {"confirm": "true", f"metadata[{KEY}]": reference}
        return str(self.call("POST", "payment_intents", data={**fields, **named, **more})["id"])

    def call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        url = f"{self.credentials['base_url']}/v1/{path}"
        answer = httpx.request(method, url, headers=self.headers, **content)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def break_path(self, path: str, **more: Any) -> None:
        """Let calls below `path` be answered by a page for people."""
        fault = {"vendor": "stripe", "kind": "html", "path": path, **more}
        httpx.put(f"{self.origin}/_sandbox/faults", json={"faults": [fault]}).raise_for_status()

    def asked(self) -> list[tuple[str, str]]:
        return [(call["path"], call["query"]) for call in self.get("calls")["calls"]]
