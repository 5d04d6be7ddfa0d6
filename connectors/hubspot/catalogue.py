"""What properties the portal's tables have, learned once and kept for a while.

HubSpot answers for a property that it does not have as for one without a value, so this alone
tells them apart.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from connectors.errors import Malformed, Misconfigured, RateLimited, Retryable
from connectors.hubspot.api import Api
from connectors.hubspot.payloads import Property

KEPT = timedelta(minutes=10)
LONGEST = timedelta(hours=1)
"""How long the old will do where the new cannot be had for the moment."""
PUT_OFF = timedelta(minutes=1)
PASSING = (Malformed, RateLimited, Retryable)
Known = Mapping[str, Property]


class Learned(msgspec.Struct, frozen=True):
    """`due` is when to ask again."""

    known: Known
    at: datetime
    due: datetime


class Catalogue:
    """Misconfigured where there is no such table, or its properties may not be read."""

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._learned: dict[str, Learned] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, table: str) -> Known:
        async with self._locks[table]:
            old, now = self._learned.get(table), self._clock()
            if old is not None and now < old.due:
                return old.known
            try:
                known, _ = await self.learn(table)
            except PASSING:
                if old is None or now - old.at > LONGEST:
                    raise
                known = old.known
                self._learned[table] = msgspec.structs.replace(old, due=now + PUT_OFF)
            return known

    async def learn(self, table: str) -> tuple[Known, Mapping[str, str]]:
        """Asked anew; also the answer's headers."""
        try:
            told, headers = await self._api.properties(table)
        except Misconfigured:
            self.forget(table)
            raise
        known = {one.name: one for one in told.results}
        now = self._clock()
        self._learned[table] = Learned(known, now, now + KEPT)
        return known, headers

    def forget(self, table: str) -> None:
        self._learned.pop(table, None)
