"""What a page may be narrowed by, as data: connectors push down what their vendor can.

`accepts` is the exact meaning of a filter; every row is checked with it after the fetch, so a
vendor's own idea of equality (case, substrings, a stale index) never decides.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from connectors.errors import SourceError
from connectors.money import Money
from connectors.records import (
    Customer,
    Order,
    OrderState,
    Payment,
    PaymentChannel,
    PaymentStatus,
    Provider,
    Record,
    Refund,
    RefundStatus,
)


class TimeRange(msgspec.Struct, frozen=True):
    """Bounds are aware UTC; None is open."""

    gte: datetime | None = None
    gt: datetime | None = None
    lte: datetime | None = None
    lt: datetime | None = None

    def accepts(self, value: datetime | None) -> bool:
        return value is not None and (
            (self.gte is None or value >= self.gte)
            and (self.gt is None or value > self.gt)
            and (self.lte is None or value <= self.lte)
            and (self.lt is None or value < self.lt)
        )


class MoneyRange(msgspec.Struct, frozen=True):
    """Bounds in minor units of one currency; amounts in another currency never match."""

    currency: str
    gte: int | None = None
    gt: int | None = None
    lte: int | None = None
    lt: int | None = None

    def accepts(self, value: Money | None) -> bool:
        return value is not None and (
            value.currency == self.currency
            and (self.gte is None or value.minor_units >= self.gte)
            and (self.gt is None or value.minor_units > self.gt)
            and (self.lte is None or value.minor_units <= self.lte)
            and (self.lt is None or value.minor_units < self.lt)
        )


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """No bound at all: every record. Subclasses are the filters of one kind of record each.

    `one_of` fields are None (any) or the accepted values; an empty tuple accepts nothing.
    `sources` are names, for records that were found in several.
    """

    sources: tuple[str, ...] | None = None
    created_at: TimeRange | None = None

    def accepts(self, record: Record) -> bool:
        return (self.sources is None or record.source.name in self.sources) and (
            self.created_at is None or self.created_at.accepts(record.created_at)
        )

    def undecided(self, record: Record) -> SourceError | None:
        """The failure that leaves open whether the filter accepts a record; None if it is
        decided."""
        return None


class CustomerFilter(Filter, frozen=True, kw_only=True):
    """`emails` match exactly but for case; `names` match exactly."""

    emails: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None

    def accepts(self, record: Record) -> bool:
        return (
            isinstance(record, Customer)
            and super().accepts(record)
            and (self.emails is None or _folded(record.email) in map(_folded, self.emails))
            and (self.names is None or record.name in self.names)
        )


class OrderFilter(Filter, frozen=True, kw_only=True):
    """`customer_ids` are native ids of the source that is asked."""

    customer_ids: tuple[str, ...] | None = None
    numbers: tuple[str, ...] | None = None
    recorded_states: tuple[OrderState, ...] | None = None
    placed_at: TimeRange | None = None
    total: MoneyRange | None = None

    def accepts(self, record: Record) -> bool:
        return (
            isinstance(record, Order)
            and super().accepts(record)
            and (self.customer_ids is None or record.customer_id in self.customer_ids)
            and (self.numbers is None or record.number in self.numbers)
            and (self.recorded_states is None or record.recorded_state in self.recorded_states)
            and (self.placed_at is None or self.placed_at.accepts(record.placed_at))
            and (self.total is None or self.total.accepts(record.total))
        )


class PaymentFilter(Filter, frozen=True, kw_only=True):
    """`customer_ids` are native ids of the source that is asked."""

    customer_ids: tuple[str, ...] | None = None
    references: tuple[str, ...] | None = None
    statuses: tuple[PaymentStatus, ...] | None = None
    providers: tuple[Provider, ...] | None = None
    channels: tuple[PaymentChannel, ...] | None = None
    amount: MoneyRange | None = None

    def accepts(self, record: Record) -> bool:
        return (
            isinstance(record, Payment)
            and super().accepts(record)
            and (self.customer_ids is None or record.customer_id in self.customer_ids)
            and (self.references is None or record.reference in self.references)
            and (self.statuses is None or record.status in self.statuses)
            and (self.providers is None or record.provider in self.providers)
            and (self.channels is None or record.channel in self.channels)
            and (self.amount is None or self.amount.accepts(record.amount))
        )

    def undecided(self, record: Record) -> SourceError | None:
        failure = record.misfit("status") if self.statuses is not None else None
        if failure is None or not msgspec.structs.replace(self, statuses=None).accepts(record):
            return None
        return failure


class RefundFilter(Filter, frozen=True, kw_only=True):
    """`payment_ids` are native ids of the source that is asked."""

    payment_ids: tuple[str, ...] | None = None
    statuses: tuple[RefundStatus, ...] | None = None
    amount: MoneyRange | None = None

    def accepts(self, record: Record) -> bool:
        return (
            isinstance(record, Refund)
            and super().accepts(record)
            and (self.payment_ids is None or record.payment_id in self.payment_ids)
            and (self.statuses is None or record.status in self.statuses)
            and (self.amount is None or self.amount.accepts(record.amount))
        )


def _folded(text: str | None) -> str | None:
    return text.casefold() if text is not None else None
