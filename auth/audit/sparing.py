"""Not every single refusal of somebody who goes on and on: that would fill the disk for him."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from auth.bounded import Bounded

LISTED = 30
"""Entries in a minute, from one address."""
MINUTE = 60.0
ADDRESSES = 10_000


class _Minute(msgspec.Struct):
    listed: int = 0
    unlisted: int = 0


class Sparing:
    """`clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._now: Bounded[str, _Minute] = Bounded(ADDRESSES)
        self._before: Bounded[str, int] = Bounded(ADDRESSES)

    def count(self, address: str) -> int | None:
        """None: it is not listed. Else how many were not, since the last one that was."""
        now = self._clock()
        minute = self._now.get(address, now)
        if minute is None:
            minute = _Minute(unlisted=self._before.get(address, now) or 0)
            self._before.drop(address)
            self._now.put(address, minute, now, now + MINUTE)
        if minute.listed < LISTED:
            minute.listed += 1
            unlisted, minute.unlisted = minute.unlisted, 0
            return unlisted
        minute.unlisted += 1
        self._before.put(address, minute.unlisted, now, now + 24 * 60 * MINUTE)
        return None
