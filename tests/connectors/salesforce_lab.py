"""A running Salesforce simulator with settings that fit it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from sandbox.generate import generate
from sandbox.salesforce import VENDOR as SIMULATED
from sandbox.salesforce import Simulator, simulator_of
from sandbox.server import Server
from sandbox.simulator import Context
from tests.connectors.paper_provider import STRIPE_EU, paper_provider, seen_through
from tests.connectors.upstream import SandboxUpstream

ORDERS = 330
PAYMENT = {
    "field": "Payment_Status__c",
    "words": {"partial": "PARTIALLY_PAID", "paid": "PAID"},
    "empty": "PENDING_PAYMENT",
}
CODES = {
    "field": "StatusCode",
    "words": {"Draft": "DRAFT", "Activated": "NEXT", "Canceled": "CANCELED", "Expired": "CANCELED"},
}
WORDS = {"field": "Status", "words": {"Fulfilled": "FULFILLED"}, "otherwise": "NEXT"}
ACCOUNTS: dict[str, Any] = {
    "table": "Account",
    "email": "Email__c",
    "tier": "Tier__c",
    "kind": {"field": "Type", "words": {"Individual": "PERSON"}, "otherwise": "COMPANY"},
    "external_ids": {"stripe_eu": "Stripe_EU_Customer__c"},
    "custom": ["AccountNumber"],
}
ORDERS_MAP: dict[str, Any] = {
    "table": "Order",
    "status": [WORDS, CODES, PAYMENT],
    "refunded_amount": "Refunded_Amount__c",
    "payment_ids": {"stripe_eu": "Stripe_EU_Payment__c"},
    "custom": ["Paid_Amount__c"],
}


PROVIDER = paper_provider("stripe", STRIPE_EU)


class Lab:
    """One running simulator with its world and its credentials."""

    def __init__(self, server: Server, context: list[Context]) -> None:
        self.server = server
        self.world = server.world
        self.simulator: Simulator = simulator_of(context[0])
        self.keys = SIMULATED.credentials(context[0])["salesforce"]

    def settings(self, **changes: Any) -> SalesforceSettings:
        values: dict[str, Any] = {
            "vendor": "salesforce",
            "auth": "jwt_bearer",
            "base_url": self.keys["base_url"],
            "client_id": self.keys["client_id"],
            "client_secret": Secret(self.keys["client_secret"]),
            "username": self.keys["username"],
            "private_key": Secret(self.keys["private_key"]),
            "customers": [ACCOUNTS],
            "orders": [ORDERS_MAP],
        }
        return msgspec.convert({**values, **changes}, SalesforceSettings)

    def upstream(self) -> SandboxUpstream:
        return SandboxUpstream(self.server.origin, "salesforce", "salesforce")


def lab_running() -> Iterator[Lab]:
    simulated, seen = seen_through(SIMULATED)
    world = generate(11, 120, ORDERS, vendors=(simulated, PROVIDER))
    with Server(world, (simulated, PROVIDER)) as server:
        yield Lab(server, seen)
