"""A small schema with rules of its own, and an operation of it answered for a set of scopes."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute,
    get_operation_ast,
    parse,
    validate,
)

from auth.access import Access, Mode, Policy
from auth.principal import Principal
from auth.rules import TypeRule
from schema.directives import declare
from schema.permitted import Permitted, permitted
from schema.projection import NotPermitted, ProjectingExecutor
from schema.reading import read, read_by_arguments, refused_arguments
from schema.requirements import Requirements


class Guarded:
    """`data` is the root value, read by the default resolver; `asked` tells the fields that were
    resolved at the root."""

    def __init__(
        self,
        sdl: str,
        rules: Mapping[str, TypeRule],
        data: Mapping[str, Any],
        reads: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.schema: GraphQLSchema = build_schema(sdl)
        declare(self.schema.type_map.values(), rules)
        self.requirements = Requirements(self.schema, rules, reads or {})
        self.asked: list[str] = []
        assert self.schema.query_type is not None
        for name, field in self.schema.query_type.fields.items():
            field.resolve = self._resolver(name, data.get(name))

    def _resolver(self, name: str, value: Any) -> Any:
        def resolve(source: Any, info: Any, **arguments: Any) -> Any:
            self.asked.append(name)
            return value

        return resolve

    def decide(
        self,
        query: str,
        granted: frozenset[str],
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> Permitted:
        document = parse(query)
        assert validate(self.schema, document) == []
        operation = get_operation_ast(document, name)
        assert isinstance(operation, OperationDefinitionNode)
        reading = read(self.requirements, document, operation)
        values = reading.values(variables or {})
        asked_by = read_by_arguments(reading, self.requirements, values)
        refused = refused_arguments(asked_by, self.requirements, granted)
        return permitted(document, reading, self.requirements, granted, values, refused)

    def answer(
        self,
        query: str,
        scopes: str = "",
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
        policy: Policy | None = None,
    ) -> tuple[Any, list[list[str]]]:
        """The data, and the paths that are denied."""
        access = (policy or Policy()).access(who(scopes))
        decided = self.decide(query, access.granted, variables, name)
        paths = [list(denial.path) for denial in decided.denied]
        if decided.document is None:
            return None, paths
        return self.executed(decided, access, variables, name), paths

    def executed(
        self,
        decided: Permitted,
        access: Access,
        variables: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> Any:
        assert decided.document is not None
        context = SimpleNamespace(access=access, spend=lambda n: True, is_ready=lambda *a: True)
        result = execute(
            self.schema,
            decided.document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=name,
            executor_class=ProjectingExecutor,
        )
        assert isinstance(result, ExecutionResult)
        errors = [e for e in result.errors or () if not isinstance(e.original_error, NotPermitted)]
        assert errors == []
        return result.data


def who(scopes: str) -> Principal:
    return Principal(
        issuer="https://as", client_id="c", subject="s", scopes=frozenset(scopes.split())
    )


DRY = Policy(mode=Mode.DRY_RUN)
