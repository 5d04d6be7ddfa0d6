"""What properties the portal's tables have, learned once and kept for a while.

HubSpot answers for a property that it does not have as for one without a value, so this alone
tells them apart.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from connectors.hubspot.api import Api
from connectors.hubspot.payloads import Property

KEPT = timedelta(minutes=10)
Known = Mapping[str, Property]


class Catalogue:
    """Misconfigured where there is no such table, or its properties may not be read."""

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._learned: dict[str, tuple[datetime, Known]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, table: str) -> Known:
        async with self._locks[table]:
            at, known = self._learned.get(table, (None, {}))
            if at is None or self._clock() - at > KEPT:
                known, _ = await self.learn(table)
            return known

    async def learn(self, table: str) -> tuple[Known, Mapping[str, str]]:
        """Asked anew; also the answer's headers."""
        self.forget(table)
        told, headers = await self._api.properties(table)
        known = {one.name: one for one in told.results}
        self._learned[table] = self._clock(), known
        return known, headers

    def forget(self, table: str) -> None:
        self._learned.pop(table, None)
