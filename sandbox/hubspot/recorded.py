"""How an order's state is written down in this portal: a stage, and fields of its own."""

from __future__ import annotations

from dataclasses import dataclass

FULFILLED_STAGE = "139663177"
PARKED_STAGE = "139663178"
"""Stages that a portal makes itself have numbers for names; the second is mapped to nothing."""
WON = frozenset({"closedwon", FULFILLED_STAGE})
LOST = frozenset({"closedlost"})


@dataclass(frozen=True, slots=True)
class Mark:
    stage: str
    payment: str | None = None


MARKS = {
    "DRAFT": Mark("appointmentscheduled"),
    "PENDING_PAYMENT": Mark("contractsent"),
    "PARTIALLY_PAID": Mark("closedwon", "partial"),
    "PAID": Mark("closedwon", "paid"),
    "FULFILLED": Mark(FULFILLED_STAGE, "paid"),
    "PARTIALLY_REFUNDED": Mark("closedwon", "paid"),
    "REFUNDED": Mark("closedwon", "paid"),
    "CANCELED": Mark("closedlost"),
    "UNKNOWN": Mark(PARKED_STAGE),
}
