"""What an order's live payments and refunds say about it, next to what the CRM recorded.

Money is counted in the order's own currency: `paid` is what was captured, `refunded` what went
back for certain (pending and failed refunds do not count). What a payment leaves open raises the
reason as a SourceError of the payment's source: the failure of the call that would have told it,
NotReady for a refund that the statements do not tell of yet, else Undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from connectors.errors import NotReady, SourceError, Undecided
from connectors.money import Money
from connectors.records import Order, OrderState, Payment, PaymentStatus


class OrderPaymentState(Enum):
    UNPAID = "UNPAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    OVERPAID = "OVERPAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    UNKNOWN = "UNKNOWN"


AGREEMENT: dict[OrderState, frozenset[OrderPaymentState]] = {
    OrderState.DRAFT: frozenset({OrderPaymentState.UNPAID}),
    OrderState.PENDING_PAYMENT: frozenset({OrderPaymentState.UNPAID}),
    OrderState.PARTIALLY_PAID: frozenset({OrderPaymentState.PARTIALLY_PAID}),
    OrderState.PAID: frozenset({OrderPaymentState.PAID}),
    OrderState.FULFILLED: frozenset({OrderPaymentState.PAID}),
    OrderState.PARTIALLY_REFUNDED: frozenset({OrderPaymentState.PARTIALLY_REFUNDED}),
    OrderState.REFUNDED: frozenset({OrderPaymentState.REFUNDED}),
    OrderState.CANCELED: frozenset({OrderPaymentState.UNPAID, OrderPaymentState.REFUNDED}),
}
"""The live states that a CRM's word is true for; UNKNOWN agrees and disagrees with nothing."""

WITHOUT_MONEY = frozenset({OrderState.DRAFT, OrderState.CANCELED})
"""Words that an order of nothing, PAID from its beginning, does not contradict."""

MAY_BE_REFUNDED = frozenset(
    {
        PaymentStatus.UNKNOWN,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
    }
)


def captured(payments: Sequence[Payment], currency: str) -> Money:
    """Sum of what was captured in `currency`. Raises SourceError while a payment's own amount is
    not known."""
    for payment in payments:
        if payment.captured is None and payment.status is PaymentStatus.UNKNOWN:
            raise _open(payment, "captured")
    return _sum([p.captured for p in payments], currency)


def refunded(payments: Sequence[Payment], currency: str) -> Money:
    """Sum of what went back in `currency`. Raises SourceError while a payment leaves it open."""
    for payment in payments:
        if _unsummed(payment):
            raise _open(payment, "refunded")
    return _sum([p.refunded for p in payments], currency)


def _open(payment: Payment, name: str) -> SourceError:
    """Why an amount of the payment is not known."""
    failure = payment.misfit(name) or payment.misfit("status")
    if failure is None and has_unknown_refunds(payment) and not payment.refunds:
        return NotReady(payment.source.name, "its books have not told of a refund that exists")
    return failure or Undecided(payment.source.name, f"its payment leaves open what was {name}")


def has_unknown_refunds(payment: Payment) -> bool:
    """The provider says that something went back, in a state that follows from no refund."""
    return (
        payment.status in (PaymentStatus.UNKNOWN, PaymentStatus.PARTIALLY_REFUNDED)
        and payment.captured is not None
        and payment.refunded is None
    )


def _unsummed(payment: Payment) -> bool:
    """Something may have gone back, and nobody knows how much."""
    return (
        payment.refunded is None
        and payment.status in MAY_BE_REFUNDED
        and (payment.captured is not None or payment.status is PaymentStatus.UNKNOWN)
    )


def balance_due(total: Money, paid: Money) -> Money:
    """What the customer still owes, never below zero: money refunded is not owed again."""
    return Money(max(0, total.minor_units - paid.minor_units), total.currency)


def payment_state(order: Order, payments: Sequence[Payment]) -> OrderPaymentState:
    """The first rule that holds decides; a doubt anywhere is UNKNOWN, never PAID. Raises the
    failure where a payment's state could not be read.

    An order of nothing is PAID without payments, because nothing is due. An order of less than
    nothing is UNKNOWN: it gives money back, and no payment says whether that happened.
    """
    if any(p.status is PaymentStatus.DISPUTED for p in payments):
        return OrderPaymentState.DISPUTED
    for payment in payments:
        if failure := payment.misfit("status") or payment.misfit("refunded"):
            raise failure
    if order.total is None or _doubtful(order.total.currency, payments):
        return OrderPaymentState.UNKNOWN
    try:
        paid = captured(payments, order.total.currency).minor_units
        back = refunded(payments, order.total.currency).minor_units
    except (NotReady, Undecided):
        return OrderPaymentState.UNKNOWN
    if order.total.minor_units < 0:
        return OrderPaymentState.UNKNOWN
    if paid == 0:
        return OrderPaymentState.UNPAID if order.total.minor_units else OrderPaymentState.PAID
    if back:
        return OrderPaymentState.REFUNDED if back >= paid else OrderPaymentState.PARTIALLY_REFUNDED
    if paid == order.total.minor_units:
        return OrderPaymentState.PAID
    short = paid < order.total.minor_units
    return OrderPaymentState.PARTIALLY_PAID if short else OrderPaymentState.OVERPAID


def in_sync(order: Order, live: OrderPaymentState) -> bool | None:
    """Whether the CRM's word is true; None when either side is unknown."""
    recorded = order.recorded_state
    if recorded not in AGREEMENT or live is OrderPaymentState.UNKNOWN:
        return None
    return live in AGREEMENT[recorded] or (recorded in WITHOUT_MONEY and _is_free(order, live))


def _is_free(order: Order, live: OrderPaymentState) -> bool:
    """Nothing was due and nothing was paid."""
    nothing_due = order.total is not None and order.total.minor_units == 0
    return nothing_due and live is OrderPaymentState.PAID


def _doubtful(currency: str, payments: Sequence[Payment]) -> bool:
    """A payment of unknown status, or money taken in another currency than the order's."""
    return any(
        p.status is PaymentStatus.UNKNOWN
        or (p.captured is not None and p.captured.minor_units and p.captured.currency != currency)
        for p in payments
    )


def _sum(amounts: Sequence[Money | None], currency: str) -> Money:
    minor = sum(m.minor_units for m in amounts if m is not None and m.currency == currency)
    return Money(minor, currency)
