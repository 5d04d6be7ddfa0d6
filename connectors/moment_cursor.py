"""The place of a row in a list that is newest first: its time and its id, and their token."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import NamedTuple

import msgspec

from connectors.paging import BadCursor

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,2000}")


class Position(NamedTuple):
    """Compared by time, then by id."""

    moment: datetime
    native_id: str


_DECODER = msgspec.json.Decoder(tuple[datetime, str])


def token_of(place: Position) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def position_of(token: str) -> Position:
    """Raises BadCursor for what `token_of` did not make."""
    try:
        if not _TOKEN.fullmatch(token):
            raise ValueError
        moment, native_id = _DECODER.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if moment.tzinfo is None:
            raise ValueError
    except (ValueError, msgspec.DecodeError):
        raise BadCursor("not a token of this connector") from None
    return Position(moment, native_id)
