"""What an operation may cost, and what its client has left: asked before anything is fetched.

The estimate is reserved, and what it was too much given back when the answer is there. No request
is free: each costs at least LEAST, and of whoever has not so much left nothing is parsed. Whoever
sees some rows only is charged for the calls that follow from the answer, not for those that were
made: these tell of rows that he does not see.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from graphql import GraphQLError

from auth.budget.bucket import Buckets, Level, bucket_key
from gateway.budget_settings import Allowance, BudgetSettings
from resolvers.context import Context
from resolvers.planned import planned_calls
from schema.cost import MOST, NotCounted
from schema.costs import Costed, Costs, Counted
from schema.errors import INTERNAL, refusal
from schema.execution import Outcome, Planned

log = logging.getLogger("tillgate.budget")
LEAST = 1
"""Points of any request of a client: what it says is parsed and validated, whatever comes of it."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is reserved for an operation, which costs no less than `least`; `level` None where there
    is no client to charge."""

    estimate: int
    least: int
    costed: Costed | None
    key: str | None
    allowed: Allowance
    level: Level | None

    @property
    def levels(self) -> int:
        """Number of reads of the operation that follow each other."""
        return 1 if self.costed is None else self.costed.compiled.levels()


class Budgets:
    """Of one gateway. Never raises: what cannot be counted is refused."""

    def __init__(self, costs: Costs, settings: BudgetSettings, buckets: Buckets) -> None:
        self._costs = costs
        self._settings = settings
        self._buckets = buckets
        self._running: Counter[str] = Counter()

    @contextmanager
    def turn(self, context: Context) -> Iterator[Outcome | None]:
        """While an operation runs; the refusal, if too many of its client do."""
        key, most = self._key(context), self._allowed(context).concurrency
        if key is None:
            yield None
            return
        if self._running[key] >= most and self._enforced:
            yield _busy(context.request_id)
            return
        self._running[key] += 1
        try:
            yield None
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]

    async def admit(self, context: Context) -> Outcome | None:
        """The refusal of whoever has nothing left, before anything is done for him."""
        key = self._key(context)
        if key is None or not self._enforced:
            return None
        level = await self._buckets.take(key, 0, self._allowed(context).limit)
        return None if level.left >= LEAST else _throttled(LEAST, level, context)

    async def reserve(self, planned: Planned, context: Context) -> Held | Outcome:
        """What is held for it, or why it is not executed."""
        key, allowed = self._key(context), self._allowed(context)
        least = 0 if key is None else _least(planned)
        try:
            costed = self._costs.of(planned)
            counted = Counted(0, []) if costed is None else costed.estimate()
            estimate = max(least, self._points(counted, context))
        except NotCounted as error:
            refused = _refused(str(error), "COST_QUERY_PARSE_FAILURE", context, {})
            return await self.told(refused, context)
        except Exception as error:
            log.error("request=%s %s in counting", context.request_id, type(error).__name__)
            return await self.told(_refused(INTERNAL[1], INTERNAL[0], context, {}), context)
        if estimate > allowed.maximum and self._enforced:
            return await self.told(_too_expensive(estimate, allowed.maximum, context), context)
        held = Held(
            estimate=estimate, least=least, costed=costed, key=key, allowed=allowed, level=None
        )
        if key is None:
            return held
        forced = not self._enforced
        level = await self._buckets.take(key, estimate, allowed.limit, forced)
        if not level.granted:
            return _throttled(estimate, level, context)
        return msgspec.structs.replace(held, level=level)

    async def settle(self, held: Held, outcome: Outcome, calls: int, context: Context) -> Outcome:
        """Gives back what was reserved and not used, and tells both."""
        actual = max(held.least, self._actual(held, outcome, calls, context))
        level = held.level
        if held.key is not None and level is not None and actual != level.taken:
            level = await self._buckets.settle(held.key, actual, held.allowed.limit, level)
        return _with(outcome, held, actual, level)

    async def told(self, outcome: Outcome, context: Context) -> Outcome:
        """An answer of nothing that was executed, with what its client has left."""
        headers = {**outcome.headers, **await self.charged(context)}
        return msgspec.structs.replace(outcome, headers=headers)

    async def charged(self, context: Context) -> dict[str, str]:
        """Takes the least of a client, as far as there is; the headers that tell what is left."""
        key = self._key(context)
        if key is None:
            return {}
        level = await self._buckets.take(key, LEAST, self._allowed(context).limit, True)
        return _headers(level)

    @property
    def _enforced(self) -> bool:
        return self._settings.mode == "enforce"

    def _points(self, counted: Counted, context: Context) -> int:
        calls = planned_calls(counted.places, context)
        return min(counted.points + self._settings.call_cost * calls, MOST)

    def _actual(self, held: Held, outcome: Outcome, calls: int, context: Context) -> int:
        """All that was reserved where the answer does not tell: it grew too large, or took too
        long."""
        if held.costed is None:
            return 0
        if context.exhausted is not None:
            return held.estimate
        try:
            counted = held.costed.actual(outcome.body.get("data"))
            if context.rows is None:
                return min(counted.points + self._settings.call_cost * calls, MOST)
            return self._points(counted, context)
        except Exception as error:
            log.error("request=%s %s in counting", context.request_id, type(error).__name__)
            return held.estimate

    def _key(self, context: Context) -> str | None:
        return None if context.principal is None else bucket_key(context.principal)

    def _allowed(self, context: Context) -> Allowance:
        who = context.principal
        return self._settings.of() if who is None else self._settings.of(who.issuer, who.client_id)


def _least(planned: Planned) -> int:
    """Introspection, which the formula does not count, costs a point a token."""
    if not planned.prepared.introspects:
        return LEAST
    return max(LEAST, planned.prepared.document.token_count or 0)


def _with(outcome: Outcome, held: Held, actual: int, level: Level | None) -> Outcome:
    """Where no more than the least was charged, the body says nothing of it."""
    headers = {**outcome.headers, **(_headers(level) if level is not None else {})}
    if held.estimate == actual == held.least:
        return msgspec.structs.replace(outcome, headers=headers)
    extensions = {**outcome.body.get("extensions", {}), "cost": _cost(held.estimate, actual, level)}
    body = {**outcome.body, "extensions": extensions}
    return msgspec.structs.replace(outcome, body=body, headers=headers)


def _cost(estimate: int, actual: int | None, level: Level | None) -> dict[str, Any]:
    """As Shopify tells it."""
    cost: dict[str, Any] = {"requestedQueryCost": estimate, "actualQueryCost": actual}
    if level is not None:
        cost["throttleStatus"] = {
            "maximumAvailable": int(level.limit.capacity),
            "currentlyAvailable": int(level.left),
            "restoreRate": level.limit.refill,
        }
    return cost


def _headers(level: Level) -> dict[str, str]:
    """The three fields that clients know (draft-ietf-httpapi-ratelimit-headers, up to 06) and the
    two that became of them (from 08 on)."""
    most, left, restored = int(level.limit.capacity), int(level.left), level.restored
    window = level.limit.seconds(level.limit.capacity)
    return {
        "ratelimit-limit": str(most),
        "ratelimit-remaining": str(left),
        "ratelimit-reset": str(restored),
        "ratelimit-policy": f'"cost";q={most};w={window}',
        "ratelimit": f'"cost";r={left};t={restored}',
    }


def _too_expensive(estimate: int, maximum: int, context: Context) -> Outcome:
    message = f"The operation may cost {estimate} and at most {maximum} is allowed: ask for less."
    cost = _cost(estimate, None, None)
    return _refused(message, "COST_ESTIMATED_TOO_EXPENSIVE", context, {"cost": cost})


def _throttled(estimate: int, level: Level, context: Context) -> Outcome:
    wait = max(1, level.limit.seconds(estimate - level.left))
    message = f"The budget of this client is used up: try again in {wait} seconds."
    cost = _cost(estimate, None, level)
    refused = _refused(message, "THROTTLED", context, {"cost": cost})
    headers = {**_headers(level), "retry-after": str(wait)}
    return msgspec.structs.replace(refused, status=429, headers=headers)


def _busy(request_id: str) -> Outcome:
    message = "Too many operations of this client run at once: try again."
    errors = [refusal(GraphQLError(message), "TOO_MANY_REQUESTS", request_id)]
    return Outcome({"errors": errors}, False, 1, status=503, headers={"retry-after": "1"})


def _refused(message: str, code: str, context: Context, extensions: Mapping[str, Any]) -> Outcome:
    body: dict[str, Any] = {"errors": [refusal(GraphQLError(message), code, context.request_id)]}
    if extensions:
        body["extensions"] = dict(extensions)
    return Outcome(body, False, 1)
