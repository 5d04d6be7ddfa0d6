"""How systems write currencies: as a code of ISO 4217 in either letter case, as a word of their own
that the mapping translates, or as one of the well-known words that ISO 4217 does not list."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connectors.currency import MINOR_UNIT_DIGITS

WELL_KNOWN = MappingProxyType({"RMB": "CNY", "CNH": "CNY", "人民币": "CNY"})
"""Words that mean one currency everywhere. CNH is the yuan outside mainland China."""


def currency_code(word: str, own: Mapping[str, str]) -> str | None:
    """The code that a word stands for, by `own` words (word to code) first; None for no currency.

    Letter case does not count, nor do blanks around the word.
    """
    folded = word.strip().casefold()
    for name, code in own.items():
        if name.strip().casefold() == folded:
            return code
    code = word.strip().upper()
    return code if code in MINOR_UNIT_DIGITS else WELL_KNOWN.get(code)


def words_of(code: str, own: Mapping[str, str]) -> tuple[str, ...]:
    """Every word that stands for a code, in one letter case, the code first."""
    words = (code, *own, *WELL_KNOWN)
    return tuple(dict.fromkeys(word for word in words if currency_code(word, own) == code))
