"""An operation reduced to what may be seen, before anything of it is planned or fetched.

What is denied is taken out of the document: in its place stands a marker that no resolver is behind
and that the executor answers with null, so that the answer keeps its shape. A field below which
nothing may be seen is not asked for either, unless another selection of the same key sees
something: so it stays, marked, and `is_denied` judges all selections of a key together. Paths are
those of the selection, with `@` for every list, and say nothing about how many rows there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from auth.rules import FieldClass
from schema.reading import Reading, is_skipped
from schema.requirements import Requirements, access_of

Path = tuple[str, ...]
LIST = "@"
INTROSPECTION = frozenset({"__schema", "__type"})

DENIED = DirectiveNode(name=NameNode(value="denied"))
NEVER_NULL = DirectiveNode(name=NameNode(value="denied"), arguments=())
DEAD = DirectiveNode(name=NameNode(value="dead"))
EMPTY = DirectiveNode(name=NameNode(value="empty"))
"""Markers, told by identity: no document can hold them. The last two are of fields that may be
seen: everything below is denied, or everything below is skipped."""
MARKERS = (DENIED, NEVER_NULL, DEAD, EMPTY)


class Denial(msgspec.Struct, frozen=True):
    """`argument` is the one that asked by what may not be seen."""

    path: Path
    argument: str | None = None


class Permitted(msgspec.Struct, frozen=True):
    """`document` is the one that was asked, where nothing of it is denied; None where nothing of it
    is left. `reads` are the fields that it answers or asks by, `Type.field`, and
    `classes` theirs."""

    document: DocumentNode | None
    denied: tuple[Denial, ...] = ()
    masked: tuple[Path, ...] = ()
    reads: frozenset[str] = frozenset()
    classes: frozenset[FieldClass] = frozenset()


class _Reduced(msgspec.Struct):
    """A selection. `sees`: something of it is seen; `loses`: something of it is denied."""

    nodes: tuple[SelectionNode, ...]
    sees: bool
    loses: bool


def permitted(
    document: DocumentNode,
    reading: Reading,
    requirements: Requirements,
    granted: frozenset[str],
    values: Mapping[str, Any],
    refused: frozenset[int] = frozenset(),
) -> Permitted:
    """`values` are the operation's variables; `refused` are arguments, by `reading.arguments`."""
    root = requirements.schema.get_root_type(reading.operation.operation)
    if root is None:
        return Permitted(document)
    walk = _Walk(reading, requirements, granted, values, refused)
    reduced = walk.selections(reading.operation.selection_set, (root,), ())
    denied, masked = tuple(dict.fromkeys(walk.denied)), tuple(dict.fromkeys(walk.masked))
    reads = frozenset(walk.reads)
    if not denied:
        return Permitted(document, (), masked, reads)
    if not reduced.sees:
        return Permitted(None, denied)
    operation = replace(reading.operation, selection_set=SelectionSetNode(selections=reduced.nodes))
    return Permitted(replace(document, definitions=(operation,)), denied, masked, reads)


class _Walk:
    """Fragments are written out where they stand, because what they may show depends on it."""

    def __init__(
        self,
        reading: Reading,
        requirements: Requirements,
        granted: frozenset[str],
        values: Mapping[str, Any],
        refused: frozenset[int],
    ) -> None:
        self._reading = reading
        self._requirements = requirements
        self._granted = granted
        self._values = values
        self._refused = refused
        self.denied: list[Denial] = []
        self.masked: list[Path] = []
        self.reads: set[str] = set()

    def selections(
        self, selection_set: SelectionSetNode, types: tuple[GraphQLObjectType, ...], path: Path
    ) -> _Reduced:
        """`types` are those that an object here can have, seen or not."""
        every = [
            self._selection(node, types, path)
            for node in selection_set.selections
            if not is_skipped(node, self._values)
        ]
        nodes = tuple(node for one in every for node in one.nodes)
        return _Reduced(nodes, any(one.sees for one in every), any(one.loses for one in every))

    def _selection(
        self, node: SelectionNode, types: tuple[GraphQLObjectType, ...], path: Path
    ) -> _Reduced:
        if isinstance(node, FieldNode):
            return self._field(node, types, path)
        if isinstance(node, InlineFragmentNode):
            return self._fragment(node.type_condition, node.selection_set, types, path)
        assert isinstance(node, FragmentSpreadNode)
        fragment = self._reading.fragments[node.name.value]
        return self._fragment(fragment.type_condition, fragment.selection_set, types, path)

    def _fragment(
        self,
        condition: NamedTypeNode | None,
        selection_set: SelectionSetNode,
        types: tuple[GraphQLObjectType, ...],
        path: Path,
    ) -> _Reduced:
        named = condition.name.value if condition is not None else None
        narrowed = types if named is None else self._narrowed(named, types)
        if narrowed and not self._visible(narrowed):
            self.denied.append(Denial((*path, f"... on {named}")))
        if not self._visible(narrowed):
            return _Reduced((), False, bool(narrowed))
        inner = self.selections(selection_set, narrowed, path)
        whole = InlineFragmentNode(
            type_condition=condition, selection_set=SelectionSetNode(selections=inner.nodes)
        )
        return _Reduced((whole,) if inner.nodes else (), inner.sees, inner.loses)

    def _narrowed(
        self, name: str, types: tuple[GraphQLObjectType, ...]
    ) -> tuple[GraphQLObjectType, ...]:
        type_ = self._requirements.schema.get_type(name)
        among = self._requirements.possible(type_) if type_ is not None else ()
        return tuple(one for one in types if one in among)

    def _field(self, node: FieldNode, types: tuple[GraphQLObjectType, ...], path: Path) -> _Reduced:
        name = node.name.value
        key = node.alias.value if node.alias is not None else name
        place = (*path, key)
        if name == "__typename" or name in INTROSPECTION:
            return _Reduced((node,), True, False)
        # Everything that may stand here has the field, and it is of one shape in all of them.
        fields = [type_.fields[name] for type_ in self._visible(types)]
        if not all(access_of(field).needs.met_by(self._granted) for field in fields):
            return self._deny(node, fields[0], Denial(place))
        for argument in node.arguments or ():
            if self._is_refused(argument):
                return self._deny(node, fields[0], Denial(place, argument.name.value))
        if any(self._is_masked(field) for field in fields):
            self.masked.append(place)
        reduced = _Reduced((node,), True, False)
        if node.selection_set is not None:
            path = (*place, *_hops(fields[0]))
            reduced = self._composite(node, node.selection_set, fields, path)
        if denied_by(reduced.nodes[0]) is None:
            self.reads |= {f"{type_.name}.{name}" for type_ in self._visible(types)}
        return reduced

    def _composite(
        self, node: FieldNode, below: SelectionSetNode, fields: list[GraphQLField], path: Path
    ) -> _Reduced:
        inner = self.selections(below, self._possible(fields), path)
        whole = replace(node, selection_set=SelectionSetNode(selections=inner.nodes))
        if not inner.sees and not is_non_null_type(fields[0].type):
            marker = DEAD if inner.loses else EMPTY
            whole = replace(whole, directives=(*(node.directives or ()), marker))
        return _Reduced((whole,), inner.sees, inner.loses)

    def _possible(self, fields: list[GraphQLField]) -> tuple[GraphQLObjectType, ...]:
        possible = [
            type_
            for field in fields
            for type_ in self._requirements.possible(get_named_type(field.type))
        ]
        return tuple(dict.fromkeys(possible))

    def _visible(self, types: tuple[GraphQLObjectType, ...]) -> tuple[GraphQLObjectType, ...]:
        """A type that may not be seen at all is left out: a record of it is answered as one that
        does not exist, so it never stands there."""
        return tuple(t for t in types if self._requirements.of_type(t).met_by(self._granted))

    def _is_refused(self, argument: ArgumentNode) -> bool:
        return self._reading.numbers[id(argument)] in self._refused

    def _is_masked(self, field: GraphQLField) -> bool:
        masking = access_of(field).masking
        return masking is not None and not masking.unless.met_by(self._granted)

    def _deny(self, node: FieldNode, field: GraphQLField, denial: Denial) -> _Reduced:
        self.denied.append(denial)
        marker = NEVER_NULL if is_non_null_type(field.type) else DENIED
        return _Reduced((_marker(node, marker),), False, True)


def _marker(node: FieldNode, marker: DirectiveNode) -> FieldNode:
    """Answers under the same key; by itself it would tell the type's name, which is no secret of
    whoever sees the object."""
    return FieldNode(
        name=NameNode(value="__typename"),
        alias=node.alias or node.name,
        directives=(marker,),
        loc=node.loc,
    )


def denied_by(node: SelectionNode) -> DirectiveNode | None:
    """The marker that the node is, if it is one."""
    last = node.directives[-1] if node.directives else None
    return last if last is DENIED or last is NEVER_NULL else None


def is_denied(nodes: Sequence[FieldNode]) -> bool:
    """Of all selections of one key in one object: whether it is null because of what is denied."""
    marks = [node.directives[-1] if node.directives else None for node in nodes]
    seen = any(all(mark is not marker for marker in MARKERS) for mark in marks)
    return not seen and any(mark is not EMPTY for mark in marks)


def _hops(field: GraphQLField) -> Path:
    type_: Any = field.type
    hops = 0
    while is_non_null_type(type_) or is_list_type(type_):
        hops += is_list_type(type_)
        type_ = type_.of_type
    return (LIST,) * hops
