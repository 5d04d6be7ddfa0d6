"""The cost formula, on the worked examples of Apollo's router and on what could break it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    build_schema,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_composite_type,
    is_list_type,
    parse,
    validate,
)

from schema.build import build_schema as build_tillgate
from schema.cost import MOST, Compiled, NotCounted, compiled
from schema.upstream import reads_of
from schema.weights import read_weights

DIRECTIVES = """
directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION
  | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],
  requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
"""
BOOKS = """
type Query {
  book(id: ID): Book
  bestsellers: [Book] @listSize(assumedSize: 5)
  newestAdditions(after: ID, limit: Int!): [Book] @listSize(slicingArguments: ["limit"])
  newestByCursor(limit: Int!): Cursor
    @listSize(slicingArguments: ["limit"], sizedFields: ["page"])
  between(first: Int, last: Int): [Book]
    @listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)
  exactly(first: Int, last: Int): [Book] @listSize(slicingArguments: ["first", "last"])
  either(first: Int): [Book]
    @listSize(slicingArguments: ["first"], assumedSize: 7, requireOneSlicingArgument: false)
  found(input: SearchInput): [Book] @listSize(slicingArguments: ["input.pagination.first"])
  byIds(ids: [ID!]!): [Book] @listSize(slicingArguments: ["ids"])
  unsaid: [Book]
}
type Mutation { publish(title: String): Book }
input SearchInput { pagination: Pagination text: String }
input Pagination { first: Int }
type Book { title: String author: Author publisher: Publisher shelf: [Book] }
type Author { name: String }
type Publisher { name: String address: Address }
type Address @cost(weight: 5) { zip: Int }
type Cursor { page: [Book] next: String }
"""
WHOLE = "title author { name } publisher { name address { zip } }"
ROUTER = """
type Query {
  fieldWithCost: Int @cost(weight: 5)
  argWithCost(arg: Int @cost(weight: 10)): Int
  enumWithCost: AorB
  inputWithCost(someInput: Input): Int
  scalarWithCost: ExpensiveInt
  objectWithCost: ExpensiveObject
  fieldWithListSize: [String!] @listSize(assumedSize: 2000, requireOneSlicingArgument: false)
  fieldWithDynamicListSize(first: Int = 10): SizedField @listSize(slicingArguments: ["first"],
    sizedFields: ["items"], requireOneSlicingArgument: true)
}
enum AorB @cost(weight: 15) { A B }
scalar ExpensiveInt @cost(weight: 30)
type ExpensiveObject @cost(weight: 40) { id: ID }
input Input { somethingWithCost: Int @cost(weight: 20) }
type SizedField { items: [A] }
type A { id: ID }
"""
SHAPES = """
interface Shape { id: ID owner: Owner }
type Circle implements Shape { id: ID owner: Owner radius: Length }
type Square implements Shape @cost(weight: 4) { id: ID owner: Owner side: Length }
type Length @cost(weight: 3) { cm: Int }
type Owner { name: String shapes: [Shape] @listSize(assumedSize: 2) }
union Any = Circle | Square
type Query { shape: Shape any: Any shapes: [Shape] @listSize(assumedSize: 10) }
"""


def made(sdl: str, query: str, default_size: int = 10, **variables: Any) -> Compiled:
    schema = build_schema(DIRECTIVES + sdl)
    document = parse(query)
    assert validate(schema, document) == []
    operation = get_operation_ast(document)
    assert isinstance(operation, OperationDefinitionNode)
    fragments = {
        d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
    }
    weights = read_weights(parse(DIRECTIVES + sdl), default_size=default_size)
    return compiled(schema, weights, operation, fragments, variables)


def cost(sdl: str, query: str, default_size: int = 10, **variables: Any) -> int:
    return made(sdl, query, default_size, **variables).estimate(variables).points


@pytest.mark.parametrize(
    ("query", "points"),
    [
        (f"{{ book {{ {WHOLE} }} }}", 8),
        (f"{{ bestsellers {{ {WHOLE} }} }}", 40),
        (f"{{ newestAdditions(limit: 3) {{ {WHOLE} }} }}", 24),
        (f"{{ newestAdditions(limit: 7) {{ {WHOLE} }} }}", 56),
        (f"{{ newestByCursor(limit: 5) {{ page {{ {WHOLE} }} next }} }}", 41),
        (f"{{ unsaid {{ {WHOLE} }} }}", 80),
        ("{ book { title } }", 1),
        ("{ book { __typename } __schema { types { name } } }", 1),
        ('mutation { publish(title: "a") { title } }', 11),
        (f"{{ a: book {{ {WHOLE} }} b: book {{ title }} }}", 9),
        ("{ between(first: 3, last: 5) { title } }", 5),
        ("{ either { title } }", 7),
        ("{ either(first: 2) { title } }", 2),
        ("{ either(first: null) { title } }", 7),
        ("{ either(first: -3) { title } }", 0),
        ('{ byIds(ids: ["a", "b", "c"]) { title } }', 3),
        # Each input object costs 1.
        ("{ found(input: {pagination: {first: 6}}) { title } }", 8),
        ("{ bestsellers { shelf { title } } }", 5 * (1 + 10)),
    ],
)
def test_apollos_example(query: str, points: int) -> None:
    assert cost(BOOKS, query) == points


@pytest.mark.parametrize(("arguments", "points"), [("(first: 5)", 127), ("", 132)])
def test_what_apollos_router_counts_for_its_own_fixture(arguments: str, points: int) -> None:
    query = f"""fragment Items on SizedField {{ items {{ id }} }}
    {{ fieldWithCost argWithCost(arg: 3) enumWithCost
       inputWithCost(someInput: {{ somethingWithCost: 10 }})
       scalarWithCost objectWithCost {{ id }} fieldWithListSize
       fieldWithDynamicListSize{arguments} {{ ...Items }} }}"""
    assert cost(ROUTER, query) == points


def test_the_same_by_variables() -> None:
    query = """query Q($input: Input, $n: Int) { inputWithCost(someInput: $input)
      fieldWithDynamicListSize(first: $n) { items { id } } }"""
    assert cost(ROUTER, query, input={"somethingWithCost": 10}, n=5) == 21 + 6
    assert cost(ROUTER, query, input=None, n=None) == 11


def test_lists_in_lists_multiply_by_what_is_usual() -> None:
    sdl = "type Query { some: [Some] } type Some { more: [Some] id: ID }"
    assert cost(sdl, "{ some { more { id } } }", default_size=100) == 10_100


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ shape { id } }", 1),
        ("{ shape { id ... on Circle { radius { cm } } } }", 1 + 3),
        ("{ shape { ... on Circle { radius { cm } } ... on Square { id } } }", 1 + 3),
        ("{ any { ... on Square { side { cm } } ... on Circle { id } } }", 1 + 3),
        ("{ shapes { ... on Circle { radius { cm } } ... on Square { side { cm } } } }", 40),
        ("{ shape { owner { shapes { id } } } }", 1 + 1 + 2),
    ],
)
def test_of_an_interface_or_union_the_dearest_type_counts(query: str, points: int) -> None:
    assert cost(SHAPES, query) == points


@pytest.mark.parametrize(
    ("skip", "include", "points"), [(True, True, 9), (False, True, 17), (True, False, 1)]
)
def test_what_is_skipped_costs_nothing(skip: bool, include: bool, points: int) -> None:
    query = f"""query Q($skip: Boolean!, $include: Boolean!) {{
      a: book @skip(if: $skip) {{ {WHOLE} }}
      ... @include(if: $include) {{ b: book {{ {WHOLE} }} }}
      book {{ title }} }}"""
    assert cost(BOOKS, query, skip=skip, include=include) == points


def test_a_field_that_is_asked_for_twice_under_one_key_is_one() -> None:
    query = (
        "{ book { title author { name } } ...F } fragment F on Query { book { author { name } } }"
    )
    assert cost(BOOKS, query) == 2


def test_exactly_one_argument_must_say_how_many_where_one_is_required() -> None:
    for arguments in ("", "(first: 1, last: 2)"):
        with pytest.raises(NotCounted, match="Exactly one slicing argument"):
            cost(BOOKS, f"{{ exactly{arguments} {{ title }} }}")
    assert cost(BOOKS, "{ exactly(last: 2) { title } }") == 2


def test_fragments_in_fragments_are_counted_without_writing_them_out() -> None:
    depth = 60
    spread = " ".join(
        f"fragment F{n} on Book {{ a: shelf {{ ...F{n + 1} }} b: shelf {{ ...F{n + 1} }} }}"
        for n in range(depth)
    )
    query = f"{{ book {{ ...F0 }} }} {spread} fragment F{depth} on Book {{ title }}"
    found = made(BOOKS, query)
    assert len(found.places) == depth + 2
    assert found.estimate({}).points == MOST


def test_a_huge_number_is_too_much_and_nothing_worse() -> None:
    query = "query Q($n: Int!) { newestAdditions(limit: $n) { shelf { title } } }"
    assert cost(BOOKS, query, n=2**31 - 1) == MOST
    assert cost(BOOKS, query, n=10**30) == MOST


def test_more_is_never_cheaper() -> None:
    query = "query Q($n: Int!) { newestByCursor(limit: $n) { page { title author { name } } } }"
    costs = [cost(BOOKS, query, n=n) for n in (0, 1, 2, 10, 1000)]
    assert costs == sorted(costs) == [1, 3, 5, 21, 2001]


@pytest.mark.parametrize(
    ("data", "points"),
    [
        ({"bestsellers": [{"title": "a", "author": {"name": "b"}}] * 3}, 6),
        ({"bestsellers": [{"title": "a", "author": None}, None]}, 1),
        ({"bestsellers": []}, 0),
        ({"bestsellers": None}, 0),
        (None, 0),
    ],
)
def test_an_answer_costs_what_is_in_it(data: Any, points: int) -> None:
    assert (
        made(BOOKS, "{ bestsellers { title author { name } } }").actual(data, {}).points == points
    )


def test_an_answer_of_an_interface_costs_what_its_type_does() -> None:
    query = "{ shapes { id ... on Circle { radius { cm } } ... on Square { owner { name } } } }"
    found = made(SHAPES, query)
    circle = {"id": "1", "radius": {"cm": 1}}
    square = {"id": "2", "owner": {"name": "n"}}
    assert found.actual({"shapes": [circle]}, {}).points == 4
    assert found.actual({"shapes": [square]}, {}).points == 2
    assert found.actual({"shapes": [circle, square, None]}, {}).points == 6


def test_every_list_of_the_graph_says_how_long_it_is() -> None:
    schema = build_tillgate()
    silent = [
        f"{type_.name}.{name}"
        for type_, name, field in _fields(schema.executable.type_map)
        if _is_list_of_objects(field)
        and schema.weights.size_of(type_, name) is None
        and name not in ("edges", "nodes")
    ]
    assert silent == []


def test_every_resolver_of_the_graph_says_what_it_asks() -> None:
    schema = build_tillgate().executable
    silent = [
        f"{type_.name}.{name}"
        for type_, name, field in _fields(schema.type_map)
        if reads_of(field, name) is None
    ]
    assert silent == []


def test_what_is_counted_by_is_what_other_routers_read() -> None:
    built = build_tillgate()
    assert built.weights.costs["Money"] == 0
    sizes = built.weights.sizes
    assert (sizes["Query.orders"].slicing, sizes["Query.orders"].sized) == (
        ("first",),
        ("edges", "nodes"),
    )
    assert sizes["Order.payments"].assumed == 2
    for word in ('"@cost"', '"@listSize"', "@cost(weight: 0)", "@listSize(assumedSize: 2"):
        assert word in built.federation_sdl


def _fields(types: Mapping[str, Any]) -> list[tuple[GraphQLObjectType, str, Any]]:
    return [
        (type_, name, field)
        for type_ in types.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
    ]


def _is_list_of_objects(field: Any) -> bool:
    return is_list_type(get_nullable_type(field.type)) and is_composite_type(
        get_named_type(field.type)
    )
