"""Which of the records that were read may be shown: the row scope of a principal, held twice.

What can be asked narrowly is asked narrowly; every record is looked at again after it was read.
A customer is one's own by its id, an order by its customer's, a payment by its owner's
(`resolvers.owners`), a refund and a dispute by their payment. What cannot be told, because a source
fails, is not shown.

Upstream calls: none for tenants, customers and orders. Of partners those of `resolvers.owners` for
the payments that are looked at, and of Refund.payment or Dispute.payment before.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from auth.access import Access
from auth.field_rules import FIELD_RULES
from auth.rows import RowScope
from connectors.errors import Malformed, NotFound, SourceError
from connectors.records import Customer, Dispute, Kind, Order, Payment, Record, Refund, SourceKind
from resolvers.links import Linked
from resolvers.owners import Owner, customer_id, owners_of
from resolvers.pages import Connection, Edge, Keeps, Node

if TYPE_CHECKING:
    from resolvers.context import Context

log = logging.getLogger("tillgate.auth")

Verdict = bool | SourceError


def sees_kind(access: Access | None, kind: Kind) -> bool:
    """Whether any record of the kind may be seen: one that may not is as if it did not exist."""
    return access is None or access.sees(FIELD_RULES[kind.value.capitalize()].needs)


class Rows:
    """The filter of one request. `raw` reads the joins of records before they are filtered.
    `violations` counts the rows that a source should not have given, by its name."""

    def __init__(self, scope: RowScope, raw: Context) -> None:
        self.scope = scope
        self.violations: Counter[str] = Counter()
        self._raw = raw

    def close(self) -> None:
        self._raw.close()

    @property
    def keeps(self) -> Keeps | None:
        """Judges the rows of a list that is asked for as one's own; None where all of them are."""
        return None if self.scope.customers is None else self.expects

    def is_own(self, record: Record) -> bool:
        """Of a customer or an order, which say it themselves."""
        if not self._held(record):
            return False
        customers = self.scope.customers
        if customers is None:
            return True
        if isinstance(record, Order):
            return customer_id(record) in customers
        return isinstance(record, Customer) and record.id in customers

    def expects(self, row: Node) -> bool:
        """As `is_own`, of a row that was asked for as one's own: if it is not, somebody erred, but
        for providers, whose lists can be narrowed to one customer only. A failure is of one's own
        record then."""
        if not isinstance(row, Record):
            return True
        own = self.is_own(row)
        if not own and row.source.kind is SourceKind.CRM:
            self.violations[row.source.name] += 1
            log.warning("authz_violation: %s gave a row that was not asked for", row.source.name)
        return own

    def may_be_own(self, customer: str) -> bool:
        """Of a customer's id, before anything is read."""
        return self.scope.customers is None or customer in self.scope.customers

    def hides(self, failure: SourceError) -> bool:
        """Whether a failure is kept from those who see some customers only: where a single record
        does not fit, it may be somebody else's, and that it fails would say that it is there."""
        if self.scope.customers is None or not isinstance(failure, Malformed | NotFound):
            return False
        log.warning("kept back, as it may be somebody else's: %s", failure)
        return True

    async def one(self, record: Any) -> Any:
        """The record, or None if it may not be shown. Anything else as it is."""
        if not isinstance(record, Record):
            return record
        return record if (await self.verdicts([record]))[record.id] is True else None

    async def some(self, values: Sequence[Any]) -> list[Any]:
        """Those of the records and failures that may be shown."""
        if self._are_held(v for v in values if isinstance(v, Record)):
            return list(values)
        verdicts = await self.verdicts([v for v in values if isinstance(v, Record)])
        return [v for v in values if self._is_shown(v, verdicts)]

    def _is_shown(self, value: Any, verdicts: Mapping[str, Verdict]) -> bool:
        if isinstance(value, Record):
            return verdicts[value.id] is True
        return not (isinstance(value, SourceError) and self.hides(value))

    async def shown(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """What a join found, without what may not be shown."""
        records = [record for value in found.values() for record in _records(value)]
        if self._are_held(records):
            return dict(found)
        verdicts = await self.verdicts(records)
        return {key: _without(value, verdicts) for key, value in found.items()}

    async def verdicts(self, records: Iterable[Record]) -> dict[str, Verdict]:
        """By id: whether it may be shown, or what keeps from telling."""
        each = {record.id: record for record in records}
        if self.scope.customers is None:
            return {key: self._held(record) for key, record in each.items()}
        payments = await self._payments_of([r for r in each.values() if self._held(r)])
        owners = await owners_of(self._raw, _each_once(payments.values()))
        return {key: self._verdict(record, payments, owners) for key, record in each.items()}

    def _verdict(
        self, record: Record, payments: Mapping[str, Any], owners: Mapping[str, Owner]
    ) -> Verdict:
        if not isinstance(record, Payment | Refund | Dispute):
            return self.is_own(record)
        payment = payments.get(record.id)
        owner = owners[payment.id] if isinstance(payment, Payment) else payment
        if isinstance(owner, SourceError):
            return owner
        return owner is not None and owner in (self.scope.customers or ())

    async def _payments_of(self, records: Sequence[Record]) -> dict[str, Any]:
        """By the id of a payment, refund or dispute: the payment, its failure or None."""
        # Imported here because the joins are made of contexts, and a context of this.
        from resolvers.joins.dispute import DISPUTE_PAYMENT
        from resolvers.joins.refund import REFUND_PAYMENT

        found: dict[str, Any] = {r.id: r for r in records if isinstance(r, Payment)}
        refunds = [r for r in records if isinstance(r, Refund)]
        disputes = [r for r in records if isinstance(r, Dispute)]
        found |= await self._raw.many(REFUND_PAYMENT, refunds)
        found |= await self._raw.many(DISPUTE_PAYMENT, disputes)
        return found

    def _are_held(self, records: Iterable[Record]) -> bool:
        """Whether nothing more is to be asked, as of a tenant's records."""
        if self.scope.customers is not None:
            return False
        holds = self.scope.holds
        return all(holds(record.source.name) for record in records)

    def _held(self, record: Record) -> bool:
        """Only the tenant's own sources are ever asked, so a stranger's record is a defect."""
        if self.scope.holds(record.source.name):
            return True
        self.violations[record.source.name] += 1
        log.error("authz_violation: a record of %s, which is not asked", record.source.name)
        return False


def _each_once(values: Iterable[Any]) -> list[Payment]:
    return list({value.id: value for value in values if isinstance(value, Payment)}.values())


def _records(value: Any) -> list[Record]:
    if isinstance(value, Record):
        return [value]
    if isinstance(value, Linked):
        return list(value.records)
    if isinstance(value, Connection):
        return [node for node in value.nodes if isinstance(node, Record)]
    each = value if isinstance(value, tuple) else ()
    return [one for one in each if isinstance(one, Record)]


def _without(value: Any, verdicts: Mapping[str, Verdict]) -> Any:
    if isinstance(value, Record):
        verdict = verdicts[value.id]
        return verdict if isinstance(verdict, SourceError) else value if verdict else None
    if isinstance(value, Linked):
        return _linked(value, verdicts)
    if isinstance(value, Connection):
        return _connection(value, verdicts)
    if isinstance(value, tuple):
        return _each_shown(value, verdicts)
    return value


def _each_shown(values: tuple[Any, ...], verdicts: Mapping[str, Verdict]) -> Any:
    """Those that may be shown, or the failure that leaves it open for one of them: the list would
    lack it without a sign."""
    told = [verdicts[v.id] if isinstance(v, Record) else True for v in values]
    for verdict in told:
        if isinstance(verdict, SourceError):
            return verdict
    return tuple(v for v, verdict in zip(values, told, strict=True) if verdict is True)


def _linked(value: Linked[Any], verdicts: Mapping[str, Verdict]) -> Linked[Any]:
    """What cannot be told is a failure of the source that cannot tell it, once: a sum over what is
    left would be a wrong one."""
    links = tuple(link for link in value.links if verdicts[link.record.id] is True)
    unknown = {
        failure.source: failure
        for link in value.links
        if isinstance(failure := verdicts[link.record.id], SourceError)
    }
    return Linked(links, (*value.failures, *unknown.values()), value.doubt)


def _connection(value: Connection, verdicts: Mapping[str, Verdict]) -> Connection:
    """Pages are made of rows that may be shown; what comes here nevertheless leaves no trace."""
    kept = tuple(edge for edge in value.edges if _is_kept(edge, verdicts))
    if len(kept) == len(value.edges):
        return value
    log.error("authz_violation: a page holds rows that may not be shown")
    page = msgspec.structs.replace(
        value.page_info,
        has_next_page=value.page_info.has_next_page and bool(kept),
        first=kept[0] if kept else None,
        last=kept[-1] if kept else None,
    )
    return Connection(kept, page, incomplete=value.incomplete)


def _is_kept(edge: Edge, verdicts: Mapping[str, Verdict]) -> bool:
    return not isinstance(edge.node, Record) or verdicts[edge.node.id] is True
