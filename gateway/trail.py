"""What is told to the audit log: every operation, everybody who was refused, every token."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from auth.access import Mode
from auth.audit.canonical import plain
from auth.audit.entry import Calls, Event, Origin, Result, RowLimits, Seen, Who
from auth.audit.sparing import Sparing
from auth.audit.writer import Writer
from auth.faults import Fault
from auth.principal import Principal
from connectors.records import Record
from gateway.access_log import NAME
from gateway.audit_settings import AuditSettings
from gateway.peer import Peer
from resolvers.context import Context
from schema.execution import Operation, Outcome

MOST_IDS = 1000
"""Of the records of one type in one entry; all are counted."""
MOST_PATHS = 50
UNKNOWN = (Origin.HTTP, Origin.OAUTH)
THROTTLED = frozenset({"RATE_LIMITED", "COST_LIMITED", "THROTTLED"})
Answer = Callable[[Operation, Context], Awaitable[Outcome]]


class Trail:
    """Raises AuditUnavailable where something must not be answered, because nobody could tell."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._refusals = Sparing(time.monotonic)

    @property
    def refuses(self) -> bool:
        return self._writer.refuses

    async def answered(
        self, answer: Answer, operation: Operation, context: Context, peer: Peer
    ) -> Outcome:
        """The answer, when it may be given."""
        self._writer.check()
        context.shown = []
        outcome = await answer(operation, context)
        await self.tell(self._operation(operation, context, outcome, peer))
        for source, count in (context.rows.violations if context.rows else {}).items():
            await self.tell(_violation(context, source, count, peer))
        return outcome

    async def refused(self, fault: Fault, peer: Peer, request_id: str | None) -> None:
        """Somebody without good credentials."""
        await self.tell(_refusal(fault, peer, request_id))

    async def tell(self, event: Event) -> None:
        """Whoever is refused waits for the disk. Of refusals of those whom nobody knows not every
        single one is written: they could fill it."""
        if event.outcome is not Result.DENIED:
            self._writer.put(event)
            return
        unlisted = self._refusals.count(event.ip or "") if event.origin in UNKNOWN else 0
        if unlisted is None:
            return
        if unlisted:
            event = msgspec.structs.replace(event, about={**event.about, "unlisted": unlisted})
        await self._writer.written(event)

    def _operation(
        self, operation: Operation, context: Context, outcome: Outcome, peer: Peer
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
            op_hash=self._document(operation),
            records=self._seen(context.shown or ()),
            classes=() if decided is None else tuple(sorted(c.value for c in decided.classes)),
            rows=_rows(context),
            denied_paths=tuple(plain(".".join(d.path)) for d in denied[:MOST_PATHS]),
            denied_count=len(denied),
            masked_count=len(decided.masked) if decided is not None else 0,
            upstream={
                name: Calls(reads.count, round(reads.seconds * 1000))
                for name, reads in context.lookups.reads.items()
            },
            status=_status(outcome),
            reason=_code(outcome),
            request_id=context.request_id,
            trace_id=peer.trace_id,
        )

    def _document(self, operation: Operation) -> str:
        """Keyed, because a document may hold a value that could be guessed."""
        text = operation.query.encode("utf-8", "replace")
        return self._writer.keys.pseudonym(f"document:{hashlib.sha256(text).hexdigest()}")

    def _seen(self, shown: Iterable[Record]) -> dict[str, Seen]:
        """The same record may have been put into the answer many times."""
        by_type: defaultdict[str, set[str]] = defaultdict(set)
        for record in shown:
            by_type[record.KIND.value.capitalize()].add(record.id)
        pseudonym = self._writer.keys.pseudonym
        return {
            kind: Seen(len(ids), tuple(map(pseudonym, sorted(ids)[:MOST_IDS])))
            for kind, ids in by_type.items()
        }


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
        yield Trail(writer)
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


def _violation(context: Context, source: str, count: int, peer: Peer) -> Event:
    """A source gave rows of somebody else; they were not shown."""
    return Event(
        action="authz_violation",
        origin=Origin.GRAPHQL,
        outcome=Result.DENIED,
        principal=who(context.principal),
        token_jti=token_of(context.principal),
        ip=peer.ip,
        rows=_rows(context),
        about={"source": source, "rows": count},
        request_id=context.request_id,
        trace_id=peer.trace_id,
    )


def _result(context: Context, outcome: Outcome) -> Result:
    planned, access = outcome.planned, context.access
    denied = planned.decided.denied if planned is not None and planned.decided else ()
    if outcome.forbidden or _code(outcome) in THROTTLED:
        return Result.DENIED
    if not outcome.executed:
        return Result.ERROR
    if denied and access is not None and access.policy.mode is Mode.DRY_RUN:
        return Result.DRY_RUN
    if denied and planned is not None:
        return Result.DENIED if planned.document is None else Result.FILTERED
    return Result.ALLOWED if outcome.body.get("data") is not None else Result.ERROR


def _code(outcome: Outcome) -> str | None:
    """Why it was not executed, in our word."""
    errors = outcome.body.get("errors") or [{}]
    code = errors[0].get("extensions", {}).get("code")
    return None if outcome.executed or code is None else str(code)


def _status(outcome: Outcome) -> int:
    """Whatever older clients are told, who get 200 for everything."""
    if outcome.executed:
        return 200
    return 403 if outcome.forbidden else 400


def _name(operation: Operation, outcome: Outcome) -> str | None:
    """A plain GraphQL name and nothing else."""
    name = outcome.operation or operation.name
    return name if name is not None and NAME.fullmatch(name) else None


def _rows(context: Context) -> RowLimits | None:
    scope = context.access.rows if context.access is not None else None
    if scope is None or scope.is_everything:
        return None
    return RowLimits(
        sources=None if scope.sources is None else tuple(sorted(scope.sources)),
        customers=None if scope.customers is None else len(scope.customers),
    )
