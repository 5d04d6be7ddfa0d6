"""How many upstream calls a query costs, counted at the sandbox."""

from __future__ import annotations

from collections import Counter

import pytest

from resolvers.joins import ALL
from sandbox.server import Server as Sandbox
from tests.graph.conftest import Control, Truth
from tests.serving import GatewayServer

JOINED = """
query Joined($first: Int) {
  orders(first: $first) { nodes {
    number paid { amount } refunded { amount } balanceDue { amount } paymentState inSync
    customer { name }
    payments { nodes { status amount { amount } refunds { nodes { amount { amount } } } } }
    refunds { nodes { status } }
    links { rule }
  } }
}
"""


def counted(control: Control) -> Counter[str]:
    """Calls by `account path`, with ids taken out."""
    return Counter(_shape(path) for path in control.paths())


def _shape(path: str) -> str:
    parts = path.split("/")
    return "/".join("{id}" if part.startswith(("pi_", "ch_", "cus_")) else part for part in parts)


def only_in_the_crm_field(truth: Truth, sandbox: Sandbox, numbers: set[str]) -> int:
    """Payments of these orders that nothing but the CRM's field links."""
    referenced = {p.native_id for p in sandbox.world.payments if p.reference is not None}
    held = [o.payment_field for o in sandbox.world.orders if o.number in numbers]
    return len({h for h in held if h is not None and h[1] not in referenced})


@pytest.mark.parametrize("first", [1, 10, 100])
def test_orders_with_customer_payments_and_refunds(
    stripe_only: GatewayServer, control: Control, sandbox: Sandbox, truth: Truth, first: int
) -> None:
    """1 for the orders, 1 for their customers, and per payment source ceil(n/10) searches, 1 list
    of what is too new to be searchable, at most 1 + n list reads of disputes (none here beyond
    two), and 1 per payment that only a CRM field names."""
    nodes = stripe_only.data(JOINED, first=first)["orders"]["nodes"]
    numbers = {node["number"] for node in nodes}
    assert len(numbers) == first
    calls = counted(control)
    searches = -(-first // 10)
    by_field = only_in_the_crm_field(truth, sandbox, numbers)
    assert calls["salesforce /services/data/v65.0/query"] == 2
    for account in ("stripe_eu", "stripe_us"):
        assert calls[f"{account} /v1/payment_intents/search"] == searches
        assert calls[f"{account} /v1/payment_intents"] == 1
        assert calls[f"{account} /v1/disputes"] <= 2
    gets = sum(n for path, n in calls.items() if path.endswith("/v1/payment_intents/{id}"))
    assert gets <= by_field
    assert sum(calls.values()) <= 2 + 2 * (searches + 1 + 2) + by_field


def test_the_cost_does_not_grow_within_a_vendor_batch(
    stripe_only: GatewayServer, control: Control, sandbox: Sandbox, truth: Truth
) -> None:
    totals = []
    for first in (2, 5, 10):
        control.clear()
        nodes = stripe_only.data(JOINED, first=first)["orders"]["nodes"]
        calls = counted(control)
        gets = sum(n for path, n in calls.items() if path.endswith("{id}"))
        disputes = sum(n for path, n in calls.items() if path.endswith("/v1/disputes"))
        assert gets <= only_in_the_crm_field(truth, sandbox, {n["number"] for n in nodes})
        totals.append(sum(calls.values()) - gets - disputes)
    assert totals == [6, 6, 6]


def test_payments_lead_to_orders_and_customers_in_one_batch(
    stripe_only: GatewayServer, control: Control
) -> None:
    query = """query P($n: Int) {
      payments(first: $n) { nodes { order { number customer { name } } } } }"""
    for first in (5, 100):
        control.clear()
        stripe_only.data(query, n=first)
        calls = counted(control)
        assert calls["stripe_eu /v1/payment_intents"] == 1
        assert calls["stripe_us /v1/payment_intents"] == 1
        # Orders by number, by the field of each account, and the customers.
        assert calls["salesforce /services/data/v65.0/query"] <= 4


def test_refunds_bring_their_payments_along(stripe_only: GatewayServer, control: Control) -> None:
    stripe_only.data("{ refunds(first: 50) { nodes { payment { status } order { number } } } }")
    calls = counted(control)
    assert calls["stripe_eu /v1/refunds"] == calls["stripe_us /v1/refunds"] == 1
    assert not any("payment_intents/{id}" in path for path in calls)
    assert calls["salesforce /services/data/v65.0/query"] <= 3


def test_nested_connections_are_batched_over_all_parents(
    stripe_only: GatewayServer, control: Control
) -> None:
    query = """query C($n: Int) { customers(first: $n) { nodes {
      orders(first: 2) { nodes { number lines { name } } pageInfo { hasNextPage } } } } }"""
    for first in (2, 50):
        control.clear()
        nodes = stripe_only.data(query, n=first)["customers"]["nodes"]
        assert all(len(node["orders"]["nodes"]) <= 2 for node in nodes)
        # Customers, the orders of all of them, the lines of all these.
        assert control.paths() == ["salesforce /services/data/v65.0/query"] * 3


def test_the_same_record_is_read_once_per_request(
    stripe_only: GatewayServer, control: Control, truth: Truth
) -> None:
    id_ = f"salesforce:order:{truth['orders'][0]['nativeId']}"
    query = """query Twice($id: ID!) {
      a: order(id: $id) { number } b: node(id: $id) { id } nodes(ids: [$id, $id]) { id } }"""
    data = stripe_only.data(query, id=id_)
    assert data["nodes"] == [{"id": id_}, {"id": id_}]
    assert control.paths() == ["salesforce /services/data/v65.0/query"]


def test_nodes_of_all_kinds_cost_one_batch_per_source_and_kind(
    stripe_only: GatewayServer, control: Control, truth: Truth
) -> None:
    orders = [f"salesforce:order:{o['nativeId']}" for o in truth["orders"][:30]]
    customers = [
        f"salesforce:customer:{c['sources']['salesforce']}"
        for c in truth["customers"]
        if "salesforce" in c["sources"]
    ][:30]
    mixed = [id_ for pair in zip(orders, customers, strict=True) for id_ in pair]
    nodes = stripe_only.data("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=mixed)[
        "nodes"
    ]
    assert [node["id"] for node in nodes] == mixed
    assert len(control.paths()) == 2


def test_a_denied_question_costs_nothing(stripe_only: GatewayServer, control: Control) -> None:
    for query in ("{ nothing }", "{ orders(first: 101) { nodes { id } } }", "{ order { id } "):
        stripe_only.ask(query)
    assert control.paths() == []


def test_every_join_states_its_calls() -> None:
    assert len(ALL) == 17
    assert all(join.calls for join in ALL.values())
