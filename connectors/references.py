"""The merchant's order number inside what a provider holds of it."""

from __future__ import annotations

import re


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
        """The order's number; the whole text where the pattern does not fit; None for nothing."""
        if not text or self._pattern is None:
            return text or None
        found = self._pattern.fullmatch(text)
        return (found.group(1) or text) if found else text
