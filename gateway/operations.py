"""One operation from a request to its answer, the same way on every road out."""

from __future__ import annotations

from gateway.compose import Gateway
from resolvers.context import Context
from schema.execution import Operation, Outcome


class Operations:
    """Plans an operation for whoever asks, and executes what may be answered of it."""

    def __init__(self, gateway: Gateway) -> None:
        self._executor = gateway.executor

    def kind_of(self, operation: Operation) -> str | None:
        """`query`, `mutation`, `subscription`, or None if it cannot be told; valid or not."""
        return self._executor.kind_of(operation)

    async def answer(self, operation: Operation, context: Context) -> Outcome:
        """Never raises for what a client or a source did: that is in the outcome."""
        planned = self._executor.plan(operation, context)
        if isinstance(planned, Outcome):
            return planned
        return await self._executor.execute(planned, context)
