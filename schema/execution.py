"""One operation, executed by graphql-core over the joins' loaders (the reference executor)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from typing import Any, TypeGuard

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    execute,
    get_operation_ast,
)
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable

from auth.access import Mode
from resolvers.context import Context
from resolvers.withheld import withheld
from schema.arguments import refused
from schema.authorization import Authorizer, tell, told
from schema.build import TillgateSchema
from schema.documents import Documents, Prepared, Refused
from schema.errors import INTERNAL, formatted, refusal
from schema.permitted import Denial, Permitted
from schema.projection import NotPermitted, ProjectingExecutor
from schema.variables import declared

log = logging.getLogger("tillgate.graphql")


class Operation(msgspec.Struct, frozen=True):
    """A request as GraphQL over HTTP gives it; `document_id` where it names a registered operation
    in place of its text."""

    query: str
    name: str | None = None
    variables: Mapping[str, Any] = {}
    document_id: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """`executed` is False for a request error: then there is no `data` at all; `forbidden` if it
    asks for more than it may see, where that is refused as a whole.

    `operation` is the name of the operation, for the log; `planned` what was decided of it, None
    where it came to no decision. `status` and `headers` are of HTTP, where they are not what any
    such answer has.
    """

    body: dict[str, Any]
    executed: bool
    error_count: int = 0
    forbidden: bool = False
    operation: str | None = None
    planned: Planned | None = None
    status: int | None = None
    headers: Mapping[str, str] = {}


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that may be executed: `document` is what of it may be answered, None if
    nothing; `decided` None where nobody decides. `name` is the operation's own, and the variables
    of `operation` are those of `schema.variables`."""

    operation: Operation
    name: str | None
    prepared: Prepared
    document: DocumentNode | None
    decided: Permitted | None


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
        self._authorizer = Authorizer(schema.requirements)

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
        planned = self.plan(operation, context)
        return planned if isinstance(planned, Outcome) else await self.execute(planned, context)

    def plan(self, operation: Operation, context: Context) -> Planned | Outcome:
        """What there is to execute, or why nothing is. Asks no source anything. Whatever goes wrong
        in deciding denies everything."""
        try:
            principal = context.principal
            partner = principal is not None and principal.partner is not None
            prepared = self._documents.prepare(operation.query, _shape(context), partner)
            chosen = get_operation_ast(prepared.document, operation.name)
            name = chosen.name.value if chosen is not None and chosen.name is not None else None
            operation = self._declared(chosen, operation, context)
            given = prepared.arguments.get(name, ()) if chosen is not None else ()
            errors = refused(given, operation.variables, context.sources)
            if errors:
                raise Refused(errors, "BAD_INPUT")
            if chosen is not None:
                undecided = prepared.readings[name].undecided(operation.variables)
                if undecided:
                    raise Refused(undecided, "BAD_USER_INPUT")
            decided = self._decided(prepared, chosen, operation, context)
        except Refused as error:
            return _refused(error.errors, error.code, context.request_id)
        except Exception as error:
            log.error("request=%s %s in deciding", context.request_id, type(error).__name__)
            return _refused([GraphQLError(INTERNAL[1])], INTERNAL[0], context.request_id)
        document: DocumentNode | None = prepared.document
        access = context.access
        denied: tuple[Denial, ...] = ()
        if decided is not None and access is not None and access.is_enforced:
            document = decided.document
            denied = decided.denied if access.mode is Mode.REJECT else ()
        planned = Planned(
            operation=operation, name=name, prepared=prepared, document=document, decided=decided
        )
        if denied:
            entries = [told(denial, context.request_id) for denial in denied]
            return Outcome({"errors": entries}, False, len(entries), True, name, planned)
        return planned

    async def execute(self, planned: Planned, context: Context) -> Outcome:
        if planned.decided is not None:
            context.withhold(withheld(context.access, planned.decided.reads))
        outcome = await self._answered(planned, context)
        return msgspec.structs.replace(outcome, operation=planned.name, planned=planned)

    def _declared(
        self, chosen: OperationDefinitionNode | None, operation: Operation, context: Context
    ) -> Operation:
        """With the variables that everything from here on is given: a value is read once."""
        if chosen is None:
            return operation
        schema = self._documents.schema_of(_shape(context))
        variables = declared(schema, chosen, operation.variables)
        return msgspec.structs.replace(operation, variables=variables)

    def _decided(
        self,
        prepared: Prepared,
        chosen: OperationDefinitionNode | None,
        operation: Operation,
        context: Context,
    ) -> Permitted | None:
        """What of the operation may be answered; None where nobody decides."""
        if context.access is None or chosen is None:
            return None
        return self._authorizer.decide(prepared, chosen, operation.variables, context.access)

    async def _answered(self, planned: Planned, context: Context) -> Outcome:
        access, request_id, decided = context.access, context.request_id, planned.decided
        result = (
            ExecutionResult(None, None)
            if planned.document is None
            else await self._executed(
                planned.document, planned.prepared.hides_types, planned.operation, context
            )
        )
        if (end := context.exhausted) is not None:
            return _refused([GraphQLError(end.message)], end.code, request_id)
        outcome = _outcome(result, request_id)
        if outcome.executed and context.incomplete:
            outcome.body["extensions"] = {"incomplete": _incomplete(context)}
        if decided is None or access is None or not outcome.executed:
            return outcome
        if not access.is_enforced:
            return _reported(outcome, decided)
        tell(outcome.body, decided, access, request_id)
        return msgspec.structs.replace(outcome, error_count=len(outcome.body.get("errors", ())))

    async def _executed(
        self, document: DocumentNode, hides_types: bool, operation: Operation, context: Context
    ) -> ExecutionResult:
        result = execute(
            self.schema,
            document,
            context_value=context,
            variable_values=dict(operation.variables),
            operation_name=operation.name,
            hide_suggestions=True,
            max_coercion_errors=5,
            executor_class=_TypesHidden if hides_types else ProjectingExecutor,
            is_awaitable=_is_awaitable,
        )
        return result if isinstance(result, ExecutionResult) else await result


def _shape(context: Context) -> frozenset[str] | None:
    return None if context.access is None else context.access.shape


def _outcome(result: ExecutionResult, request_id: str) -> Outcome:
    errors = [e for e in result.errors or [] if not isinstance(e.original_error, NotPermitted)]
    if result.data is None and errors and all(error.path is None for error in errors):
        return _refused(errors, "BAD_USER_INPUT", request_id)
    body: dict[str, Any] = {"data": result.data}
    if errors:
        body["errors"] = [formatted(error, request_id) for error in errors]
    return Outcome(body, executed=True, error_count=len(errors))


def _incomplete(context: Context) -> list[dict[str, Any]]:
    """What `extensions.incomplete` tells: who lacks where, and why."""
    return [
        {"path": path, "source": one.source.name, "reason": one.reason.name}
        for path, one in context.incomplete
    ]


def _reported(outcome: Outcome, decided: Permitted) -> Outcome:
    """A dry run changes nothing, and says what would be."""
    if decided.denied:
        paths = [list(denial.path) for denial in decided.denied]
        reported = {"authorization": {"wouldFilter": paths}}
        outcome.body["extensions"] = {**outcome.body.get("extensions", {}), **reported}
    return outcome


def _refused(errors: list[GraphQLError], code: str, request_id: str) -> Outcome:
    shown = [refusal(error, code, request_id) for error in errors]
    return Outcome({"errors": shown}, executed=False, error_count=len(shown))
