"""What a vendor changes while an answer is put together is not shown half."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from tests.graph.conftest import STRIPE_ONLY, Control
from tests.serving import GatewayServer

QUERY = """query Q($id: ID!, $number: String!) {
  payment(id: $id) { id status refunded { minorUnits } }
  order(number: $number) { payments { nodes { id status refunded { minorUnits } } } } }"""


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A world of its own, because it is changed."""
    with Sandbox(vendors=discover(("salesforce",)), size=10, rate_limits=False) as running:
        yield running


def refund(sandbox: Sandbox, control: Control, payment: dict[str, Any]) -> None:
    """As soon as the payment was read, while the order is still waited for."""
    with httpx.Client(base_url=f"{sandbox.origin}/stripe", timeout=20) as stripe:
        key = sandbox.credentials[payment["source"]]["key"]
        path = f"/v1/payment_intents/{payment['nativeId']}"
        while not any(path in one for one in control.paths()):
            pass
        body = {"payment_intent": payment["nativeId"], "amount": "1"}
        stripe.post("/v1/refunds", data=body, headers={"authorization": f"Bearer {key}"})


def test_a_payment_that_is_refunded_meanwhile_has_one_state_in_an_answer(own: Sandbox) -> None:
    control = Control(own)
    order, payment = next(
        (o, p)
        for o in own.world.truth()["orders"]
        for p in o["payments"]
        if p["status"] == "SUCCEEDED" and p["source"].startswith("stripe")
    )
    id_ = f"{payment['source']}:payment:{payment['nativeId']}"
    with GatewayServer(own, only=STRIPE_ONLY, indexed=False) as gateway:
        gateway.data("{ orders(first: 1) { nodes { id } } }")
        control.clear()
        control.faults({"vendor": "salesforce", "kind": "latency", "latency_ms": 1500})
        refunding = threading.Thread(target=refund, args=(own, control, payment))
        refunding.start()
        data = gateway.data(QUERY, id=id_, number=order["number"])
        refunding.join()
        (below,) = [p for p in data["order"]["payments"]["nodes"] if p["id"] == id_]
        assert data["payment"] == below
        control.clear()
        later = gateway.data(QUERY, id=id_, number=order["number"])["payment"]
    assert (data["payment"]["status"], later["status"]) == ("SUCCEEDED", "PARTIALLY_REFUNDED")
    control.client.close()
