"""How an order's state is written down in Galaxy: letters of the order, and bills beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """`paid` is what share of the total was received: none, half or all of it."""

    document: str = "C"
    canceled: str = "A"
    closed: str = "A"
    paid: str = ""


MARKS = {
    "DRAFT": Mark(document="Z"),
    "PENDING_PAYMENT": Mark(),
    "PARTIALLY_PAID": Mark(paid="half"),
    "PAID": Mark(paid="all"),
    "FULFILLED": Mark(closed="B", paid="all"),
    "PARTIALLY_REFUNDED": Mark(paid="all"),
    "REFUNDED": Mark(paid="all"),
    "CANCELED": Mark(document="A", canceled="B"),
    # A letter that a plug-in of this company sets, and that nobody has mapped.
    "UNKNOWN": Mark(document="E"),
}


def received(state: str, total: int | None) -> int:
    """Minor units that audited receipts add up to."""
    share = MARKS[state].paid
    if total is None or not share:
        return 0
    return total if share == "all" else max(1, total // 2)


def returned(state: str, total: int | None, refunded: int) -> int:
    """Minor units that audited refunds add up to: never a sum that reads as another state."""
    if total is None:
        return 0
    if state == "REFUNDED":
        return total
    return min(max(refunded, 1), total - 1) if state == "PARTIALLY_REFUNDED" else 0
