"""Checks paging arguments and ids before anything is executed, so that they are a 4xx.

GraphQL itself can only say that `first` is an Int and `id` an ID. Which arguments a document
gives is found once per document; their values are checked with each request's variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from graphql import ArgumentNode, GraphQLError, GraphQLSchema, get_named_type

from connectors.records import Kind
from resolvers import cursor
from resolvers.errors import BadFirst, InputError
from resolvers.pages import FIRST_MOST
from resolvers.sources import Sources
from schema.entities import KINDS
from schema.reading import AskedWith, Reading, value_of

Check = Callable[[Any, "Kind | None", Sources], object]


class GivenArgument(msgspec.Struct, frozen=True):
    """An argument that some field gives; `kind` is of the field's type, `defaults` of variables."""

    name: str
    node: ArgumentNode
    kind: Kind | None
    defaults: Mapping[str, Any] = {}


def check_first(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, (int, float)) and not 1 <= value <= FIRST_MOST:
        raise BadFirst(f"first must be between 1 and {FIRST_MOST}")


def check_after(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, str):
        cursor.decode(value)


def check_id(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, (str, int)):
        sources.address_or_none(str(value), kind)


CHECKS: Mapping[str, Check] = {"first": check_first, "after": check_after, "id": check_id}


def given_arguments(schema: GraphQLSchema, reading: Reading) -> tuple[GivenArgument, ...]:
    """Those that have a check, where it does not depend on variables whether they are asked with:
    there the resolver is the judge."""
    return tuple(
        GivenArgument(asked.node.name.value, asked.node, _kind(schema, asked), reading.defaults)
        for asked in reading.arguments
        if asked.is_certain and asked.node.name.value in CHECKS
    )


def _kind(schema: GraphQLSchema, asked: AskedWith) -> Kind | None:
    type_: Any = schema.get_type(asked.parent)
    return KINDS.get(get_named_type(type_.fields[asked.field].type).name)


def refused(
    arguments: tuple[GivenArgument, ...], variables: Mapping[str, Any], sources: Sources
) -> list[GraphQLError]:
    """One error per argument whose value cannot be used, at its place in the document."""
    errors = []
    for argument in arguments:
        try:
            value = value_of(argument.node.value, {**argument.defaults, **variables})
            CHECKS[argument.name](value, argument.kind, sources)
        except InputError as error:
            errors.append(GraphQLError(str(error), argument.node, extensions={"code": error.code}))
    return errors
