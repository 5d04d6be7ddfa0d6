"""What each account holds of the world: its trades by both numbers, refunds, and movements."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sandbox.world import Payment, Refund, World


@dataclass(frozen=True)
class Trade:
    """A payment under the number that the merchant gave it."""

    payment: Payment
    out_trade_no: str

    @property
    def merchant_paid(self) -> int:
        """Minor units of discounts that the merchant bore."""
        return sum(d.amount for d in self.payment.deductions if d.funded_by == "merchant")

    @property
    def received(self) -> int:
        return self.payment.amount - self.merchant_paid


@dataclass(frozen=True)
class Movement:
    """A row of the account log; `amount` is signed."""

    at: datetime
    type: str
    amount: int
    trade: Trade
    refund: Refund | None = None


@dataclass
class Shop:
    """One account's part of the world."""

    trades: dict[str, Trade] = field(default_factory=dict)
    by_number: dict[str, Trade] = field(default_factory=dict)
    refunds: dict[str, tuple[Trade, Refund]] = field(default_factory=dict)
    complaints: list[Trade] = field(default_factory=list)

    @cached_property
    def movements(self) -> list[Movement]:
        """Oldest first."""
        found = [m for trade in self.trades.values() for m in movements_of(trade)]
        return sorted(found, key=lambda m: m.at)

    def between(self, start: datetime, end: datetime) -> list[Movement]:
        """From `start` on, before `end`."""
        low = bisect_left(self.movements, start, key=lambda m: m.at)
        return self.movements[low : bisect_left(self.movements, end, key=lambda m: m.at)]


def movements_of(trade: Trade) -> list[Movement]:
    """The payment, its fee, and what was given back."""
    payment = trade.payment
    if not payment.captured:
        return []
    found = [Movement(payment.created_at, "交易", trade.received, trade)]
    if payment.fee:
        found.append(Movement(payment.created_at, "收费", -payment.fee, trade))
    return found + [
        Movement(refund.created_at, "退款", -refund.amount, trade, refund)
        for refund in payment.refunds
    ]


def fill(world: World, account: str) -> Shop:
    """The first payment of a reference has it as its number, later ones `-2`, `-3`."""
    shop = Shop()
    seen: Counter[str] = Counter()
    for payment in sorted(world.payments_of(account), key=lambda p: p.created_at):
        trade = Trade(payment, number_for(payment, seen))
        shop.trades[payment.native_id] = shop.by_number[trade.out_trade_no] = trade
        for refund in payment.refunds:
            shop.refunds[refund.native_id] = (trade, refund)
        if payment.dispute:
            shop.complaints.append(trade)
    return shop


def number_for(payment: Payment, seen: Counter[str]) -> str:
    if payment.reference is None:
        return f"POS{payment.native_id[-15:]}"
    seen[payment.reference] += 1
    count = seen[payment.reference]
    return payment.reference if count == 1 else f"{payment.reference}-{count}"
