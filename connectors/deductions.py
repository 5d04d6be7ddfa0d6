"""Deductions of a payment as far as they can be true.

They are told beside the payment: where they contradict it, the payment stands and they do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.money import Money
from connectors.records import Deduction


def within(found: Sequence[Deduction], room: int) -> tuple[Deduction, ...]:
    """Those that together take off at most `room` minor units. A single one that is larger, such as
    a coupon worth more than the order, took off all there is; of several nothing is known then.
    """
    amounts = [one.amount.minor_units for one in found]
    if any(amount < 0 for amount in amounts):
        return ()
    if sum(amounts) <= room:
        return tuple(found)
    if len(found) > 1 or room <= 0:
        return ()
    (only,) = found
    return (msgspec.structs.replace(only, amount=Money(room, only.amount.currency)),)
