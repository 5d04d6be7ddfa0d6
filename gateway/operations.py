"""One operation from a request to its answer, the same way on every road out."""

from __future__ import annotations

from connectors.meter import metered
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
        self._budgets = gateway.budgets
        self._trusted = gateway.trusted

    def kind_of(self, operation: Operation) -> str | None:
        """`query`, `mutation`, `subscription`, or None if it cannot be told; valid or not."""
        known = self._trusted.text_of(operation)
        return None if known is None else self._executor.kind_of(known)

    async def answer(self, operation: Operation, context: Context, peer: Peer = NOBODY) -> Outcome:
        """Never raises for what a client or a source did: that is in the outcome. Raises
        AuditUnavailable where it cannot be written down."""
        try:
            if self._trail is None:
                return await self._in_turn(operation, context)
            return await self._trail.answered(self._in_turn, operation, context, peer)
        finally:
            context.close()

    async def charged(self, context: Context) -> dict[str, str]:
        """For a request that holds no operation; the headers that tell what its client has left."""
        return await self._budgets.charged(context)

    async def _in_turn(self, operation: Operation, context: Context) -> Outcome:
        with self._budgets.turn(context) as busy:
            if busy is not None:
                return await self._budgets.told(busy, context)
            return await self._answered(operation, context)

    async def _answered(self, operation: Operation, context: Context) -> Outcome:
        if (empty := await self._budgets.admit(context)) is not None:
            return empty
        known = self._trusted.resolved(operation, context.principal, context.request_id)
        if isinstance(known, Outcome):
            return await self._budgets.told(known, context)
        planned = self._executor.plan(known, context)
        if isinstance(planned, Outcome):
            return await self._budgets.told(planned, context)
        held = await self._budgets.reserve(planned, context)
        if isinstance(held, Outcome):
            return held
        context.deadline.levels = held.levels
        with metered() as meter:
            outcome = await self._executor.execute(planned, context)
        return await self._budgets.settle(held, outcome, meter.calls, context)
