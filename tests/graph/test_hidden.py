"""A partner, from whom it is hidden what there is beside its own scopes, over the vendors."""

from __future__ import annotations

import random
from typing import Any

import pytest
from graphql import parse, validate

from auth.access import Mode, Policy
from auth.rows import RowRules
from gateway.compose import Gateway
from schema.build import build_schema
from schema.execution import Outcome
from tests.graph.conftest import Control
from tests.graph.operations import Generator
from tests.graph.principals import EVERY_SCOPE, asked, denied, who
from tests.graph.test_authorization import alive, some_scopes

__all__ = ["alive"]
pytestmark = pytest.mark.anyio
BUILT = build_schema()
# Rows are another matter: here whoever asks sees all of them.
HIDE = Policy(mode=Mode.HIDE, partner_mode=Mode.HIDE)
FILTER = Policy(mode=Mode.FILTER)


async def hiding(gateway: Gateway, query: str, scopes: str, **variables: Any) -> Outcome:
    return await asked(gateway, query, who(scopes), HIDE, **variables)


def shape_of(scopes: frozenset[str]) -> Any:
    return BUILT.shapes.of(frozenset({"authenticated", *(f"scope:{s}" for s in scopes)}))


@pytest.mark.parametrize("batch", range(4))
async def test_what_is_valid_in_its_schema_is_answered_whole_and_nothing_else(
    alive: Gateway, batch: int
) -> None:
    counts = {True: 0, False: 0}
    for seed in range(batch * 40, batch * 40 + 40):
        scopes = some_scopes(seed) if seed % 4 else some_scopes(seed) | set(EVERY_SCOPE.split()[:9])
        schema = shape_of(scopes) if seed % 2 else BUILT.executable
        query = (
            Generator(schema, seed).operation() if _has_roots(schema) else "{ sources { name } }"
        )
        valid = validate(shape_of(scopes), parse(query)) == []
        outcome = await hiding(alive, query, " ".join(scopes))
        assert outcome.executed is valid, query
        counts[valid] += 1
        if not valid:
            codes = {error["extensions"]["code"] for error in outcome.body["errors"]}
            assert codes == {"GRAPHQL_VALIDATION_FAILED"}
            continue
        assert denied(outcome) == []
        filtered = await asked(alive, query, who(" ".join(scopes)), FILTER)
        assert outcome.body == filtered.body
    assert min(counts.values()) > 3, counts


def _has_roots(schema: Any) -> bool:
    roots = ("customers", "orders", "payments", "refunds")
    return all(root in schema.query_type.fields for root in roots)


@pytest.mark.parametrize("unknown", ["total", "zotal"])
async def test_a_denied_name_and_an_unknown_one_cost_nothing_and_say_the_same(
    alive: Gateway, control: Control, unknown: str
) -> None:
    for query, variables in (
        (f"{{ orders {{ nodes {{ number {unknown} {{ amount }} }} }} }}", {}),
        (f"{{ orders(filter: {{{unknown}: {{}}}}) {{ totalCount }} }}", {}),
        (
            "query Q($f: OrderFilter) { orders(filter: $f) { totalCount } }",
            {"f": {unknown: {"gte": "1"}}},
        ),
        (f"{{ orders(orderBy: {unknown.upper()}_DESC) {{ totalCount }} }}", {}),
        (f"query Q($o: [{unknown}!]) {{ orders {{ totalCount }} }}", {}),
    ):
        control.clear()
        outcome = await hiding(alive, query, "orders:read", **variables)
        assert not outcome.executed
        assert not outcome.forbidden
        assert control.paths() == []
        text = str(outcome.body).lower()
        assert "unauthorized" not in text
        assert text.count(unknown) >= 1


@pytest.mark.parametrize("name", ["Payment", "Money", "Zzzzzzz"])
async def test_a_hidden_type_is_no_type_by_its_name(alive: Gateway, name: str) -> None:
    query = f'{{ __type(name: "{name}") {{ name }} }}'
    outcome = await hiding(alive, query, "orders:read")
    assert outcome.body == {"data": {"__type": None}}


async def test_a_partner_is_hidden_from_and_others_are_told(alive: Gateway) -> None:
    query = "{ orders(first: 1) { nodes { number total { amount } } } }"
    rows = RowRules(without_partner="all")
    partner = await asked(alive, query, who("orders:read", partner="shop"), Policy(rows=rows))
    other = await asked(alive, query, who("orders:read"), Policy(rows=rows))
    assert partner.body.keys() == {"errors"}
    assert denied(other) == ["orders.nodes.@.total"]


async def test_a_mode_may_be_chosen_for_partners(alive: Gateway) -> None:
    query = "{ orders(first: 1) { nodes { number total { amount } } } }"
    partner = who("orders:read", partner="shop")
    policy = Policy(partner_mode=Mode.REJECT)
    refused = await asked(alive, query, partner, policy)
    assert refused.forbidden
    told = await asked(alive, query, partner, Policy(partner_mode=Mode.FILTER))
    assert denied(told) == ["orders.nodes.@.total"]


async def test_two_partners_with_other_scopes_share_no_document(alive: Gateway) -> None:
    query = "{ customers(first: 2) { nodes { name orders { totalCount } } } }"
    dice = random.Random(1)
    rich, poor = "customers:read orders:read", "customers:read"
    for _ in range(6):
        scopes = dice.choice((rich, poor))
        assert (await hiding(alive, query, scopes)).executed is (scopes == rich)
