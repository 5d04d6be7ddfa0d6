"""Alipay's amounts, times and masks as ours. A misfit is told by its field, never its value."""

from __future__ import annotations

import re
from datetime import datetime

from connectors.alipay.words import CURRENCIES
from connectors.beijing import utc_of
from connectors.money import InexactAmount, Money

YUAN = "CNY"
# Decimal would also read ten digits of every script, exponents and infinities.
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
_IN_YUAN = re.compile(r"-?[0-9]{1,15}\.[0-9]{2}")


class Misfit(ValueError):
    """A value that cannot be what its field says; the message names the field only."""


def currency_of(told: str | None) -> str:
    """`trans_currency`, CNY where it is not told."""
    if told and told not in CURRENCIES:
        raise Misfit("trans_currency: not one that Alipay prices in")
    return told or YUAN


def whole(field: str, text: str, currency: str = YUAN) -> Money:
    """An order's or refund's amount, which is never less than nothing."""
    amount = signed(field, text, currency)
    if amount.minor_units < 0:
        raise Misfit(f"{field}: less than nothing")
    return amount


def signed(field: str, text: str, currency: str = YUAN) -> Money:
    """An amount of a book, whose sign tells its direction. One in yuan always shows its two
    decimals: without them it is in another unit.
    """
    if currency == YUAN and not _IN_YUAN.fullmatch(text):
        raise Misfit(f"{field}: not an amount in yuan with two decimals")
    return part(field, text, currency)


def part(field: str, text: str | None, currency: str = YUAN) -> Money:
    """One of the lesser amounts, zero where it is not told."""
    text = text or "0"
    try:
        if not _DECIMAL.fullmatch(text):
            raise InexactAmount
        return Money.of(text, currency)
    except InexactAmount:
        raise Misfit(f"{field}: not an amount of {currency}") from None


def moment(field: str, text: str) -> datetime:
    """A time in Beijing as aware UTC."""
    try:
        return utc_of(text)
    except (ValueError, OverflowError):
        raise Misfit(f"{field}: not a time") from None


def masked_account(text: str | None) -> str | None:
    """`159****5620` as it comes; what comes in clear, or as an e-mail, is cut to five letters."""
    if not text or ("*" in text and "@" not in text):
        return text or None
    shown = text.replace("*", "")
    return f"{shown[:3]}****{shown[-2:]}" if len(shown) > 8 else "****"


def masked_name(text: str | None) -> str | None:
    """`*三` as it comes; what comes in clear is cut to its first letter."""
    if not text or "*" in text:
        return text or None
    return text[0] + "**"
