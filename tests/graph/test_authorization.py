"""Who sees what, over the simulated vendors: nothing denied is shown, asked for or told of."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auth.access import Mode, Policy, Told
from connectors.registry import Registry
from gateway.compose import Gateway, open_gateway
from sandbox.server import Server as Sandbox
from schema.build import build_schema
from schema.execution import Outcome
from schema.limits import OperationLimits
from tests.graph.conftest import Control, Truth
from tests.graph.operations import Generator, Oracle, is_with_nulls
from tests.graph.principals import EVERY_SCOPE, asked, denied, open_to_all, who
from tests.serving import fill_index, settings_for

pytestmark = pytest.mark.anyio
SCHEMA = build_schema().executable
SCOPES = EVERY_SCOPE.split()


@pytest.fixture
async def alive(sandbox: Sandbox, tmp_path: Path) -> Any:
    settings = settings_for(sandbox, str(tmp_path))
    await asyncio.to_thread(fill_index, sandbox, settings, str(tmp_path))
    roomy = OperationLimits(aliases=1000, fields=5000, directives=1000, tokens=20_000, depth=30)
    settings = msgspec.structs.replace(settings, limits=roomy)
    async with open_gateway(settings, Registry()) as gateway:
        yield gateway


def some_scopes(seed: int) -> frozenset[str]:
    """Mostly those that let something through: reading first, then the rest."""
    dice = random.Random(f"scopes {seed}")
    reading = [scope for scope in SCOPES if scope.endswith(":read") and dice.random() < 0.75]
    rest = [scope for scope in SCOPES if not scope.endswith(":read") and dice.random() < 0.4]
    return frozenset([*reading, *rest])


@pytest.mark.parametrize("batch", range(4))
async def test_filtering_first_is_executing_and_blanking(alive: Gateway, batch: int) -> None:
    """No denied leaf, all that is allowed, masks exactly: against an independent oracle."""
    blanks = 0
    for seed in range(batch * 25, batch * 25 + 25):
        query = Generator(SCHEMA, seed).operation()
        whole = (await open_to_all(alive, query)).body
        assert "errors" not in whole, query
        scopes = some_scopes(seed)
        outcome = await asked(alive, query, who(" ".join(scopes)))
        expected = Oracle(SCHEMA, scopes).blanked(query, whole["data"])
        assert outcome.body["data"] == expected, query
        if has_new_nulls(expected, whole["data"]):
            assert denied(outcome) != []
            assert len(denied(outcome)) == len(set(denied(outcome)))
        blanks += outcome.body["data"] != whole["data"]
    assert blanks > 3


def has_new_nulls(less: Any, more: Any) -> bool:
    """Whether anything is null that was not before."""
    if isinstance(less, dict):
        return any(has_new_nulls(less[key], more[key]) for key in less)
    if isinstance(less, list):
        return any(has_new_nulls(a, b) for a, b in zip(less, more, strict=True))
    return less is None and more is not None


async def test_fewer_scopes_give_the_same_answer_with_nulls(alive: Gateway) -> None:
    for seed in range(100, 140):
        query = Generator(SCHEMA, seed).operation()
        more = some_scopes(seed)
        less = frozenset(scope for scope in more if random.Random(seed).random() < 0.6)
        one = await asked(alive, query, who(" ".join(less)))
        other = await asked(alive, query, who(" ".join(more)))
        assert is_with_nulls(one.body["data"], other.body["data"]), query
        assert denied(one) or not denied(other)


async def test_who_holds_every_scope_is_answered_as_if_nobody_asked(alive: Gateway) -> None:
    for seed in range(200, 215):
        query = Generator(SCHEMA, seed).operation()
        everything = await asked(alive, query, who(EVERY_SCOPE))
        assert everything.body == (await open_to_all(alive, query)).body


JOINED = """{ orders(first: 5) { nodes { number
  customer { name } payments { nodes { status refunds { nodes { status } } } } paymentState } } }"""


def data_calls(control: Control) -> list[str]:
    return [path for path in control.paths() if not path.endswith("/oauth2/token")]


async def test_what_is_denied_costs_no_call(alive: Gateway, control: Control) -> None:
    calls = {}
    for scopes in ("", "orders:read", "orders:read customers:read", EVERY_SCOPE):
        control.clear()
        await asked(alive, JOINED, who(scopes))
        calls[scopes] = data_calls(control)
    assert calls[""] == []
    assert {path.partition(" ")[0] for path in calls["orders:read"]} <= {"salesforce"}
    assert len(calls["orders:read"]) == 1
    assert len(calls["orders:read customers:read"]) == 2
    assert len(calls[EVERY_SCOPE]) > 2


async def test_an_argument_that_is_denied_costs_no_call(alive: Gateway, control: Control) -> None:
    control.clear()
    outcome = await asked(
        alive,
        """query Q($f: OrderFilter) { orders(filter: $f) { nodes { id } }
        mine: customer(email: "mei@example.com") { kind }
        dear: orders(orderBy: TOTAL_DESC) { totalCount } }""",
        who("orders:read customers:read"),
        f={"total": {"currency": "EUR", "gte": "10"}},
    )
    assert outcome.body["data"] is None
    assert denied(outcome) == ["orders", "mine", "dear"]
    arguments = [error["extensions"]["argument"] for error in outcome.body["errors"]]
    assert arguments == ["filter", "email", "orderBy"]
    assert control.paths() == []


async def test_a_masked_field_is_no_oracle(alive: Gateway, control: Control) -> None:
    query = """query Q($f: CustomerFilter) { customers(filter: $f, first: 1) { totalCount
      nodes { email } } }"""
    filter_ = {"email": {"eq": "c1@customer.example"}}
    outcome = await asked(alive, query, who("customers:read"), f=filter_)
    assert outcome.body["data"] is None
    assert control.paths() == []
    whole = await asked(alive, query, who("customers:read customers:pii"), f=filter_)
    assert [n["email"] for n in whole.body["data"]["customers"]["nodes"]] == ["c1@customer.example"]


async def test_the_same_document_is_answered_to_each_by_its_own_scopes(alive: Gateway) -> None:
    query = "{ customers(first: 2) { nodes { email } } }"
    seen = []
    for scopes in ("customers:read customers:pii", "customers:read", "", "customers:read"):
        seen.append((await asked(alive, query, who(scopes))).body["data"])
    assert seen[1] == seen[3] != seen[0]
    assert seen[2] is None
    both = await asyncio.gather(
        asked(alive, query, who("customers:read")),
        asked(alive, query, who("customers:read customers:pii")),
    )
    assert [outcome.body["data"] for outcome in both] == [seen[1], seen[0]]


async def test_a_mode_that_rejects_asks_nobody(alive: Gateway, control: Control) -> None:
    control.clear()
    outcome = await asked(alive, JOINED, who("orders:read"), Policy(mode=Mode.REJECT))
    assert (outcome.executed, outcome.forbidden) == (False, True)
    assert "data" not in outcome.body
    assert denied(outcome) == [
        "orders.nodes.@.customer", "orders.nodes.@.payments", "orders.nodes.@.paymentState",
    ]  # fmt: skip
    assert control.paths() == []
    allowed = await asked(
        alive, "{ orders(first: 1) { nodes { id } } }", who("orders:read"),
        Policy(mode=Mode.REJECT),
    )  # fmt: skip
    assert "errors" not in allowed.body


async def test_a_dry_run_reports_and_changes_nothing(alive: Gateway) -> None:
    outcome = await asked(alive, JOINED, who("orders:read"), Policy(mode=Mode.DRY_RUN))
    whole = (await open_to_all(alive, JOINED)).body
    assert outcome.body["data"] == whole["data"]
    assert "errors" not in outcome.body
    assert outcome.body["extensions"]["authorization"]["wouldFilter"] == [
        ["orders", "nodes", "@", "customer"],
        ["orders", "nodes", "@", "payments"],
        ["orders", "nodes", "@", "paymentState"],
    ]


async def test_where_it_is_told_is_configured(alive: Gateway) -> None:
    query = "{ orders(first: 1) { nodes { number total { amount } } } }"
    path = ["orders", "nodes", "@", "total"]
    errors = (await asked(alive, query, who("orders:read"))).body
    assert errors["errors"] == [
        {
            "message": "Unauthorized field or type",
            "path": path,
            "extensions": {"code": "UNAUTHORIZED_FIELD_OR_TYPE", "correlationId": "request"},
        }
    ]
    beside = (await asked(alive, query, who("orders:read"), Policy(told=Told.EXTENSIONS))).body
    assert "errors" not in beside
    assert beside["extensions"]["authorizationErrors"] == errors["errors"]
    silent = (await asked(alive, query, who("orders:read"), Policy(told=Told.DISABLED))).body
    assert silent == {"data": errors["data"]}


async def test_an_error_names_no_scope(alive: Gateway) -> None:
    body = (await asked(alive, JOINED, who("orders:read"))).body
    text = json.dumps(body["errors"])
    assert "read" not in text
    assert "scope" not in text


async def test_a_record_of_a_kind_that_may_not_be_seen_is_as_one_that_is_not_there(
    alive: Gateway, control: Control, truth: Truth
) -> None:
    order = f"salesforce:order:{truth['orders'][0]['nativeId']}"
    customer = next(
        f"salesforce:customer:{c['sources']['salesforce']}"
        for c in truth["customers"]
        if "salesforce" in c["sources"]
    )
    query = """query N($id: ID!, $ids: [ID!]!, $r: [_Any!]!) {
      node(id: $id) { __typename id } nodes(ids: $ids) { id ... on Order { number } }
      _entities(representations: $r) { __typename } }"""
    control.clear()
    outcome = await asked(
        alive,
        query,
        who("orders:read federation"),
        id=customer,
        ids=[customer, order],
        r=[{"__typename": "Customer", "id": customer}, {"__typename": "Order", "id": order}],
    )
    number = truth["orders"][0]["number"]
    assert outcome.body == {
        "data": {
            "node": None,
            "nodes": [None, {"id": order, "number": number}],
            "_entities": [None, {"__typename": "Order"}],
        }
    }
    assert len(data_calls(control)) == 1


async def test_an_interface_is_no_way_to_a_field(alive: Gateway, truth: Truth) -> None:
    order = f"salesforce:order:{truth['orders'][0]['nativeId']}"
    query = """query N($id: ID!) { node(id: $id) {
      id ... on Entity { customFields nativeId } ... on Order { total { amount } number }
      ... on Payment { amount { amount } } } }"""
    outcome = await asked(alive, query, who("orders:read"), id=order)
    node = outcome.body["data"]["node"]
    assert node["customFields"] is node["total"] is None
    assert node["number"] == truth["orders"][0]["number"]
    assert denied(outcome) == ["node.customFields", "node.total", "node.... on Payment"]


@pytest.mark.parametrize(
    "root", ["_service { sdl }", "_entities(representations: []) { __typename }"]
)
async def test_a_routers_roots_are_for_a_router(alive: Gateway, root: str) -> None:
    scopes = EVERY_SCOPE.replace("federation", "")
    outcome = await asked(alive, f"{{ __typename {root} }}", who(scopes))
    assert outcome.body["data"] is None
    assert len(denied(outcome)) == 1
    router = who("federation orders:read")
    assert "errors" not in (await asked(alive, f"{{ {root} }}", router)).body


async def test_introspection_shows_what_may_be_seen(alive: Gateway) -> None:
    query = """{ __schema { types { name fields { name args { name } } inputFields { name }
      possibleTypes { name } } } money: __type(name: "Money") { name }
      order: __type(name: "Order") { fields { name } } }"""
    outcome = await asked(alive, query, who("orders:read"))
    text = json.dumps(outcome.body)
    assert "errors" not in outcome.body
    for word in ('Payment"', 'Customer"', "email", 'total"', "refund", "_service", "_entities"):
        assert word not in text, word
    assert outcome.body["data"]["money"] is None
    assert {"name": "number"} in outcome.body["data"]["order"]["fields"]
    whole = await asked(alive, query, who(EVERY_SCOPE))
    assert shown_types(whole) == shown_types(await open_to_all(alive, query))


def shown_types(outcome: Outcome) -> dict[str, Any]:
    return {type_["name"]: type_ for type_ in outcome.body["data"]["__schema"]["types"]}


async def test_who_is_not_identified_sees_what_is_public(alive: Gateway, control: Control) -> None:
    control.clear()
    outcome = await asked(alive, "{ __typename sources { name } orders { totalCount } }", None)
    assert outcome.body["data"] == {"__typename": "Query", "sources": None, "orders": None}
    assert denied(outcome) == ["sources", "orders"]
    assert control.paths() == []


async def test_variables_that_are_not_as_declared_are_refused(alive: Gateway) -> None:
    query = (
        "query Q($v: Boolean!) { orders(first: 1) { nodes { id total @skip(if: $v) { amount } } } }"
    )
    outcome = await asked(alive, query, who("orders:read"), v="yes")
    assert not outcome.executed
    assert outcome.body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("scopes", [None, "customers:read"])
@pytest.mark.parametrize("directive", ["skip", "include"])
async def test_a_condition_that_is_null_is_the_clients_fault(
    alive: Gateway, control: Control, scopes: str | None, directive: str
) -> None:
    """GraphQL lets a nullable variable with a default stand there, and null in its place."""
    query = f"""query Q($v: Boolean = true) {{
      customers(first: 1) {{ nodes {{ kind id @{directive}(if: $v) }} }} }}"""
    control.clear()
    if scopes is None:
        outcome = await open_to_all(alive, query, v=None)
    else:
        outcome = await asked(alive, query, who(scopes), v=None)
    assert not outcome.executed
    assert [e["extensions"]["code"] for e in outcome.body["errors"]] == ["BAD_USER_INPUT"]
    assert control.paths() == []


async def test_a_decision_that_fails_denies_everything(
    alive: Gateway, control: Control, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def fail(*arguments: Any) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("schema.authorization.permitted", fail)
    control.clear()
    with caplog.at_level(logging.ERROR):
        outcome = await asked(alive, "{ orders { nodes { number } } }", who(EVERY_SCOPE))
    assert not outcome.executed
    assert outcome.body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "canary" not in json.dumps(outcome.body) + caplog.text
    assert control.paths() == []


async def test_what_is_masked_stands_in_no_log_and_no_answer(
    alive: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    query = "{ customers(first: 20) { nodes { id name email emails phones } } }"
    whole = (await open_to_all(alive, query)).body["data"]["customers"]["nodes"]
    with caplog.at_level(logging.DEBUG, logger="tillgate"):
        outcome = await asked(alive, query, who("customers:read"))
    text = json.dumps(outcome.body, ensure_ascii=False) + caplog.text
    for node in whole:
        for value in (node["name"], node["email"], *node["emails"], *node["phones"]):
            assert not value or value not in text
    assert outcome.body["extensions"]["masked"] == [
        ["customers", "nodes", "@", name] for name in ("name", "email", "emails", "phones")
    ]
