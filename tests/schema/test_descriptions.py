"""Everything that a client can see is explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    is_specified_directive,
    is_specified_scalar_type,
)

from schema.build import build_schema

SCHEMA = build_schema().executable
FEDERATION = frozenset(
    {"_Any", "_Entity", "_Service", "_FieldSet", "link__Purpose", "link__Import"}
)
FEDERATION_DIRECTIVES = frozenset(
    {"key", "shareable", "link", "authenticated", "requiresScopes", "policy", "cost", "listSize"}
)


def own_types() -> list[GraphQLNamedType]:
    return [
        type_
        for name, type_ in SCHEMA.type_map.items()
        if name not in FEDERATION
        and not name.startswith("__")
        and not is_specified_scalar_type(type_)
    ]


def members(type_: GraphQLNamedType) -> Iterator[tuple[str, Any]]:
    """Fields, arguments, input fields and values, by their place."""
    if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
        for name, field in type_.fields.items():
            if not name.startswith("_"):
                yield f"{type_.name}.{name}", field
                for argument, value in field.args.items():
                    yield f"{type_.name}.{name}({argument})", value
    elif isinstance(type_, GraphQLInputObjectType):
        yield from ((f"{type_.name}.{name}", field) for name, field in type_.fields.items())
    elif isinstance(type_, GraphQLEnumType):
        yield from ((f"{type_.name}.{name}", value) for name, value in type_.values.items())


def test_every_type_is_explained() -> None:
    assert [type_.name for type_ in own_types() if not type_.description] == []
    assert len(own_types()) > 40


def test_everything_in_a_type_is_explained() -> None:
    silent = [p for t in own_types() for p, member in members(t) if not member.description]
    assert silent == []


def test_every_directive_is_explained() -> None:
    own = [d for d in SCHEMA.directives if d.name not in FEDERATION_DIRECTIVES]
    assert [d.name for d in own if not d.description] == []
    ours = [d for d in own if not is_specified_directive(d)]
    assert [(d.name, n) for d in ours for n, a in d.args.items() if not a.description] == []


def test_an_explanation_ends_as_a_sentence_or_an_example() -> None:
    described = [(type_.name, type_.description) for type_ in own_types()]
    described += [(p, member.description) for t in own_types() for p, member in members(t)]
    assert [p for p, text in described if not str(text).endswith((".", "`"))] == []


def test_whatever_is_deprecated_says_what_to_use() -> None:
    deprecated = [
        (place, member.deprecation_reason)
        for type_ in own_types()
        for place, member in members(type_)
        if member.deprecation_reason is not None
    ]
    assert [place for place, reason in deprecated if not reason] == []
