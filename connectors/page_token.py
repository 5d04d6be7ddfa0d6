"""Tokens of pages: a place in a list as JSON in URL-safe base64, without padding."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeVar

import msgspec

from connectors.paging import BadCursor

T = TypeVar("T")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,8000}")


def packed(place: Any) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def unpacked(token: str, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises BadCursor for what `packed` did not make of such a place."""
    try:
        if not _TOKEN.fullmatch(token):
            raise ValueError
        return decoder.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, msgspec.DecodeError):
        raise strange() from None


def strange() -> BadCursor:
    return BadCursor("not a token of this connector")
