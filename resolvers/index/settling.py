"""What follows for a payment from refunds and disputes that its provider tells apart from it.

Where these cannot be read, the failure stands at the attributes that follow from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.errors import Malformed, SourceError
from connectors.ledger import Entry
from connectors.money import Money
from connectors.records import (
    Dispute,
    DisputeStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)

HOLDING = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST})
TAKEN = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.UNKNOWN})
"""Base states of money that was taken, whose refunds decide; UNKNOWN says that some exist."""
UNCERTAIN: dict[str, Any] = {"status": PaymentStatus.UNKNOWN}


def settled(
    payment: Payment,
    entry: Entry | None,
    refunds: Sequence[Refund] | SourceError,
    disputes: Sequence[Dispute] | SourceError,
) -> Payment | Malformed:
    """The payment with its refunds, sums and state; Malformed when its books tell another amount.

    What could not be read leaves the state UNKNOWN, with the failure beside it: it may have been
    refunded in full.
    """
    if entry is not None and entry.amount is not None and entry.amount != payment.amount:
        return Malformed(payment.source.name, "the amount is not the one that its books tell")
    changes = _fee(payment, entry)
    if payment.created_at is None and entry is not None:
        changes["created_at"] = entry.created_at
    if payment.refunds is None:
        changes |= _refunded(payment, refunds)
    if payment.disputes is None:
        told = _disputed(payment, disputes, changes.get("status", payment.status))
        failed = {**changes.get("failed", {}), **told.get("failed", {})}
        if _decides(disputes):
            failed.pop("status", None)
        changes |= told | {"failed": failed or None}
    return msgspec.structs.replace(payment, **changes)


def total_of(refunds: Sequence[Refund], most: Money) -> Money | None:
    """What went back in all; None when the parts cannot be right: more than was taken, or in
    another currency."""
    done = [r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED]
    if any(a.currency != most.currency or a.minor_units < 0 for a in done):
        return None
    total = sum(amount.minor_units for amount in done)
    return Money(total, most.currency) if total <= most.minor_units else None


def _fee(payment: Payment, entry: Entry | None) -> dict[str, Any]:
    """The fee where only the books tell it; what is left of a payment that nobody else paid."""
    if entry is None or entry.fee is None or payment.fee is not None or payment.captured is None:
        return {}
    if payment.deductions or payment.net is not None:
        return {"fee": entry.fee}
    net = Money(payment.captured.minor_units - entry.fee.minor_units, payment.captured.currency)
    return {"fee": entry.fee, "net": net}


def _refunded(payment: Payment, refunds: Sequence[Refund] | SourceError) -> dict[str, Any]:
    taken = payment.captured
    if taken is None:
        return {"refunds": ()} if not refunds else {}
    if isinstance(refunds, SourceError):
        return _without_refunds(payment, refunds)
    if (total := total_of(refunds, taken)) is None:
        wrong = Malformed(payment.source.name, "the refunds are more than the payment")
        return _without_refunds(payment, wrong)
    if payment.status is PaymentStatus.PARTIALLY_REFUNDED:
        # The provider's own word stands; how much it was is known only from the refunds.
        return {"refunds": tuple(refunds), "refunded": total} if total.minor_units else {}
    if payment.status not in TAKEN:
        return {"refunds": tuple(refunds)}
    status = _state(payment.status, refunds, total, taken)
    if status is PaymentStatus.UNKNOWN:
        # What is known is shown; what is not known may be more.
        return {"status": status} | ({"refunds": tuple(refunds)} if refunds else {})
    return {"refunds": tuple(refunds), "refunded": total, "status": status}


def _without_refunds(payment: Payment, failure: SourceError) -> dict[str, Any]:
    """The state that the provider tells beside the refunds stands; one that follows from them does
    not."""
    if payment.status not in TAKEN:
        return {"failed": {"refunded": failure}} if payment.refunded is None else {}
    return UNCERTAIN | {"failed": {"status": failure, "refunded": failure}}


def _state(
    base: PaymentStatus, refunds: Sequence[Refund], total: Money, taken: Money
) -> PaymentStatus:
    """A refund whose outcome nobody knows may have taken the money; and where the provider says
    that some refund exists, one must be known that can be meant."""
    states = {refund.status for refund in refunds}
    if RefundStatus.UNKNOWN in states:
        return PaymentStatus.UNKNOWN
    if total.minor_units:
        whole = total.minor_units == taken.minor_units
        return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED
    explained = base is PaymentStatus.SUCCEEDED or bool(states)
    return PaymentStatus.SUCCEEDED if explained else PaymentStatus.UNKNOWN


def _disputed(
    payment: Payment, disputes: Sequence[Dispute] | SourceError, status: PaymentStatus
) -> dict[str, Any]:
    if isinstance(disputes, SourceError):
        return UNCERTAIN | {"failed": {"status": disputes}} if payment.captured is not None else {}
    states = {dispute.status for dispute in disputes}
    if states & HOLDING:
        status = PaymentStatus.DISPUTED
    elif DisputeStatus.UNKNOWN in states:
        status = PaymentStatus.UNKNOWN
    return {"disputes": tuple(disputes), "status": status}


def _decides(disputes: Sequence[Dispute] | SourceError) -> bool:
    """Whether the state follows from these alone, whatever the refunds are."""
    if isinstance(disputes, SourceError):
        return False
    return any(d.status in HOLDING or d.status is DisputeStatus.UNKNOWN for d in disputes)
