"""All CRMs at once beside all payment systems: the truth of each, and what its joins cost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.filters import OrderFilter
from connectors.money import Money
from connectors.paging import NEWEST_FIRST
from connectors.records import Customer, Order, Payment, PaymentStatus, Provider, Record, SourceKind
from gateway.calls_page import KEYS, join_calls
from gateway.compose import Gateway, open_gateway
from gateway.demo import JOINED_QUERY, shown_orders
from resolvers.joins import ALL
from resolvers.pages import Ask
from resolvers.sources import ConfiguredSource
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover, is_crm
from tests.graph.conftest import WIDE, Control, Truth
from tests.graph.test_join_calls import Unhurried
from tests.graph.test_truth import money
from tests.serving import GatewayServer, fill_index, settings_for

pytestmark = pytest.mark.anyio
CRMS = tuple(vendor.name for vendor in discover() if is_crm(vendor))
WITHOUT_CUSTOMERS = {"yonbip"}
"""Their sheets confirm orders only."""
WITHOUT_LISTS = {"weaver"}
JOINS = ("Order.customer", "Order.lines", "Customer.orders", "Payment.orders")
ORDER = """
query Orders($numbers: [String!]!) {
  orders(first: 100, filter: {number: {in: $numbers}}) { nodes { ...Whole } }
}
"""
ALONE = "query Order($number: String!) { order(number: $number) { ...Whole } }"
WHOLE = """
fragment Whole on Order {
  number nativeId recordedState paymentState inSync
  source { name } customer { name }
  total { minorUnits currency } paid { minorUnits } refunded { minorUnits }
  lines { total { minorUnits } }
  payments(first: 50) { nodes {
    nativeId status source { name } amount { minorUnits }
    refunds(first: 50) { nodes { nativeId status } }
  } }
}
"""


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(size=70, rate_limits=False) as running:
        yield running


@pytest.fixture(scope="module")
def everything(world: Sandbox) -> Iterator[GatewayServer]:
    wide = {"budget": WIDE}
    with GatewayServer(
        world, source_changes={"deadline": 60.0}, changes=wide, deadline=60.0
    ) as running:
        yield running


@pytest.fixture(scope="module")
def whole(world: Sandbox) -> Truth:
    return world.world.truth()


@pytest.fixture(scope="module")
def shown(everything: GatewayServer, whole: Truth) -> dict[str, dict[str, Any]]:
    """Every order of the world by its number."""
    listed = [o["number"] for o in whole["orders"] if o["source"] not in WITHOUT_LISTS]
    found: list[dict[str, Any]] = []
    for start in range(0, len(listed), 50):
        part = listed[start : start + 50]
        found += everything.data(ORDER + WHOLE, numbers=part)["orders"]["nodes"]
    for order in whole["orders"]:
        if order["source"] in WITHOUT_LISTS:
            found.append(everything.data(ALONE + WHOLE, number=order["number"])["order"])
    return {order["number"]: order for order in found}


def test_every_crm_takes_part(whole: Truth) -> None:
    counts = {name: sum(o["source"] == name for o in whole["orders"]) for name in CRMS}
    assert {"salesforce", "hubspot", "jiandaoyun", "kingdee", "yonyou"} <= set(counts)
    assert min(counts.values()) >= 20, counts


@pytest.mark.parametrize("crm", CRMS)
def test_the_orders_of_a_crm_are_those_of_the_world(
    shown: dict[str, dict[str, Any]], whole: Truth, crm: str
) -> None:
    names = {customer["key"]: customer["name"] for customer in whole["customers"]}
    for told in (order for order in whole["orders"] if order["source"] == crm):
        order = shown[told["number"]]
        where = (crm, told["number"])
        assert order["source"]["name"] == crm
        assert order["nativeId"] == told["nativeId"], where
        assert money(order["total"]) == told["total"], where
        assert order["total"] is None or order["total"]["currency"] == told["currency"], where
        for key in ("recordedState", "paymentState", "inSync"):
            assert order[key] == told[key], (*where, key)
        if crm not in WITHOUT_CUSTOMERS:
            name = names.get(told["customer"])
            assert (order["customer"] or {}).get("name") == name, where
        doubtful = told["total"] is None or any(p["status"] == "UNKNOWN" for p in told["payments"])
        if not doubtful:
            assert money(order["paid"]) == told["paid"], where
            assert money(order["refunded"]) == told["refunded"], where


@pytest.mark.parametrize("crm", CRMS)
def test_the_payments_of_the_orders_of_a_crm_are_those_of_the_world(
    shown: dict[str, dict[str, Any]], whole: Truth, crm: str
) -> None:
    for told in (order for order in whole["orders"] if order["source"] == crm):
        payments = shown[told["number"]]["payments"]["nodes"]
        assert {
            (p["source"]["name"], p["nativeId"], money(p["amount"]), p["status"]): sorted(
                (r["nativeId"], r["status"]) for r in p["refunds"]["nodes"]
            )
            for p in payments
        } == {
            (p["source"], p["nativeId"], p["amount"], p["status"]): sorted(
                (r["nativeId"], r["status"]) for r in p["refunds"]
            )
            for p in told["payments"]
        }, (crm, told["number"])


@pytest.mark.parametrize("crm", CRMS)
def test_the_lines_of_a_crm_add_up_to_the_total(
    shown: dict[str, dict[str, Any]], whole: Truth, crm: str
) -> None:
    numbers = [order["number"] for order in whole["orders"] if order["source"] == crm]
    known = [shown[n] for n in numbers if shown[n]["total"] is not None]
    assert len(known) >= 15
    for order in known:
        lines = [money(line["total"]) or 0 for line in order["lines"]]
        assert lines, (crm, order["number"])
        assert sum(lines) == money(order["total"]), (crm, order["number"])


def test_the_demo_shows_every_crm_that_lists_and_every_payment_system(
    everything: GatewayServer, world: Sandbox
) -> None:
    answer = everything.data(JOINED_QUERY, numbers=shown_orders(world.world))["orders"]["nodes"]
    assert {order["source"]["name"] for order in answer} >= set(CRMS) - WITHOUT_LISTS
    paid = {p["source"]["name"] for order in answer for p in order["payments"]["nodes"]}
    assert paid == {payment.source for payment in world.world.payments}


@pytest.mark.parametrize("crm", sorted(set(CRMS) - WITHOUT_LISTS))
def test_a_list_of_one_crm_is_its_orders_newest_first(
    everything: GatewayServer, whole: Truth, crm: str
) -> None:
    query = """query Page($source: [String!]!, $after: String) {
      orders(first: 17, after: $after, filter: {source: $source}) {
        pageInfo { hasNextPage endCursor } nodes { number createdAt } } }"""
    nodes: list[dict[str, str]] = []
    after, more = None, True
    while more:
        page = everything.data(query, source=[crm], after=after)["orders"]
        nodes += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    numbers = [o["number"] for o in whole["orders"] if o["source"] == crm]
    assert sorted(node["number"] for node in nodes) == sorted(numbers)
    assert [n["createdAt"] for n in nodes] == sorted((n["createdAt"] for n in nodes), reverse=True)


@pytest.mark.parametrize("crm", sorted(set(CRMS) - WITHOUT_LISTS))
def test_a_crm_that_is_down_leaves_one_null_edge(
    everything: GatewayServer, counting: Control, crm: str
) -> None:
    counting.faults({"vendor": crm, "kind": "status", "status": 503})
    answer = everything.ask("{ orders(first: 5) { nodes { source { name } } } }")
    counting.clear()
    assert [error["extensions"] | {"correlationId": ""} for error in answer["errors"]] == [
        {"code": "UPSTREAM_UNAVAILABLE", "source": crm, "correlationId": ""}
    ]
    nodes = answer["data"]["orders"]["nodes"]
    assert [node for node in nodes if node is None] == [None]
    assert crm not in {node["source"]["name"] for node in nodes if node is not None}


@pytest.fixture(scope="module")
def counting(world: Sandbox) -> Iterator[Control]:
    control = Control(world)
    yield control
    control.client.close()


@pytest.fixture
async def unhurried(world: Sandbox, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = settings_for(world, str(tmp_path), deadline=120.0)
    await asyncio.to_thread(fill_index, world, settings, str(tmp_path))
    patient = {n: msgspec.structs.replace(s, deadline=120.0) for n, s in settings.sources.items()}
    settings = msgspec.structs.replace(settings, sources=patient)
    async with open_gateway(settings, Unhurried()) as gateway:
        yield gateway


class Parents:
    """Parents whose joins lead into one CRM: those of the world first, then made-up ones."""

    def __init__(self, world: Sandbox, gateway: Gateway, crm: ConfiguredSource) -> None:
        self.world = world.world
        self.crm = crm
        self.gateway = gateway
        self.simulated = next(v for v in discover() if v.name == crm.vendor.name)

    def ids(self, kind: str, known: list[str], count: int) -> list[str]:
        rng = random.Random(9)
        (account,) = self.simulated.accounts
        strange = (
            self.simulated.native_id(kind, account, 5000 + index, rng) for index in range(count)
        )
        return [*dict.fromkeys([*known, *strange])][:count]

    def of(self, join: str, count: int) -> Sequence[Record]:
        orders = [order for order in self.world.orders if order.source == self.crm.name]
        buyers = [c.sources[self.crm.name] for c in self.world.customers if self.mine(c.sources)]
        if join == "Order.lines":
            known = [order.native_id for order in orders]
            return [self.order(native_id) for native_id in self.ids("order", known, count)]
        customers = self.ids("customer", buyers, count)
        if join == "Order.customer":
            return [self.order(f"o{n}", customer) for n, customer in enumerate(customers)]
        if join == "Customer.orders":
            return [Customer(source=self.crm.source, native_id=one) for one in customers]
        return [self.payment(n) for n in [order.number for order in orders][:count]] + [
            self.payment(f"NONE-{index}") for index in range(count - len(orders))
        ]

    def mine(self, sources: dict[str, str]) -> bool:
        return self.crm.name in sources

    def order(self, native_id: str, customer: str | None = None) -> Order:
        return Order(
            source=self.crm.source, native_id=native_id, number=native_id, customer_id=customer
        )

    def payment(self, reference: str) -> Payment:
        return Payment(
            source=self.gateway.sources["stripe_eu"].source,
            native_id=f"pi_{reference}",
            provider=Provider.STRIPE,
            status=PaymentStatus.SUCCEEDED,
            amount=Money(100, "EUR"),
            reference=reference,
        )


@pytest.mark.parametrize("crm", CRMS)
async def test_a_join_into_a_crm_costs_no_more_than_stated(
    unhurried: Gateway, world: Sandbox, counting: Control, crm: str
) -> None:
    source = unhurried.sources[crm]
    assert source.source.kind is SourceKind.CRM
    parents = Parents(world, unhurried, source)
    measured = 0
    for name in JOINS:
        for count in KEYS:
            most = join_calls(source.vendor, ALL[name], count)
            if not most:
                continue
            asked = parents.of(name, count)
            await source.connector.probe()
            counting.clear()
            page = Ask(5, None, OrderFilter(), NEWEST_FIRST, name)
            arguments: Any = page if name == "Customer.orders" else None
            await unhurried.context().many(ALL[name], asked, arguments)
            calls = [call for call in counting.calls() if call["account"] == crm]
            unknown = max(cost.absent for cost in source.vendor.calls.values())
            assert len(calls) <= most + unknown, (name, count)
            measured += 1
    assert measured >= 8
