"""Not every single refusal of somebody who goes on and on: that would fill the disk for him."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address, IPv6Network

import msgspec

from auth.bounded import Bounded

LISTED = 30
"""Entries in a minute, of one address or principal."""
MINUTE = 60.0
MOST = 10_000
"""Addresses, or principals, that are told apart."""
PREFIX = 64
"""Bits of an IPv6 address that tell who it is; the rest is its holder's to choose."""


class _Minute(msgspec.Struct):
    listed: int = 0
    unlisted: int = 0


class Sparing:
    """`clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._now: Bounded[str, _Minute] = Bounded(MOST)
        self._before: Bounded[str, int] = Bounded(MOST)

    def count(self, whose: str) -> int | None:
        """None: it is not listed. Else how many were not, since the last one that was."""
        now = self._clock()
        minute = self._now.get(whose, now)
        if minute is None:
            minute = _Minute(unlisted=self._before.get(whose, now) or 0)
            self._before.drop(whose)
            self._now.put(whose, minute, now, now + MINUTE)
        if minute.listed < LISTED:
            minute.listed += 1
            unlisted, minute.unlisted = minute.unlisted, 0
            return unlisted
        minute.unlisted += 1
        self._before.put(whose, minute.unlisted, now, now + 24 * 60 * MINUTE)
        return None


def neighbourhood(address: str) -> str:
    """Whose an address is: an IPv4 address itself, of IPv6 the network of 64 bits."""
    try:
        found = IPv6Address(address)
    except AddressValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), PREFIX), strict=False))
