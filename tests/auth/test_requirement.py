"""The algebra of requirements: alternatives of atoms."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.requirement import (
    AUTHENTICATED,
    NEVER,
    PUBLIC,
    Clause,
    Requirement,
    all_of,
    any_of,
    policies,
    scopes,
)

ATOMS = ("scope:a", "scope:b", "scope:c", "authenticated")
clauses = st.frozensets(st.sampled_from(ATOMS))
requirements = st.frozensets(clauses, max_size=4).map(Requirement)
EVERY_GRANT = [
    frozenset(grant)
    for grant in chain.from_iterable(combinations(ATOMS, n) for n in range(len(ATOMS) + 1))
]


@pytest.mark.parametrize(
    ("held", "met"),
    [
        ("", False), ("a", False), ("b", False), ("a b", True),
        ("c", True), ("a c", True), ("b c", True), ("a b c", True),
    ],
)  # fmt: skip
def test_inner_lists_are_and_outer_lists_or(held: str, met: bool) -> None:
    granted = frozenset({"authenticated", *(f"scope:{name}" for name in held.split())})
    assert scopes("a b", "c").met_by(granted) is met


def test_the_ends_of_the_scale() -> None:
    assert PUBLIC.met_by(frozenset())
    assert not AUTHENTICATED.met_by(frozenset())
    assert not NEVER.met_by(frozenset(ATOMS))
    assert any_of() == NEVER
    assert all_of(scopes("a"), NEVER) == NEVER
    assert not scopes("a").met_by(frozenset({"scope:a"}))


def test_no_scope_passes_for_a_policy_or_for_being_identified() -> None:
    granted = frozenset({"scope:authenticated", "scope:policy:vip"})
    assert not AUTHENTICATED.met_by(granted)
    assert not policies("vip").met_by(granted | {"authenticated"})


@given(requirements, requirements)
def test_and_and_or_are_what_they_say(a: Requirement, b: Requirement) -> None:
    for grant in EVERY_GRANT:
        assert all_of(a, b).met_by(grant) == (a.met_by(grant) and b.met_by(grant))
        assert any_of(a, b).met_by(grant) == (a.met_by(grant) or b.met_by(grant))


@given(requirements, requirements)
def test_implying_is_being_met_by_no_less(a: Requirement, b: Requirement) -> None:
    by_grants = all(b.met_by(grant) for grant in EVERY_GRANT if a.met_by(grant))
    assert a.implies(b) == by_grants


@given(requirements, requirements)
def test_what_is_needless_is_dropped(a: Requirement, b: Requirement) -> None:
    kept: frozenset[Clause] = all_of(a, b).clauses
    assert not any(x < y for x in kept for y in kept)


def test_it_is_told_to_people_and_to_routers() -> None:
    needs = scopes("b a", "c")
    assert str(needs) == "(a and b) or (c)"
    assert needs.alternatives("scope:") == [["a", "b"], ["c"]]
    assert (str(PUBLIC), str(AUTHENTICATED), str(NEVER)) == ("anybody", "authenticated", "nobody")
