"""One operation from a request to its answer, the same way on every road out."""

from __future__ import annotations

from gateway.compose import Gateway
from gateway.peer import Peer
from gateway.trail import Trail
from resolvers.context import Context
from schema.execution import Operation, Outcome

NOBODY = Peer()


class Operations:
    """Plans an operation for whoever asks, and executes what may be answered of it."""

    def __init__(self, gateway: Gateway, trail: Trail | None = None) -> None:
        self._executor = gateway.executor
        self._trail = trail

    def kind_of(self, operation: Operation) -> str | None:
        """`query`, `mutation`, `subscription`, or None if it cannot be told; valid or not."""
        return self._executor.kind_of(operation)

    async def answer(self, operation: Operation, context: Context, peer: Peer = NOBODY) -> Outcome:
        """Never raises for what a client or a source did: that is in the outcome. Raises
        AuditUnavailable where it cannot be written down."""
        if self._trail is None:
            return await self._answered(operation, context)
        return await self._trail.answered(self._answered, operation, context, peer)

    async def _answered(self, operation: Operation, context: Context) -> Outcome:
        planned = self._executor.plan(operation, context)
        if isinstance(planned, Outcome):
            return planned
        return await self._executor.execute(planned, context)
