"""What tokens need of the network: an issuer asked over HTTP, by whoever composes the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec


class Unreachable(Exception):
    """No answer that could be used; the reason is ours and holds nothing of the answer."""


class Answer(msgspec.Struct, frozen=True):
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A GET, or a POST of a form where `form` is given. No redirect is followed."""

    url: str
    headers: Mapping[str, str] = {}
    form: Mapping[str, str] | None = None


Ask = Callable[[Call], Awaitable[Answer]]
"""Raises Unreachable. Bounded in time and size, https only except on loopback."""
