"""One account: what the world says of it, and the refunds made since."""

from __future__ import annotations

import itertools
from typing import Any

from sandbox.behaviour import MARK, has_odd_row
from sandbox.paypal import disputes, objects
from sandbox.paypal.errors import missing
from sandbox.paypal.objects import Object
from sandbox.paypal.queries import Query
from sandbox.paypal.reports import History, row_of_refund, rows_of
from sandbox.world import Payment, Refund


class Store:
    def __init__(self, payments: list[Payment]) -> None:
        self.payments = {payment.native_id: payment for payment in payments}
        self.orders = {objects.order_id(payment): payment for payment in payments}
        self.disputes = {p.dispute.native_id: p for p in payments if p.dispute is not None}
        self.refunds = {p.native_id: list(p.refunds) for p in payments}
        self.refunded = {r.native_id: p for p in payments for r in p.refunds}
        self.kept: dict[str, tuple[str, Object]] = {}
        self.numbers = itertools.count(1)
        rows = [row for payment in payments for row in rows_of(payment)]
        backs = [row_of_refund(p, refund) for p in payments for refund in p.refunds]
        self.history = History(rows + backs)

    def order(self, order_id: str) -> Object:
        payment = found(self.orders, order_id)
        return objects.order(payment, self.refunds[payment.native_id])

    def capture(self, capture_id: str) -> Object:
        payment = self.captured(capture_id)
        made = objects.capture(payment, self.refunds[capture_id])
        return objects.alone(made, payment)

    def captured(self, capture_id: str) -> Payment:
        payment = found(self.payments, capture_id)
        if objects.is_authorization(payment):
            raise missing()
        return payment

    def authorization(self, authorization_id: str) -> Object:
        payment = found(self.payments, authorization_id)
        if not objects.is_authorization(payment):
            raise missing()
        return objects.alone(objects.authorization(payment), payment)

    def refund(self, refund_id: str) -> Object:
        payment = found(self.refunded, refund_id)
        rows = objects.refunds_of(payment, self.refunds[payment.native_id])
        return next(row for row in rows if row["id"] == refund_id)

    def dispute(self, dispute_id: str) -> Object:
        if dispute_id == MARK and has_odd_row():
            return disputes.odd(next(iter(self.disputes.values())))
        return disputes.whole(found(self.disputes, dispute_id))

    def dispute_list(self, query: Query) -> dict[str, Any]:
        return disputes.listed(list(self.disputes.values()), query)

    def add(self, payment: Payment, refund: Refund) -> None:
        self.refunds[payment.native_id].append(refund)
        self.refunded[refund.native_id] = payment
        self.history.add(row_of_refund(payment, refund))


def found(table: dict[str, Payment], key: str) -> Payment:
    if key not in table:
        raise missing()
    return table[key]
