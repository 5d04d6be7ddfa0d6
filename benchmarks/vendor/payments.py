"""The payment provider: payments, found by the merchant's order number, and their refunds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks.vendor.reading import Api, Listed, grouped, moment
from connectors.capabilities import Probe
from connectors.filters import PaymentFilter
from connectors.money import Money
from connectors.paging import Keyed, Page, PageQuery
from connectors.records import (
    Payment,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    Refund,
    RefundStatus,
)
from connectors.vendor import SourceSettings, Wiring

STATUSES = {
    "succeeded": PaymentStatus.SUCCEEDED,
    "processing": PaymentStatus.PENDING,
    "authorized": PaymentStatus.AUTHORIZED,
}


class _Card(msgspec.Struct, frozen=True):
    brand: str
    last4: str


class _Method(msgspec.Struct, frozen=True):
    card: _Card


class _Payment(msgspec.Struct, frozen=True):
    id: str
    reference: str
    amount: int
    amount_captured: int
    currency: str
    status: str
    created: int
    payer: str
    method: _Method


class _Refund(msgspec.Struct, frozen=True):
    id: str
    payment_id: str
    amount: int
    currency: str
    status: str
    reason: str
    created: int


_PAYMENTS = msgspec.json.Decoder(Listed[_Payment])
_REFUNDS = msgspec.json.Decoder(Listed[_Refund])


class BenchPayments:
    def __init__(self, wiring: Wiring, settings: SourceSettings) -> None:
        self._api = Api(wiring, settings)

    async def probe(self) -> Probe:
        await self.payment_page(PageQuery(1, PaymentFilter()))
        return Probe()

    async def payments(self, ids: Sequence[str]) -> Keyed[Payment]:
        found = await self._api.by_keys("/pay/payments", "ids", ids, _PAYMENTS)
        return {row.id: self._payment(row) for row in found}

    async def payment_page(self, query: PageQuery[PaymentFilter]) -> Page[Payment]:
        return await self._api.page("/pay/payments", query, _PAYMENTS, self._payment)

    async def payments_by_reference(self, references: Sequence[str]) -> Keyed[tuple[Payment, ...]]:
        found = await self._api.by_keys("/pay/payments", "references", references, _PAYMENTS)
        return grouped((row.reference, self._payment(row)) for row in found)

    async def refunds_by_payment(self, payment_ids: Sequence[str]) -> Keyed[tuple[Refund, ...]]:
        found = await self._api.by_keys("/pay/refunds", "payment_ids", payment_ids, _REFUNDS)
        return grouped((row.payment_id, self._refund(row)) for row in found)

    def _payment(self, row: _Payment) -> Payment:
        card = row.method.card
        return Payment(
            source=self._api.source,
            native_id=row.id,
            created_at=moment(row.created),
            provider=Provider.OTHER,
            channel=PaymentChannel.CARD,
            status=STATUSES.get(row.status, PaymentStatus.UNKNOWN),
            provider_status=row.status,
            amount=Money(row.amount, row.currency),
            captured=Money(row.amount_captured, row.currency),
            reference=row.reference,
            method=PaymentMethod(brand=card.brand, last4=card.last4),
            customer_id=row.payer,
        )

    def _refund(self, row: _Refund) -> Refund:
        return Refund(
            source=self._api.source,
            native_id=row.id,
            created_at=moment(row.created),
            status=RefundStatus.SUCCEEDED,
            provider_status=row.status,
            amount=Money(row.amount, row.currency),
            reason=row.reason,
            payment_id=row.payment_id,
        )
