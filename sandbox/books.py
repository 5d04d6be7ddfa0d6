"""What every simulated CRM makes of an order's money: how much it booked, and in which words.

The figures never read as another state than the one that the CRM records.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from decimal import Decimal
from functools import reduce
from operator import add
from typing import overload

from sandbox.world import Order

CHINA = timezone(timedelta(hours=8))
EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3}
HOLDING = frozenset({"PAID", "FULFILLED", "PARTIALLY_REFUNDED", "REFUNDED"})
"""States in which the CRM has all of an order's money, or had it."""
CHANNELS = {
    "stripe": "Stripe",
    "paypal": "PayPal",
    "alipay": "支付宝",
    "wechatpay": "微信支付",
    "unionpay": "银联",
}


def channel_words(order: Order) -> list[str]:
    """The vendors it was paid through, as people write their names."""
    return [CHANNELS.get(vendor, vendor) for vendor in order.channels]


def digits(currency: str) -> int:
    """Decimals of a currency."""
    return EXPONENTS.get(currency, 2)


@overload
def major(minor: int, currency: str) -> Decimal: ...


@overload
def major(minor: int | None, currency: str) -> Decimal | None: ...


def major(minor: int | None, currency: str) -> Decimal | None:
    """Minor units as an amount in major units, with all decimals of the currency."""
    return None if minor is None else Decimal(minor).scaleb(-digits(currency))


def rolled_up(order: Order) -> Decimal | None:
    """An order's total as a formula or roll-up field computes it of its lines: a sum of doubles,
    printed with all their digits, such as 100.29999999999998."""
    if order.total is None:
        return None
    lines = (float(major(line.total, order.currency)) for line in order.lines)
    # Not `sum`, which corrects itself from Python 3.12 on.
    return Decimal(repr(reduce(add, lines, 0.0)))


def received(order: Order) -> int:
    """Minor units received: all, a half of it, or nothing."""
    if order.total is None:
        return 0
    if order.recorded_state == "PARTIALLY_PAID":
        return max(1, order.total // 2)
    return order.total if order.recorded_state in HOLDING else 0


def returned(order: Order) -> int | None:
    """Minor units given back; None where there was nothing to give back."""
    if order.total is None or order.recorded_state not in HOLDING:
        return None
    if order.recorded_state == "REFUNDED":
        return order.total
    part = min(max(order.recorded_refunded, 1), order.total - 1)
    return part if order.recorded_state == "PARTIALLY_REFUNDED" else 0
