"""JSON members that are null or empty text say as little as members that are missing.

Vendors document which members may be left out, and send them empty all the same.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from connectors.errors import Malformed
from connectors.transport import Response

T = TypeVar("T")


def decoded(response: Response, decoder: msgspec.json.Decoder[T], source: str) -> T:
    """As `Response.decode`. What does not fit is read once more without its blank members, so that
    only those count as missing which the decoder's type requires. Raises Malformed of the first
    reading.
    """
    try:
        return response.decode(decoder, source)
    except Malformed as error:
        try:
            bare = msgspec.json.encode(_without_blanks(msgspec.json.decode(response.body)))
            return Response(response.status, response.headers, bare).decode(decoder, source)
        except (Malformed, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise error from None


def _without_blanks(value: Any) -> Any:
    if isinstance(value, dict):
        told = {key: one for key, one in value.items() if one is not None and one != ""}
        return {key: _without_blanks(one) for key, one in told.items()}
    if isinstance(value, list):
        return [_without_blanks(one) for one in value if one is not None]
    return value
