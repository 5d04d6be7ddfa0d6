"""Answers under faults, held against the same answers without: what the fault matrix asks, breaks
and compares.

Equal means: every value is the one without faults, or null with an error at its path or above it. A
list may lack rows if an error at the list, in it or above it says so; the rows of a connection keep
their order.
Every error names a source that is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.compose import Gateway
from resolvers.context import Context
from resolvers.link_store import LinkStore, StoredLink
from resolvers.links import LinkRules
from resolvers.sources import Sources
from sandbox.world import World
from schema.execution import Operation
from tests.graph.conftest import Control

KINDS: dict[str, dict[str, Any]] = {
    "slow": {"kind": "latency", "latency_ms": 150},
    "hanging": {"kind": "latency", "latency_ms": 10_000},
    "429": {"kind": "rate_limit"},
    "503": {"kind": "status", "status": 503},
    "cut": {"kind": "cut"},
    "bad JSON": {"kind": "bad_json"},
    "HTML": {"kind": "html"},
    "reset": {"kind": "drop"},
}
ORDER = """id number recordedState total { minorUnits currency } paid { minorUnits }
  refunded { minorUnits } balanceDue { minorUnits } paymentState inSync customer { id name }
  lines { sku total { minorUnits } } links { rule evidence payment { id } }
  refunds(first: 50) { nodes { id status } totalCount }
  payments(first: 50) { totalCount nodes { id status amount { minorUnits } captured { minorUnits }
    refunded { minorUnits } refunds { nodes { id status amount { minorUnits } } } } }"""
PAYMENT = """id status reference captured { minorUnits } refunded { minorUnits }
  order { id number } customer { id name } disputes { id status }
  refunds(first: 50) { nodes { id status amount { minorUnits } } }"""
CUSTOMER = """id name orders(first: 50) { nodes { id number } } payments(first: 50) { nodes {
  id status } } refunds(first: 50) { nodes { id } } sameAs { rule evidence customer { id } }
  totals { currency ordered { minorUnits } paid { minorUnits } refunded { minorUnits }
    outstanding { minorUnits } }"""
REFUND = "id status amount { minorUnits } payment { id status } order { id number }"
LISTED = "incomplete { source { name } reason } pageInfo { hasNextPage }"
QUERIES: dict[str, str] = {
    "orders": f"{{ orders(first: 100) {{ {LISTED} nodes {{ {ORDER} }} }} }}",
    "payments": f"{{ payments(first: 100) {{ {LISTED} nodes {{ {PAYMENT} }} }} }}",
    "customers": f"{{ customers(first: 100) {{ {LISTED} nodes {{ {CUSTOMER} }} }} }}",
    "refunds": f"{{ refunds(first: 100) {{ {LISTED} nodes {{ {REFUND} }} }} }}",
    "by id": f"""query Q($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename
      ... on Order {{ {ORDER} }} ... on Refund {{ {REFUND} }}
      ... on Customer {{ {CUSTOMER} }} }} }}""",
    "by key": f"""query Q($number: String!, $reference: String!, $email: String!,
      $numbers: [String!]!) {{
      order(number: $number) {{ {ORDER} }} payment(reference: $reference) {{ {PAYMENT} }}
      customer(email: $email) {{ {CUSTOMER} }}
      orders(first: 100, filter: {{number: {{in: $numbers}}}}) {{ nodes {{ id number }} }}
      done: payments(first: 100, filter: {{status: [REFUNDED, PARTIALLY_REFUNDED]}}) {{
        nodes {{ id status }} }} }}""",
}


class Broken(msgspec.Struct, frozen=True):
    """One of `KINDS` at a source, at all its paths or at those that begin so."""

    source: str
    kind: str
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.source} {self.kind}" + (f" at {self.path}" if self.path else "")

    def fault(self, vendor: str, *, alone: bool) -> dict[str, Any]:
        """`alone`: the vendor has no other account, so that calls without one are of this."""
        at: dict[str, Any] = {} if alone else {"account": self.source}
        return {"vendor": vendor, "path": self.path, **at, **KINDS[self.kind]}


class Unlinked(LinkStore):
    """Holds no links, and is not asked over a file that a busy machine is slow with."""

    async def of_orders(self, order_ids: Sequence[str]) -> list[StoredLink]:
        return []

    async def of_payments(self, payment_ids: Sequence[str]) -> list[StoredLink]:
        return []


class Report(msgspec.Struct):
    """What was compared, and what was wrong, each as a sentence."""

    queries: int = 0
    leaves: int = 0
    errors: int = 0
    wrong: list[str] = []

    def __str__(self) -> str:
        counted = f"{self.queries} queries, {self.leaves} leaves, {self.errors} errors"
        return "\n".join([f"{counted}, {len(self.wrong)} wrong", *self.wrong[:20]])

    def __add__(self, other: Report) -> Report:
        return Report(
            self.queries + other.queries,
            self.leaves + other.leaves,
            self.errors + other.errors,
            self.wrong + other.wrong,
        )


class Matrix:
    """`patient` answers for healthy sources, whose deadlines no busy machine reaches; broken ones
    are asked over `hasty`."""

    def __init__(self, patient: Gateway, hasty: Gateway, control: Control) -> None:
        self._patient = patient
        self._hasty = hasty
        self._control = control
        self._variables: dict[str, Any] = {}
        self._truth: dict[str, Any] = {}
        self.total = Report()
        """Of all comparisons so far."""

    @property
    def sources(self) -> list[str]:
        return list(self._patient.sources)

    async def learn(self, world: World) -> None:
        """The answers without faults, of which none may have an error that a fault could cause."""
        self._control.clear()
        self._variables = _variables(world)
        for name in QUERIES:
            body = await self._ask(name, ())
            codes = {error["extensions"]["code"] for error in body.get("errors", ())}
            assert codes <= {"UPSTREAM_UNDECIDED"}, (name, body["errors"][:3])
            self._truth[name] = body

    async def compare(self, broken: Sequence[Broken], names: Iterable[str] = QUERIES) -> Report:
        """The queries of these names while these sources are broken."""
        report = Report()
        vendors = [s.source.vendor for s in self._patient.sources.values()]
        faults = []
        for one in broken:
            vendor = self._patient.sources[one.source].source.vendor
            faults.append(one.fault(vendor, alone=vendors.count(vendor) == 1))
        for name in names:
            self._control.faults(*faults)
            # Connections that were closed while this loop stood still are not taken for alive.
            for _ in range(5):
                await asyncio.sleep(0)
            body = await self._ask(name, [one.source for one in broken])
            self._control.clear()
            found = differences(self._truth[name], body, {one.source for one in broken})
            wrong = [f"{name}: {one}" for one in found]
            report += Report(1, _leaves(body["data"]), len(body.get("errors", ())), wrong)
        self.total += report
        return report

    async def _ask(self, name: str, broken: Sequence[str]) -> dict[str, Any]:
        variables = self._variables if "$" in QUERIES[name] else {}
        used = {key: value for key, value in variables.items() if f"${key}" in QUERIES[name]}
        operation = Operation(QUERIES[name], None, used)
        async with asyncio.timeout(100):
            outcome = await self._patient.executor.run(operation, self._context(broken))
        assert outcome.executed, outcome.body
        return outcome.body

    def _context(self, broken: Sequence[str]) -> Context:
        sources = Sources(
            (self._hasty if name in broken else self._patient).sources[name]
            for name in self._patient.sources
        )
        rules = LinkRules(sources, Unlinked(self._patient.engine))
        return Context(sources, rules, request_id="matrix", seconds=90.0, objects=10**6)


def _variables(world: World) -> dict[str, Any]:
    """Of every source some ids, and numbers of orders of every CRM."""
    truth = world.truth()
    orders = [o for o in truth["orders"] if o["customer"] is not None]
    by_source: dict[str, list[Any]] = {}
    for order in orders:
        by_source.setdefault(order["source"], []).append(order)
    ids = [f"{s}:order:{o['nativeId']}" for s, own in by_source.items() for o in own[:3]]
    refunded: dict[str, str] = {}
    for order in orders:
        for payment in order["payments"]:
            for refund in payment["refunds"]:
                refunded[payment["source"]] = f"{payment['source']}:refund:{refund['nativeId']}"
    payers = {
        source: f"{source}:customer:{native}"
        for customer in truth["customers"]
        for source, native in customer["sources"].items()
        if source != "yonbip"
    }
    paid = next(o for o in orders if o["payments"] and o["payments"][0]["source"] == "paypal")
    email = next(c.email for c in world.customers if c.email and "weaver" not in c.sources)
    return {
        "ids": [*ids, *refunded.values(), *payers.values()],
        "number": paid["number"],
        "reference": paid["number"],
        "email": email,
        "numbers": [order["number"] for own in by_source.values() for order in own[:5]],
    }


def differences(truth: Any, body: Any, broken: set[str]) -> Iterator[str]:
    """What of an answer is not equal to the one without faults, as this module defines it."""
    errors = body.get("errors", ())
    known = {_path(error["path"]) for error in truth.get("errors", ())}
    for error in errors:
        if _path(error["path"]) not in known and error["extensions"].get("source") not in broken:
            yield f"an error that names no broken source: {error}"
    yield from _Comparison([tuple(error["path"]) for error in errors]).of(
        truth["data"], body["data"], ()
    )


def _path(path: Sequence[Any]) -> str:
    return ".".join(map(str, path))


Path = tuple[Any, ...]


class _Comparison:
    def __init__(self, errors: Sequence[Path]) -> None:
        self._errors = set(errors)

    def of(self, truth: Any, shown: Any, path: Path) -> Iterator[str]:
        if shown is None and truth is not None:
            if not self._is_excused(path):
                yield f"{_path(path)} is null without an error, and was {str(truth)[:200]}"
        elif isinstance(truth, dict) and isinstance(shown, dict):
            for key in truth:
                yield from self.of(truth[key], shown[key], (*path, key))
        elif isinstance(truth, list) and isinstance(shown, list):
            yield from self._lists(truth, shown, path)
        elif truth != shown:
            yield f"{_path(path)} is {str(shown)[:200]} and was {str(truth)[:200]}"

    def _is_excused(self, path: Path) -> bool:
        """By an error at the path or above it. What is said of a whole list (how many rows there
        are, whether more follow) is unknown as well where an error stands in the list."""
        if any(path[:length] in self._errors for length in range(1, len(path) + 1)):
            return True
        return path[-1] in ("totalCount", "hasNextPage") and self._stands_below(
            path[:-2] if path[-1] == "hasNextPage" else path[:-1]
        )

    def _stands_below(self, path: Path) -> bool:
        return any(error[: len(path)] == path for error in self._errors)

    def _lists(self, truth: list[Any], shown: list[Any], path: Path) -> Iterator[str]:
        if len(truth) == len(shown) and all(
            one is None or _key(one) == _key(other) for one, other in zip(shown, truth, strict=True)
        ):
            for index, (other, one) in enumerate(zip(truth, shown, strict=True)):
                yield from self.of(other, one, (*path, index))
            return
        rows = {_key(one): (place, one) for place, one in enumerate(truth)}
        last = -1
        for index, one in enumerate(shown):
            if one is None:
                yield from self.of("a row", None, (*path, index))
                continue
            place, other = rows.pop(_key(one), (None, None))
            if place is None:
                yield f"{_path(path)} has a row that was not there: {str(one)[:200]}"
                continue
            if place < last and path[-1] == "nodes":
                yield f"{_path(path)} is in another order"
            last = place
            yield from self.of(other, one, (*path, index))
        missing = [key for key, (_, one) in rows.items() if one is not None]
        if missing and not self._is_excused(path) and not self._stands_below(path):
            yield f"{_path(path)} lacks {missing[:3]} without an error"


def _key(row: Any) -> Any:
    """What makes a row the same: its id, that of the record it leads to, or its currency."""
    if not isinstance(row, dict):
        return row
    for name in ("id", "currency"):
        if name in row:
            return row[name]
    for name in ("payment", "customer", "source"):
        if name in row:
            return str(row[name])
    return str(row)


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) else 1
