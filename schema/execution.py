"""One operation, executed by graphql-core over the joins' loaders (the reference executor)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeGuard

import msgspec
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    execute,
    get_operation_ast,
)
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable

from resolvers.context import Context
from schema.arguments import refused
from schema.build import TillgateSchema
from schema.documents import Documents, Prepared, Refused
from schema.errors import formatted, refusal
from schema.projection import ProjectingExecutor


class Operation(msgspec.Struct, frozen=True):
    """A request as GraphQL over HTTP gives it."""

    query: str
    name: str | None = None
    variables: Mapping[str, Any] = {}


class Outcome(msgspec.Struct, frozen=True):
    """`executed` is False for a request error: then there is no `data` at all.

    `operation` is the name of the operation, for the log.
    """

    body: dict[str, Any]
    executed: bool
    error_count: int = 0
    operation: str | None = None


def _is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    """Strawberry's check, which knows plain values at a glance."""
    return optimized_is_awaitable(value)


class _TypesHidden(ProjectingExecutor):
    """Introspection by name finds nothing, as if there were no such type."""

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Path,
        position_context: Any,
    ) -> Any:
        if field_details_list[0].node.name.value == "__type":
            return None
        return super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )


class Executor:
    def __init__(self, schema: TillgateSchema, documents: Documents) -> None:
        self.schema = schema.executable
        self._documents = documents

    def kind_of(self, operation: Operation) -> str | None:
        """`query`, `mutation`, `subscription`, or None if it cannot be told; valid or not."""
        try:
            document = self._documents.parsed(operation.query)
        except Refused:
            return None
        chosen = get_operation_ast(document, operation.name)
        return chosen.operation.value if chosen is not None else None

    async def run(self, operation: Operation, context: Context) -> Outcome:
        """Never raises for what a client or a source did: that is in the outcome."""
        try:
            prepared = self._documents.prepare(operation.query)
            chosen = get_operation_ast(prepared.document, operation.name)
            name = chosen.name.value if chosen is not None and chosen.name is not None else None
            given = prepared.arguments.get(name, ()) if chosen is not None else ()
            errors = refused(given, operation.variables, context.sources)
            if errors:
                raise Refused(errors, "BAD_INPUT")
        except Refused as error:
            return _refused(error.errors, error.code, context.request_id)
        result = await self._executed(prepared, operation, context)
        if (end := context.exhausted) is not None:
            return _refused([GraphQLError(end.message)], end.code, context.request_id)
        outcome = _outcome(result, context.request_id)
        return msgspec.structs.replace(outcome, operation=name)

    async def _executed(
        self, prepared: Prepared, operation: Operation, context: Context
    ) -> ExecutionResult:
        result = execute(
            self.schema,
            prepared.document,
            context_value=context,
            variable_values=dict(operation.variables),
            operation_name=operation.name,
            hide_suggestions=True,
            max_coercion_errors=5,
            executor_class=_TypesHidden if prepared.hides_types else ProjectingExecutor,
            is_awaitable=_is_awaitable,
        )
        return result if isinstance(result, ExecutionResult) else await result


def _outcome(result: ExecutionResult, request_id: str) -> Outcome:
    errors = result.errors or []
    if result.data is None and errors and all(error.path is None for error in errors):
        return _refused(errors, "BAD_USER_INPUT", request_id)
    body: dict[str, Any] = {"data": result.data}
    if errors:
        body["errors"] = [formatted(error, request_id) for error in errors]
    return Outcome(body, executed=True, error_count=len(errors))


def _refused(errors: list[GraphQLError], code: str, request_id: str) -> Outcome:
    shown = [refusal(error, code, request_id) for error in errors]
    return Outcome({"errors": shown}, executed=False, error_count=len(shown))
