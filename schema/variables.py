"""The variables of a request as the operation declares them: read once, before anything hangs on
them.

GraphQL reads 100.0 as an Int, 5 as an ID and "a" as a list of one (October 2021, 3.5 and 3.11).
Whoever counts, checks, decides or executes is given what that becomes, so that none of them can see
another value than the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_variable_values,
    is_specified_scalar_type,
    type_from_ast,
    value_from_ast_untyped,
)

from schema.documents import Refused


def declared(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Those that the operation declares, with its defaults, still as JSON: names of enums and texts
    of the graph's own scalars stay what they are. Raises Refused where one is not what is declared.
    """
    check_variables(schema, operation, given)
    values: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_ = type_from_ast(schema, definition.type)
        if name in given:
            values[name] = _read(type_, given[name])
        elif definition.default_value is not None:
            values[name] = _read(type_, value_from_ast_untyped(definition.default_value))
    return values


def check_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> None:
    """Raises Refused where the variables are not what the operation declares."""
    if operation.variable_definitions:
        found = get_variable_values(
            schema,
            operation.variable_definitions,
            dict(given),
            max_errors=5,
            hide_suggestions=True,
        )
        if isinstance(found, list):
            raise Refused(found, "BAD_USER_INPUT")


def _read(type_: Any, value: Any) -> Any:
    """A value that was checked."""
    if isinstance(type_, GraphQLNonNull):
        return _read(type_.of_type, value)
    if value is None:
        return None
    if isinstance(type_, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return [_read(type_.of_type, item) for item in items]
    if isinstance(type_, GraphQLInputObjectType):
        return {name: _read(type_.fields[name].type, inner) for name, inner in value.items()}
    if isinstance(type_, GraphQLScalarType) and is_specified_scalar_type(type_):
        return type_.parse_value(value)
    return value
