"""Paging and filtering over the live sources: nothing skipped, nothing twice, all pushed down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graph.conftest import Control, Truth
from tests.graph.test_truth import every
from tests.serving import GatewayServer

PAYMENTS = """query P($first: Int, $after: String, $filter: PaymentFilter) {
  payments(first: $first, after: $after, filter: $filter) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id status createdAt reference amount { minorUnits currency } } }
    nodes { id status createdAt reference amount { minorUnits currency } source { name } }
  } }"""

ORDERS = """query O($first: Int, $after: String, $filter: OrderFilter, $by: OrderSort) {
  orders(first: $first, after: $after, filter: $filter, orderBy: $by) {
    pageInfo { hasNextPage endCursor }
    nodes { id number placedAt createdAt recordedState total { minorUnits currency } }
  } }"""


@pytest.mark.parametrize("size", [7, 33, 100])
def test_two_accounts_page_as_one_list(gateway: GatewayServer, size: int) -> None:
    whole = [p["id"] for p in every(gateway, PAYMENTS, "payments", first=100)]
    paged = [p["id"] for p in every(gateway, PAYMENTS, "payments", first=size)]
    assert paged == whole
    assert len(set(whole)) == len(whole) > 400


def test_every_edge_is_a_place_to_go_on_from(gateway: GatewayServer) -> None:
    whole = gateway.data(PAYMENTS, first=12)["payments"]
    ids = [edge["node"]["id"] for edge in whole["edges"]]
    for at, edge in enumerate(whole["edges"][:-1]):
        rest = gateway.data(PAYMENTS, first=11 - at, after=edge["cursor"])["payments"]
        assert [node["id"] for node in rest["nodes"]] == ids[at + 1 :]
        assert rest["pageInfo"]["hasPreviousPage"] is True


def test_a_page_of_two_accounts_costs_one_call_each(
    gateway: GatewayServer, control: Control
) -> None:
    gateway.data(PAYMENTS, first=50)
    lists = [path for path in control.paths() if path.endswith("/v1/payment_intents")]
    assert sorted(lists) == ["stripe_eu /v1/payment_intents", "stripe_us /v1/payment_intents"]


def test_naming_a_source_asks_only_that(gateway: GatewayServer, control: Control) -> None:
    nodes = gateway.data(PAYMENTS, first=5, filter={"source": ["stripe_us"]})["payments"]["nodes"]
    assert {node["source"]["name"] for node in nodes} == {"stripe_us"}
    assert {call["account"] for call in control.calls()} == {"stripe_us"}


def brute(gateway: GatewayServer) -> list[dict[str, Any]]:
    return list(every(gateway, PAYMENTS, "payments", first=100))


PAYMENT_FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "status": (
        {"status": ["PARTIALLY_REFUNDED", "FAILED"]},
        lambda p: p["status"] in ("PARTIALLY_REFUNDED", "FAILED"),
    ),
    "unknown status": ({"status": ["UNKNOWN"]}, lambda p: p["status"] == "UNKNOWN"),
    "created": (
        {"createdAt": {"gte": "2026-02-01T00:00:00Z", "lt": "2026-03-01T08:00:00+08:00"}},
        lambda p: "2026-02-01T00:00:00Z" <= p["createdAt"] < "2026-03-01T00:00:00Z",
    ),
    "amount": (
        {"amount": {"currency": "EUR", "gte": "100", "lt": "200.50"}},
        lambda p: (
            p["amount"]["currency"] == "EUR" and 10_000 <= int(p["amount"]["minorUnits"]) < 20_050
        ),
    ),
    "yen": (
        {"amount": {"currency": "JPY", "gt": "1000"}},
        lambda p: p["amount"]["currency"] == "JPY" and int(p["amount"]["minorUnits"]) > 1000,
    ),
    "references": (
        {"reference": {"in": ["SO-1003", "SO-1007", "so-1009", "NO"]}},
        lambda p: p["reference"] in ("SO-1003", "SO-1007"),
    ),
    "all together": (
        {
            "status": ["SUCCEEDED"],
            "amount": {"currency": "EUR", "gte": "50"},
            "createdAt": {"gte": "2026-03-01T00:00:00Z"},
        },
        lambda p: (
            p["status"] == "SUCCEEDED"
            and p["amount"]["currency"] == "EUR"
            and int(p["amount"]["minorUnits"]) >= 5000
            and p["createdAt"] >= "2026-03-01T00:00:00Z"
        ),
    ),
}


@pytest.mark.parametrize("name", PAYMENT_FILTERS)
def test_a_filter_of_payments_finds_what_a_full_read_finds(
    gateway: GatewayServer, name: str
) -> None:
    filter_, accepts = PAYMENT_FILTERS[name]
    found = [p["id"] for p in every(gateway, PAYMENTS, "payments", first=40, filter=filter_)]
    assert found == [p["id"] for p in brute(gateway) if accepts(p)]
    assert found or name == "unknown status"


ORDER_FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "recorded state": (
        {"recordedState": ["CANCELED", "PARTIALLY_REFUNDED"]},
        lambda o: o["recordedState"] in ("CANCELED", "PARTIALLY_REFUNDED"),
    ),
    "placed": (
        {"placedAt": {"gte": "2026-05-01T00:00:00Z", "lte": "2026-05-20T00:00:00Z"}},
        lambda o: "2026-05-01T00:00:00Z" <= o["placedAt"] <= "2026-05-20T00:00:00Z",
    ),
    "total": (
        {"total": {"currency": "KWD", "gte": "5.5", "lte": "120.125"}},
        lambda o: (
            o["total"]
            and o["total"]["currency"] == "KWD"
            and 5500 <= int(o["total"]["minorUnits"]) <= 120_125
        ),
    ),
    "numbers": (
        {"number": {"in": ["SO-1010", "SO-1020", "SO' OR Id != '"]}},
        lambda o: o["number"] in ("SO-1010", "SO-1020"),
    ),
}


@pytest.mark.parametrize("name", ORDER_FILTERS)
def test_a_filter_of_orders_finds_what_a_full_read_finds(gateway: GatewayServer, name: str) -> None:
    filter_, accepts = ORDER_FILTERS[name]
    found = [o["id"] for o in every(gateway, ORDERS, "orders", first=15, filter=filter_)]
    everything = list(every(gateway, ORDERS, "orders", first=100))
    assert found == [o["id"] for o in everything if accepts(o)]
    assert found


@pytest.mark.parametrize(
    ("by", "key", "backwards", "filter_"),
    [
        ("CREATED_AT_ASC", "createdAt", False, None),
        ("PLACED_AT_DESC", "placedAt", True, None),
        ("TOTAL_DESC", "total", True, {"total": {"currency": "EUR"}}),
        ("TOTAL_ASC", "total", False, {"total": {"currency": "JPY", "gt": "0"}}),
    ],
)
def test_orders_come_in_the_order_that_is_asked(
    gateway: GatewayServer, by: str, key: str, backwards: bool, filter_: Any
) -> None:
    rows = list(every(gateway, ORDERS, "orders", first=30, by=by, filter=filter_))
    values = [int(row[key]["minorUnits"]) if key == "total" else row[key] for row in rows]
    assert values == sorted(values, reverse=backwards)
    assert len({row["id"] for row in rows}) == len(rows) > 10


def test_customers_are_found_by_email_whatever_its_case(
    gateway: GatewayServer, control: Control
) -> None:
    query = "{ customers(first: 100) { nodes { id email } } }"
    known = next(c for c in gateway.data(query)["customers"]["nodes"] if c["email"])
    ask = "query C($m: String!) { customer(email: $m) { id } }"
    assert gateway.data(ask, m=known["email"].upper())["customer"] == {"id": known["id"]}


def test_the_orders_of_a_customer_page_like_any_other(gateway: GatewayServer, truth: Truth) -> None:
    numbers: dict[str, list[str]] = {}
    for order in truth["orders"]:
        numbers.setdefault(order["customer"], []).append(order["number"])
    customer = max(
        (c for c in truth["customers"] if "salesforce" in c["sources"]),
        key=lambda c: len(numbers.get(c["key"], [])),
    )
    query = """query C($id: ID!, $after: String) { customer(id: $id) {
      orders(first: 2, after: $after) { nodes { number } pageInfo { hasNextPage endCursor } } } }"""
    found: list[str] = []
    after, more = None, True
    id_ = f"salesforce:customer:{customer['sources']['salesforce']}"
    while more:
        page = gateway.data(query, id=id_, after=after)["customer"]["orders"]
        assert len(page["nodes"]) <= 2
        found += [node["number"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert sorted(found) == sorted(numbers[customer["key"]])
    assert len(found) > 4


def test_a_provider_knows_the_same_customer(gateway: GatewayServer, truth: Truth) -> None:
    both = next(c for c in truth["customers"] if {"salesforce", "stripe_eu"} <= c["sources"].keys())
    crm = f"salesforce:customer:{both['sources']['salesforce']}"
    provider = f"stripe_eu:customer:{both['sources']['stripe_eu']}"
    query = """query S($a: ID!, $b: ID!) {
      crm: customer(id: $a) { sameAs { customer { id } rule evidence }
        payments(first: 100) { nodes { id } } orders(first: 100) { nodes { id } } }
      provider: customer(id: $b) { sameAs { customer { id } rule evidence }
        orders(first: 100) { nodes { id } } payments(first: 100) { nodes { id } } } }"""
    data = gateway.data(query, a=crm, b=provider)
    link = {"rule": "CRM_FIELD", "evidence": "Stripe_EU_Customer__c"}
    assert {"customer": {"id": provider}} | link in data["crm"]["sameAs"]
    assert data["provider"]["sameAs"] == [{"customer": {"id": crm}} | link]
    assert data["provider"]["orders"] == data["crm"]["orders"]
    assert {p["id"] for p in data["provider"]["payments"]["nodes"]} <= {
        p["id"] for p in data["crm"]["payments"]["nodes"]
    }


def test_payments_and_refunds_of_a_customer_page_newest_first(
    gateway: GatewayServer, truth: Truth
) -> None:
    by_customer: dict[str, list[str]] = {}
    for order in truth["orders"]:
        for payment in order["payments"]:
            by_customer.setdefault(order["customer"], []).append(payment["nativeId"])
    key = max((k for k in by_customer if k), key=lambda k: len(by_customer[k]))
    customer = next(c for c in truth["customers"] if c["key"] == key)
    query = """query C($id: ID!, $after: String) { customer(id: $id) {
      payments(first: 3, after: $after) { nodes { nativeId createdAt }
        pageInfo { hasNextPage endCursor } } } }"""
    rows: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        id_ = f"salesforce:customer:{customer['sources']['salesforce']}"
        page = gateway.data(query, id=id_, after=after)["customer"]["payments"]
        rows += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    times = [row["createdAt"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert set(by_customer[key]) <= {row["nativeId"] for row in rows}
    assert len({row["nativeId"] for row in rows}) == len(rows)
