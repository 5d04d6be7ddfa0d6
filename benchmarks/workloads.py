"""The workloads: the same documents for both sides, with each side's own ids and cursors."""

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
LIST = """\
query List($after: String) { orders(first: 100, after: $after) {
  nodes { id number recordedStatus total { minorUnits currency } }
} }"""
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
AUTHORIZATION = (
    Workload("L1", "a page of 100 orders without joins", (1, 8)),
    *(
        msgspec.structs.replace(workload, concurrency=(1, 8))
        for workload in WORKLOADS
        if workload.name in ("Q1", "Q2")
    ),
)
"""Where a token, a decision and a rule for every field weigh most, and where they weigh least."""

Answer = Mapping[str, Any]


def ask(port: int, body: bytes, token: str | None = None) -> tuple[int, Answer]:
    """Size of the answer and its data."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        who = {} if token is None else {"authorization": f"Bearer {token}"}
        headers = {"content-type": "application/json", **who}
        connection.request("POST", "/graphql", body, headers)
        text = connection.getresponse().read()
    finally:
        connection.close()
    answer: dict[str, Any] = msgspec.json.decode(text)
    if "errors" in answer:
        raise CannotMeasure(f"a gateway answered with errors: {str(answer['errors'])[:500]}")
    data: Answer = answer["data"]
    return len(text), data


def bodies(port: int, prefix: str, token: str | None = None) -> dict[str, list[bytes]]:
    """The requests of each workload for one side; `prefix` is what its order ids begin with."""
    cursors = list(_cursors(port, token))
    ten = dict(zip(ALIASES, cursors[START:], strict=False))
    return {
        "L1": [_body(LIST, {"after": cursors[START]})],
        "Q1": [_body(ONE, {"id": prefix + id_}) for id_ in ONE_ORDER_IDS],
        "Q2": [_body(MANY, {"after": cursors[START]})],
        "Q3": [_body(TEN, ten)],
        "Q4": [_body(MANY, {"after": cursor}) for cursor in cursors],
    }


def _cursors(port: int, token: str | None) -> Iterator[str]:
    """The end of each page but the last."""
    after: str | None = None
    for _ in range(PAGES):
        _, answer = ask(port, _body(WALK, {"after": after}), token)
        after = answer["orders"]["pageInfo"]["endCursor"]
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


NO_ROWS: Mapping[str, list[Any]] = {"nodes": []}


class Contents(msgspec.Struct, frozen=True):
    """How many records an answer holds."""

    orders: int
    payments: int
    refunds: int


def contents(answers: Sequence[Answer]) -> Contents:
    roots = [root for answer in answers for root in answer.values()]
    orders = [order for root in roots for order in root.get("nodes", [root])]
    payments = [p for order in orders for p in order.get("payments", NO_ROWS)["nodes"]]
    refunds = [refund for payment in payments for refund in payment["refunds"]["nodes"]]
    return Contents(len(orders), len(payments), len(refunds))
