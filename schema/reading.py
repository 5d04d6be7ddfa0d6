"""What an operation asks with: the arguments it gives, the booleans that skip parts of it.

Both decide, beside the scopes, what of an operation may be answered, and both may hang on
variables. They are found once per document; their values are looked at with every request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

from schema.requirements import Requirements

CONDITIONS = frozenset({"skip", "include"})


class AskedWith(msgspec.Struct, frozen=True):
    """An argument that some field of `parent` gives. `is_certain`: no directive stands above."""

    parent: str
    field: str
    node: ArgumentNode
    is_certain: bool


class Reading(msgspec.Struct, frozen=True):
    """Of one operation. `numbers` tells an argument's place in `arguments` by its node's id, good
    as long as the document is kept; `conditions` are variables of `@skip` and `@include`."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    arguments: tuple[AskedWith, ...]
    numbers: Mapping[int, int]
    conditions: tuple[str, ...]
    defaults: Mapping[str, Any]

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Variables as they are used: what is not given has its default."""
        return {**self.defaults, **given}

    def undecided(self, given: Mapping[str, Any]) -> list[GraphQLError]:
        """Of `@skip` and `@include` that hang on null, which instead of its default a variable may
        be given: nobody can say then what is asked for."""
        return [
            GraphQLError(f"Variable '${name}' must not be null.")
            for name in self.conditions
            if name in self.defaults and given.get(name, name) is None
        ]


def read(
    requirements: Requirements, document: DocumentNode, operation: OperationDefinitionNode
) -> Reading:
    """Of a valid document."""
    fragments = {
        d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
    }
    walk = _Walk(requirements, fragments)
    walk.operation(operation)
    return Reading(
        operation,
        fragments,
        tuple(walk.arguments),
        walk.numbers,
        tuple(sorted(walk.conditions)),
        {
            v.variable.name.value: value_from_ast_untyped(v.default_value)
            for v in operation.variable_definitions or ()
            if v.default_value is not None
        },
    )


def read_by_arguments(
    reading: Reading, requirements: Requirements, values: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """The fields, `Type.field`, that each of `arguments` asks by."""
    return [_places(asked, requirements, values) for asked in reading.arguments]


def refused_arguments(
    asked_by: Iterable[tuple[str, ...]], requirements: Requirements, granted: frozenset[str]
) -> frozenset[int]:
    """Those whose value reads what may not be seen whole, by their place in `arguments`."""
    return frozenset(
        index
        for index, places in enumerate(asked_by)
        if not all(requirements.place(place).whole.met_by(granted) for place in places)
    )


def _places(
    asked: AskedWith, requirements: Requirements, values: Mapping[str, Any]
) -> tuple[str, ...]:
    type_: Any = requirements.schema.get_type(asked.parent)
    name = asked.node.name.value
    argument = type_.fields[asked.field].args[name]
    value = value_of(asked.node.value, values)
    return requirements.read_by(asked.parent, asked.field, name, argument, value)


def value_of(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, VariableNode):
        return values.get(node.name.value)
    return value_from_ast_untyped(node, dict(values))


def is_skipped(node: SelectionNode, values: Mapping[str, Any]) -> bool:
    """Whether `@skip` or `@include` takes it out."""
    return any(
        bool(value_of(directive.arguments[0].value, values)) is (directive.name.value == "skip")
        for directive in node.directives or ()
        if directive.name.value in CONDITIONS and directive.arguments
    )


class _Walk:
    """Every selection of an operation, each fragment once, and once more where no directive stands
    above it."""

    def __init__(
        self, requirements: Requirements, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = requirements.schema
        self._fragments = fragments
        self._seen: set[tuple[str, bool]] = set()
        self.arguments: list[AskedWith] = []
        self.numbers: dict[int, int] = {}
        self.conditions: set[str] = set()

    def operation(self, operation: OperationDefinitionNode) -> None:
        root = self._schema.get_root_type(operation.operation)
        self._below(operation.selection_set, root, True)

    def _below(
        self,
        selection_set: SelectionSetNode | None,
        type_: GraphQLNamedType | None,
        is_certain: bool,
    ) -> None:
        for node in selection_set.selections if selection_set is not None else ():
            self.conditions |= set(_condition_variables(node.directives or ()))
            certain = is_certain and not node.directives
            if isinstance(node, FieldNode):
                self._field(node, type_, certain)
            elif isinstance(node, InlineFragmentNode):
                named = node.type_condition
                inner = self._schema.get_type(named.name.value) if named is not None else type_
                self._below(node.selection_set, inner, certain)
            elif isinstance(node, FragmentSpreadNode):
                self._spread(node.name.value, certain)

    def _spread(self, name: str, is_certain: bool) -> None:
        if {(name, True), (name, is_certain)} & self._seen:
            return
        self._seen.add((name, is_certain))
        fragment = self._fragments[name]
        inner = self._schema.get_type(fragment.type_condition.name.value)
        self._below(fragment.selection_set, inner, is_certain)

    def _field(self, node: FieldNode, type_: GraphQLNamedType | None, is_certain: bool) -> None:
        if not isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            return
        field = type_.fields.get(node.name.value)
        if field is None:
            return
        for argument in node.arguments or ():
            self.numbers[id(argument)] = len(self.arguments)
            self.arguments.append(AskedWith(type_.name, node.name.value, argument, is_certain))
        self._below(node.selection_set, get_named_type(field.type), is_certain)


def _condition_variables(directives: Iterable[DirectiveNode]) -> Iterator[str]:
    for directive in directives:
        if directive.name.value in CONDITIONS:
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
