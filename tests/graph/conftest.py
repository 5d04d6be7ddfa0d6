"""One sandbox and one gateway for all tests of the graph; faults and calls start clean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.budget_settings import BudgetSettings
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.serving import GatewayServer

Truth = dict[str, Any]
STRIPE_ONLY = ("salesforce", "stripe_eu", "stripe_us")
WIDE = BudgetSettings(maximum=10**9, capacity=10**9)
"""For questions that nobody would be allowed to ask at once: everything, of every source."""


class Control:
    """The sandbox's control endpoints."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.client = httpx.Client(base_url=f"{sandbox.origin}/_sandbox", timeout=20)

    def faults(self, *faults: dict[str, Any]) -> None:
        self.client.put("/faults", json={"faults": list(faults)}).raise_for_status()

    def clear(self) -> None:
        self.client.delete("/faults").raise_for_status()
        self.client.delete("/calls").raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self.client.get("/calls").json()["calls"]
        return calls

    def paths(self) -> list[str]:
        """`account path` of each call since the last clear, in order."""
        return [f"{call['account'] or call['vendor']} {call['path']}" for call in self.calls()]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(vendors=discover(("salesforce",)), size=100, rate_limits=False) as running:
        yield running


@pytest.fixture(scope="session")
def gateway(sandbox: Sandbox) -> Iterator[GatewayServer]:
    with GatewayServer(sandbox, changes={"budget": WIDE}) as running:
        running.data("{ orders(first: 1) { nodes { payments { nodes { id } } } } }")
        yield running


@pytest.fixture(scope="session")
def stripe_only(sandbox: Sandbox) -> Iterator[GatewayServer]:
    """A gateway that knows only Salesforce and Stripe, for what is told of these two."""
    with GatewayServer(sandbox, only=STRIPE_ONLY) as running:
        running.data("{ orders(first: 1) { nodes { payments { nodes { id } } } } }")
        yield running


@pytest.fixture(scope="session")
def controls(sandbox: Sandbox) -> Iterator[Control]:
    control = Control(sandbox)
    yield control
    control.client.close()


@pytest.fixture
def control(controls: Control) -> Iterator[Control]:
    controls.clear()
    yield controls
    controls.clear()


@pytest.fixture(scope="session")
def truth(controls: Control) -> Truth:
    answer: Truth = controls.client.get("/truth").json()
    return answer
