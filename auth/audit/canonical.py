"""JSON in the one way of RFC 8785: sorted, without spaces, so that equal values are equal bytes.

What is written here has ASCII member names and whole numbers only, for which code points sort as
UTF-16 does and a number has one spelling; then it is msgspec's sorted output.
"""

from __future__ import annotations

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")
_MOST = 200


def canonical(value: object) -> bytes:
    """Raises TypeError or ValueError for what JSON, or UTF-8, cannot say."""
    return _encoder.encode(value)


def plain(text: str, most: int = _MOST) -> str:
    """A text of somebody else as an entry may hold it: cut, and always possible in UTF-8."""
    return text[:most].encode("utf-8", "replace").decode()
