"""How large an operation may be, measured on its syntax tree with fragments expanded.

Measured before validation, because validating a hostile document is itself expensive. Codes and
figures follow what routers of the field use; introspection has its own depth rule in graphql-core.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

Count = Annotated[int, msgspec.Meta(ge=1)]


class OperationLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`body` in bytes, `characters` and `tokens` of the document (`partner_tokens` where a partner
    asks); the rest counts after expansion.

    `fields` counts every selected field, `directives` every use of one. `objects` are those of the
    answer, counted while it is made: a small query may ask for a large one.
    """

    body: Count = 1024 * 1024
    characters: Count = 20_000
    tokens: Count = 5_000
    partner_tokens: Count = 2_000
    comments: Count = 100
    depth: Count = 12
    fields: Count = 300
    aliases: Count = 30
    root_fields: Count = 10
    directives: Count = 50
    objects: Count = 20_000


class Measure(msgspec.Struct, frozen=True):
    """The size of a selection set. `roots` are the names of its own fields."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    roots: tuple[str, ...] = ()

    def beside(self, other: Measure) -> Measure:
        return Measure(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            (*self.roots, *other.roots)[:_ENOUGH],
        )


_ENOUGH = 1000
_INTROSPECTION = frozenset({"__schema", "__type"})
_NAMES = {
    "depth": ("MAX_DEPTH_LIMIT", "The operation is nested too deeply."),
    "fields": ("MAX_HEIGHT_LIMIT", "The operation selects too many fields."),
    "aliases": ("MAX_ALIASES_LIMIT", "The operation uses too many aliases."),
    "root_fields": ("MAX_ROOT_FIELDS_LIMIT", "The operation has too many root fields."),
    "directives": ("MAX_DIRECTIVES_LIMIT", "The operation uses too many directives."),
}


def check(document: DocumentNode, limits: OperationLimits) -> list[GraphQLError]:
    """One error per limit that any operation of the document exceeds."""
    measurer = _Measurer(document)
    exceeded: dict[str, GraphQLError] = {}
    for operation in document.definitions:
        # Fragments too: one that no operation uses is validated all the same.
        if isinstance(operation, (OperationDefinitionNode, FragmentDefinitionNode)):
            size = measurer.operation(operation)
            values = _values(size)
            if isinstance(operation, FragmentDefinitionNode):
                del values["root_fields"]
                if operation.type_condition.name.value.startswith("__"):
                    # Every tool asks for types of types to a depth that graphql-core's rule bounds.
                    del values["depth"]
            for name, value in values.items():
                if value > getattr(limits, name):
                    code, message = _NAMES[name]
                    exceeded[name] = GraphQLError(message, operation, extensions={"code": code})
    return list(exceeded.values())


def root_names(document: DocumentNode) -> set[str]:
    """Names of the root fields of all operations, through fragments."""
    measurer = _Measurer(document)
    return {
        name
        for operation in document.definitions
        if isinstance(operation, OperationDefinitionNode)
        for name in measurer.operation(operation).roots
    }


def _values(size: Measure) -> dict[str, int]:
    return {
        "depth": size.depth,
        "fields": size.fields,
        "aliases": size.aliases,
        "root_fields": len(size.roots),
        "directives": size.directives,
    }


class _Measurer:
    """Each fragment is measured once; one that reaches itself counts as nothing there, because
    validation refuses the document for it."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        self._known: dict[str, Measure] = {}

    def operation(self, operation: OperationDefinitionNode | FragmentDefinitionNode) -> Measure:
        size = self._selections(operation.selection_set)
        own = Measure(directives=len(operation.directives or ()))
        return size.beside(own)

    def _selections(self, selection_set: SelectionSetNode | None) -> Measure:
        total = Measure()
        for selection in _of(selection_set):
            total = total.beside(self._selection(selection))
        return total

    def _selection(self, selection: SelectionNode) -> Measure:
        used = len(selection.directives or ())
        if isinstance(selection, FieldNode):
            return self._field(selection, used)
        if isinstance(selection, InlineFragmentNode):
            inner = self._selections(selection.selection_set)
        else:
            assert isinstance(selection, FragmentSpreadNode)
            inner = self._fragment(selection.name.value)
        return inner.beside(Measure(directives=used))

    def _field(self, field: FieldNode, used: int) -> Measure:
        name = field.name.value
        alias = 1 if field.alias is not None else 0
        if name in _INTROSPECTION:
            return Measure(1, 1, alias, used, (name,))
        inner = self._selections(field.selection_set)
        return Measure(
            inner.depth + 1,
            inner.fields + 1,
            inner.aliases + alias,
            inner.directives + used,
            (name,),
        )

    def _fragment(self, name: str) -> Measure:
        if name not in self._known:
            self._known[name] = Measure()
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._known[name] = self._selections(fragment.selection_set)
        return self._known[name]


def _of(selection_set: SelectionSetNode | None) -> Iterable[SelectionNode]:
    return selection_set.selections if selection_set is not None else ()
