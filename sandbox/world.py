"""The world that every simulated vendor shows its own part of, and its labelled truth.

Amounts are integers of the currency's minor unit (JPY 0, KWD 3 decimals); times are aware UTC.
Native ids are written as the vendor itself gives them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CAPTURED = frozenset({"SUCCEEDED"})


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a vendor. `name` is what the gateway calls the source (`stripe_eu`).

    `lacks` is what cannot happen there: a payment's status (`AUTHORIZED`), `refund PENDING`,
    `dispute lost`, `instalments`, `second try`, `release`, `search`, `customers`. `methods` are its
    own ways to pay and `deducts` the kinds of deduction it has (`coupon`, `points`, `promotion`).
    """

    name: str
    vendor: str
    role: str  # "crm" or "payments"
    currencies: tuple[str, ...] = ()
    lacks: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ()
    deducts: tuple[str, ...] = ()


@dataclass(slots=True)
class Customer:
    """A person or company. `sources` maps an account's name to the native id it has there."""

    key: str
    name: str
    kind: str  # "COMPANY" or "PERSON"
    created_at: datetime
    email: str | None = None
    phone: str | None = None
    tier: str | None = None
    industry: str | None = None
    sources: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """One line of an order; `quantity` is a decimal string, amounts are minor units."""

    native_id: str
    sku: str | None
    name: str | None
    quantity: str
    unit_price: int
    total: int


@dataclass(slots=True)
class Refund:
    """Money on its way back. `status`: PENDING, SUCCEEDED, FAILED, CANCELED or UNKNOWN.

    `release` marks a CANCELED one with which the provider tells that a part of an authorization
    was let go: no money moves with it.
    """

    native_id: str
    amount: int
    status: str
    created_at: datetime
    reason: str | None = None
    release: bool = False


@dataclass(slots=True)
class Dispute:
    """A chargeback in the provider's own word (`needs_response`, `won`, ...); `open` is ours."""

    native_id: str
    amount: int
    status: str
    reason: str
    created_at: datetime
    due_by: datetime | None
    holds: bool  # open or lost: the payment counts as DISPUTED


@dataclass(frozen=True, slots=True)
class Deduction:
    """A part of a payment that somebody else paid; `funded_by`: "provider" or "merchant"."""

    kind: str
    amount: int
    funded_by: str


@dataclass(slots=True)
class Payment:
    """One payment before refunds and disputes are laid over it.

    `status`: PENDING, REQUIRES_ACTION, AUTHORIZED, SUCCEEDED, FAILED, CANCELED or UNKNOWN.
    `amount` is what was authorized, `captured` what was taken of it. `reference` is the merchant's
    order number as the provider holds it, if it does.
    """

    native_id: str
    source: str
    amount: int
    currency: str
    status: str
    created_at: datetime
    captured: int = 0
    fee: int | None = None
    order: str | None = None
    reference: str | None = None
    customer: str | None = None  # key of a Customer who has a native id in `source`
    method: str = "card"
    instalments: int | None = None
    failure: str | None = None
    deductions: list[Deduction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    dispute: Dispute | None = None

    @property
    def refunded(self) -> int:
        """Minor units that did go back: pending, failed and canceled refunds do not count."""
        return sum(refund.amount for refund in self.refunds if refund.status == "SUCCEEDED")

    @property
    def state(self) -> str:
        """The status with refunds and disputes laid over it, in the graph's vocabulary."""
        if self.dispute is not None and self.dispute.holds:
            return "DISPUTED"
        if self.status not in CAPTURED or not self.refunded:
            return self.status
        return "REFUNDED" if self.refunded >= self.captured else "PARTIALLY_REFUNDED"


@dataclass(slots=True)
class Order:
    """What the CRM holds. `recorded_state` is what the CRM says happened, right or wrong."""

    number: str
    source: str
    native_id: str
    customer: str | None
    currency: str
    total: int | None
    placed_at: datetime
    recorded_state: str
    lines: list[Line] = field(default_factory=list)
    payment_field: tuple[str, str] | None = None  # (account, native payment id) kept in the CRM
    refund_field: tuple[str, str] | None = None  # (account, native refund id) kept in the CRM
    channels: tuple[str, ...] = ()  # vendors that the CRM says it was paid through
    recorded_refunded: int = 0


@dataclass(slots=True)
class World:
    """Everything that exists, and the answers a correct gateway must give."""

    seed: int
    accounts: tuple[Account, ...]
    customers: list[Customer]
    orders: list[Order]
    payments: list[Payment]

    def payments_of(self, account: str) -> list[Payment]:
        return [payment for payment in self.payments if payment.source == account]

    def truth(self) -> dict[str, Any]:
        """The labelled truth: see `GET /_sandbox/truth`."""
        by_order: dict[str, list[Payment]] = {}
        for payment in self.payments:
            if payment.order is not None:
                by_order.setdefault(payment.order, []).append(payment)
        return {
            "seed": self.seed,
            "customers": [
                {"key": c.key, "name": c.name, "sources": dict(c.sources)} for c in self.customers
            ],
            "orders": [order_truth(o, by_order.get(o.number, [])) for o in self.orders],
            "orphans": {
                "payments": [
                    {"source": p.source, "nativeId": p.native_id}
                    for p in self.payments
                    if p.order is None
                ],
                "refunds": [],
            },
        }


def order_truth(order: Order, payments: list[Payment]) -> dict[str, Any]:
    """One order with the state that follows from its payments and refunds."""
    same = [p for p in payments if p.currency == order.currency]
    state = payment_state(order, payments)
    return {
        "number": order.number,
        "source": order.source,
        "nativeId": order.native_id,
        "customer": order.customer,
        "currency": order.currency,
        "total": order.total,
        "paid": sum(p.captured for p in same),
        "refunded": sum(p.refunded for p in same),
        "paymentState": state,
        "recordedState": order.recorded_state,
        "inSync": in_sync(order, state),
        "payments": [payment_truth(p) for p in payments],
    }


def payment_truth(payment: Payment) -> dict[str, Any]:
    return {
        "source": payment.source,
        "nativeId": payment.native_id,
        "amount": payment.amount,
        "currency": payment.currency,
        "status": payment.state,
        "method": payment.method,
        "deductions": [
            {"kind": d.kind, "amount": d.amount, "fundedBy": d.funded_by}
            for d in payment.deductions
        ],
        "refunds": [
            {"nativeId": r.native_id, "amount": r.amount, "status": r.status}
            for r in payment.refunds
        ],
    }


def payment_state(order: Order, payments: Iterable[Payment]) -> str:
    """UNPAID to DISPUTED as the issue of truth: captured money against the order's total."""
    payments = list(payments)
    if any(p.state == "DISPUTED" for p in payments):
        return "DISPUTED"
    foreign = any(p.captured and p.currency != order.currency for p in payments)
    if order.total is None or foreign or any(p.state == "UNKNOWN" for p in payments):
        return "UNKNOWN"
    paid = sum(p.captured for p in payments)
    refunded = sum(p.refunded for p in payments)
    if not paid:
        return "UNPAID" if order.total else "PAID"
    if refunded:
        return "REFUNDED" if refunded >= paid else "PARTIALLY_REFUNDED"
    if paid == order.total:
        return "PAID"
    return "PARTIALLY_PAID" if paid < order.total else "OVERPAID"


AGREES: dict[str, frozenset[str]] = {
    "DRAFT": frozenset({"UNPAID"}),
    "PENDING_PAYMENT": frozenset({"UNPAID"}),
    "PARTIALLY_PAID": frozenset({"PARTIALLY_PAID"}),
    "PAID": frozenset({"PAID"}),
    "FULFILLED": frozenset({"PAID"}),
    "PARTIALLY_REFUNDED": frozenset({"PARTIALLY_REFUNDED"}),
    "REFUNDED": frozenset({"REFUNDED"}),
    "CANCELED": frozenset({"UNPAID", "REFUNDED"}),
}


def in_sync(order: Order, live: str) -> bool | None:
    """Whether the CRM's word agrees with the money; null when either side is unknown.

    A draft or canceled order of nothing is PAID, as nothing is due, and contradicts no word.
    """
    recorded = order.recorded_state
    if recorded not in AGREES or live == "UNKNOWN":
        return None
    if order.total == 0 and live == "PAID" and recorded in ("DRAFT", "CANCELED"):
        return True
    return live in AGREES[recorded]
