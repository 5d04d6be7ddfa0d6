"""Order numbers and ids, as two systems write them: blanks around, or inside a longer text."""

from __future__ import annotations

import re

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
"""Blanks of width zero, which Unicode does not class as white space."""
_BLANKS = _INVISIBLE + "".join(filter(str.isspace, map(chr, range(0x3001))))


def trimmed(text: str) -> str:
    """An order number or id without the blanks around it: white space of Unicode (spaces, line
    breaks, U+00A0, U+3000) and blanks of width zero.

    Every connector, filter and argument passes numbers through it, so that both sides of a join
    compare the same text.
    """
    return text.strip(_BLANKS)


class ReferencePattern:
    """Providers want a new number for every payment, so merchants add to the order's:
    `SO-1001-2`. A pattern such as `(SO-\\d+)(-\\d+)?` says where the order's number is in it: its
    first group. Without a pattern the whole text is the order's number.

    Raises ValueError for a pattern that cannot be used.
    """

    def __init__(self, pattern: str | None = None) -> None:
        try:
            self._pattern = re.compile(pattern) if pattern is not None else None
        except re.error:
            raise ValueError("not a regular expression") from None
        if self._pattern is not None and not self._pattern.groups:
            raise ValueError("a pattern without a group: which part is the order's number?")

    def of(self, text: str | None) -> str | None:
        """The order's number, `trimmed`; the whole text where the pattern does not fit; None for
        nothing."""
        text = trimmed(text or "")
        if not text or self._pattern is None:
            return text or None
        found = self._pattern.fullmatch(text)
        return (trimmed(found.group(1) or "") or text) if found else text
