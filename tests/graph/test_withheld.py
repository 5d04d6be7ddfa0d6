"""What may not be seen is not asked of a CRM, and what may be seen is the same without it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import msgspec
import pytest

from auth.access import Mode, Policy
from auth.principal import Principal
from auth.rows import PartnerRows, RowRules
from gateway.compose import Gateway, open_gateway
from sandbox.server import Server as Sandbox
from sandbox.simulator import discover, is_crm
from sandbox.world import World
from schema.build import build_schema
from tests.graph.conftest import Control
from tests.graph.operations import Oracle
from tests.graph.principals import EVERY_SCOPE, asked, open_to_all, who
from tests.graph.test_join_calls import Unhurried
from tests.serving import fill_index, settings_for

pytestmark = pytest.mark.anyio
SCHEMA = build_schema().executable
CRMS = tuple(vendor.name for vendor in discover() if is_crm(vendor))
NO_CHOICE = {"yonyou", "yonbip", "weaver"}
"""Their vendors tell whole records, whatever is asked for."""
WITHOUT_LISTS = "weaver"
CLERK = "orders:read customers:read"
WORKER = f"{CLERK} payments:read refunds:read disputes:read links:read"
"""Neither sees amounts or personal data."""

AMOUNTS = {
    "salesforce": "TotalAmount Refunded_Amount__c UnitPrice TotalPrice CurrencyIsoCode",
    "hubspot": "amount refunded_amount deal_currency_code price hs_line_item_currency_code",
    "kingdee": "FBillAllAmount FSettleCurrId.FNumber FTaxPrice FAllAmount FRECAMOUNTFOR"
    " FREFUNDTOTALAMOUNTFOR FCURRENCYID.FNumber",
}
OWN_FIELDS = {
    "salesforce": "PoNumber AccountNumber",
    "hubspot": "customer_number",
    "kingdee": "FNote FNumber",
}
"""What is shown as `customFields`. What the mapping of Jiandaoyun names is described below."""
OF_FORMS = "total refunded currency ship_to.city sales[].name owner.name"

PLAIN = """id number createdAt recordedStatus recordedProviders total { minorUnits } customFields
  customer { id name tier emails customFields }
  lines { sku name quantity unitPrice { minorUnits } total { minorUnits } }"""
STATES = "id number recordedState recordedStatus total { minorUnits }"
JOINS = """id number total { minorUnits } paid { minorUnits } paymentState inSync
  payments(first: 50) { nodes { id status amount { minorUnits } refunds { nodes { id status } } } }
  links { rule evidence payment { id } } refunds { nodes { id } }
  customer { id sameAs { rule evidence customer { id kind } }
    payments(first: 9) { nodes { id } } }"""


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(size=70, rate_limits=False) as running:
        yield running


@pytest.fixture(scope="module")
def calls(world: Sandbox) -> Iterator[Control]:
    control = Control(world)
    yield control
    control.client.close()


@pytest.fixture
async def alive(world: Sandbox, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = settings_for(world, str(tmp_path), deadline=60.0)
    await asyncio.to_thread(fill_index, world, settings, str(tmp_path))
    patient = {
        name: msgspec.structs.replace(own, deadline=60.0, rates={})
        for name, own in settings.sources.items()
    }
    settings = msgspec.structs.replace(settings, sources=patient)
    async with open_gateway(settings, Unhurried()) as gateway:
        yield gateway


def orders(world: World, crm: str, selection: str) -> list[str]:
    """Operations that ask for every order of a CRM."""
    numbers = [f'"{order.number}"' for order in world.orders if order.source == crm]
    parts = [", ".join(numbers[start : start + 50]) for start in range(0, len(numbers), 50)]
    filters = (f'{{source: ["{crm}"], number: {{in: [{part}]}}}}' for part in parts)
    return [f"{{ orders(first: 50, filter: {f}) {{ nodes {{ {selection} }} }} }}" for f in filters]


async def answers(
    alive: Gateway, queries: list[str], principal: Principal | None, policy: Policy | None = None
) -> list[Any]:
    bodies = [(await asked(alive, query, principal, policy)).body for query in queries]
    for body in bodies:
        codes = {error["extensions"]["code"] for error in body.get("errors", ())}
        assert codes <= {"UNAUTHORIZED_FIELD_OR_TYPE"}, body["errors"]
    return [body["data"] for body in bodies]


def sent(calls: Control, account: str) -> list[str]:
    """What the requests to an account said: path, query and body."""
    told = calls.client.get("/calls", params={"bodies": ""}).json()["calls"]
    own = [call for call in told if call["account"] == account]
    return [f"{call['path']} {call['query']} {unquote_plus(call['body'])}" for call in own]


def named(texts: list[str], names: set[str]) -> set[str]:
    """The names that stand in a text as such, not as a part of another."""
    every = "\n".join(texts)
    return {name for name in names if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", every)}


async def withheld_names(alive: Gateway, crm: str) -> set[str]:
    if crm != "jiandaoyun":
        return {*AMOUNTS[crm].split(), *OWN_FIELDS[crm].split()}
    source: Any = alive.sources[crm].connector
    columns = [column for table in await source.describe(()) for column in table.columns]
    return {
        c.key.partition(".")[0].removesuffix("[]") for c in columns if c.path in OF_FORMS.split()
    }


@pytest.mark.parametrize("crm", sorted(set(CRMS) - NO_CHOICE))
async def test_what_is_denied_stands_in_no_request(
    alive: Gateway, world: Sandbox, calls: Control, crm: str
) -> None:
    names = await withheld_names(alive, crm)
    queries = orders(world.world, crm, PLAIN)
    asked_for = {}
    for scopes in (EVERY_SCOPE, CLERK):
        calls.clear()
        await answers(alive, queries, who(scopes))
        asked_for[scopes] = named(sent(calls, crm), names)
    assert len(names) >= 5
    assert asked_for[EVERY_SCOPE] == names
    assert asked_for[CLERK] == set()


@pytest.mark.parametrize("crm", sorted(set(CRMS) - NO_CHOICE - {"jiandaoyun"}))
async def test_personal_data_alone_and_amounts_alone(
    alive: Gateway, world: Sandbox, calls: Control, crm: str
) -> None:
    amounts, own = set(AMOUNTS[crm].split()), set(OWN_FIELDS[crm].split())
    queries = orders(world.world, crm, PLAIN)
    calls.clear()
    await answers(alive, queries, who(f"{CLERK} orders:money"))
    assert named(sent(calls, crm), amounts | own) == amounts
    calls.clear()
    await answers(alive, queries, who(f"{CLERK} customers:pii"))
    # An order's own fields take both.
    assert named(sent(calls, crm), amounts | own) == {OWN_FIELDS[crm].split()[-1]}


@pytest.mark.parametrize("selection", [PLAIN, STATES, JOINS])
@pytest.mark.parametrize("crm", CRMS)
async def test_what_is_seen_is_the_same_for_no_more_calls(
    alive: Gateway, world: Sandbox, calls: Control, crm: str, selection: str
) -> None:
    queries = orders(world.world, crm, selection)
    await answers(alive, queries[:1], who(EVERY_SCOPE))
    calls.clear()
    whole = await answers(alive, queries, who(EVERY_SCOPE))
    cost = Counter(path.partition(" ")[0] for path in calls.paths())
    for scopes in (CLERK, WORKER):
        calls.clear()
        seen = await answers(alive, queries, who(scopes))
        oracle = Oracle(SCHEMA, frozenset(scopes.split()))
        assert seen == [
            oracle.blanked(query, data) for query, data in zip(queries, whole, strict=True)
        ]
        spent = Counter(path.partition(" ")[0] for path in calls.paths())
        assert spent <= cost, scopes
    assert len(whole) >= 1


@pytest.mark.parametrize("crm", sorted(set(CRMS) - {WITHOUT_LISTS}))
async def test_lists_and_filters_by_state_are_the_same(
    alive: Gateway, calls: Control, crm: str
) -> None:
    query = f"""query L($f: OrderFilter) {{ orders(first: 20, filter: {{source: ["{crm}"]}}) {{
      nodes {{ id total {{ minorUnits }} }} }}
      some: orders(first: 10, filter: $f) {{ nodes {{ id }} }} }}"""
    wanted = {"source": [crm], "recordedState": ["REFUNDED", "PARTIALLY_REFUNDED"]}
    whole = (await asked(alive, query, who(EVERY_SCOPE), f=wanted)).body["data"]
    seen = (await asked(alive, query, who(CLERK), f=wanted)).body["data"]
    assert seen == Oracle(SCHEMA, frozenset(CLERK.split())).blanked(query, whole)
    assert seen["orders"]["nodes"]


async def test_customers_and_their_orders_are_the_same(
    alive: Gateway, world: Sandbox, calls: Control
) -> None:
    query = """{ customers(first: 100) { nodes { id name kind tier emails phones customFields
      orders(first: 5) { nodes { id placedAt total { minorUnits } } } } } }"""
    calls.clear()
    (whole,) = await answers(alive, [query], who(EVERY_SCOPE))
    cost = len(calls.calls())
    calls.clear()
    (seen,) = await answers(alive, [query], who(CLERK))
    assert seen == Oracle(SCHEMA, frozenset(CLERK.split())).blanked(query, whole)
    assert len(seen["customers"]["nodes"]) > 30
    assert len(calls.calls()) <= cost


async def test_a_partner_without_amounts_finds_the_same_payments(
    alive: Gateway, world: Sandbox
) -> None:
    customers = [c for c in world.world.customers if "salesforce" in c.sources][:4]
    ids = tuple(f"salesforce:customer:{c.sources['salesforce']}" for c in customers)
    rows = RowRules(partners={"shop": PartnerRows(customers=ids)})
    policy = Policy(rows=rows, partner_mode=Mode.FILTER)
    query = """{ payments(first: 50) { nodes { id status } } refunds(first: 50) { nodes { id } }
      orders(first: 50) { nodes { id recordedState } } }"""
    found = []
    for scopes in (EVERY_SCOPE, WORKER, WORKER.replace("orders:read", "")):
        found += await answers(alive, [query], who(scopes, partner="shop"), policy)
    assert found[0]["payments"]["nodes"]
    assert found[1] == found[0]
    assert found[2] == {**found[0], "orders": None}


async def test_a_state_that_follows_from_the_total_is_worth_asking_for_it(
    alive: Gateway, world: Sandbox, calls: Control
) -> None:
    calls.clear()
    await answers(alive, orders(world.world, "salesforce", STATES), who(CLERK))
    amounts = set(AMOUNTS["salesforce"].split())
    assert named(sent(calls, "salesforce"), amounts) == {
        "TotalAmount", "Refunded_Amount__c", "CurrencyIsoCode",
    }  # fmt: skip


async def test_a_dry_run_and_nobody_asking_withhold_nothing(
    alive: Gateway, world: Sandbox, calls: Control
) -> None:
    names = await withheld_names(alive, "salesforce")
    queries = orders(world.world, "salesforce", PLAIN)
    whole = await answers(alive, queries, who(EVERY_SCOPE))
    calls.clear()
    assert await answers(alive, queries, who(CLERK), Policy(mode=Mode.DRY_RUN)) == whole
    assert named(sent(calls, "salesforce"), names) == names
    calls.clear()
    assert [(await open_to_all(alive, query)).body["data"] for query in queries] == whole
    assert named(sent(calls, "salesforce"), names) == names


async def test_requests_at_the_same_time_each_ask_for_their_own(
    alive: Gateway, world: Sandbox
) -> None:
    queries = orders(world.world, "salesforce", PLAIN)
    scopes = [EVERY_SCOPE, CLERK] * 4
    alone = {each: await answers(alive, queries, who(each)) for each in set(scopes)}
    together = await asyncio.gather(*(answers(alive, queries, who(each)) for each in scopes))
    assert together == [alone[each] for each in scopes]


async def test_a_source_is_narrowed_once_for_each_set_and_keeps_what_it_can_do(
    alive: Gateway,
) -> None:
    hidden, other = frozenset({"Order.total"}), frozenset({"Order.custom_fields"})
    for source in alive.sources.values():
        narrow = source.narrowed(hidden)
        assert source.narrowed(frozenset({"Order.total"})) is narrow
        assert narrow.capabilities == source.capabilities
        assert narrow.name == source.name
        if source.can("narrowed"):
            assert source.narrowed(other) is not narrow
        else:
            assert narrow is source
    assert {name for name, one in alive.sources.items() if one.can("narrowed")} == set(CRMS)
