"""Amounts and times as PayPal writes them, and the error for what does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from connectors.currency import UnknownCurrency, minor_unit_digits
from connectors.errors import Malformed, SourceError
from connectors.money import InexactAmount, Money
from connectors.paypal.payloads import Amount

R = TypeVar("R")
_VALUE = re.compile(r"-?[0-9]+(?:\.([0-9]+))?")
NO_DECIMALS = frozenset({"HUF", "TWD"})
"""Without decimals at PayPal, against ISO 4217
(https://developer.paypal.com/api/rest/reference/currency-codes/)."""


class Unfit(ValueError):
    """Values that contradict each other; the text is ours and holds none of them."""


MISFITS: dict[type[Exception], str] = {
    UnknownCurrency: "the currency is not one of ISO 4217",
    InexactAmount: "the amount does not fit its currency",
    OverflowError: "the time is out of range",
}


def mapped(source: str, make: Callable[[], R]) -> R | SourceError:
    """A record, or its Malformed where a value cannot be one; the value is not told."""
    try:
        return make()
    except Unfit as error:
        return Malformed(source, str(error))
    except tuple(MISFITS) as error:
        return Malformed(source, MISFITS[type(error)])


def money(amount: Amount) -> Money:
    """A decimal string in minor units. Raises UnknownCurrency, or InexactAmount for more decimals
    than PayPal has for the currency: `15.00` yen may be 15 or 1500, so it is neither.
    """
    code = amount.currency_code
    digits = 0 if code in NO_DECIMALS else minor_unit_digits(code)
    found = _VALUE.fullmatch(amount.value)
    if found is None or len(found[1] or "") > digits:
        raise InexactAmount(f"not an amount of {code} as PayPal writes it")
    return Money.of(amount.value, code)


def positive(amount: Amount) -> Money:
    """`money` of what has no sign of its own."""
    made = money(amount)
    if made.minor_units < 0:
        raise Unfit("an amount is negative that cannot be")
    return made


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
