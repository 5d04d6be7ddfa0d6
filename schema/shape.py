"""The schema as a principal sees it: what introspection, and an SDL printed for it, are made of,
and by which documents are validated of those to whom the rest does not exist.

Fields, arguments, inputs and orders that it may not use are not there, nor is anything that only
they lead to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)
from graphql.utilities.map_schema_config import SchemaElementKind, map_schema_config

from auth.field_rules import PAGING
from schema.requirements import Requirements

SHAPES = "tillgate-shapes"
"""Where the Shapes of a schema are kept on it."""
MOST_SHAPES = 64


class Shapes:
    """By what of the scopes is relevant; the last ones used are kept."""

    def __init__(self, requirements: Requirements) -> None:
        self._requirements = requirements
        self._kept: OrderedDict[frozenset[str], GraphQLSchema] = OrderedDict()

    def of(self, granted: frozenset[str]) -> GraphQLSchema:
        key = granted & self._requirements.atoms
        if key not in self._kept:
            self._kept[key] = _Shape(self._requirements, key).schema()
            if len(self._kept) > MOST_SHAPES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class _Shape:
    def __init__(self, requirements: Requirements, granted: frozenset[str]) -> None:
        self._requirements = requirements
        self._granted = granted
        self._source = requirements.schema

    def schema(self) -> GraphQLSchema:
        config = map_schema_config(
            self._source.to_kwargs(),
            lambda context: {
                SchemaElementKind.OBJECT: self._with_fields,
                SchemaElementKind.INTERFACE: self._with_fields,
                SchemaElementKind.INPUT_OBJECT: self._with_inputs,
                SchemaElementKind.ENUM: self._with_values,
                SchemaElementKind.SCHEMA: self._rooted,
            },
        )
        # One who may see nothing has a root without fields, which is no schema by the letter.
        config["assume_valid"] = True
        return GraphQLSchema(**config)

    def _rooted(self, config: Any) -> Any:
        """Types are those that are reached from the root, and the visible ones of an interface."""
        visible = [
            type_
            for type_ in config["types"] or ()
            if isinstance(type_, GraphQLObjectType) and self._is_reached(type_.name)
        ]
        return {**config, "types": visible}

    def _is_reached(self, name: str) -> bool:
        """Only what implements something can be reached without a field that names it."""
        type_ = self._source.get_type(name)
        return (
            isinstance(type_, GraphQLObjectType)
            and bool(type_.interfaces)
            and self._sees_type(type_)
        )

    def _with_fields(self, config: Any) -> Any:
        made, name = config["fields"], config["name"]

        def fields() -> dict[str, Any]:
            return {k: self._field(name, k, v) for k, v in made().items() if self._sees(name, k)}

        return {**config, "fields": fields}

    def _field(self, parent: str, name: str, field: Any) -> Any:
        field.args = {
            arg: argument
            for arg, argument in field.args.items()
            if self._may_ask(f"{parent}.{name}({arg})", arg, argument.type)
        }
        return field

    def _with_inputs(self, config: Any) -> Any:
        made, name = config["fields"], config["name"]
        return {
            **config,
            "fields": lambda: {k: v for k, v in made().items() if self._may_use(f"{name}.{k}")},
        }

    def _with_values(self, config: Any) -> Any:
        made, name = config["values"], config["name"]
        values = made() if callable(made) else made
        seen = {value: one for value, one in values.items() if self._may_use(f"{name}.{value}")}
        return {**config, "values": seen}

    def _sees(self, parent: str, name: str) -> bool:
        type_ = self._source.get_type(parent)
        if isinstance(type_, GraphQLInterfaceType):
            possible = [t for t in self._requirements.possible(type_) if self._sees_type(t)]
            return all(self._sees(t.name, name) for t in possible)
        if not isinstance(type_, GraphQLObjectType):
            return False
        return self._requirements.field(type_, name).needs.met_by(self._granted)

    def _sees_type(self, type_: GraphQLNamedType) -> bool:
        return self._requirements.of_type(type_).met_by(self._granted)

    def _may_use(self, place: str) -> bool:
        """A member of an input or enum; one that reads nothing is for everybody."""
        places = self._requirements.reads.get(place, ())
        return all(self._requirements.place(p).whole.met_by(self._granted) for p in places)

    def _may_ask(self, place: str, name: str, type_: Any) -> bool:
        """An argument, if anything can be asked by it."""
        if name in PAGING or place in self._requirements.reads:
            return self._may_use(place)
        original = self._source.get_type(get_named_type(type_).name)
        members: Mapping[str, Any] = {}
        if isinstance(original, GraphQLInputObjectType):
            members = original.fields
        elif isinstance(original, GraphQLEnumType):
            members = original.values
        return any(self._may_use(f"{get_named_type(type_).name}.{member}") for member in members)
