"""Whose rows somebody sees, over the simulated vendors: the others are as if they did not exist."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.access import Policy
from auth.rows import PartnerRows, RowRules, TenantRows
from connectors.errors import Malformed, Retryable
from connectors.paging import Row
from connectors.registry import Registry
from gateway.compose import Gateway, open_gateway
from resolvers import pages as pages_of
from resolvers.link_store import StoredLink
from sandbox.server import Server as Sandbox
from schema.execution import Outcome
from tests.graph.conftest import STRIPE_ONLY, Control, Truth
from tests.graph.principals import EVERY_SCOPE, asked, open_to_all, who
from tests.serving import settings_for

pytestmark = pytest.mark.anyio
TENANTS = RowRules(
    tenants={
        "eu": TenantRows(sources=("salesforce", "stripe_eu")),
        "us": TenantRows(sources=("stripe_us",)),
    }
)


@pytest.fixture
async def alive(sandbox: Sandbox, tmp_path: Path) -> Any:
    settings = settings_for(sandbox, str(tmp_path))
    sources = {name: settings.sources[name] for name in STRIPE_ONLY}
    settings = msgspec.structs.replace(settings, sources=sources)
    async with open_gateway(settings, Registry()) as gateway:
        yield gateway


def data(outcome: Outcome) -> Any:
    assert "errors" not in outcome.body, outcome.body["errors"]
    return outcome.body["data"]


async def as_tenant(gateway: Gateway, tenant: str | None, query: str, **variables: Any) -> Outcome:
    policy = Policy(rows=TENANTS)
    return await asked(gateway, query, who(EVERY_SCOPE, tenant=tenant), policy, **variables)


async def as_partner(
    gateway: Gateway, customers: list[str], query: str, **variables: Any
) -> Outcome:
    rules = RowRules(partners={"shop": PartnerRows(customers=tuple(customers))})
    principal = who(EVERY_SCOPE, partner="shop")
    return await asked(gateway, query, principal, Policy(rows=rules), **variables)


ALL = """{ sources { name } customers(first: 50) { nodes { id } }
  orders(first: 50) { nodes { id payments { nodes { id } } refunds { nodes { id } } } }
  payments(first: 50) { nodes { id } } refunds(first: 50) { nodes { id } } }"""


def sources_in(value: Any) -> set[str]:
    """The sources of all ids in an answer."""
    if isinstance(value, dict):
        own = {value["id"].partition(":")[0]} if "id" in value else set()
        return own.union(*(sources_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(sources_in(inner) for inner in value))
    return set()


async def test_a_tenant_sees_and_asks_its_own_sources(alive: Gateway, control: Control) -> None:
    control.clear()
    answer = data(await as_tenant(alive, "eu", ALL))
    assert sources_in(answer) == {"salesforce", "stripe_eu"}
    assert [source["name"] for source in answer["sources"]] == ["salesforce", "stripe_eu"]
    assert {path.partition(" ")[0] for path in control.paths()} == {"salesforce", "stripe_eu"}
    other = data(await as_tenant(alive, "us", ALL))
    assert sources_in(other) == {"stripe_us"}
    assert other["orders"]["nodes"] == []


async def test_a_missing_or_unknown_tenant_sees_nothing(alive: Gateway, control: Control) -> None:
    for tenant in (None, "unknown", ""):
        control.clear()
        answer = data(await as_tenant(alive, tenant, ALL))
        assert sources_in(answer) == set()
        assert answer["sources"] == []
        assert control.paths() == []


async def first_ids(gateway: Gateway, source: str) -> dict[str, str]:
    """An id of each kind of a source."""
    query = f"""{{ payments(first: 1, filter: {{source: ["{source}"]}}) {{ nodes {{ id }} }}
      refunds(first: 1, filter: {{source: ["{source}"]}}) {{ nodes {{ id }} }} }}"""
    answer = data(await open_to_all(gateway, query))
    return {kind: page["nodes"][0]["id"] for kind, page in answer.items()}


async def test_a_record_of_another_tenant_is_one_that_is_not_there(
    alive: Gateway, control: Control
) -> None:
    ids = await first_ids(alive, "stripe_us")
    payment = ids["payments"]
    query = """query N($id: ID!, $r: [_Any!]!) { node(id: $id) { id } payment(id: $id) { id }
      nodes(ids: [$id]) { id } _entities(representations: $r) { __typename } }"""
    control.clear()
    answers = []
    for id_ in (payment, "stripe_us:payment:pi_missing00000000", "nowhere:payment:pi_1"):
        variables = {"id": id_, "r": [{"__typename": "Payment", "id": id_}]}
        answers.append((await as_tenant(alive, "eu", query, **variables)).body)
    assert answers[0] == answers[1] == answers[2]
    assert answers[0] == {
        "data": {"node": None, "payment": None, "nodes": [None], "_entities": [None]}
    }
    assert control.paths() == []


async def test_a_source_of_another_tenant_is_named_like_one_that_there_is_not(
    alive: Gateway,
) -> None:
    query = "query Q($s: [String!]) { payments(filter: {source: $s}) { nodes { id } } }"
    bodies = []
    for name in ("stripe_us", "stripe_xx"):
        outcome = await as_tenant(alive, "eu", query, s=[name])
        bodies.append(json.dumps(outcome.body).replace(name, "NAME"))
    assert bodies[0] == bodies[1]
    assert "BAD_FILTER" in bodies[0]


async def test_sums_are_of_what_is_seen(alive: Gateway, truth: Truth) -> None:
    query = "{ orders(first: 60) { nodes { id paid { amount } payments { totalCount } } } }"
    whole = data(await open_to_all(alive, query))["orders"]["nodes"]
    seen = data(await as_tenant(alive, "eu", query))["orders"]["nodes"]
    assert [node["id"] for node in seen] == [node["id"] for node in whole]
    pairs = list(zip(seen, whole, strict=True))
    assert all(a["payments"]["totalCount"] <= b["payments"]["totalCount"] for a, b in pairs)
    assert any(a["payments"]["totalCount"] < b["payments"]["totalCount"] for a, b in pairs)
    assert any(a["paid"] != b["paid"] for a, b in pairs)


CUSTOMERS = """{ customers(first: 100) { nodes { id orders(first: 100) { nodes {
  id payments(first: 100) { nodes { id refunds { nodes { id } } } } } } payments(first: 100)
  { nodes { id refunds { nodes { id } } } } } } }"""


_EVERYBODY: list[dict[str, Any]] = []


async def everybody(gateway: Gateway) -> list[dict[str, Any]]:
    """All customers with what is theirs: of the one sandbox of these tests, so asked for once."""
    if not _EVERYBODY:
        _EVERYBODY.extend(data(await open_to_all(gateway, CUSTOMERS))["customers"]["nodes"])
    return _EVERYBODY


async def owned(gateway: Gateway, most: int = 2) -> dict[str, Any]:
    """CRM customers with orders that have payments and refunds, and all that is theirs."""
    nodes = await everybody(gateway)
    rich = [n for n in nodes if any(p["refunds"]["nodes"] for p in n["payments"]["nodes"])][:most]
    assert len(rich) == most
    payments = [payment for node in rich for payment in node["payments"]["nodes"]]
    return {
        "customers": {node["id"] for node in rich},
        "orders": {order["id"] for node in rich for order in node["orders"]["nodes"]},
        "payments": {payment["id"] for payment in payments},
        "refunds": {r["id"] for payment in payments for r in payment["refunds"]["nodes"]},
    }


async def pages(gateway: Gateway, customers: list[str], root: str, first: int) -> list[list[str]]:
    found: list[list[str]] = []
    after = None
    while True:
        query = f"""query P($after: String) {{ {root}(first: {first}, after: $after) {{
          nodes {{ id }} totalCount pageInfo {{ hasNextPage endCursor }} }} }}"""
        page = data(await as_partner(gateway, customers, query, after=after))[root]
        found.append([node["id"] for node in page["nodes"]])
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("root", ["customers", "orders", "payments", "refunds"])
async def test_a_partner_pages_through_its_own(alive: Gateway, root: str) -> None:
    own = await owned(alive)
    found = await pages(alive, sorted(own["customers"]), root, 3)
    every = [id_ for page in found for id_ in page]
    assert set(every) == own[root]
    assert len(every) == len(own[root])
    # Full pages, and a last one that is not empty: nothing is told of what is kept back.
    assert all(len(page) == 3 for page in found[:-1])
    assert found[-1] != []


async def test_a_partner_sees_its_own_by_id_and_nothing_of_others(alive: Gateway) -> None:
    own = await owned(alive)
    other = await owned(alive, most=3)
    customers = sorted(own["customers"])
    for kind in ("customers", "orders", "payments", "refunds"):
        foreign = sorted(other[kind] - own[kind])
        mine = sorted(own[kind])
        assert foreign
        query = "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }"
        answer = data(await as_partner(alive, customers, query, ids=[*mine[:20], *foreign[:20]]))
        assert [n and n["id"] for n in answer["nodes"]] == [
            *mine[:20], *(None for _ in foreign[:20]),
        ]  # fmt: skip


async def test_a_partner_follows_no_relation_out_of_its_own(alive: Gateway) -> None:
    own = await owned(alive)
    query = """{ orders(first: 50) { nodes { id customer { id } payments { nodes { id
      customer { id } order { id } refunds { nodes { id } } } } links { payment { id } } } }
      payments(first: 50) { nodes { id order { id } customer { id } } } }"""
    answer = data(await as_partner(alive, sorted(own["customers"]), query))
    everything = set().union(*own.values())
    assert ids_in(answer) <= everything
    assert ids_in(answer) & own["payments"]


def ids_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["id"]} if "id" in value else set()
        return own.union(*(ids_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(ids_in(inner) for inner in value))
    return set()


async def test_a_partner_finds_by_key_only_its_own(alive: Gateway) -> None:
    own = await owned(alive, 1)
    query = "query N($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { number } } }"
    other = await owned(alive, 2)
    foreign = sorted(other["orders"] - own["orders"])
    numbers = data(await open_to_all(alive, query, ids=[*sorted(own["orders"])[:1], *foreign[:1]]))
    mine, theirs = (node["number"] for node in numbers["nodes"])
    ask = "query O($n: String!) { order(number: $n) { id } payment(reference: $n) { id } }"
    customers = sorted(own["customers"])
    assert data(await as_partner(alive, customers, ask, n=mine))["order"]["id"] in own["orders"]
    assert data(await as_partner(alive, customers, ask, n=theirs)) == {
        "order": None, "payment": None,
    }  # fmt: skip


async def test_orders_are_asked_for_by_their_customers(alive: Gateway, control: Control) -> None:
    own = await owned(alive, 1)
    control.clear()
    query = "{ orders(first: 50) { nodes { id } } customers(first: 5) { nodes { id } } }"
    data(await as_partner(alive, sorted(own["customers"]), query))
    paths = control.paths()
    assert {path.partition(" ")[0] for path in paths} == {"salesforce"}
    assert len(paths) <= 3


async def test_a_partner_of_nobody_asks_nobody(alive: Gateway, control: Control) -> None:
    control.clear()
    answer = data(await as_partner(alive, [], ALL.replace("sources { name }", "")))
    assert ids_in(answer) == set()
    assert control.paths() == []


async def test_a_cursor_of_another_partner_leads_to_ones_own_rows(alive: Gateway) -> None:
    two = sorted((await owned(alive, 2))["customers"])
    query = """query P($after: String) { orders(first: 1, after: $after) { nodes { id }
      pageInfo { endCursor } } }"""
    first = data(await as_partner(alive, two[:1], query))["orders"]
    forged = await as_partner(alive, two[1:], query, after=first["pageInfo"]["endCursor"])
    own = set((await pages(alive, two[1:], "orders", 50))[0])
    nodes = (forged.body.get("data") or {"orders": None})["orders"]
    assert nodes is None or {node["id"] for node in nodes["nodes"]} <= own


async def test_what_cannot_be_told_is_not_shown(alive: Gateway, control: Control) -> None:
    own = await owned(alive)
    customers, payments = sorted(own["customers"]), sorted(own["payments"])[:5]
    query = "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    control.faults({"vendor": "salesforce", "kind": "status", "status": 503})
    answer = await as_partner(alive, customers, query, ids=payments)
    assert answer.body == {"data": {"nodes": [None] * 5}}


def looks_at_no_customer(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Salesforce gives the orders of all customers, whichever are asked for."""
    connector = gateway.sources["salesforce"].connector
    read = connector.order_page  # type: ignore[attr-defined]

    async def careless(query: Any) -> Any:
        wide = msgspec.structs.replace(query.filter, customer_ids=None)
        return await read(msgspec.structs.replace(query, filter=wide))

    monkeypatch.setattr(connector, "order_page", careless)


async def test_a_strangers_record_from_a_source_is_dropped_and_told(
    alive: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A vendor, or a mapping, that does not do as it is asked shows nobody's rows to another."""
    own = await owned(alive)
    customers = sorted(own["customers"])
    looks_at_no_customer(alive, monkeypatch)
    query = """{ orders(first: 5) { nodes { id } totalCount pageInfo { hasNextPage } } }"""
    page = data(await as_partner(alive, customers, query))["orders"]
    assert {node["id"] for node in page["nodes"]} <= own["orders"]
    assert len(page["nodes"]) == min(5, len(own["orders"]))
    assert page["totalCount"] is None
    assert "authz_violation" in caplog.text


async def test_somebody_elses_order_by_number_is_nobodys_fault(
    alive: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = await owned(alive)
    looks_at_no_customer(alive, monkeypatch)
    query = """query N($numbers: [String!]!) {
      orders(first: 50, filter: {number: {in: $numbers}}) { nodes { id number } } }"""
    every = data(await open_to_all(alive, "{ orders(first: 50) { nodes { id number } } }"))
    numbers = [node["number"] for node in every["orders"]["nodes"]]
    page = data(await as_partner(alive, sorted(own["customers"]), query, numbers=numbers))
    shown = {node["id"] for node in page["orders"]["nodes"]}
    assert shown == own["orders"] & {node["id"] for node in every["orders"]["nodes"]}
    assert "authz_violation" not in caplog.text


async def test_a_forbidden_id_costs_the_same_calls_as_a_missing_one(
    alive: Gateway, control: Control
) -> None:
    own = await owned(alive)
    other = await owned(alive, most=3)
    data(await open_to_all(alive, "{ orders(first: 1) { nodes { id } } }"))  # Logs in.
    ids = [sorted(other["orders"] - own["orders"])[0], "salesforce:order:801000000000001AAA"]
    query = "query N($id: ID!) { node(id: $id) { id } }"
    calls = []
    for id_ in ids:
        control.clear()
        answer = data(await as_partner(alive, sorted(own["customers"]), query, id=id_))
        assert answer == {"node": None}
        calls.append(len(control.paths()))
    assert calls == [1, 1]


async def test_two_at_once_do_not_share_what_they_see(alive: Gateway) -> None:
    query = "{ payments(first: 20) { nodes { id } } }"
    both = await asyncio.gather(*(as_tenant(alive, tenant, query) for tenant in ("eu", "us") * 4))
    for tenant, outcome in zip(("eu", "us") * 4, both, strict=True):
        assert sources_in(data(outcome)) == {f"stripe_{tenant}"}


async def foreign_customer(gateway: Gateway, own: dict[str, Any]) -> str:
    foreign: str = sorted((await owned(gateway, most=3))["customers"] - own["customers"])[0]
    return foreign


async def test_a_customer_who_is_not_ones_own_is_not_even_read(
    alive: Gateway, control: Control
) -> None:
    own = await owned(alive)
    query = """query C($id: ID!) { customer(id: $id) { id } node(id: $id) { id }
      orders(filter: {customer: $id}) { nodes { id } pageInfo { endCursor hasNextPage } } }"""
    for id_ in (await foreign_customer(alive, own), "salesforce:customer:001000000000001AAA"):
        control.clear()
        assert data(await as_partner(alive, sorted(own["customers"]), query, id=id_)) == {
            "customer": None,
            "node": None,
            "orders": {"nodes": [], "pageInfo": {"endCursor": None, "hasNextPage": False}},
        }
        assert control.paths() == []


async def test_a_partner_learns_of_no_source_by_its_name(alive: Gateway, control: Control) -> None:
    own = await owned(alive)
    query = """query N($id: ID!, $s: [String!]) { node(id: $id) { id }
      customers(filter: {source: $s}, orderBy: NAME_ASC) { nodes { id } }
      payments(filter: {source: $s}) { nodes { id } } }"""
    control.clear()
    bodies = [
        (await as_partner(alive, [], query, id=f"{name}:payment:x", s=[name])).body
        for name in ("stripe_us", "nope", "salesforce")
    ]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["data"] == {
        "node": None, "customers": {"nodes": []}, "payments": {"nodes": []},
    }  # fmt: skip
    assert control.paths() == []
    assert own["customers"]


async def linked_to_another(gateway: Gateway, own: dict[str, Any]) -> str:
    """A payment of one's own order that an operator linked to somebody else's."""
    query = """query P($ids: [ID!]!) { nodes(ids: $ids) { ... on Payment { id
      order { id customer { id } } } } }"""
    nodes = data(await open_to_all(gateway, query, ids=sorted(own["payments"])[:50]))["nodes"]
    payment: str = next(n["id"] for n in nodes if n["order"]["customer"]["id"] in own["customers"])
    other = await owned(gateway, most=3)
    foreign = sorted(other["orders"] - own["orders"])[0]
    await gateway.store.add([StoredLink(foreign, payment, "line 1", datetime.now(UTC))])
    return payment


async def test_whose_a_payment_is_is_not_guessed_while_it_cannot_be_told(
    alive: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stronger evidence leads to somebody else's order; whoever cannot read that order must not
    fall back on weaker evidence, nor on the payer."""
    own = await owned(alive)
    payment = await linked_to_another(alive, own)
    query = "query N($id: ID!) { node(id: $id) { id } }"
    customers = sorted(own["customers"])
    assert data(await as_partner(alive, customers, query, id=payment)) == {"node": None}

    async def out(ids: Any) -> Any:
        raise Retryable("salesforce", "is down")

    monkeypatch.setattr(alive.sources["salesforce"].connector, "orders", out)
    assert data(await as_partner(alive, customers, query, id=payment)) == {"node": None}


async def test_an_owner_that_cannot_be_told_leaves_no_wrong_sum(
    alive: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await owned(alive)
    query = """query O($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { id paymentState
      paid { amount } payments { totalCount nodes { id } } } } }"""
    whole = data(await open_to_all(alive, query, ids=sorted(own["orders"])[:20]))["nodes"]
    paid = next(node for node in whole if node["payments"]["totalCount"])

    async def out(*arguments: Any) -> Any:
        raise Retryable("salesforce", "is down")

    monkeypatch.setattr(alive.sources["salesforce"].connector, "orders_by_payment_id", out)
    outcome = await as_partner(alive, sorted(own["customers"]), query, ids=[paid["id"]])
    node = outcome.body["data"]["nodes"][0]
    assert node["paid"] is None
    assert node["paymentState"] in (None, "UNKNOWN")
    assert node["payments"] is None or node["payments"]["totalCount"] is None
    assert outcome.body["errors"]


async def test_that_a_record_of_another_cannot_be_read_is_not_told(
    alive: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would tell that it is there."""
    own = await owned(alive)
    other = await owned(alive, most=3)
    foreign = sorted(other["orders"] - own["orders"])[0]
    connector: Any = alive.sources["salesforce"].connector
    read, listed = connector.orders, connector.order_page

    async def orders(ids: Any) -> Any:
        found = dict(await read(ids))
        return {id_: Malformed("salesforce", "does not fit") for id_ in found}

    async def order_page(query: Any) -> Any:
        wide = msgspec.structs.replace(query.filter, customer_ids=None, numbers=None)
        page = await listed(msgspec.structs.replace(query, filter=wide))
        broken = Malformed("salesforce", "does not fit")
        rows: tuple[Row[Any], ...] = tuple(Row(broken, row.after) for row in page.rows)
        return msgspec.structs.replace(page, rows=rows[:2], more=False)

    monkeypatch.setattr(connector, "orders", orders)
    monkeypatch.setattr(connector, "order_page", order_page)
    query = """query N($id: ID!) { node(id: $id) { id } orders { nodes { id } pageInfo {
      startCursor endCursor hasNextPage } } }"""
    answer = data(await as_partner(alive, sorted(own["customers"]), query, id=foreign))
    assert answer["node"] is None
    assert answer["orders"] == {
        "nodes": [],
        "pageInfo": {"startCursor": None, "endCursor": None, "hasNextPage": False},
    }
    assert "kept back" in caplog.text


async def test_an_order_of_another_among_ones_own_leaves_no_trace(
    alive: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own, other = await owned(alive, 1), await owned(alive, 2)
    mine = sorted(own["customers"])[0].rpartition(":")[2]
    theirs = sorted(other["customers"] - own["customers"])[0].rpartition(":")[2]
    connector: Any = alive.sources["salesforce"].connector
    read = connector.orders_by_customer

    async def careless(ids: Any, query: Any) -> Any:
        return {mine: (await read([theirs], query))[theirs]}

    monkeypatch.setattr(connector, "orders_by_customer", careless)
    query = """{ customers { nodes { orders { nodes { id } edges { cursor } pageInfo {
      hasNextPage startCursor endCursor } } } } }"""
    answer = data(await as_partner(alive, sorted(own["customers"]), query))
    assert answer["customers"]["nodes"][0]["orders"] == {
        "nodes": [],
        "edges": [],
        "pageInfo": {"hasNextPage": False, "startCursor": None, "endCursor": None},
    }
    assert "authz_violation" in caplog.text


async def test_a_customer_of_many_is_found_by_mail(
    alive: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_of, "MOST_PAGES", 2)
    monkeypatch.setattr(pages_of, "FIRST_MOST", 5)
    query = "{ customers(first: 5, orderBy: CREATED_AT_ASC) { nodes { id email } } }"
    known = data(await open_to_all(alive, query))["customers"]["nodes"]
    oldest = next(node for node in known if node["email"])
    every = [node["id"] for node in await everybody(alive)]
    assert len(every) > 10
    ask = "query M($mail: String!) { customer(email: $mail) { id } }"
    found = data(await as_partner(alive, every, ask, mail=oldest["email"]))
    assert found["customer"] is not None
