"""Builds the one schema: an Apollo Federation v2 subgraph that is a whole graph by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    is_specified_scalar_type,
    parse,
    print_type,
)
from strawberry.federation import Schema as FederationSchema
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from auth.field_rules import FIELD_RULES
from schema.cost_rules import LENGTHS, SIZES, declare_costs
from schema.customer import Customer
from schema.directives import declare
from schema.dispute import Dispute
from schema.entities import entities
from schema.misfits import field_of
from schema.order import Order
from schema.payment import Payment
from schema.query import Query
from schema.refund import Refund
from schema.requirements import Requirements
from schema.scalars import SCALARS
from schema.shape import SHAPES, Shapes
from schema.weights import Weights, read_weights


class TillgateSchema(FederationSchema):
    """Strawberry's federation schema with batched entities and the rules of who may see what."""

    requirements: Requirements
    shapes: Shapes
    weights: Weights

    def _collect_schema_directives(
        self,
        explicit_directive_types: Iterable[type],
        graphql_types: Iterable[GraphQLNamedType | None],
    ) -> list[type]:
        """The moment at which all types are known and the schema is not yet made of them."""
        types = list(graphql_types)
        declare(types, FIELD_RULES)
        declare_costs(types)
        return super()._collect_schema_directives(explicit_directive_types, types)

    @property
    def schema_directives_in_use(self) -> list[object]:
        """Those that were put on fields are not found by Strawberry, and need their `@link`."""
        return [*super().schema_directives_in_use, *SIZES.values()]

    async def entities_resolver(  # type: ignore[override]
        self, info: Info[Any, Any], representations: list[FederationAny]
    ) -> list[FederationAny]:
        found: list[Any] = await entities(info.context, list(representations))
        return found

    @property
    def executable(self) -> GraphQLSchema:
        return self._schema

    @property
    def federation_sdl(self) -> str:
        """The SDL of this subgraph, with its `@key`s."""
        return self.as_str() + "\n"

    @property
    def sdl(self) -> str:
        """The SDL a client sees: no federation machinery."""
        return _client_sdl(self._schema)

    def sdl_for(self, granted: frozenset[str]) -> str:
        """As `sdl`, of what somebody with these atoms may see."""
        return _client_sdl(self.shapes.of(granted))


def build_schema() -> TillgateSchema:
    """Raises Undeclared where something could be seen that no rule allows."""
    schema = TillgateSchema(
        query=Query,
        types=[Customer, Order, Payment, Refund, Dispute],
        config=StrawberryConfig(
            scalar_map=dict(SCALARS), disable_field_suggestions=True, default_resolver=field_of
        ),
        # The newest that both public composers know; nothing here needs a later one.
        federation_version="2.9",
    )
    _call_directly(schema.executable)
    schema.requirements = Requirements(schema.executable, FIELD_RULES)
    schema.shapes = Shapes(schema.requirements)
    schema.weights = read_weights(parse(schema.as_str()), LENGTHS)
    schema.executable.extensions[SHAPES] = schema.shapes
    return schema


def _call_directly(schema: GraphQLSchema) -> None:
    """Lets GraphQL call our resolvers without Strawberry in between, where it has nothing to do:
    an argument that is no input object needs no conversion, and `info` has the same context."""
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType):
            continue
        for field in type_.fields.values():
            resolver = _own_resolver(field)
            if resolver is not None:
                field.resolve = resolver


def _own_resolver(field: GraphQLField) -> Callable[..., Any] | None:
    definition = (field.extensions or {}).get("strawberry-definition")
    resolver = getattr(definition, "base_resolver", None)
    function = getattr(resolver, "wrapped_func", None)
    if not hasattr(function, "reads") or not set(field.args) <= {"first", "after"}:
        return None
    return function


def _client_sdl(schema: GraphQLSchema) -> str:
    """Leaves out the roots, types and directives that only a federation router asks for."""
    printed = []
    for name, type_ in schema.type_map.items():
        if name in _FEDERATION_TYPES or name.startswith("__") or is_specified_scalar_type(type_):
            continue
        printed.append(print_type(_client_query(type_) if type_ is schema.query_type else type_))
    return "\n\n".join(printed) + "\n"


def _client_query(query: GraphQLNamedType) -> GraphQLObjectType:
    assert isinstance(query, GraphQLObjectType)
    fields = {k: v for k, v in query.fields.items() if not k.startswith("_")}
    return GraphQLObjectType(query.name, fields, description=query.description)


_FEDERATION_TYPES = frozenset(
    {"_Any", "_Entity", "_Service", "_FieldSet", "link__Import", "link__Purpose"}
)
