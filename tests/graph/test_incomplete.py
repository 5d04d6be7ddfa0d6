"""A list that lacks a source says which, to those who may know of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.access import Policy
from auth.rows import RowRules, TenantRows
from connectors.registry import Registry
from gateway.compose import Gateway, open_gateway
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover
from schema.execution import Outcome
from tests.graph.conftest import Control
from tests.graph.principals import EVERY_SCOPE, asked, open_to_all, who
from tests.graph.test_rows import as_partner, data
from tests.serving import settings_for

pytestmark = pytest.mark.anyio
CRMS = ("hubspot", "salesforce", "weaver")
WEAVER = {"source": {"name": "weaver", "kind": "CRM"}, "reason": "CANNOT_LIST"}
LISTS = """query Q($source: [String!], $number: StringFilter) {
  orders(first: 100, filter: {source: $source, number: $number}) {
    totalCount nodes { source { name } } incomplete { source { name kind } reason } } }"""
NESTED = """{ customers(first: 1) { nodes { orders { incomplete { reason } } } }
  payments(first: 1) { incomplete { reason } nodes { refunds { incomplete { reason } } } } }"""


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(vendors=discover(CRMS), size=12, rate_limits=False) as running:
        yield running


@pytest.fixture
async def alive(world: Sandbox, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = settings_for(world, str(tmp_path))
    names = (*CRMS, "stripe_eu")
    sources = {name: own for name, own in settings.sources.items() if name in names}
    settings = msgspec.structs.replace(settings, sources=sources)
    async with open_gateway(settings, Registry()) as gateway:
        yield gateway


def lacking(outcome: Outcome) -> list[Any]:
    told: list[Any] = outcome.body.get("extensions", {}).get("incomplete", [])
    return told


def at(*path: str | int) -> dict[str, Any]:
    return {"path": list(path), "source": "weaver", "reason": "CANNOT_LIST"}


async def test_a_list_over_all_sources_names_the_one_that_has_no_list(alive: Gateway) -> None:
    outcome = await open_to_all(alive, LISTS)
    orders = data(outcome)["orders"]
    assert orders["incomplete"] == [WEAVER]
    assert {node["source"]["name"] for node in orders["nodes"]} == {"hubspot", "salesforce"}
    assert orders["totalCount"] is None
    assert lacking(outcome) == [at("orders")]


async def test_it_is_said_without_being_asked_for_and_under_each_alias(alive: Gateway) -> None:
    query = """{ a: customers(first: 1) { nodes { id } } b: orders(first: 1) { nodes { id } }
      payments(first: 1) { nodes { id } } }"""
    outcome = await open_to_all(alive, query)
    data(outcome)
    assert sorted(lacking(outcome), key=lambda one: one["path"]) == [at("a"), at("b")]


async def test_a_list_that_lacks_nothing_says_nothing(alive: Gateway, world: Sandbox) -> None:
    number = next(o.number for o in world.world.orders if o.source == "weaver")
    by_number = await open_to_all(alive, LISTS, number={"in": [number]})
    assert data(by_number)["orders"]["nodes"] == [{"source": {"name": "weaver"}}]
    named = await open_to_all(alive, LISTS, source=["salesforce"])
    nested = await open_to_all(alive, NESTED)
    shown = data(nested)
    assert data(by_number)["orders"]["incomplete"] == data(named)["orders"]["incomplete"] == []
    assert shown["payments"]["incomplete"] == []
    assert shown["customers"]["nodes"][0]["orders"]["incomplete"] == []
    # The customers of Weaver are the only ones that are missing.
    assert [lacking(one) for one in (by_number, named, nested)] == [[], [], [at("customers")]]


async def test_a_customer_that_is_looked_for_by_email_is_one_of_a_list(alive: Gateway) -> None:
    outcome = await open_to_all(alive, '{ customer(email: "nobody@example.com") { id } }')
    assert data(outcome) == {"customer": None}
    assert lacking(outcome) == [at("customer")]


async def test_saying_it_costs_no_call(alive: Gateway, world: Sandbox) -> None:
    control = Control(world)
    await open_to_all(alive, LISTS)
    control.clear()
    await open_to_all(alive, "{ orders(first: 1) { incomplete { source { name } reason } } }")
    assert [path for path in control.paths() if path.startswith("weaver")] == []
    control.client.close()


async def test_another_tenants_source_is_not_named(alive: Gateway) -> None:
    rules = RowRules(tenants={"one": TenantRows(sources=("salesforce", "stripe_eu"))})
    principal = who(EVERY_SCOPE, tenant="one")
    outcome = await asked(alive, LISTS, principal, Policy(rows=rules))
    assert data(outcome)["orders"]["incomplete"] == lacking(outcome) == []
    refused = await asked(alive, LISTS, principal, Policy(rows=rules), source=["weaver"])
    unknown = await asked(alive, LISTS, principal, Policy(rows=rules), source=["nowhere"])
    assert message(refused) == "no source is named 'weaver'"
    assert message(unknown) == "no source is named 'nowhere'"


async def test_a_partner_learns_of_no_source_but_of_its_own_customers(
    alive: Gateway, world: Sandbox
) -> None:
    def customer(source: str) -> str:
        native = next(c.sources[source] for c in world.world.customers if source in c.sources)
        return f"{source}:customer:{native}"

    elsewhere = await as_partner(alive, [customer("salesforce")], LISTS)
    assert data(elsewhere)["orders"]["incomplete"] == lacking(elsewhere) == []
    there = await as_partner(alive, [customer("salesforce"), customer("weaver")], LISTS)
    assert data(there)["orders"]["incomplete"] == [WEAVER]
    assert lacking(there) == [at("orders")]


def message(outcome: Outcome) -> str:
    (error,) = outcome.body["errors"]
    assert error["extensions"]["code"] == "BAD_FILTER"
    return str(error["message"])


REFUSED = {
    "a source that is not there": (
        '{ orders(filter: {source: ["nowhere"]}) { totalCount } }',
        "no source is named 'nowhere'",
    ),
    "orders of a source without a list": (
        '{ orders(filter: {source: ["weaver"]}) { totalCount } }',
        "weaver has no list of orders, it can only be asked by number or id;"
        " named can be hubspot, salesforce, stripe_eu",
    ),
    "customers of a source without a list": (
        '{ customers(filter: {source: ["weaver"]}) { totalCount } }',
        "weaver has no list of customers, it can only be asked by id;"
        " named can be hubspot, salesforce, stripe_eu",
    ),
    "payments of a source that holds none": (
        '{ payments(filter: {source: ["salesforce"]}) { totalCount } }',
        "salesforce holds no payments; named can be stripe_eu",
    ),
    "payments of a provider at a source that holds none": (
        '{ payments(filter: {source: ["salesforce"], provider: STRIPE}) { totalCount } }',
        "salesforce holds no payments; named can be stripe_eu",
    ),
    "refunds of a source that holds none": (
        '{ refunds(filter: {source: ["hubspot"]}) { totalCount } }',
        "hubspot holds no refunds; named can be stripe_eu",
    ),
    "an order that not all sources list in": (
        "{ orders(orderBy: PLACED_AT_DESC) { totalCount } }",
        "hubspot cannot list orders in this order;"
        " name those that can in filter.source: salesforce",
    ),
    "an order that no named source lists in": (
        '{ customers(orderBy: NAME_ASC, filter: {source: ["hubspot"]}) { totalCount } }',
        "hubspot cannot list customers in this order; none can",
    ),
    "an order that the customer's source does not list in": (
        '{ customers(first: 1, filter: {source: ["hubspot"]}) {'
        " nodes { orders(orderBy: PLACED_AT_DESC) { totalCount } } } }",
        "hubspot cannot list orders in this order",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_unknown_and_unable_are_two_messages(alive: Gateway, name: str) -> None:
    query, expected = REFUSED[name]
    assert message(await open_to_all(alive, query)) == expected
