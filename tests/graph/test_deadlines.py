"""A source that hangs costs its own fields: the reads that follow still have time."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.graph.conftest import Control
from tests.serving import GatewayServer

ONLY = ("salesforce", "yonyou", "stripe_eu", "stripe_us")
LONGER_THAN_THE_REQUEST = 60.0
HANGING = {"kind": "latency", "latency_ms": 600_000}
QUERY = """{ orders(first: 20) { nodes {
  number source { name } paid { minorUnits } customer { id } } } }"""
BY_NUMBER = "{ orders(first: 60) { nodes { number paid { minorUnits } } } }"


@pytest.fixture(scope="module")
def vendors() -> Iterator[Sandbox]:
    with Sandbox(vendors=discover(("salesforce", "yonyou")), size=60, rate_limits=False) as running:
        yield running


@pytest.fixture
def faults(vendors: Sandbox) -> Iterator[Control]:
    control = Control(vendors)
    control.clear()
    yield control
    control.clear()
    control.client.close()


@pytest.fixture(scope="module")
def gateway(vendors: Sandbox) -> Iterator[GatewayServer]:
    changes = {"deadline": LONGER_THAN_THE_REQUEST}
    with GatewayServer(vendors, only=ONLY, source_changes=changes, deadline=12.0) as running:
        running.data("{ orders(first: 1) { nodes { payments { nodes { id } } } } }")
        yield running


@pytest.mark.parametrize("vendor", ["yonyou", "salesforce"])
def test_a_source_that_hangs_is_the_only_one_to_blame(
    gateway: GatewayServer, faults: Control, vendor: str
) -> None:
    healthy = gateway.data(BY_NUMBER)["orders"]["nodes"]
    paid = {node["number"]: node["paid"] for node in healthy}
    faults.faults({"vendor": vendor, **HANGING})
    answer = gateway.ask(QUERY)
    assert {error["extensions"]["source"] for error in answer["errors"]} == {vendor}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UPSTREAM_TIMEOUT"}
    nodes = [node for node in answer["data"]["orders"]["nodes"] if node is not None]
    assert len(nodes) >= 15
    assert {node["source"]["name"] for node in nodes} == {"salesforce", "yonyou"} - {vendor}
    assert [node["number"] for node in nodes if node["paid"] != paid[node["number"]]] == []


def test_a_payment_source_that_hangs_nulls_what_follows_from_payments_alone(
    gateway: GatewayServer, faults: Control
) -> None:
    faults.faults({"vendor": "stripe", "account": "stripe_eu", **HANGING})
    answer = gateway.ask(QUERY)
    assert {error["extensions"]["source"] for error in answer["errors"]} == {"stripe_eu"}
    nodes = answer["data"]["orders"]["nodes"]
    assert len(nodes) == 20
    assert any(node["paid"] is None for node in nodes)
    assert any(node["customer"] for node in nodes)


def test_an_operation_of_one_level_may_take_the_whole_time(
    gateway: GatewayServer, faults: Control
) -> None:
    """Half of it would end the slow source's page."""
    faults.faults({"vendor": "yonyou", "kind": "latency", "latency_ms": 1500})
    answer = gateway.ask('{ orders(first: 3, filter: {source: ["yonyou"]}) { nodes { number } } }')
    assert "errors" not in answer
    assert len(answer["data"]["orders"]["nodes"]) == 3
    assert httpx.get(f"{gateway.origin}/healthz").status_code == 200
