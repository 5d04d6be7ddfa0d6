"""The costs of operations of one schema: compiled once per document, counted with each request."""

from __future__ import annotations

from typing import Any

import msgspec
from graphql import DocumentNode, FragmentDefinitionNode, get_operation_ast

from resolvers.asking import Place
from schema.build import TillgateSchema
from schema.cost import Compiled, Cost, Values, compiled
from schema.execution import Planned
from schema.kept import Kept
from schema.upstream import asked_by, known_reads

MOST = 1_000
"""Compiled documents that are kept, one for each that is decided."""

Key = tuple[int, str | None, tuple[bool, ...]]


class Counted(msgspec.Struct, frozen=True):
    """`points` of the formula, and what is asked of the sources beside."""

    points: int
    places: list[Place]


class Costed(msgspec.Struct, frozen=True):
    """An operation whose cost can be counted, with its variables."""

    compiled: Compiled
    values: Values

    def estimate(self) -> Counted:
        """Raises NotCounted."""
        return self._counted(self.compiled.estimate(self.values))

    def actual(self, data: Any) -> Counted:
        """Of the answer's `data`."""
        return self._counted(self.compiled.actual(data, self.values))

    def _counted(self, cost: Cost) -> Counted:
        return Counted(cost.points, asked_by(cost, self.values))


class Costs:
    """Counts what of an operation may be answered, and nothing of what is denied."""

    def __init__(self, schema: TillgateSchema) -> None:
        self._schema = schema.executable
        self._weights = schema.weights
        self._kept: Kept[Key, tuple[DocumentNode, Compiled]] = Kept(MOST)

    def of(self, planned: Planned) -> Costed | None:
        """None where nothing is left to execute, or there is no such operation."""
        document = planned.document
        if document is None:
            return None
        operation = get_operation_ast(document, planned.operation.name)
        if operation is None:
            return None
        reading = planned.prepared.readings[planned.name]
        values = reading.values(planned.operation.variables)
        skips = tuple(bool(values.get(condition)) for condition in reading.conditions)
        # The document is kept with what is compiled of it, so that its identity is not used again.
        key = (id(document), planned.name, skips)
        kept = self._kept.get(key)
        if kept is None:
            fragments = {
                d.name.value: d
                for d in document.definitions
                if isinstance(d, FragmentDefinitionNode)
            }
            made = compiled(self._schema, self._weights, operation, fragments, values, known_reads)
            kept = (document, made)
            self._kept.put(key, planned.prepared.size, kept)
        return Costed(kept[1], values)
