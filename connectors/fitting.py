"""The error for a payload that has the right shape and holds a value that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from connectors.currency import UnknownCurrency
from connectors.errors import Malformed, SourceError
from connectors.money import InexactAmount

R = TypeVar("R")


class Unfit(ValueError):
    """Values that contradict each other; the text is ours and holds none of them."""


def aside(make: Callable[[], R]) -> R | None:
    """A lesser part of a record, such as its fee, without which the record stands; None where what
    the source holds cannot be one.
    """
    try:
        return make()
    except (ValueError, OverflowError):
        return None


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
