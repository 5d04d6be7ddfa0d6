"""The schema that a principal is shown holds what it may see, all of it and nothing else."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    validate_schema,
)
from graphql import (
    build_schema as read_sdl,
)

from schema.build import build_schema
from schema.shape import MOST_SHAPES

BUILT = build_schema()
ATOMS = sorted(BUILT.requirements.atoms - {"authenticated"})


def granted(scopes: str) -> frozenset[str]:
    return frozenset({"authenticated", *(f"scope:{scope}" for scope in scopes.split())})


def some(seed: int) -> frozenset[str]:
    dice = random.Random(seed)
    return frozenset({"authenticated", *dice.sample(ATOMS, dice.randint(0, len(ATOMS)))})


def test_who_may_see_all_is_shown_all() -> None:
    assert BUILT.sdl_for(BUILT.requirements.atoms) == BUILT.sdl


@pytest.mark.parametrize("seed", range(30))
def test_exactly_what_may_be_seen_is_shown(seed: int) -> None:
    atoms = some(seed)
    shape = BUILT.shapes.of(atoms)
    for name, type_ in shape.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            whole = BUILT.executable.type_map[name]
            assert isinstance(whole, GraphQLObjectType)
            seen = {
                f for f in whole.fields if BUILT.requirements.field(whole, f).needs.met_by(atoms)
            }
            assert set(type_.fields) == seen, name


@pytest.mark.parametrize("seed", range(30))
def test_no_input_is_shown_that_may_not_be_used(seed: int) -> None:
    atoms = some(seed)
    shape = BUILT.shapes.of(atoms)
    for name, type_ in shape.type_map.items():
        members: object = ()
        if isinstance(type_, GraphQLInputObjectType):
            members = type_.fields
        elif isinstance(type_, GraphQLEnumType):
            members = type_.values
        for member in members:  # type: ignore[attr-defined]
            for read in BUILT.requirements.reads.get(f"{name}.{member}", ()):
                assert BUILT.requirements.place(read).whole.met_by(atoms)


@pytest.mark.parametrize("seed", range(10))
def test_it_is_a_whole_schema(seed: int) -> None:
    sdl = BUILT.sdl_for(some(seed) | granted("orders:read"))
    assert validate_schema(read_sdl(sdl)) == []


def test_a_partner_of_orders_learns_nothing_of_money_or_people() -> None:
    sdl = BUILT.sdl_for(granted("orders:read"))
    for word in ("Money", "Payment", "Refund", "Customer", "email", "payer", "TOTAL", "last4"):
        assert word not in sdl
    assert "  number: String!" in sdl


def test_a_masked_field_is_shown_and_no_way_to_ask_by_it() -> None:
    sdl = BUILT.sdl_for(granted("customers:read"))
    assert "  email: String" in sdl
    assert "email: StringFilter" not in sdl
    assert "NAME_ASC" not in sdl
    assert "email: StringFilter" in BUILT.sdl_for(granted("customers:read customers:pii"))


def test_more_scopes_show_no_less() -> None:
    lines = set(BUILT.sdl_for(granted("orders:read")).splitlines())
    for extra in ("orders:money", "customers:read", "payments:read payments:money"):
        assert lines <= set(BUILT.sdl_for(granted(f"orders:read {extra}")).splitlines())


def test_only_some_shapes_are_kept() -> None:
    built = build_schema()
    for pair in list(combinations(ATOMS, 2)) + list(combinations(ATOMS, 3))[:20]:
        built.shapes.of(frozenset(pair))
    assert len(built.shapes._kept) == MOST_SHAPES
    assert built.shapes.of(frozenset({"scope:unknown"})) is built.shapes.of(frozenset())
