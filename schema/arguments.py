"""Checks paging arguments and ids before anything is executed, so that they are a 4xx.

GraphQL itself can only say that `first` is an Int and `id` an ID. Which arguments a document
gives is found once per document; their values are checked with each request's variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_named_type,
    value_from_ast_untyped,
    visit,
)

from connectors.records import Kind
from resolvers import cursor
from resolvers.errors import BadFirst, InputError
from resolvers.pages import FIRST_MOST
from resolvers.sources import Sources
from schema.entities import KINDS

Check = Callable[[Any, "Kind | None", Sources], object]


class GivenArgument(msgspec.Struct, frozen=True):
    """An argument that some field of the document gives; `kind` is of the field's type."""

    name: str
    node: ArgumentNode
    kind: Kind | None


def check_first(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, int) and not 1 <= value <= FIRST_MOST:
        raise BadFirst(f"first must be between 1 and {FIRST_MOST}")


def check_after(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, str):
        cursor.decode(value)


def check_id(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, (str, int)):
        sources.address(str(value), kind)


CHECKS: Mapping[str, Check] = {"first": check_first, "after": check_after, "id": check_id}


def given_arguments(schema: GraphQLSchema, document: DocumentNode) -> tuple[GivenArgument, ...]:
    """The arguments of the document that have a check."""
    info = TypeInfo(schema)
    found: list[GivenArgument] = []

    class Collector(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            type_ = info.get_type()
            kind = KINDS.get(get_named_type(type_).name) if type_ is not None else None
            found.extend(
                GivenArgument(argument.name.value, argument, kind)
                for argument in node.arguments or ()
                if argument.name.value in CHECKS
            )

    visit(document, TypeInfoVisitor(info, Collector()))
    return tuple(found)


def refused(
    arguments: tuple[GivenArgument, ...], variables: Mapping[str, Any], sources: Sources
) -> list[GraphQLError]:
    """One error per argument whose value cannot be used, at its place in the document."""
    errors = []
    for argument in arguments:
        try:
            CHECKS[argument.name](_value(argument.node, variables), argument.kind, sources)
        except InputError as error:
            errors.append(GraphQLError(str(error), argument.node, extensions={"code": error.code}))
    return errors


def _value(node: ArgumentNode, variables: Mapping[str, Any]) -> Any:
    if isinstance(node.value, VariableNode):
        return variables.get(node.value.name.value)
    return value_from_ast_untyped(node.value)
