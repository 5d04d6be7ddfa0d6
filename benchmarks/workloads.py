"""The four workloads: the same documents for both sides, with each side's own ids and cursors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection
from typing import Any

import msgspec

from benchmarks.processes import CannotMeasure
from benchmarks.world import order_id

ROW = """\
fragment Row on Order {
  id number recordedStatus total { minorUnits currency }
  customer { id name email }
  payments { nodes {
    id providerStatus amount { minorUnits currency }
    refunds { nodes { id amount { minorUnits } } }
  } }
}
"""
ONE = f"query One($id: ID!) {{ order(id: $id) {{ ...Row }} }}\n{ROW}"
PAGE = "orders(first: 100, after: $%s) { nodes { ...Row } }"
MANY = f"query Many($after: String) {{ {PAGE % 'after'} }}\n{ROW}"
WALK = "query Walk($after: String) { orders(first: 100, after: $after) { pageInfo { endCursor } } }"

ALIASES = [f"p{n}" for n in range(10)]
TEN = (
    f"query Ten({', '.join(f'${a}: String' for a in ALIASES)}) {{\n"
    + "\n".join(f"  {a}: {PAGE % a}" for a in ALIASES)
    + f"\n}}\n{ROW}"
)

ONE_ORDER_IDS = [order_id(7 + 13 * n) for n in range(300)]
PAGES = 49
START = 4
"""Q2 and Q3 begin behind this page."""


class Workload(msgspec.Struct, frozen=True):
    name: str
    summary: str
    concurrency: tuple[int, ...]


WORKLOADS = (
    Workload("Q1", "one order with customer, payments and refunds; 300 ids in turn", (1, 32)),
    Workload("Q2", "a page of 100 orders with the same joins", (1, 32)),
    Workload("Q3", "1,000 orders: ten such pages in one query", (1, 8)),
    Workload("Q4", "100 orders, 49 pages in turn", (32,)),
)

Answer = Mapping[str, Any]


def ask(port: int, body: bytes) -> tuple[int, Answer]:
    """Size of the answer and its data."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", "/graphql", body, {"content-type": "application/json"})
        text = connection.getresponse().read()
    finally:
        connection.close()
    answer: dict[str, Any] = msgspec.json.decode(text)
    if "errors" in answer:
        raise CannotMeasure(f"a gateway answered with errors: {str(answer['errors'])[:500]}")
    data: Answer = answer["data"]
    return len(text), data


def bodies(port: int, prefix: str) -> dict[str, list[bytes]]:
    """The requests of each workload for one side; `prefix` is what its order ids begin with."""
    cursors = list(_cursors(port))
    ten = dict(zip(ALIASES, cursors[START:], strict=False))
    return {
        "Q1": [_body(ONE, {"id": prefix + id_}) for id_ in ONE_ORDER_IDS],
        "Q2": [_body(MANY, {"after": cursors[START]})],
        "Q3": [_body(TEN, ten)],
        "Q4": [_body(MANY, {"after": cursor}) for cursor in cursors],
    }


def _cursors(port: int) -> Iterator[str]:
    """The end of each page but the last."""
    after: str | None = None
    for _ in range(PAGES):
        after = ask(port, _body(WALK, {"after": after}))[1]["orders"]["pageInfo"]["endCursor"]
        assert after is not None
        yield after


def _body(query: str, variables: Mapping[str, str | None]) -> bytes:
    return msgspec.json.encode({"query": query, "variables": variables})


def leaves(value: Any, name: str = "") -> Any:
    """An answer without what differs on purpose: the source in ids, large integers as text."""
    if isinstance(value, dict):
        return {key: leaves(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [leaves(inner, name) for inner in value]
    if name == "id":
        return value.rpartition(":")[2]
    return int(value) if name == "minorUnits" else value


class Contents(msgspec.Struct, frozen=True):
    """How many records an answer holds."""

    orders: int
    payments: int
    refunds: int


def contents(answers: Sequence[Answer]) -> Contents:
    roots = [root for answer in answers for root in answer.values()]
    orders = [order for root in roots for order in root.get("nodes", [root])]
    payments = [payment for order in orders for payment in order["payments"]["nodes"]]
    refunds = [refund for payment in payments for refund in payment["refunds"]["nodes"]]
    return Contents(len(orders), len(payments), len(refunds))
