"""Checks paging arguments and ids before anything is executed, so that they are a 4xx.

GraphQL itself can only say that `first` is an Int and `id` an ID. Which arguments a document
gives is found once per document; their values are checked with each request's variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

from connectors.records import Kind
from resolvers import cursor
from resolvers.errors import BadFirst, InputError
from resolvers.pages import FIRST_MOST
from resolvers.sources import Sources
from schema.entities import KINDS

Check = Callable[[Any, "Kind | None", Sources], object]


class GivenArgument(msgspec.Struct, frozen=True):
    """An argument that some field gives; `kind` is of the field's type, `defaults` of variables."""

    name: str
    node: ArgumentNode
    kind: Kind | None
    defaults: Mapping[str, Any] = {}


def check_first(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, int) and not 1 <= value <= FIRST_MOST:
        raise BadFirst(f"first must be between 1 and {FIRST_MOST}")


def check_after(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, str):
        cursor.decode(value)


def check_id(value: Any, kind: Kind | None, sources: Sources) -> None:
    if isinstance(value, (str, int)):
        sources.address_or_none(str(value), kind)


CHECKS: Mapping[str, Check] = {"first": check_first, "after": check_after, "id": check_id}


def given_arguments(
    schema: GraphQLSchema, document: DocumentNode
) -> dict[str | None, tuple[GivenArgument, ...]]:
    """By operation name, the arguments that have a check and stand where nothing is skipped."""
    fragments = {
        d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
    }
    return {
        operation.name.value if operation.name else None: tuple(
            _Walk(schema, fragments, operation).arguments()
        )
        for operation in document.definitions
        if isinstance(operation, OperationDefinitionNode)
    }


class _Walk:
    """One operation's fields, through its fragments, each fragment once."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        operation: OperationDefinitionNode,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._operation = operation
        self._seen: set[str] = set()
        self._defaults = {
            v.variable.name.value: value_from_ast_untyped(v.default_value)
            for v in operation.variable_definitions or ()
            if v.default_value is not None
        }

    def arguments(self) -> Iterator[GivenArgument]:
        root = self._schema.get_root_type(self._operation.operation)
        return self._below(self._operation.selection_set, root)

    def _below(
        self, selection_set: SelectionSetNode | None, type_: GraphQLNamedType | None
    ) -> Iterator[GivenArgument]:
        for node in selection_set.selections if selection_set is not None else ():
            # Whether it is executed depends on variables: then its resolver is the judge.
            if not node.directives:
                yield from self._of(node, type_)

    def _of(self, node: SelectionNode, type_: GraphQLNamedType | None) -> Iterator[GivenArgument]:
        if isinstance(node, FieldNode):
            yield from self._of_field(node, type_)
        elif isinstance(node, InlineFragmentNode):
            named = node.type_condition
            inner = self._schema.get_type(named.name.value) if named is not None else type_
            yield from self._below(node.selection_set, inner)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in self._seen:
            self._seen.add(node.name.value)
            fragment = self._fragments[node.name.value]
            inner = self._schema.get_type(fragment.type_condition.name.value)
            yield from self._below(fragment.selection_set, inner)

    def _of_field(self, node: FieldNode, type_: GraphQLNamedType | None) -> Iterator[GivenArgument]:
        fields = (
            type_.fields if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)) else {}
        )
        field = fields.get(node.name.value)
        inner = get_named_type(field.type) if field is not None else None
        kind = KINDS.get(inner.name) if inner is not None else None
        for argument in node.arguments or ():
            if argument.name.value in CHECKS:
                yield GivenArgument(argument.name.value, argument, kind, self._defaults)
        yield from self._below(node.selection_set, inner)


def refused(
    arguments: tuple[GivenArgument, ...], variables: Mapping[str, Any], sources: Sources
) -> list[GraphQLError]:
    """One error per argument whose value cannot be used, at its place in the document."""
    errors = []
    for argument in arguments:
        try:
            value = _value(argument.node, {**argument.defaults, **variables})
            CHECKS[argument.name](value, argument.kind, sources)
        except InputError as error:
            errors.append(GraphQLError(str(error), argument.node, extensions={"code": error.code}))
    return errors


def _value(node: ArgumentNode, variables: Mapping[str, Any]) -> Any:
    if isinstance(node.value, VariableNode):
        return variables.get(node.value.name.value)
    return value_from_ast_untyped(node.value)
