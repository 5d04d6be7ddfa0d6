"""What the graph says about every order is what the world says, to the minor unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.graph.conftest import Truth
from tests.serving import GatewayServer

PAGE = """
query Page($after: String) {
  orders(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id nativeId number recordedState paymentState inSync
      total { minorUnits currency } paid { minorUnits } refunded { minorUnits }
      source { name } customer { nativeId }
      lines { total { minorUnits } }
      payments(first: 100) { nodes {
        nativeId status reference amount { minorUnits currency } source { name }
        refunds(first: 100) { nodes { nativeId status amount { minorUnits } } }
      } }
      refunds(first: 100) { nodes { nativeId } }
    }
  }
}
"""


@pytest.fixture(scope="module")
def orders(gateway: GatewayServer) -> list[dict[str, Any]]:
    """Each with the fields that are null with an error: the sums of payments that leave them open,
    in a state that nobody documented."""
    found, after, more = [], None, True
    while more:
        answer = gateway.ask(PAGE, after=after)
        page = answer["data"]["orders"]
        nodes = [node | {"open": set()} for node in page["nodes"]]
        for error in answer.get("errors", ()):
            _, _, row, field = error["path"]
            assert error["extensions"]["code"] == "UPSTREAM_UNDECIDED"
            doubtful = {p["source"]["name"] for p in unknown(nodes[row]["payments"]["nodes"])}
            assert error["extensions"]["source"] in doubtful
            nodes[row]["open"].add(field)
        found += nodes
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return found


def unknown(payments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [payment for payment in payments if payment["status"] == "UNKNOWN"]


def every(gateway: GatewayServer, query: str, root: str, **variables: Any) -> Iterator[Any]:
    """All nodes of a connection, page by page."""
    after, more = None, True
    while more:
        page = gateway.data(query, after=after, **variables)[root]
        yield from page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]


def money(value: dict[str, str] | None) -> int | None:
    return None if value is None else int(value["minorUnits"])


def test_every_order_is_listed_exactly_once(orders: list[dict[str, Any]], truth: Truth) -> None:
    assert sorted(o["number"] for o in orders) == sorted(o["number"] for o in truth["orders"])


def test_the_money_of_every_order_is_right(orders: list[dict[str, Any]], truth: Truth) -> None:
    expected = {o["number"]: o for o in truth["orders"]}
    for order in orders:
        told = expected[order["number"]]
        assert order["id"] == f"salesforce:order:{told['nativeId']}"
        assert order["source"]["name"] == told["source"]
        assert money(order["total"]) == told["total"], order["number"]
        if order["total"] is not None:
            assert order["total"]["currency"] == told["currency"]
            for sum_ in ("paid", "refunded"):
                right = None if sum_ in order["open"] else told[sum_]
                assert money(order[sum_]) == right, order["number"]


def test_a_sum_is_null_only_with_the_error_of_a_payment_that_leaves_it_open(
    orders: list[dict[str, Any]],
) -> None:
    opened = [order for order in orders if order["open"]]
    assert opened
    for order in opened:
        assert order["open"] <= {"paid", "refunded"}
        assert unknown(order["payments"]["nodes"]), order["number"]
    summed = [o for o in orders if o["total"] is not None]
    assert all((o["paid"] is None) == ("paid" in o["open"]) for o in summed)


def test_the_states_of_every_order_are_right(orders: list[dict[str, Any]], truth: Truth) -> None:
    expected = {o["number"]: o for o in truth["orders"]}
    keys = ("paymentState", "recordedState", "inSync")
    shown = {o["number"]: [o[k] for k in keys] for o in orders}
    assert shown == {number: [told[k] for k in keys] for number, told in expected.items()}


def test_the_payments_and_refunds_of_every_order_are_right(
    orders: list[dict[str, Any]], truth: Truth
) -> None:
    expected = {o["number"]: o for o in truth["orders"]}
    for order in orders:
        shown = {
            (p["source"]["name"], p["nativeId"]): (
                money(p["amount"]),
                p["amount"]["currency"],
                p["status"],
                sorted(
                    (r["nativeId"], money(r["amount"]), r["status"]) for r in p["refunds"]["nodes"]
                ),
            )
            for p in order["payments"]["nodes"]
        }
        told = {
            (p["source"], p["nativeId"]): (
                p["amount"],
                p["currency"],
                p["status"],
                sorted((r["nativeId"], r["amount"], r["status"]) for r in p["refunds"]),
            )
            for p in expected[order["number"]]["payments"]
        }
        assert shown == told, order["number"]
        refunds = {refund[0] for payment in told.values() for refund in payment[3]}
        assert {r["nativeId"] for r in order["refunds"]["nodes"]} == refunds


def test_the_lines_add_up_to_the_total(orders: list[dict[str, Any]]) -> None:
    known = [o for o in orders if o["total"] is not None]
    assert len(known) > 400
    for order in known:
        assert sum(int(x["total"]["minorUnits"]) for x in order["lines"]) == money(order["total"])


def test_every_order_names_its_customer(orders: list[dict[str, Any]], truth: Truth) -> None:
    native = {c["key"]: c["sources"].get("salesforce") for c in truth["customers"]}
    expected = {o["number"]: native.get(o["customer"]) for o in truth["orders"]}
    shown = {o["number"]: o["customer"] and o["customer"]["nativeId"] for o in orders}
    assert shown == expected


PAYMENTS = """
query Payments($after: String, $source: [String!]) {
  payments(first: 100, after: $after, filter: {source: $source}) {
    pageInfo { hasNextPage endCursor }
    nodes { nativeId source { name } createdAt order { number } customer { id } }
  }
}
"""


def test_payments_of_two_accounts_are_merged_and_lead_back_to_their_orders(
    gateway: GatewayServer, truth: Truth
) -> None:
    shown = list(every(gateway, PAYMENTS, "payments"))
    owner = {
        (p["source"], p["nativeId"]): o["number"] for o in truth["orders"] for p in o["payments"]
    }
    orphans = {(p["source"], p["nativeId"]): None for p in truth["orphans"]["payments"]}
    assert {
        (p["source"]["name"], p["nativeId"]): p["order"] and p["order"]["number"] for p in shown
    } == owner | orphans
    assert len(shown) == len(owner) + len(orphans), "a payment came twice"
    times = [p["createdAt"] for p in shown]
    assert times == sorted(times, reverse=True)


def test_refunds_lead_back_to_their_payments_and_orders(
    gateway: GatewayServer, truth: Truth
) -> None:
    query = """
    query Refunds($after: String) { refunds(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { nativeId payment { nativeId } order { number } }
    } }"""
    shown = {
        r["nativeId"]: (r["payment"]["nativeId"], r["order"] and r["order"]["number"])
        for r in every(gateway, query, "refunds")
    }
    told = {
        r["nativeId"]: (p["nativeId"], o["number"])
        for o in truth["orders"]
        for p in o["payments"]
        for r in p["refunds"]
    }
    assert {k: v for k, v in shown.items() if v[1] is not None} == told


def test_totals_of_a_customer_are_the_sums_of_its_orders(
    gateway: GatewayServer, truth: Truth
) -> None:
    sums: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
    # What is paid in another currency, or in a state that nobody documents, leaves the sums open.
    open_ = set()
    for order in truth["orders"]:
        own = sums[order["customer"]].setdefault(order["currency"], [0, 0, 0])
        for at, key in enumerate(("total", "paid", "refunded")):
            own[at] += order[key] or 0
        paid = order["payments"]
        if any(p["currency"] != order["currency"] or p["status"] == "UNKNOWN" for p in paid):
            open_.add(order["customer"])
    customers = [
        c for c in truth["customers"] if "salesforce" in c["sources"] and c["key"] not in open_
    ][:40]
    ids = [f"salesforce:customer:{c['sources']['salesforce']}" for c in customers]
    query = """query Totals($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { totals {
      currency ordered { minorUnits } paid { minorUnits } refunded { minorUnits } } } } }"""
    nodes = gateway.data(query, ids=ids)["nodes"]
    shown = [
        {
            t["currency"]: [int(t[k]["minorUnits"]) for k in ("ordered", "paid", "refunded")]
            for t in node["totals"]
        }
        for node in nodes
    ]
    # An order without a total and without payments has no currency to stand under.
    told = [{k: v for k, v in sums[c["key"]].items() if any(v)} for c in customers]
    assert [{k: v for k, v in own.items() if any(v)} for own in shown] == told
    assert sum(map(len, told)) > 30


def test_names_survive_in_every_script(gateway: GatewayServer, truth: Truth) -> None:
    query = """query C($after: String) { customers(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor } nodes { nativeId name } } }"""
    shown = {c["nativeId"]: c["name"] for c in every(gateway, query, "customers")}
    told = {
        c["sources"]["salesforce"]: c["name"]
        for c in truth["customers"]
        if "salesforce" in c["sources"]
    }
    assert shown == told
    text = "".join(shown.values())
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text), "no Chinese name"
    assert any("\u0590" <= letter <= "\u06ff" for letter in text), "no right-to-left name"
    assert any(letter > "\U0001f000" for letter in text), "no emoji"


def test_sessions_of_a_provider_are_paid_by_the_payments_that_they_or_their_invoices_name(
    gateway: GatewayServer, truth: Truth
) -> None:
    query = """query S($after: String) { orders(first: 100, after: $after,
        filter: {source: ["stripe_eu", "stripe_us"], recordedState: [PAID]}) {
      pageInfo { hasNextPage endCursor }
      nodes { number paid { minorUnits } paymentState payments { nodes { nativeId } } } } }"""
    told = {o["number"]: o for o in truth["orders"]}
    shown = list(every(gateway, query, "orders"))
    assert len(shown) > 20
    for session in shown:
        true = told[session["number"]]
        assert money(session["paid"]) == true["paid"], session["number"]
        assert session["paymentState"] == true["paymentState"]
        assert {p["nativeId"] for p in session["payments"]["nodes"]} <= {
            p["nativeId"] for p in true["payments"]
        }
