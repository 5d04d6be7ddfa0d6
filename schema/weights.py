"""What `@cost` and `@listSize` of an SDL say: the numbers that a cost is counted with.

The directives are those of IBM's cost specification as routers of the field use them
(specs.apollo.dev/cost/v0.1; a weight may be written as a string there).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)

MUTATION = 10
"""The base of an operation that changes something."""


class ListSize(msgspec.Struct, frozen=True):
    """`slicing` are arguments, or dotted paths into them, that say how many are asked for; `sized`
    the fields below that are the lists. Where there is no slicing, `assumed` counts."""

    assumed: int | None = None
    slicing: tuple[str, ...] = ()
    sized: tuple[str, ...] = ()
    require_one: bool = True


class Weights(msgspec.Struct, frozen=True):
    """By `Type`, `Type.field`, `Type.field.argument` or `Input.field`. `default_size` is of lists
    about which nothing is said."""

    costs: Mapping[str, int] = {}
    sizes: Mapping[str, ListSize] = {}
    default_size: int = 10

    def of_field(self, type_: GraphQLObjectType, name: str, field: GraphQLField) -> int:
        """The field's own weight, or that of what it leads to: 1 for an object, 0 for a leaf."""
        for owner in (type_, *type_.interfaces):
            if (own := self.costs.get(f"{owner.name}.{name}")) is not None:
                return own
        return self.of_type(get_named_type(field.type))

    def of_type(self, type_: GraphQLNamedType) -> int:
        return self.costs.get(type_.name, 1 if is_composite_type(type_) else 0)

    def size_of(self, type_: GraphQLObjectType, name: str) -> ListSize | None:
        owners = (type_, *type_.interfaces)
        return next((s for o in owners if (s := self.sizes.get(f"{o.name}.{name}"))), None)


def read_weights(
    sdl: DocumentNode, lengths: Mapping[str, str] = {}, default_size: int = 10
) -> Weights:
    """`lengths` are lists that are as long as an argument, by `Type.field`."""
    costs: dict[str, int] = {}
    sizes: dict[str, ListSize] = {}
    for place, node in _places(sdl):
        for directive in getattr(node, "directives", None) or ():
            if directive.name.value == "cost":
                costs[place] = int(float(_arguments(directive)["weight"]))
            elif directive.name.value == "listSize":
                sizes[place] = _size(_arguments(directive))
    sizes |= {
        place: ListSize(slicing=(name,), require_one=False) for place, name in lengths.items()
    }
    return Weights(costs, sizes, default_size)


def _places(sdl: DocumentNode) -> Iterator[tuple[str, Any]]:
    """Types, their fields and the arguments of these, wherever they are defined or extended."""
    for definition in sdl.definitions:
        if (named := getattr(definition, "name", None)) is None:
            continue
        yield named.value, definition
        for field in getattr(definition, "fields", None) or ():
            place = f"{named.value}.{field.name.value}"
            yield place, field
            for argument in getattr(field, "arguments", None) or ():
                yield f"{place}.{argument.name.value}", argument


def _arguments(directive: ConstDirectiveNode) -> dict[str, Any]:
    return {a.name.value: value_from_ast_untyped(a.value) for a in directive.arguments or ()}


def _size(given: Mapping[str, Any]) -> ListSize:
    return ListSize(
        assumed=given.get("assumedSize"),
        slicing=tuple(given.get("slicingArguments") or ()),
        sized=tuple(given.get("sizedFields") or ()),
        require_one=given.get("requireOneSlicingArgument", True) is not False,
    )
