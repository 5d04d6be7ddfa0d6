"""What binary arithmetic adds behind the digits of a decimal: `100.29999999999998` for 100.30.

Formula and roll-up fields of CRMs are computed in IEEE 754 doubles and printed with up to 17
significant digits. Everything here is decimal arithmetic: it removes that noise and adds none.
"""

from __future__ import annotations

from decimal import Context, Decimal

CLOSE = Decimal("1e-6")
"""Of a minor unit: no system keeps amounts that finely."""
_ULPS = Decimal(2) ** -50
"""A few steps of a double, in relation to the number."""
_SMALLEST = Decimal("1e-9")
_SHORT = Context(prec=15)
_MEANT = 12


def settled(minor: Decimal) -> Decimal:
    """The whole number of minor units that an amount is closer to than `CLOSE`, else the amount."""
    whole = minor.to_integral_value()
    return whole if abs(minor - whole) < CLOSE else minor


def without_noise(number: Decimal) -> Decimal:
    """A quantity or price in the few digits that were meant, where it is a few steps of a double
    away from them; any other number as it is."""
    short = number.normalize(_SHORT)
    noise = abs(number - short)
    few = len(short.as_tuple().digits) <= _MEANT
    return short if few and 0 < noise <= min(abs(number) * _ULPS, _SMALLEST) else number
