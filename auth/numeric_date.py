"""Times in claims: seconds since 1970 (RFC 7519 section 2), told by somebody we do not know."""

from __future__ import annotations

LATEST = 2**53
"""Beyond it not every second is a number of its own."""


def numeric_date(value: object) -> float | None:
    """None for what is no time: a text, a truth, or a number that no clock shows."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= LATEST else None
