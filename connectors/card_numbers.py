"""Card numbers that stand where none should: found by length, prefix and check digit, and replaced.

13 to 19 digits, maybe with single blanks or hyphens between them, that begin as a scheme's numbers
do (ISO/IEC 7812 ranges that the schemes publish), are as long as its numbers are, and have a right
check digit (Luhn). Of random digits of such a length about one in a hundred is one by chance, so it
is for texts only, never for ids that something is found by.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from typing import NamedTuple

SHORTEST = 13
# Not a part of a longer word: that is an id or a digest.
_RUN = re.compile(r"(?<![0-9A-Za-z])\d(?:[ \u00a0-]?\d){12,}(?![0-9A-Za-z])")
_GROUP = re.compile(r"\d+")
HEAD = 4
"""As many digits as the longest `Scheme.first` has."""
DOUBLED = tuple(sum(divmod(2 * digit, 10)) for digit in range(10))


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
            return scheme.name if _Sums(number).are_right(0, len(number)) else None
    return None


def without_cards(text: str) -> str:
    """The text with `[PAN:1111]` for every card number; the same object if there is none."""
    if len(text) < SHORTEST or _RUN.search(text) is None:
        return text
    replaced = _RUN.sub(_shown, text)
    return text if replaced == text else replaced


def _shown(found: re.Match[str]) -> str:
    """Neighbours of a number may be numbers themselves (`2 x 4111 1111 1111 1111 12-27`), so every
    row of whole groups is tried. Texts are strangers': each group costs the same few steps."""
    text, groups = found[0], list(_GROUP.finditer(found[0]))
    digits = "".join(str(int(one)) for group in groups for one in group[0])
    ends = list(accumulate(group.end() - group.start() for group in groups))
    group_ending, sums = {end: number for number, end in enumerate(ends)}, _Sums(digits)
    told: list[str] = []
    at = first = 0
    while first < len(groups):
        start = ends[first - 1] if first else 0
        for length in _lengths(digits[start : start + HEAD]):
            end = start + length
            if end in group_ending and sums.are_right(start, end):
                told += [text[at : groups[first].start()], f"[PAN:{digits[end - 4 : end]}]"]
                first = group_ending[end]
                at = groups[first].end()
                break
        first += 1
    return "".join([*told, text[at:]])


@cache
def _lengths(head: str) -> tuple[int, ...]:
    """How long card numbers are that begin so, the shortest first."""
    fitting = (s.lengths for s in SCHEMES if s.first <= head[: len(s.first)] <= s.last)
    return tuple(sorted(frozenset[int]().union(*fitting)))


class _Sums:
    """Check sums of all parts of a row of digits (ISO/IEC 7812-1 annex B), from two running sums:
    with the digits at even places doubled, and with those at odd ones."""

    def __init__(self, digits: str) -> None:
        plain = [int(digit) for digit in digits]
        doubled = [DOUBLED[digit] for digit in plain]
        even, odd = plain[:], plain[:]
        even[::2], odd[1::2] = doubled[::2], doubled[1::2]
        self._sums = (list(accumulate(even, initial=0)), list(accumulate(odd, initial=0)))

    def are_right(self, start: int, end: int) -> bool:
        """The last digit is the check digit; the one before it is doubled."""
        sums = self._sums[end % 2]
        return (sums[end] - sums[start]) % 10 == 0
