"""What a field of the graph asks of the sources, as its resolver says it."""

from __future__ import annotations

from graphql import GraphQLField

from resolvers.asking import Asked, ById, Joined, Place, Read
from schema.cost import Cost, Values

FEDERATION: dict[str, tuple[Read, ...]] = {"_entities": (ById(),), "_service": (), "sdl": ()}
"""Resolvers that are Strawberry's."""


def reads_of(definition: GraphQLField, name: str) -> tuple[Read, ...] | None:
    """Nothing for a field of the record itself; None where a resolver does not say it."""
    if name in FEDERATION:
        return FEDERATION[name]
    own = (definition.extensions or {}).get("strawberry-definition")
    resolver = getattr(own, "base_resolver", None)
    if resolver is None:
        return ()
    function = getattr(resolver, "wrapped_func", None)
    said: tuple[Read, ...] | None = getattr(function, "asks", None)
    join = getattr(function, "reads", None)
    if said is None and join is not None:
        return (Joined(join.name),)
    return said


def known_reads(definition: GraphQLField, name: str) -> tuple[Read, ...]:
    return reads_of(definition, name) or ()


def asked_by(cost: Cost, values: Values) -> list[Place]:
    """What is asked at each place of an operation."""
    places = []
    for reached in cost.reached:
        asked = tuple(
            Asked(read, one.parents, one.rows, one.arguments(values))
            for one in reached
            for read in one.field.reads
        )
        if asked:
            places.append(asked)
    return places
