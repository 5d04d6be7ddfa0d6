"""Variables are read once: what is counted is what is executed."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    OperationDefinitionNode,
    VariableValues,
    build_schema,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.cost import NotCounted, compiled
from schema.documents import Refused
from schema.variables import declared
from schema.weights import read_weights
from tests.schema.test_cost import BOOKS, DIRECTIVES

SCHEMA = build_schema(DIRECTIVES + BOOKS)
WEIGHTS = read_weights(parse(DIRECTIVES + BOOKS), default_size=10)
EXTRA = build_schema("""
  type Query { a(n: Int, id: ID, ids: [ID!], deep: [[Int]], input: Input): Int
    b(word: Word, day: Day): Int }
  input Input { first: Int inner: [Input!] id: ID word: Word }
  enum Word { ONE TWO }
  scalar Day
""")
SLICED = {
    "Int": "query Q($v: Int) { either(first: $v) { title shelf { title } } }",
    "[ID!]!": "query Q($v: [ID!]!) { byIds(ids: $v) { title } }",
    "SearchInput": "query Q($v: SearchInput) { found(input: $v) { title } }",
    "an Int in an object": """query Q($v: Int) {
      found(input: {pagination: {first: $v}}) { title } }""",
    "an ID in a list": "query Q($v: ID!) { byIds(ids: [$v, $v]) { title } }",
}


def operation_of(query: str) -> OperationDefinitionNode:
    operation = get_operation_ast(parse(query))
    assert operation is not None
    return operation


def judged(query: str, values: dict[str, Any]) -> int | str:
    """The estimate, or why there is none."""
    try:
        return estimate(query, values)
    except NotCounted as error:
        return str(error)


def estimate(query: str, values: dict[str, Any]) -> int:
    made = compiled(SCHEMA, WEIGHTS, operation_of(query), {}, values)
    return made.estimate(values).points


NUMBERS = st.one_of(
    st.integers(-(2**33), 2**33),
    st.integers(-5, 2000).map(float),
    st.floats(),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=3))
VALUES = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=5),
    st.fixed_dictionaries(
        {"pagination": st.one_of(LEAVES, st.fixed_dictionaries({"first": LEAVES}))}
    ),
)


@pytest.mark.parametrize("query", SLICED.values(), ids=SLICED)
@settings(max_examples=60, deadline=None)
@given(value=VALUES)
def test_what_is_counted_is_what_is_executed(query: str, value: Any) -> None:
    operation = operation_of(query)
    assert validate(SCHEMA, parse(query)) == []
    read = get_variable_values(SCHEMA, operation.variable_definitions or (), {"v": value})
    if not isinstance(read, VariableValues):
        with pytest.raises(Refused):
            declared(SCHEMA, operation, {"v": value})
        return
    ours = declared(SCHEMA, operation, {"v": value})
    assert judged(query, ours) == judged(query, dict(read.coerced))
    again = get_variable_values(SCHEMA, operation.variable_definitions or (), ours)
    assert isinstance(again, VariableValues)
    assert again.coerced == read.coerced


@pytest.mark.parametrize(
    ("type_", "value", "read"),
    [
        ("Int", 100.0, 100),
        ("ID", 5, "5"),
        ("ID", 5.0, "5"),
        ("[ID!]", "a", ["a"]),
        ("[ID!]", [1.0, "b"], ["1", "b"]),
        ("[[Int]]", [1.0, None], [[1], None]),
        ("Word", "ONE", "ONE"),
        ("Day", "2026-01-01", "2026-01-01"),
        (
            "Input",
            {"first": 3.0, "inner": {"first": 4.0, "id": 7}, "word": "TWO"},
            {"first": 3, "inner": [{"first": 4, "id": "7"}], "word": "TWO"},
        ),
    ],
)
def test_a_value_becomes_what_graphql_reads_it_as(type_: str, value: Any, read: Any) -> None:
    operation = operation_of(f"query Q($v: {type_}) {{ __typename }}")
    (found,) = declared(EXTRA, operation, {"v": value}).values()
    assert repr(found) == repr(read)


def test_defaults_are_read_too_and_what_is_not_declared_is_left_out() -> None:
    operation = operation_of('query Q($ids: [ID!] = "a", $n: Int = 3, $m: Int) { __typename }')
    assert declared(EXTRA, operation, {"other": 1}) == {"ids": ["a"], "n": 3}
    assert declared(EXTRA, operation, {"n": None, "m": 2.0}) == {"ids": ["a"], "n": None, "m": 2}


@pytest.mark.parametrize("value", [100.0, "100", True, {"first": 1}])
def test_what_was_not_read_before_is_not_counted(value: Any) -> None:
    with pytest.raises(NotCounted):
        estimate(SLICED["Int"], {"v": value})


@pytest.mark.parametrize("ids", ['"a"', "0", '["a"]'])
def test_one_of_a_list_is_a_list_of_one(ids: str) -> None:
    assert estimate(f"{{ byIds(ids: {ids}) {{ title }} }}", {}) == 1
