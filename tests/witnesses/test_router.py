"""Queries through Apollo's router in front of the gateway, against the same asked directly."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.serving import GatewayServer
from tests.witnesses.federation import COMPOSERS, NOTES, composed, unguarded
from tests.witnesses.node import Node

by_each = pytest.mark.parametrize("composer", COMPOSERS)
FIELDS = """
fragment Fields on Customer {
  id
  name
  source { name vendor kind }
  totals { currency ordered { amount } paid { amount } refunded { amount } }
  orders(first: 5) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id number recordedState paymentState
      total { amount minorUnits currency }
      payments {
        nodes {
          id status provider
          amount { amount currency }
          method { brand last4 }
          refunds { nodes { id status amount { amount currency } payment { id } } }
        }
      }
    }
  }
}
"""
CUSTOMERS = "query Q { customers(first: 20) { totalCount nodes { ...Fields } } }" + FIELDS
IDS = "query Q { customers(first: 20) { nodes { id } } }"
NOTED = "query Q { customers(first: 20) { nodes { id note } } }"
WATCHED = "query Q($ids: [ID!]!) { watched(ids: $ids) { note ...Fields } }" + FIELDS
NODES = "query Q($ids: [ID!]!) { nodes(ids: $ids) { ...Fields } }" + FIELDS


@cache
def supergraph(node: Node, composer: str, origin: str) -> str:
    answer = composed(node, composer, origin=origin)
    assert answer["errors"] == []
    return unguarded(str(answer["supergraph"]))


def routed(
    node: Node, composer: str, gateway: GatewayServer, query: str, **variables: Any
) -> dict[str, Any]:
    answer: dict[str, Any] = node.run(
        "route",
        supergraph=supergraph(node, composer, gateway.origin),
        notes=NOTES,
        query=query,
        variables=variables,
    )
    assert answer["errors"] == []
    return answer


def steps(answer: dict[str, Any]) -> list[tuple[str, bool]]:
    """Which subgraph was asked, and whether for `_entities`."""
    return [(asked["subgraph"], "_entities" in asked["query"]) for asked in answer["asked"]]


def ids(gateway: GatewayServer) -> list[str]:
    return [customer["id"] for customer in gateway.data(IDS)["customers"]["nodes"]]


@by_each
def test_orders_payments_and_refunds_are_the_same(
    node: Node, subgraph: GatewayServer, composer: str
) -> None:
    direct = subgraph.data(CUSTOMERS)
    answer = routed(node, composer, subgraph, CUSTOMERS)

    assert answer["data"] == direct
    assert steps(answer) == [("tillgate", False)]
    orders = [o for c in direct["customers"]["nodes"] for o in c["orders"]["nodes"]]
    payments = [p for o in orders for p in o["payments"]["nodes"]]
    assert len(direct["customers"]["nodes"]) == 20
    assert any(p["refunds"]["nodes"] for p in payments)


@by_each
def test_entities_of_another_subgraph_are_completed_here(
    node: Node, subgraph: GatewayServer, composer: str
) -> None:
    watched = ids(subgraph)[::-1]
    direct = subgraph.data(NODES, ids=watched)["nodes"]
    answer = routed(node, composer, subgraph, WATCHED, ids=watched)

    expected = [{**customer, "note": f"About {customer['id']}"} for customer in direct]
    assert answer["data"] == {"watched": expected}
    assert [customer["id"] for customer in direct] == watched
    assert steps(answer) == [("notes", False), ("tillgate", True)]


@by_each
def test_our_customers_are_completed_by_another_subgraph(
    node: Node, subgraph: GatewayServer, composer: str
) -> None:
    answer = routed(node, composer, subgraph, NOTED)

    expected = [{"id": id_, "note": f"About {id_}"} for id_ in ids(subgraph)]
    assert answer["data"] == {"customers": {"nodes": expected}}
    assert steps(answer) == [("tillgate", False), ("notes", True)]
