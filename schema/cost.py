"""What an operation costs, by the formula that Apollo's and IBM's cost directives are read with.

    cost(operation) = base (10 for a mutation) + sum of its root fields
    cost(field)     = N * (weight + sum of the fields below) + weights of its arguments

N is 1, or how long the list is: the largest slicing argument, else what is assumed, else what is
usual. Of an interface or union the dearest type counts; introspection costs nothing. An operation
is compiled once into places (each a selection of objects), which are shared wherever fragments are,
so that neither compiling nor counting grows faster than the document.

Sources: Apollo Router, demand control (static_cost.rs); IBM GraphQL Cost Directives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    value_from_ast_untyped,
)

from schema.permitted import is_denied
from schema.reading import is_skipped, value_of
from schema.weights import MUTATION, ListSize, Weights

MOST = 2**31 - 1
"""Beyond it all is the same: too much."""

Values = Mapping[str, Any]
Reads = Callable[[GraphQLField, str], tuple[Any, ...]]


class NotCounted(Exception):
    """The operation does not say how much it asks for; a sentence for the client."""


class Size(msgspec.Struct, frozen=True):
    """How long a list is, as far as the document says. `slicing` are paths to what slices it: the
    argument's node and default, the names below it, and whether it is a list of them."""

    of: ListSize
    slicing: tuple[tuple[Any, Any, tuple[str, ...], bool], ...]
    usual: int

    def count(self, values: Values) -> int:
        """Raises NotCounted where exactly one argument must say it, and does not, or where it is no
        number."""
        found = [n for n in (_length(*path, values) for path in self.slicing) if n is not None]
        if self.slicing and self.of.require_one and len(found) != 1:
            raise NotCounted(f"Exactly one slicing argument is required, not {len(found)}.")
        if found:
            return min(max(0, *found), MOST)
        return self.usual if self.of.assumed is None else self.of.assumed


class Field(msgspec.Struct, frozen=True, eq=False):
    """One key of the answer. `size` is of a list, `rows` of what is below it; `node` gives its
    arguments. `reads` is what it asks of sources, and `counts` whether it, or anything below it,
    costs or asks something."""

    weight: int
    size: Size | None
    rows: Size | None
    weighed: tuple[tuple[Any, str, Any], ...]
    below: int | None
    node: FieldNode
    reads: tuple[Any, ...]
    counts: bool


class Place(msgspec.Struct, frozen=True, eq=False):
    """A selection, by the types that may stand there; `counting` are those of their fields that
    count."""

    types: tuple[Mapping[str, Field], ...]
    counting: tuple[tuple[tuple[str, Field], ...], ...]

    @property
    def fields(self) -> Iterator[Field]:
        return (field for fields in self.types for field in fields.values())

    def of(self, value: Mapping[str, Any]) -> tuple[tuple[str, Field], ...]:
        """Those that count of the type that an object of the answer is of, told by what it has."""
        if len(self.types) == 1:
            return self.counting[0]
        fitting = (n for n, fields in enumerate(self.types) if fields.keys() <= value.keys())
        best = max(fitting, key=lambda n: len(self.types[n]), default=None)
        return () if best is None else self.counting[best]


class Reached(msgspec.Struct, frozen=True):
    """A field that asks, and how many objects of the answer have it; `rows` as in Field."""

    field: Field
    parents: int
    rows: int

    def arguments(self, values: Values) -> dict[str, Any]:
        given = self.field.node.arguments or ()
        return {a.name.value: value_of(a.value, values) for a in given}


class Cost(msgspec.Struct, frozen=True):
    """`reached` are the fields of every place that ask something, together."""

    points: int
    reached: tuple[tuple[Reached, ...], ...]


class Compiled(msgspec.Struct, frozen=True):
    """`places` in an order in which each comes before those that lead to it; the last is the
    root."""

    base: int
    places: tuple[Place, ...]
    weights: Weights
    schema: GraphQLSchema

    def levels(self) -> int:
        """Number of reads that follow each other on the longest way down."""
        below: list[int] = []
        for place in self.places:
            below.append(max((self._levels(field, below) for field in place.fields), default=0))
        return below[-1] if below else 0

    @staticmethod
    def _levels(field: Field, below: Sequence[int]) -> int:
        return bool(field.reads) + (0 if field.below is None else below[field.below])

    def estimate(self, values: Values) -> Cost:
        """`values` are the variables, those of `schema.variables`. Raises NotCounted."""
        return _Estimate(self, values).cost()

    def actual(self, data: Any, values: Values) -> Cost:
        """Of an answer: its lists are as long as they are, and what is null costs nothing."""
        return _Actual(self, values).cost(data)


class _Estimate:
    def __init__(self, compiled: Compiled, values: Values) -> None:
        self._compiled = compiled
        self._values = values

    def cost(self) -> Cost:
        points: list[int] = []
        for place in self._compiled.places:
            points.append(max((self._fields(t, points) for t in place.types), default=0))
        total = self._compiled.base + (points[-1] if points else 0)
        return Cost(min(total, MOST), tuple(self._reached()))

    def _fields(self, fields: Mapping[str, Field], points: Sequence[int]) -> int:
        return min(sum(self._field(field, points) for field in fields.values()), MOST)

    def _field(self, field: Field, points: Sequence[int]) -> int:
        each = field.weight + (0 if field.below is None else points[field.below])
        return self._count(field.size) * each + weight_of(self._compiled, field, self._values)

    def _reached(self) -> Iterator[tuple[Reached, ...]]:
        """From the root down; a place that is shared has the objects of all that lead to it."""
        parents: defaultdict[int, int] = defaultdict(int)
        parents[len(self._compiled.places) - 1] = 1
        for index in reversed(range(len(self._compiled.places))):
            place = self._compiled.places[index]
            for field in place.fields:
                if field.below is not None:
                    more = parents[index] * self._count(field.size)
                    parents[field.below] = min(parents[field.below] + more, MOST)
            yield reached(place, parents[index], self._values)

    def _count(self, size: Size | None) -> int:
        return 1 if size is None else size.count(self._values)


class _Actual:
    def __init__(self, compiled: Compiled, values: Values) -> None:
        self._compiled = compiled
        self._values = values
        self._parents: defaultdict[int, int] = defaultdict(int)

    def cost(self, data: Any) -> Cost:
        places = self._compiled.places
        points = self._object(len(places) - 1, data) if isinstance(data, dict) and places else 0
        return Cost(min(self._compiled.base + points, MOST), tuple(self._reached()))

    def _object(self, index: int, value: Mapping[str, Any]) -> int:
        self._parents[index] += 1
        # What is in no selection (`__typename`, introspection, what was denied) costs nothing.
        return sum(
            self._field(field, value.get(key))
            for key, field in self._compiled.places[index].of(value)
        )

    def _field(self, field: Field, value: Any) -> int:
        """What is null costs nothing but what it was asked with."""
        own = weight_of(self._compiled, field, self._values) if field.weighed else 0
        return own if value is None else own + self._value(field, value)

    def _value(self, field: Field, value: Any) -> int:
        if isinstance(value, list):
            return sum(self._value(field, item) for item in value if item is not None)
        if field.below is None or not isinstance(value, dict):
            return field.weight
        return field.weight + self._object(field.below, value)

    def _reached(self) -> Iterator[tuple[Reached, ...]]:
        for index, parents in self._parents.items():
            yield reached(self._compiled.places[index], parents, self._values)


def reached(place: Place, parents: int, values: Values) -> tuple[Reached, ...]:
    """The fields of a place that ask, for so many objects."""
    return tuple(
        Reached(field, parents, 1 if field.rows is None else field.rows.count(values))
        for field in place.fields
        if field.reads
    )


def weight_of(compiled: Compiled, field: Field, values: Values) -> int:
    """Of the field's arguments."""
    points = 0
    for node, place, type_ in field.weighed:
        points += _weigh(compiled.weights, place, type_, value_of(node, values))
    return min(points, MOST)


def _weigh(weights: Weights, place: str, type_: Any, value: Any) -> int:
    """An argument's weight is its own or its type's: 1 for an input object, 0 for a leaf. Null
    costs nothing, and each item of a list what one costs."""
    if value is None:
        return 0
    named = get_named_type(type_)
    is_object = isinstance(named, GraphQLInputObjectType)
    own = weights.costs.get(place, weights.costs.get(named.name, 0))
    if isinstance(value, list):
        return own + sum(_weigh(weights, place, type_, item) for item in value)
    if not is_object or not isinstance(value, Mapping):
        return own
    own = weights.costs.get(place, weights.costs.get(named.name, 1))
    return own + sum(
        _weigh(weights, f"{named.name}.{name}", inner.type, value[name])
        for name, inner in named.fields.items()
        if name in value
    )


def _default(argument: GraphQLArgument) -> Any:
    """As JSON; an SDL's is kept as it is written."""
    if argument.default is not None and argument.default.literal is not None:
        return value_from_ast_untyped(argument.default.literal)
    value = argument.default_value if argument.default is None else argument.default.value
    return None if value is Undefined else value


def _length(
    node: Any, default: Any, path: tuple[str, ...], is_list: bool, values: Values
) -> int | None:
    """What a slicing argument says: a number, or how many there are of a list."""
    value = default if node is None else value_of(node, values)
    if value is None and node is not None:
        value = default
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None or value is Undefined:
        return None
    if is_list:
        return len(value) if isinstance(value, list) else 1
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotCounted("A slicing argument must be an integer.")
    return value


def _is_list(type_: Any, path: Iterable[str]) -> bool:
    for name in path:
        type_ = get_named_type(type_).fields[name].type
    return is_list_type(get_nullable_type(type_))


def compiled(
    schema: GraphQLSchema,
    weights: Weights,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    values: Values,
    reads: Reads = lambda definition, name: (),
) -> Compiled:
    """Of a valid document, for these values of the variables of its `@skip` and `@include`. What it
    says is good as long as the document is held. `reads` tells what a field asks of sources."""
    base = MUTATION if operation.operation is OperationType.MUTATION else 0
    compiler = _Compiler(schema, weights, fragments, values, reads)
    root = schema.get_root_type(operation.operation)
    if root is not None:
        compiler.place((root,), (operation.selection_set,), {})
    return Compiled(base, tuple(compiler.places), weights, schema)


class _Compiler:
    def __init__(
        self,
        schema: GraphQLSchema,
        weights: Weights,
        fragments: Mapping[str, FragmentDefinitionNode],
        values: Values,
        reads: Reads,
    ) -> None:
        self._schema = schema
        self._weights = weights
        self._reads = reads
        self._fragments = fragments
        self._values = values
        self._known: dict[Any, int] = {}
        self.places: list[Place] = []

    def place(
        self,
        types: tuple[GraphQLObjectType, ...],
        selections: tuple[SelectionSetNode, ...],
        sizes: Mapping[str, Size],
    ) -> int:
        """Its index. The same fields of the same types are one place."""
        found = [(type_, self._collected(type_, selections)) for type_ in types]
        key = (
            tuple(
                (type_.name, tuple((k, tuple(map(id, nodes))) for k, nodes in fields.items()))
                for type_, fields in found
            ),
            tuple((name, id(size)) for name, size in sizes.items()),
        )
        if key not in self._known:
            made = tuple(self._fields(type_, fields, sizes) for type_, fields in found)
            counting = (tuple((k, f) for k, f in fields.items() if f.counts) for fields in made)
            self._known[key] = len(self.places)
            self.places.append(Place(made, tuple(counting)))
        return self._known[key]

    def _fields(
        self,
        type_: GraphQLObjectType,
        found: Mapping[str, list[FieldNode]],
        sizes: Mapping[str, Size],
    ) -> dict[str, Field]:
        fields = {}
        for key, nodes in found.items():
            if is_denied(nodes):
                continue
            definition = self._schema.get_field(type_, nodes[0].name.value)
            if definition is not None and not nodes[0].name.value.startswith("__"):
                fields[key] = self._field(type_, definition, nodes, sizes)
        return fields

    def _field(
        self,
        type_: GraphQLObjectType,
        definition: GraphQLField,
        nodes: Sequence[FieldNode],
        sizes: Mapping[str, Size],
    ) -> Field:
        node, name = nodes[0], nodes[0].name.value
        own = self._weights.size_of(type_, name)
        rows = None if own is None else self._size(own, definition, node)
        inner = {} if own is None or rows is None else dict.fromkeys(own.sized, rows)
        size = None
        if is_list_type(get_nullable_type(definition.type)):
            size = sizes.get(name) or rows or Size(ListSize(), (), self._weights.default_size)
        selections = tuple(n.selection_set for n in nodes if n.selection_set is not None)
        below = None
        if selections:
            below = self.place(self._possible(get_named_type(definition.type)), selections, inner)
        weight = self._weights.of_field(type_, name, definition)
        weighed = tuple(self._weighed(f"{type_.name}.{name}", definition, node))
        reads = self._reads(definition, name)
        counts = bool(weight or weighed or reads)
        if below is not None:
            counts = counts or any(self.places[below].counting)
        return Field(weight, size, rows, weighed, below, node, reads, counts)

    def _size(self, of: ListSize, definition: GraphQLField, node: FieldNode) -> Size:
        given = {a.name.value: a.value for a in node.arguments or ()}
        paths = []
        for path in of.slicing:
            name, *inner = path.split(".")
            argument = definition.args.get(name)
            if argument is not None:
                is_list = _is_list(argument.type, inner)
                paths.append((given.get(name), _default(argument), tuple(inner), is_list))
        return Size(of, tuple(paths), self._weights.default_size)

    def _weighed(
        self, place: str, definition: GraphQLField, node: FieldNode
    ) -> Iterator[tuple[Any, str, Any]]:
        for argument in node.arguments or ():
            name = argument.name.value
            type_ = definition.args[name].type
            named = get_named_type(type_)
            own = f"{place}.{name}" in self._weights.costs or named.name in self._weights.costs
            if own or isinstance(named, GraphQLInputObjectType):
                yield argument.value, f"{place}.{name}", type_

    def _possible(self, type_: Any) -> tuple[GraphQLObjectType, ...]:
        if isinstance(type_, GraphQLObjectType):
            return (type_,)
        return tuple(self._schema.get_possible_types(type_)) if is_abstract_type(type_) else ()

    def _collected(
        self, type_: GraphQLObjectType, selections: Iterable[SelectionSetNode]
    ) -> dict[str, list[FieldNode]]:
        """By key of the answer, as execution collects them: every fragment once."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selection_set in selections:
            self._collect(type_, selection_set, found, seen)
        return found

    def _collect(
        self,
        type_: GraphQLObjectType,
        selection_set: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for node in selection_set.selections:
            if is_skipped(node, self._values):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias is not None else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._is(type_, node.type_condition.name.value):
                    self._collect(type_, node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._is(type_, fragment.type_condition.name.value):
                    self._collect(type_, fragment.selection_set, found, seen)

    def _is(self, type_: GraphQLObjectType, name: str) -> bool:
        named = self._schema.get_type(name)
        if named is type_:
            return True
        return is_abstract_type(named) and self._schema.is_sub_type(named, type_)
