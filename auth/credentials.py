"""What a request brings to say who it is: one token or one key, in the Authorization header.

Never in the query or the body (RFC 6750 sections 2.2 and 2.3, RFC 9700): addresses are logged.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

import msgspec

from auth.faults import InvalidRequest, NoCredentials

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""A b64token (RFC 6750 section 2.1)."""
NAME = re.compile(r"[A-Za-z0-9._~-]{1,64}")
"""What a client of ours or an API key may be called; nothing else is looked up or kept."""
SCHEMES = {"bearer": "Bearer", "dpop": "DPoP"}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request, as far as it says who asks. Header names are lower-case; `peer` is the address
    that the connection comes from, whatever headers say."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    peer: str | None

    def all(self, name: str) -> tuple[str, ...]:
        wanted = name.encode()
        return tuple(value.decode("latin-1") for key, value in self.headers if key == wanted)


class SentToken(msgspec.Struct, frozen=True):
    """Never printed: `repr` of it would hold the token."""

    scheme: str
    token: str

    def __repr__(self) -> str:
        return f"SentToken({self.scheme})"


class SentKey(msgspec.Struct, frozen=True):
    key_id: str
    secret: str

    def __repr__(self) -> str:
        return "SentKey(***)"


def credentials(asked: Asked, basic: bool) -> SentToken | SentKey:
    """The only credential; `basic` tells whether keys are accepted at all. Raises NoCredentials
    or InvalidRequest."""
    sent = asked.all("authorization")
    if _in_query(asked.query):
        raise InvalidRequest("a token in the address")
    if not sent:
        raise NoCredentials("no credentials")
    if len(sent) > 1:
        raise InvalidRequest("more than one Authorization header")
    scheme, _, value = sent[0].strip().partition(" ")
    if scheme.lower() == "basic" and basic:
        return _key(value.strip())
    if scheme.lower() not in SCHEMES:
        raise NoCredentials("a scheme that is not spoken")
    if not TOKEN.fullmatch(value.strip(" ")):
        raise InvalidRequest("not a token", SCHEMES[scheme.lower()])
    return SentToken(SCHEMES[scheme.lower()], value.strip(" "))


def _in_query(query: bytes) -> bool:
    try:
        pairs: Iterable[tuple[bytes, bytes]] = parse_qsl(query, keep_blank_values=True)
    except ValueError:
        return True
    return any(name == b"access_token" for name, _ in pairs)


def _key(value: str) -> SentKey:
    try:
        pair = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidRequest("not a key", "Basic") from None
    key_id, colon, secret = pair.partition(":")
    if not colon or not key_id or not secret:
        raise InvalidRequest("not a key", "Basic")
    return SentKey(key_id, secret)
