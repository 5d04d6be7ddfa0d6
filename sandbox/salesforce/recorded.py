"""How an order's state is written down in a CRM: the table both ways."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """The words of an order."""

    status: str
    code: str
    stage: str
    payment: str | None = None


MARKS = {
    "DRAFT": Mark("Draft", "Draft", "Prospecting"),
    "PENDING_PAYMENT": Mark("Activated", "Activated", "Negotiation/Review"),
    "PARTIALLY_PAID": Mark("Activated", "Activated", "Closed Won", "partial"),
    "PAID": Mark("Activated", "Activated", "Closed Won", "paid"),
    "FULFILLED": Mark("Fulfilled", "Activated", "Closed Won", "paid"),
    "PARTIALLY_REFUNDED": Mark("Activated", "Activated", "Closed Won", "paid"),
    "REFUNDED": Mark("Activated", "Activated", "Closed Won", "paid"),
    "CANCELED": Mark("Canceled", "Canceled", "Closed Lost"),
    "UNKNOWN": Mark("Parked", "Activated", "Closed Won", "awaiting_oracle"),
}
PAYMENT_STATES = {None: "PENDING_PAYMENT", "partial": "PARTIALLY_PAID", "paid": "PAID"}


def read_back(row: Row) -> str:
    """The state that an Order record says, by the same table."""
    if row["StatusCode"] in ("Draft", "Canceled"):
        return str(row["StatusCode"]).upper()
    state = PAYMENT_STATES.get(row["Payment_Status__c"], "UNKNOWN")
    if state != "PAID":
        return state
    back, total = row["Refunded_Amount__c"] or Decimal(0), row["TotalAmount"]
    if back > 0 and total is not None:
        # A total is summed up of lines, and may be a little above what it should be.
        return "REFUNDED" if back >= round(total, 3) else "PARTIALLY_REFUNDED"
    return "FULFILLED" if row["Status"] == "Fulfilled" else "PAID"
