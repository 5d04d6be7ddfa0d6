"""How large an operation is, and which limit says no."""

from __future__ import annotations

import pytest
from graphql import parse

from schema.limits import OperationLimits, check, root_names

SMALL = OperationLimits(depth=4, fields=10, aliases=3, root_fields=2, directives=3)
NEST = "orders{nodes{payments{nodes"


def codes(document: str, limits: OperationLimits = SMALL) -> list[str]:
    errors = check(parse(document), limits)
    return [str((error.extensions or {})["code"]) for error in errors]


def bomb(levels: int, width: int) -> str:
    """`width` to the power of `levels` fields from a few lines."""
    fragments = [
        f"fragment f{at} on Query {{ " + f"...f{at + 1} " * width + "}" for at in range(levels)
    ]
    return "{ ...f0 } " + " ".join(fragments) + f" fragment f{levels} on Query {{ a }}"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ a }", []),
        ("{ a{b{c{d}}} }", []),
        ("{ a{b{c{d{e}}}} }", ["MAX_DEPTH_LIMIT"]),
        ("{ ...f } fragment f on Q { a{b{...g}} } fragment g on Q { c{d} }", []),
        (
            "{ ...f } fragment f on Q { a{b{...g}} } fragment g on Q { c{d{e}} }",
            ["MAX_DEPTH_LIMIT"],
        ),
        ("{ ... on Q { ... on Q { ... { a{b{c{d}}} } } } }", []),
        ("{ a{b{c{... on X{... on Y{d{e}}}}}} }", ["MAX_DEPTH_LIMIT"]),
        ("{ a{b c d e f g h i j} }", []),
        ("{ a{b c d e f g h i j k} }", ["MAX_HEIGHT_LIMIT"]),
        ("{ a{...f ...f} } fragment f on Q { b c d e }", []),
        ("{ a{...f ...f ...f} } fragment f on Q { b c d e }", ["MAX_HEIGHT_LIMIT"]),
        ("{ a{w:b x:b y:b} }", []),
        ("{ a{w:b x:b y:b z:b} }", ["MAX_ALIASES_LIMIT"]),
        ("{ a{...f ...f} } fragment f on Q { x:b y:b }", ["MAX_ALIASES_LIMIT"]),
        ("{ a b }", []),
        ("{ a b c }", ["MAX_ROOT_FIELDS_LIMIT"]),
        ("{ a ...f } fragment f on Q { b c }", ["MAX_ROOT_FIELDS_LIMIT"]),
        ("{ a a a }", ["MAX_ROOT_FIELDS_LIMIT"]),
        ("query @x @x @x { a }", []),
        ("query @x @x { a @x @x }", ["MAX_DIRECTIVES_LIMIT"]),
        (
            "{ a @x ... @x { b @x } ...f @x } fragment f on Q { __typename }",
            ["MAX_ROOT_FIELDS_LIMIT", "MAX_DIRECTIVES_LIMIT"],
        ),
        ("{ a { ...f ...f } } fragment f on Q { b @x @x }", ["MAX_DIRECTIVES_LIMIT"]),
        ("query A { a } query B { a{b{c{d{e}}}} }", ["MAX_DEPTH_LIMIT"]),
        ("mutation { a b c }", ["MAX_ROOT_FIELDS_LIMIT"]),
        ("{ a } fragment unused on Q { a{b{c{d{e}}}} }", ["MAX_DEPTH_LIMIT"]),
    ],
)
def test_a_document_is_measured_with_its_fragments_expanded(
    document: str, expected: list[str]
) -> None:
    assert codes(document) == expected


def test_what_is_counted_at_the_limit_is_allowed() -> None:
    nested = bomb(10, 2).replace("{ ...f0 }", "{ a { ...f0 } }")
    assert codes(nested, OperationLimits(fields=1025)) == []
    assert codes(nested, OperationLimits(fields=1024)) == ["MAX_HEIGHT_LIMIT"]


def test_a_bomb_of_fragments_is_counted_without_being_expanded() -> None:
    assert codes(bomb(60, 10), OperationLimits()) == ["MAX_HEIGHT_LIMIT", "MAX_ROOT_FIELDS_LIMIT"]


@pytest.mark.parametrize(
    "document",
    [
        "{ ...f } fragment f on Q { ...f }",
        "{ ...f } fragment f on Q { a ...g } fragment g on Q { b ...f }",
        "{ ...missing }",
    ],
)
def test_a_circle_and_a_gap_come_to_an_end(document: str) -> None:
    assert codes(document) == []


def test_introspection_is_not_measured_here() -> None:
    deep = "{ __schema { types { fields { type { ofType { ofType { name } } } } } } }"
    assert codes(deep) == []
    assert codes(deep.replace("__schema", "schema")) == ["MAX_DEPTH_LIMIT"]


def test_every_limit_has_its_own_code() -> None:
    document = "{ " + " ".join(f"x{n}:a @y {{b{{c{{d{{e}}}}}}}}" for n in range(4)) + " }"
    assert sorted(codes(document)) == [
        "MAX_ALIASES_LIMIT",
        "MAX_DEPTH_LIMIT",
        "MAX_DIRECTIVES_LIMIT",
        "MAX_HEIGHT_LIMIT",
        "MAX_ROOT_FIELDS_LIMIT",
    ]


def test_root_names_are_found_through_fragments() -> None:
    document = "query A { a ...f } query B { ... on Q { ... { b } } } fragment f on Q { x: c }"
    assert root_names(parse(document)) == {"a", "b", "c"}
