"""What bounds a request beyond its document, and who may send one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from gateway.settings import PairSettings
from sandbox.server import Server as Sandbox
from tests.graph.conftest import STRIPE_ONLY, Control, Truth
from tests.serving import GatewayServer
from tests.waiting import until

CYCLE = """{ orders(first: 100) { nodes { a: customer { orders(first: 100) { nodes {
  b: customer { orders(first: 100) { nodes { c: customer { orders { nodes { id } } }
  d: customer { orders { nodes { id } } } } } } } } } } } }"""


def test_a_small_query_for_a_huge_answer_ends_early(
    gateway: GatewayServer, control: Control
) -> None:
    response = gateway.post(CYCLE)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "ANSWER_TOO_LARGE"
    assert "data" not in response.json()


def test_a_request_has_one_deadline_for_all_its_levels(sandbox: Sandbox, control: Control) -> None:
    query = "{ orders(first: 1) { nodes { customer { orders { nodes { id } } } } } }"
    with GatewayServer(sandbox, only=STRIPE_ONLY, deadline=0.6) as hurried:
        hurried.ask("{ sources { name } }")
        control.faults({"vendor": "salesforce", "kind": "latency", "latency_ms": 400})
        answer = hurried.ask(query)
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    assert codes
    assert codes <= {"UPSTREAM_TIMEOUT", "DEADLINE_EXCEEDED"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:8000"}, 200),
        ({"host": "127.0.0.1"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"host": "evil.example.com"}, 421),
        ({"host": "127.0.0.1.evil.example.com:8000"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "https://evil.example.com"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_only_loopbacks_own_names_are_answered(
    gateway: GatewayServer, control: Control, headers: dict[str, str], status: int
) -> None:
    query = {"query": "{ orders(first: 1) { nodes { id } } }"}
    response = gateway.client.post("/graphql", json=query, headers=headers)
    assert response.status_code == status
    assert bool(control.paths()) == (status == 200)


def test_a_404_that_is_not_stripes_is_no_empty_list(
    stripe_only: GatewayServer, control: Control
) -> None:
    control.faults({"vendor": "stripe", "kind": "status", "status": 404})
    answer = stripe_only.ask("{ payments { nodes { id } } refunds { nodes { id } } }")
    assert answer["data"] == {"payments": None, "refunds": None}
    assert {e["extensions"]["code"] for e in answer["errors"]} == {"UPSTREAM_MALFORMED"}


def test_the_newest_payment_is_not_told_while_one_account_is_down(
    gateway: GatewayServer, control: Control, truth: Truth
) -> None:
    order = next(o for o in truth["orders"] if o["payments"] and o["currency"] == "USD")
    query = "query P($r: String!) { payment(reference: $r) { id } }"
    control.faults({"vendor": "stripe", "account": "stripe_eu", "kind": "status", "status": 503})
    answer = gateway.ask(query, r=order["number"])
    assert answer["data"] == {"payment": None}
    assert answer["errors"][0]["extensions"]["source"] == "stripe_eu"


NESTED = """query N($id: ID!, $after: String) { customer(id: $id) {
  payments(first: 1, after: $after) { nodes { id } pageInfo { endCursor } } } }"""


def test_a_source_that_fails_between_two_pages_is_told(
    gateway: GatewayServer, control: Control, truth: Truth
) -> None:
    both = {"salesforce", "stripe_eu", "stripe_us"}
    customer = next(c for c in truth["customers"] if both <= c["sources"].keys())
    id_ = f"salesforce:customer:{customer['sources']['salesforce']}"
    first = gateway.data(NESTED, id=id_)["customer"]["payments"]
    control.faults({"vendor": "stripe", "account": "stripe_us", "kind": "status", "status": 503})
    answer = gateway.ask(NESTED, id=id_, after=first["pageInfo"]["endCursor"])
    assert answer["data"]["customer"]["payments"]["nodes"][-1] is None
    assert [e["extensions"]["source"] for e in answer["errors"]] == ["stripe_us"]


ONE_SOURCE = '{ payments(first: 1, filter: {source: ["stripe_eu"]}) { pageInfo { endCursor } } }'
MISUSES = {
    "of another root": "{ orders(first: 1) { pageInfo { endCursor } } }",
    "of other sources": ONE_SOURCE,
}


@pytest.mark.parametrize("name", MISUSES)
def test_a_cursor_fits_its_own_connection_only(
    gateway: GatewayServer, control: Control, name: str
) -> None:
    ((_, found),) = gateway.data(MISUSES[name]).items()
    control.clear()
    query = "query Q($c: String) { payments(first: 1, after: $c) { nodes { id } } }"
    answer = gateway.ask(query, c=found["pageInfo"]["endCursor"])
    assert answer["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
    assert control.paths() == []


def test_only_what_is_executed_is_checked(gateway: GatewayServer) -> None:
    two = """query A($x: String) { order(number: $x) { id } }
      query B($x: ID!) { order(id: $x) { id } }"""
    body = {"query": two, "operationName": "A", "variables": {"x": "NO-SUCH"}}
    assert gateway.client.post("/graphql", json=body).json()["data"] == {"order": None}
    skipped = 'query S($no: Boolean!) { a: node(id: "") @include(if: $no) { id } __typename }'
    assert gateway.data(skipped, no=False) == {"__typename": "Query"}
    default = "query D($n: Int = 1000) { orders(first: $n) { nodes { id } } }"
    assert gateway.post(default).status_code == 400


@pytest.fixture
def without_links(sandbox: Sandbox) -> Iterator[GatewayServer]:
    """A gateway whose links are taken away while it runs."""
    with GatewayServer(sandbox) as running:
        running.data("{ orders(first: 1) { nodes { paid { amount } } } }")
        with closing(sqlite3.connect(running.store)) as connection:
            connection.execute("ALTER TABLE order_payment_link RENAME TO moved")
            connection.commit()
        yield running


def test_links_that_cannot_be_read_fail_like_a_source(without_links: GatewayServer) -> None:
    query = "{ orders(first: 1) { nodes { number paid { amount } paymentState } } }"
    # An empty store is remembered for a second.
    until(lambda: "errors" in without_links.ask(query))
    answer = without_links.ask(query)
    (node,) = answer["data"]["orders"]["nodes"]
    assert node["number"].startswith("SO-")
    assert (node["paid"], node["paymentState"]) == (None, None)
    assert {error["path"][-1] for error in answer["errors"]} == {"paid", "paymentState"}
    for error in answer["errors"]:
        assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
        assert error["extensions"]["source"] == "links"


def test_a_configured_pair_leaves_other_sources_out(sandbox: Sandbox) -> None:
    pair = PairSettings(orders="salesforce", payments=("stripe_eu",))
    with GatewayServer(sandbox, pairs=(pair,)) as paired:
        query = "{ orders(first: 100) { nodes { payments { nodes { source { name } } } } } }"
        nodes = paired.data(query)["orders"]["nodes"]
    names = {p["source"]["name"] for node in nodes for p in node["payments"]["nodes"]}
    assert names == {"stripe_eu"}


def test_requests_beyond_the_bound_are_503_with_retry_after_and_later_ones_are_answered(
    sandbox: Sandbox, control: Control
) -> None:
    query = "{ payments(first: 1) { nodes { id } } }"
    with (
        GatewayServer(sandbox, only=STRIPE_ONLY, running=1, waiting=1) as small,
        ThreadPoolExecutor(8) as pool,
    ):
        small.data(query)
        control.faults({"vendor": "stripe", "kind": "latency", "latency_ms": 3000})
        answers = list(pool.map(lambda _: small.post(query), range(8)))
        control.faults()
        small.data(query)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert len(refused) >= 4
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    errors = [error for answer in refused for error in answer.json()["errors"]]
    assert {error["extensions"]["code"] for error in errors} == {"UNAVAILABLE"}
