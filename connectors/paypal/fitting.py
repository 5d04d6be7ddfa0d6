"""Amounts and times as PayPal writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import overload

from connectors.currency import minor_unit_digits
from connectors.fitting import Unfit
from connectors.money import InexactAmount, Money
from connectors.paypal.payloads import Amount

_VALUE = re.compile(r"-?[0-9]+(?:\.([0-9]+))?")
NO_DECIMALS = frozenset({"HUF", "TWD"})
"""Without decimals at PayPal, against ISO 4217
(https://developer.paypal.com/api/rest/reference/currency-codes/)."""


def money(amount: Amount) -> Money:
    """A decimal string in minor units; zeros after the currency's decimals do not count, so that
    `1000.00` HUF is 1000. Raises UnknownCurrency, or InexactAmount for a fraction of a minor unit.
    """
    code = amount.currency_code
    digits = 0 if code in NO_DECIMALS else minor_unit_digits(code)
    found = _VALUE.fullmatch(amount.value)
    if found is None or len((found[1] or "").rstrip("0")) > digits:
        raise InexactAmount(f"not an amount of {code} as PayPal writes it")
    return Money.of(amount.value, code)


def positive(amount: Amount) -> Money:
    """`money` of what has no sign of its own."""
    made = money(amount)
    if made.minor_units < 0:
        raise Unfit("an amount is negative that cannot be")
    return made


@overload
def utc(moment: datetime) -> datetime: ...


@overload
def utc(moment: datetime | None) -> datetime | None: ...


def utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
