"""How an order's state is written down in Galaxy: letters of the order, and bills beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """The letters of an order."""

    document: str = "C"
    canceled: str = "A"
    closed: str = "A"


MARKS = {
    "DRAFT": Mark(document="Z"),
    "PENDING_PAYMENT": Mark(),
    "PARTIALLY_PAID": Mark(),
    "PAID": Mark(),
    "FULFILLED": Mark(closed="B"),
    "PARTIALLY_REFUNDED": Mark(),
    "REFUNDED": Mark(),
    "CANCELED": Mark(document="A", canceled="B"),
    # A letter that a plug-in of this company sets, and that nobody has mapped.
    "UNKNOWN": Mark(document="E"),
}
