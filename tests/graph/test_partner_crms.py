"""A partner of each CRM: what is its own whole, and of the orders of others nothing, not even that
they are there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.records import Order
from connectors.registry import Registry
from gateway.compose import Gateway, open_gateway
from resolvers.cursor import decode
from sandbox.server import Server as Sandbox
from tests.graph.conftest import Control, Truth
from tests.graph.principals import open_to_all
from tests.graph.test_every_crm import CRMS, WITHOUT_CUSTOMERS
from tests.graph.test_rows import as_partner, data
from tests.serving import settings_for

pytestmark = pytest.mark.anyio
TOLD_BY_CALLS = {"hubspot"}
"""A deal says whose it is only when its associations are asked for."""
PAGE = """query Q($numbers: [String!]!, $source: [String!]) {
  orders(first: 5, filter: {number: {in: $numbers}, source: $source}) {
    totalCount nodes { id } edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
ORDER = """query Q($number: String!) { order(number: $number) { id total { amount }
  paid { amount } balanceDue { amount } paymentState inSync payments { nodes { id } } } }"""


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(size=40, rate_limits=False) as running:
        yield running


@pytest.fixture(scope="module")
def calls(world: Sandbox) -> Iterator[Control]:
    control = Control(world)
    yield control
    control.client.close()


@pytest.fixture
async def alive(world: Sandbox, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = settings_for(world, str(tmp_path))
    sources = {
        name: msgspec.structs.replace(own, deadline=60.0)
        for name, own in settings.sources.items()
        if name in (*CRMS, "stripe_eu", "stripe_us")
    }
    server = msgspec.structs.replace(settings.server, deadline=60.0)
    settings = msgspec.structs.replace(settings, sources=sources, server=server)
    async with open_gateway(settings, Registry()) as gateway:
        yield gateway


async def orders_of(gateway: Gateway, world: Sandbox, crm: str) -> list[Order]:
    """Orders that name a customer, as the connector gives them."""
    truth: Truth = world.world.truth()
    numbers = [order["number"] for order in truth["orders"] if order["source"] == crm][:30]
    connector: Any = gateway.sources[crm].connector
    found = await connector.orders_by_number(numbers)
    every = [order for number in numbers for order in found.get(number, ())]
    return [order for order in every if isinstance(order, Order) and order.customer_id]


def customer_of(order: Order) -> str:
    return f"{order.source.name}:customer:{order.customer_id}"


def readable(value: Any, key: str = "") -> Any:
    """An answer with its cursors decoded: what they hold of the question is what was asked."""
    if isinstance(value, dict):
        return {name: readable(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [readable(inner, key) for inner in value]
    return decode(value) if value and key.lower().endswith("cursor") else value


@pytest.mark.parametrize("crm", CRMS)
async def test_the_number_of_somebody_elses_order_is_as_one_that_is_not_there(
    alive: Gateway, world: Sandbox, calls: Control, crm: str
) -> None:
    every = await orders_of(alive, world, crm)
    mine = every[0]
    theirs = next(order for order in every if order.customer_id != mine.customer_id)
    for beside in ([], [mine.number]):
        bodies, costs = [], []
        for number in (theirs.number, "NO-SUCH-1"):
            calls.clear()
            asked = {"numbers": [number, *beside], "source": [crm]}
            outcome = await as_partner(alive, [customer_of(mine)], PAGE, **asked)
            bodies.append(readable(outcome.body))
            costs.append(len(calls.paths()))
        assert bodies[0] == bodies[1]
        assert [n["id"] for n in bodies[0]["data"]["orders"]["nodes"]] == [mine.id] * len(beside)
        if crm not in TOLD_BY_CALLS:
            assert costs[0] == costs[1]
        assert costs[0] <= 6
    alone = [
        (await as_partner(alive, [customer_of(mine)], ORDER, number=number)).body
        for number in (theirs.number, "NO-SUCH-1")
    ]
    assert alone == [{"data": {"order": None}}] * 2


@pytest.mark.parametrize("crm", CRMS)
async def test_a_partners_sums_are_those_that_everybody_sees(
    alive: Gateway, world: Sandbox, crm: str
) -> None:
    """Also where the CRM tells nothing of customers but their ids: what is paid is paid."""
    every = await orders_of(alive, world, crm)
    shown = [(o, data(await open_to_all(alive, ORDER, number=o.number))) for o in every[:12]]
    paid = [(o, answer) for o, answer in shown if answer["order"]["payments"]["nodes"]]
    assert paid
    for order, answer in paid[:4]:
        mine = await as_partner(alive, [customer_of(order)], ORDER, number=order.number)
        assert data(mine) == answer
        query = "{ payments(first: 100) { nodes { id } } customers { nodes { id } } }"
        lists = data(await as_partner(alive, [customer_of(order)], query))
        assert {n["id"] for n in answer["order"]["payments"]["nodes"]} <= {
            n["id"] for n in lists["payments"]["nodes"]
        }
        known = [] if crm in WITHOUT_CUSTOMERS else [{"id": customer_of(order)}]
        assert lists["customers"]["nodes"] == known
