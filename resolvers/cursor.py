"""Opaque cursors over several sources: where each of them stands, bound to one question.

A cursor is the source positions plus a digest of what was asked, so it cannot be used with another
filter or order. It carries native ids and sort values, which the client has seen; nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

import msgspec

from resolvers.errors import BadCursor

_VERSION = 1
_LONGEST = 8192
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int, bytes, dict[str, str]])


def scope_of(*question: object) -> bytes:
    """A digest of everything that decides which rows are asked for and in which order."""
    text = msgspec.json.encode([repr(part) for part in question])
    return hashlib.sha256(text).digest()[:8]


def encode(scope: bytes, positions: Mapping[str, str]) -> str:
    packed = _encoder.encode((_VERSION, scope, positions))
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(cursor: str, scope: bytes | None = None) -> dict[str, str]:
    """Positions by source. BadCursor when malformed, or made for another question."""
    if len(cursor) > _LONGEST:
        raise BadCursor("the cursor is too long")
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        version, made_for, positions = _decoder.decode(packed)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise BadCursor("the cursor is malformed") from None
    if version != _VERSION or (scope is not None and made_for != scope):
        raise BadCursor("the cursor belongs to another query")
    return positions
