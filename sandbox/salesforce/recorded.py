"""How an order's state is written down in a CRM: the table both ways."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """`paid` is what share of the total was received: none, half or all of it."""

    status: str
    code: str
    stage: str
    payment: str | None = None
    paid: str | None = None


MARKS = {
    "DRAFT": Mark("Draft", "Draft", "Prospecting"),
    "PENDING_PAYMENT": Mark("Activated", "Activated", "Negotiation/Review"),
    "PARTIALLY_PAID": Mark("Activated", "Activated", "Closed Won", "partial", "half"),
    "PAID": Mark("Activated", "Activated", "Closed Won", "paid", "all"),
    "FULFILLED": Mark("Fulfilled", "Activated", "Closed Won", "paid", "all"),
    "PARTIALLY_REFUNDED": Mark("Activated", "Activated", "Closed Won", "paid", "all"),
    "REFUNDED": Mark("Activated", "Activated", "Closed Won", "paid", "all"),
    "CANCELED": Mark("Canceled", "Canceled", "Closed Lost"),
    "UNKNOWN": Mark("Parked", "Activated", "Closed Won", "awaiting_oracle"),
}
PAYMENT_STATES = {None: "PENDING_PAYMENT", "partial": "PARTIALLY_PAID", "paid": "PAID"}


def paid_amount(state: str, total: int | None) -> int | None:
    """Minor units received, as the CRM has it."""
    share = MARKS[state].paid
    if total is None or share is None:
        return None
    return total if share == "all" else max(1, total // 2)


def refunded_amount(state: str, total: int | None, refunded: int) -> int | None:
    """Minor units given back, as the CRM has it: never a figure that reads as another state."""
    if total is None or state not in ("PAID", "FULFILLED", "PARTIALLY_REFUNDED", "REFUNDED"):
        return None
    if state == "REFUNDED":
        return total
    return min(max(refunded, 1), total - 1) if state == "PARTIALLY_REFUNDED" else 0


def read_back(row: Row) -> str:
    """The state that an Order record says, by the same table."""
    if row["StatusCode"] in ("Draft", "Canceled"):
        return str(row["StatusCode"]).upper()
    state = PAYMENT_STATES.get(row["Payment_Status__c"], "UNKNOWN")
    if state != "PAID":
        return state
    back, total = row["Refunded_Amount__c"] or Decimal(0), row["TotalAmount"]
    if back > 0 and total is not None:
        return "REFUNDED" if back >= total else "PARTIALLY_REFUNDED"
    return "FULFILLED" if row["Status"] == "Fulfilled" else "PAID"
