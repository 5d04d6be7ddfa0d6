"""Card numbers that stand where none should: found by length, prefix and check digit, and replaced.

13 to 19 digits, maybe with single blanks or hyphens between them, that begin as a scheme's numbers
do (ISO/IEC 7812 ranges that the schemes publish), are as long as its numbers are, and have a right
check digit (Luhn). Of random digits of such a length about one in a hundred is one by chance, so it
is for texts only, never for ids that something is found by.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SHORTEST, LONGEST = 13, 19
# Not a part of a longer word: that is an id or a digest.
_RUN = re.compile(r"(?<![0-9A-Za-z])\d(?:[ \u00a0-]?\d){12,}(?![0-9A-Za-z])")
_GROUP = re.compile(r"\d+")


class Scheme(NamedTuple):
    """Numbers of `lengths` digits whose first digits are between `first` and `last`."""

    name: str
    first: str
    last: str
    lengths: frozenset[int]


def _scheme(name: str, first: str, last: str, *lengths: int) -> Scheme:
    return Scheme(name, first, last, frozenset(lengths))


LONG = (16, 17, 18, 19)
SCHEMES = (
    _scheme("Visa", "4", "4", 13, 16, 19),
    _scheme("Mastercard", "51", "55", 16),
    _scheme("Mastercard", "2221", "2720", 16),
    _scheme("American Express", "34", "34", 15),
    _scheme("American Express", "37", "37", 15),
    _scheme("UnionPay", "62", "62", *LONG),
    _scheme("UnionPay", "81", "81", *LONG),
    _scheme("Discover", "6011", "6011", *LONG),
    _scheme("Discover", "644", "659", *LONG),
    _scheme("JCB", "3528", "3589", *LONG),
    _scheme("Diners Club", "300", "305", 14, *LONG),
    _scheme("Diners Club", "36", "36", 14, *LONG),
    _scheme("Diners Club", "38", "39", 14, *LONG),
    _scheme("Mir", "2200", "2204", *LONG),
    _scheme("Maestro", "5018", "5018", 13, 14, 15, *LONG),
    _scheme("Maestro", "5020", "5020", 13, 14, 15, *LONG),
    _scheme("Maestro", "5038", "5038", 13, 14, 15, *LONG),
    _scheme("Maestro", "6304", "6304", 13, 14, 15, *LONG),
    _scheme("Maestro", "6759", "6763", 13, 14, 15, *LONG),
)


def scheme_of(number: str) -> str | None:
    """Whose card number these digits are; None if nobody's."""
    for scheme in SCHEMES:
        head = number[: len(scheme.first)]
        if scheme.first <= head <= scheme.last and len(number) in scheme.lengths:
            return scheme.name if _luhn(number) else None
    return None


def without_cards(text: str) -> str:
    """The text with `[PAN:1111]` for every card number; the same object if there is none."""
    if len(text) < SHORTEST or _RUN.search(text) is None:
        return text
    replaced = _RUN.sub(_shown, text)
    return text if replaced == text else replaced


def _shown(found: re.Match[str]) -> str:
    """Neighbours of a number may be numbers themselves (`2 x 4111 1111 1111 1111 12-27`), so every
    row of whole groups is tried."""
    text, groups = found[0], list(_GROUP.finditer(found[0]))
    told, at, first = "", 0, 0
    while first < len(groups):
        last, digits = _card_at(groups, first)
        if digits is not None:
            told += f"{text[at : groups[first].start()]}[PAN:{digits[-4:]}]"
            at, first = groups[last].end(), last
        first += 1
    return told + text[at:]


def _card_at(groups: list[re.Match[str]], first: int) -> tuple[int, str | None]:
    """The last of the groups that are a card number from `first` on, and its digits."""
    digits = ""
    for last in range(first, len(groups)):
        digits += "".join(str(int(one)) for one in groups[last][0])
        if len(digits) > LONGEST:
            break
        if scheme_of(digits) is not None:
            return last, digits
    return first, None


def _luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    odd = sum(int(digit) for digit in number[-1::-2])
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (odd + even) % 10 == 0
