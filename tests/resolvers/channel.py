"""A payment channel that cannot list: it answers by id alone, and keeps books."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import SourceError
from connectors.ledger import Entry, Period, Told
from connectors.money import Money
from connectors.records import (
    Dispute,
    DisputeStatus,
    Kind,
    Payment,
    PaymentStatus,
    Provider,
    Refund,
    RefundStatus,
    Source,
    SourceKind,
)
from tests.resolvers.fakes import Fake, day

CN = Source("cn", "fake", SourceKind.PAYMENTS)


def yuan(fen: int) -> Money:
    return Money(fen, "CNY")


def payment(native_id: str, fen: int = 1000, **more: Any) -> Payment:
    values: dict[str, Any] = {
        "provider": Provider.ALIPAY,
        "status": PaymentStatus.SUCCEEDED,
        "amount": yuan(fen),
        "captured": yuan(fen),
        "created_at": day(1),
    }
    return Payment(source=CN, native_id=native_id, **{**values, **more})


def refund(native_id: str, fen: int = 100, payment_id: str | None = "p1", **more: Any) -> Refund:
    values: dict[str, Any] = {
        "status": RefundStatus.SUCCEEDED,
        "amount": yuan(fen),
        "created_at": day(2),
    }
    return Refund(source=CN, native_id=native_id, payment_id=payment_id, **{**values, **more})


def dispute(native_id: str, status: DisputeStatus = DisputeStatus.NEEDS_RESPONSE) -> Dispute:
    return Dispute(
        source=CN,
        native_id=native_id,
        status=status,
        amount=yuan(1000),
        payment_id="p1",
        created_at=day(3),
    )


def told(record: Payment | Refund | Dispute, **more: Any) -> Entry:
    """The entry that the books have of a record."""
    assert record.created_at is not None
    values: dict[str, Any] = {
        "amount": record.amount,
        "reference": getattr(record, "reference", None),
        "payment": getattr(record, "payment_id", None),
    }
    return Entry(
        kind=record.KIND,
        native_id=record.native_id,
        created_at=record.created_at,
        **{**values, **more},
    )


class Channel(Fake):
    """`records` by id; a SourceError in its place is what reading it fails with."""

    def __init__(self, *records: Payment | Refund | Dispute, **failing: Exception) -> None:
        super().__init__(**failing)
        self.records = {(record.KIND, record.native_id): record for record in records}
        self.broken: dict[str, SourceError] = {}

    def found(self, kind: Kind, ids: Iterable[str]) -> dict[str, Any]:
        live: dict[str, Any] = {i: self.records[kind, i] for i in ids if (kind, i) in self.records}
        return live | {i: self.broken[i] for i in ids if i in self.broken}

    async def payments(self, ids: Sequence[str]) -> Any:
        self.note("payments", ids)
        return self.found(Kind.PAYMENT, ids)

    async def refunds(self, ids: Sequence[str]) -> Any:
        self.note("refunds", ids)
        return self.found(Kind.REFUND, ids)

    async def disputes(self, ids: Sequence[str]) -> Any:
        self.note("disputes", ids)
        return self.found(Kind.DISPUTE, ids)

    async def find_payments(self, references: Sequence[str]) -> Any:
        self.note("find_payments", references)
        every = [r for r in self.records.values() if isinstance(r, Payment)]
        return {
            key: tuple(p for p in every if p.reference == key)
            for key in references
            if any(p.reference == key for p in every)
        }

    def periods(self, since: datetime, until: datetime) -> Sequence[Period]:
        days = range((until - since).days)
        return [
            Period(
                name=f"bill {since + timedelta(days=n):%Y-%m-%d}",
                start=since + timedelta(days=n),
                end=since + timedelta(days=n + 1),
            )
            for n in days
        ]

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        self.note("entries", [period.name])
        for record in self.records.values():
            if record.created_at is not None and period.start <= record.created_at < period.end:
                yield [told(record)]
