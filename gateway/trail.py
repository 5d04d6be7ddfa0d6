"""What is told to the audit log: every operation, everybody who was refused, every token."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain

import msgspec

from auth.access import Mode
from auth.audit.alerts import NEWS, Alerts, KnownUses
from auth.audit.canonical import plain
from auth.audit.entry import (
    MOST_IDS,
    Calls,
    Cost,
    Event,
    Origin,
    Result,
    RowLimits,
    Seen,
    Who,
)
from auth.audit.sparing import Sparing, neighbourhood
from auth.audit.writer import AuditUnavailable, Writer
from auth.faults import Fault
from auth.principal import Principal
from connectors.card_numbers import without_cards
from connectors.records import Record
from gateway.access_log import NAME
from gateway.audit_settings import AuditSettings
from gateway.peer import Peer
from resolvers.context import Context
from schema.execution import Operation, Outcome
from schema.permitted import Denial

alerts = logging.getLogger("tillgate.alerts")
MOST_PATHS = 50
UNKNOWN = (Origin.HTTP, Origin.OAUTH)
THROTTLED = frozenset({"THROTTLED", "TOO_MANY_REQUESTS", "COST_ESTIMATED_TOO_EXPENSIVE"})
"""Codes of what was not executed because of what its client may spend."""
UNREGISTERED = frozenset({"PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED"})
"""Codes of what was not executed because it is none of the operations that are registered."""
CRASHED = Outcome({"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, False, 1)
Answer = Callable[[Operation, Context], Awaitable[Outcome]]


class Trail:
    """Raises AuditUnavailable where something must not be answered, because nobody could tell."""

    def __init__(self, writer: Writer, rules: Alerts | None = None) -> None:
        self._writer = writer
        self._rules = rules or Alerts(time.time)
        self._refusals = Sparing(time.monotonic)
        self._throttled = Sparing(time.monotonic)

    @property
    def refuses(self) -> bool:
        return self._writer.refuses

    async def answered(
        self, answer: Answer, operation: Operation, context: Context, peer: Peer
    ) -> Outcome:
        """The answer, when it may be given."""
        self._writer.check()
        noted = context.shown = []
        try:
            outcome = await answer(operation, context)
        except asyncio.CancelledError:
            # Nobody waits any more, and this task must not; where it cannot be put nothing was
            # answered.
            with suppress(AuditUnavailable):
                self._writer.put(self._operation(operation, context, CRASHED, peer, {}))
            raise
        except Exception:
            await self.tell(self._operation(operation, context, CRASHED, peer, {}))
            raise
        shown = _by_type(noted) if outcome.executed else {}
        event = self._operation(operation, context, outcome, peer, shown)
        await self.tell(event)
        for violation in _violations(context, peer):
            await self.tell(violation)
        for alert in self._rules.observe(event, chain.from_iterable(shown.values())):
            log_alert(alert)
            await self.tell(alert)
        return outcome

    async def refused(self, fault: Fault, peer: Peer, request_id: str | None) -> None:
        """Somebody without good credentials."""
        await self.tell(_refusal(fault, peer, request_id))

    async def tell(self, event: Event) -> None:
        """Whoever is refused waits for the disk. Of refusals of those whom nobody knows, and of
        those who have spent what they may, not every single one is written: they could fill it."""
        if event.outcome is not Result.DENIED:
            self._writer.put(event)
            return
        unlisted = self._unlisted(event)
        if unlisted is None:
            return
        if unlisted:
            event = msgspec.structs.replace(event, about={**event.about, "unlisted": unlisted})
        await self._writer.written(event)

    def _unlisted(self, event: Event) -> int | None:
        """How many like it were not written since the last one that was; None: nor is this one."""
        if event.origin in UNKNOWN:
            return self._refusals.count(neighbourhood(event.ip or ""))
        if event.reason in THROTTLED:
            whose = repr(event.principal) if event.principal else neighbourhood(event.ip or "")
            return self._throttled.count(whose)
        return 0

    def _operation(
        self,
        operation: Operation,
        context: Context,
        outcome: Outcome,
        peer: Peer,
        shown: Mapping[str, set[str]],
    ) -> Event:
        planned = outcome.planned
        decided = planned.decided if planned is not None else None
        principal = context.principal
        introspects = planned is not None and planned.prepared.introspects
        denied = decided.denied if decided is not None else ()
        return Event(
            action="introspection" if introspects else "query",
            origin=Origin.GRAPHQL,
            outcome=_result(context, outcome),
            principal=who(principal),
            token_jti=token_of(principal),
            ip=peer.ip,
            operation_name=_name(operation, outcome),
            op_hash=self._document(operation, outcome),
            records=self._seen(shown),
            classes=() if decided is None else tuple(sorted(c.value for c in decided.classes)),
            rows=_rows(context),
            denied_paths=tuple(_path(denial) for denial in denied[:MOST_PATHS]),
            denied_count=len(denied),
            masked_count=len(decided.masked) if decided is not None else 0,
            upstream={
                name: Calls(reads.count, round(reads.seconds * 1000))
                for name, reads in context.lookups.reads.items()
            },
            cost=_cost(outcome),
            status=_status(outcome),
            reason=_code(outcome),
            request_id=context.request_id,
            trace_id=peer.trace_id,
        )

    def _document(self, operation: Operation, outcome: Outcome) -> str:
        """Keyed, because a document may hold a value that could be guessed. Of one that is known by
        its id alone, the id's."""
        text = operation.query or operation.document_id or ""
        digest = (
            outcome.planned.prepared.key
            if outcome.planned is not None
            else hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        )
        return self._writer.keys.pseudonym(f"document:{digest.hex()}")

    def _seen(self, shown: Mapping[str, set[str]]) -> dict[str, Seen]:
        pseudonym = self._writer.keys.pseudonym
        return {
            kind: Seen(len(ids), tuple(map(pseudonym, sorted(ids)[:MOST_IDS])))
            for kind, ids in shown.items()
        }


def _by_type(shown: Iterable[Record]) -> dict[str, set[str]]:
    """Ids; the same record may have been put into the answer many times."""
    by_type: defaultdict[str, set[str]] = defaultdict(set)
    for record in shown:
        by_type[record.KIND.value.capitalize()].add(record.id)
    return by_type


def log_alert(alert: Event) -> None:
    client = alert.principal.client_id if alert.principal is not None else None
    fields = {**alert.about, "client": client, "request": alert.request_id}
    level = logging.INFO if alert.about.get("rule") in NEWS else logging.WARNING
    alerts.log(level, "alert", extra={"fields": fields})


def _refusal(fault: Fault, peer: Peer, request_id: str | None) -> Event:
    """Somebody whose credentials are not accepted: nothing is known of who it is."""
    return Event(
        action="authenticate",
        origin=Origin.HTTP,
        outcome=Result.DENIED,
        ip=peer.ip,
        status=fault.status,
        reason=type(fault).__name__,
        request_id=request_id,
        trace_id=peer.trace_id,
    )


@contextmanager
def open_trail(settings: AuditSettings | None) -> Iterator[Trail | None]:
    """None where nothing is configured. Raises LogUnusable."""
    if settings is None:
        yield None
        return
    writer = settings.writer()
    writer.start()
    try:
        hours = settings.usual_hours
        known = KnownUses(settings.path / "known-uses")
        rules = Alerts(time.time, known, None if hours is None else (hours.begin, hours.end))
        yield Trail(writer, rules)
    finally:
        writer.close()


def who(principal: Principal | None) -> Who | None:
    if principal is None:
        return None
    tenant, partner = principal.tenant, principal.partner
    return Who(
        iss=plain(principal.issuer),
        client_id=plain(principal.client_id),
        sub=plain(principal.subject),
        tenant=None if tenant is None else plain(tenant),
        partner=None if partner is None else plain(partner),
    )


def token_of(principal: Principal | None) -> str | None:
    found = principal.token_id if principal is not None else None
    return None if found is None else plain(found)


def _violations(context: Context, peer: Peer) -> Iterator[Event]:
    """A source gave rows of somebody else, or card numbers; neither was shown."""
    about = Event(
        action="authz_violation",
        origin=Origin.GRAPHQL,
        outcome=Result.DENIED,
        principal=who(context.principal),
        token_jti=token_of(context.principal),
        ip=peer.ip,
        rows=_rows(context),
        request_id=context.request_id,
        trace_id=peer.trace_id,
    )
    for source, count in (context.rows.violations if context.rows else {}).items():
        yield msgspec.structs.replace(about, about={"source": source, "rows": count})
    for source, count in context.lookups.cards.items():
        told: dict[str, str | int] = {"rule": "card_number", "source": source, "count": count}
        yield msgspec.structs.replace(about, action="alert", outcome=Result.ALLOWED, about=told)


def _result(context: Context, outcome: Outcome) -> Result:
    planned, access = outcome.planned, context.access
    denied = planned.decided.denied if planned is not None and planned.decided else ()
    if outcome.forbidden or _code(outcome) in THROTTLED | UNREGISTERED:
        return Result.DENIED
    if not outcome.executed:
        return Result.ERROR
    if denied and access is not None and access.mode is Mode.DRY_RUN:
        return Result.DRY_RUN
    if denied and planned is not None:
        return Result.DENIED if planned.document is None else Result.FILTERED
    return Result.ALLOWED if outcome.body.get("data") is not None else Result.ERROR


def _code(outcome: Outcome) -> str | None:
    """Why it was not executed, in our word."""
    errors = outcome.body.get("errors") or [{}]
    code = errors[0].get("extensions", {}).get("code")
    return None if outcome.executed or code is None else str(code)


def _cost(outcome: Outcome) -> Cost | None:
    """As it is told to the client, if it is."""
    told = outcome.body.get("extensions", {}).get("cost")
    if told is None:
        return None
    return Cost(estimate=told.get("requestedQueryCost"), actual=told.get("actualQueryCost"))


def _status(outcome: Outcome) -> int:
    """Whatever older clients are told, who get 200 for everything."""
    if outcome.status is not None:
        return outcome.status
    if outcome.executed:
        return 200
    return 403 if outcome.forbidden else 400


def _path(denial: Denial) -> str:
    """Aliases are the client's own words."""
    return plain(without_cards(".".join(denial.path)))


def _name(operation: Operation, outcome: Outcome) -> str | None:
    """A plain GraphQL name and nothing else."""
    name = outcome.operation or operation.name
    return without_cards(name) if name is not None and NAME.fullmatch(name) else None


def _rows(context: Context) -> RowLimits | None:
    scope = context.access.rows if context.access is not None else None
    if scope is None or scope.is_everything:
        return None
    return RowLimits(
        sources=None if scope.sources is None else tuple(sorted(scope.sources)),
        customers=None if scope.customers is None else len(scope.customers),
    )
