"""One merchant's payments, refunds and complaints by their numbers, and its bills by day."""

from __future__ import annotations

from datetime import date

from sandbox.wechatpay import bills
from sandbox.wechatpay.numbers import transaction_id
from sandbox.world import Dispute, Payment, Refund


class Store:
    """`payments` is the world's own list of this account."""

    def __init__(self, payments: list[Payment], mchid: str) -> None:
        self.mchid = mchid
        self.payments = {payment.native_id: payment for payment in payments}
        self.by_transaction = {
            transaction_id(p.native_id, p.created_at): p for p in payments if p.captured
        }
        self.refunds: dict[str, tuple[Payment, Refund]] = {
            refund.native_id: (payment, refund)
            for payment in payments
            for refund in payment.refunds
        }
        self.disputes: dict[str, tuple[Payment, Dispute]] = {
            p.dispute.native_id: (p, p.dispute) for p in payments if p.dispute
        }
        self.days = bills.by_day(payments)

    def combined(self, number: str) -> list[Payment]:
        """All payments of an order count as one combined order under the order's number."""
        return [p for p in self.payments.values() if p.order is not None and p.order == number]

    def bill(self, day: date, sub_mchid: str = "0") -> bytes | None:
        lines = self.days.get(day)
        return bills.bill(lines, self.mchid, sub_mchid) if lines else None

    def complaints(self, first: date, last: date) -> list[tuple[Payment, Dispute]]:
        """Newest first, as they are listed; both days count."""
        found = [
            (payment, dispute)
            for payment, dispute in self.disputes.values()
            if first <= bills.beijing(dispute.created_at).date() <= last
        ]
        return sorted(found, key=lambda pair: pair[1].created_at, reverse=True)

    def order(self, payment: Payment) -> None:
        """Keep an order that was just placed."""
        self.payments[payment.native_id] = payment

    def refund(self, payment: Payment, refund: Refund) -> None:
        payment.refunds.append(refund)
        self.refunds[refund.native_id] = (payment, refund)
        self.days[bills.beijing(refund.created_at).date()].append((payment, refund))
