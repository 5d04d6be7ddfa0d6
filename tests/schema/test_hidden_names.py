"""To one from whom it is hidden, every name that he may not see is as one that there is not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_input_type,
    parse,
)

from gateway.demo_clients import ROLES
from schema.build import build_schema
from schema.documents import Documents, Refused
from schema.limits import OperationLimits
from schema.variables import check_variables

BUILT = build_schema()
WHOLE = BUILT.executable
ATOMS = sorted(BUILT.requirements.atoms - {"authenticated"})
SEEDS = range(8)


def holding(seed: int) -> frozenset[str]:
    """The demo's partner first, then any set of scopes, from none at all on."""
    if not seed:
        return frozenset({"authenticated", *(f"scope:{scope}" for scope in ROLES["partner"])})
    dice = random.Random(f"hidden {seed}")
    return frozenset({"authenticated", *dice.sample(ATOMS, (seed - 1) * len(ATOMS) // 8)})


def answer(documents: Documents, text: str, shape: frozenset[str]) -> list[Any]:
    """What is told of a document: code, and each error with its place."""
    try:
        documents.prepare(text, shape)
    except Refused as refusal:
        places = [(e.message, [(at.line, at.column) for at in e.locations or ()])
                  for e in refusal.errors]  # fmt: skip
        return [refusal.code, *places]
    return ["answered"]


def hidden(shape: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Every name of the whole schema that is not in the shape, in a document that asks by it."""
    for name, type_ in WHOLE.type_map.items():
        if name.startswith("__"):
            continue
        seen: Any = shape.type_map.get(name)
        if seen is None:
            yield name, f"{{ ...F }} fragment F on {name} {{ id }}"
            yield name, f"{{ node(id: 1) {{ ... on {name} {{ id }} }} }}"
            if is_input_type(type_):
                yield name, f"query Q($v: {name}) {{ __typename }}"
        elif isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            for field, whole in type_.fields.items():
                below = " { __typename }" if hasattr(get_named_type(whole.type), "fields") else ""
                if field not in seen.fields:
                    yield field, _in(name, field)
                    yield field, _in(name, f"a: {field}{below}")
                    continue
                for argument in whole.args:
                    if argument not in seen.fields[field].args:
                        yield argument, _in(name, f"{field}({argument}: null){below}")
        elif isinstance(type_, (GraphQLInputObjectType, GraphQLEnumType)):
            yield from ((m, _default(type_, m)) for m in _members(type_) - _members(seen))


def _in(type_: str, selection: str) -> str:
    if type_ == "Query":
        return f"{{ {selection} }}"
    return f"{{ ...F }} fragment F on {type_} {{ {selection} }}"


def _default(type_: Any, member: str) -> str:
    value = member if isinstance(type_, GraphQLEnumType) else f"{{{member}: null}}"
    return f"query Q($v: {type_.name} = {value}) {{ orders(filter: $v) {{ totalCount }} }}"


def _members(type_: Any) -> set[str]:
    return set(type_.values if isinstance(type_, GraphQLEnumType) else type_.fields)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("open_", [False, True])
def test_each_is_answered_as_a_name_that_nobody_knows(seed: int, open_: bool) -> None:
    documents = Documents(BUILT, OperationLimits(), introspection=open_, federation=open_)
    atoms, asked = holding(seed), 0
    for name, text in hidden(BUILT.shapes.of(atoms)):
        unknown = "z" * len(name)
        told = answer(documents, text, atoms)
        assert told[0] == "GRAPHQL_VALIDATION_FAILED", text
        expected = answer(documents, _replaced(text, name, unknown), atoms)
        assert str(told) == str(expected).replace(unknown, name), text
        asked += 1
    assert asked > 60


def _replaced(text: str, name: str, other: str) -> str:
    """Only the name itself, not where it is part of another."""
    changed = []
    for word in text.split(" "):
        bare = word.strip("(){}:,$")
        parts = [other if part == name else part for part in _parts(word)]
        changed.append("".join(parts) if name in bare else word)
    return " ".join(changed)


def _parts(word: str) -> list[str]:
    parts: list[str] = [""]
    for letter in word:
        if letter.isalnum() or letter == "_":
            parts[-1] += letter
        else:
            parts += [letter, ""]
    return parts


@pytest.mark.parametrize("seed", SEEDS)
def test_members_given_by_variables_too(seed: int) -> None:
    shape = BUILT.shapes.of(holding(seed))
    asked = 0
    for name, seen in shape.type_map.items():
        type_ = WHOLE.type_map[name]
        if not isinstance(type_, (GraphQLInputObjectType, GraphQLEnumType)):
            continue
        for member in sorted(_members(type_) - _members(seen)):
            unknown = "z" * len(member)
            expected = _told_of_value(shape, name, type_, unknown)
            assert _told_of_value(shape, name, type_, member) == [
                message.replace(unknown, member) for message in expected
            ]
            asked += 1
    # Nobody who may use no filter at all is left with one.
    assert asked or not seed or len(shape.type_map) < len(WHOLE.type_map)


def _told_of_value(schema: GraphQLSchema, name: str, type_: Any, member: str) -> list[str]:
    (operation,) = parse(f"query Q($v: {name}) {{ __typename }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    value = member if isinstance(type_, GraphQLEnumType) else {member: None}
    with pytest.raises(Refused) as refusal:
        check_variables(schema, operation, {"v": value})
    assert refusal.value.code == "BAD_USER_INPUT"
    return [error.message for error in refusal.value.errors]


def test_documents_of_two_shapes_are_kept_apart_and_of_one_together() -> None:
    documents = Documents(BUILT, OperationLimits(), introspection=False, federation=False)
    text = "{ orders { nodes { total { amount } } } }"
    rich = frozenset({"authenticated", "scope:orders:read", "scope:orders:money"})
    poor = frozenset({"authenticated", "scope:orders:read"})
    kept = documents.prepare(text, rich)
    assert answer(documents, text, poor)[0] == "GRAPHQL_VALIDATION_FAILED"
    assert documents.prepare(text, rich) is kept
    assert documents.prepare(text, rich | {"policy:of nothing here"}) is kept
    assert documents.prepare(text) is not kept
    assert answer(documents, text, poor)[0] == "GRAPHQL_VALIDATION_FAILED"


def test_a_root_that_is_switched_off_is_told_of_to_those_only_who_may_use_it() -> None:
    documents = Documents(BUILT, OperationLimits(), introspection=False, federation=False)
    text = "{ _service { sdl } }"
    router = frozenset({"authenticated", "scope:federation"})
    assert answer(documents, text, router)[0] == "FEDERATION_DISABLED"
    assert answer(documents, text, holding(0))[0] == "GRAPHQL_VALIDATION_FAILED"


def test_who_may_see_nothing_is_answered_and_not_failed() -> None:
    documents = Documents(BUILT, OperationLimits(), introspection=False, federation=False)
    assert answer(documents, "{ __typename }", frozenset()) == ["answered"]
    assert answer(documents, "{ sources { name } }", frozenset())[0] == "GRAPHQL_VALIDATION_FAILED"
