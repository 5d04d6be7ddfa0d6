"""The place of a row in a list that is newest first: its time and its id, and their token."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from connectors.page_token import packed, strange, unpacked


class Position(NamedTuple):
    """Compared by time, then by id."""

    moment: datetime
    native_id: str


_DECODER = msgspec.json.Decoder(tuple[datetime, str])


def token_of(place: Position) -> str:
    return packed(place)


def position_of(token: str) -> Position:
    """Raises BadCursor for what `token_of` did not make."""
    moment, native_id = unpacked(token, _DECODER)
    if moment.tzinfo is None:
        raise strange()
    return Position(moment, native_id)
