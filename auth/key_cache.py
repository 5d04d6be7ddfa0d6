"""An issuer's keys, fetched ahead of their use and kept through its outages.

- A token with an unknown key id is refused at once and a fetch begun behind it: whoever sends
  random ids learns nothing, waits for nothing, and causes one fetch in `INTERVAL` at most.
- Fetches are one at a time. When one fails, the keys that are known stay for `KEEP`.
- Keys belong to their issuer: two issuers may use the same id for different keys.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from auth.allowance import Allowance
from auth.bounded import Bounded
from auth.key_set import BadKeySet, KeySet, read_key_set
from auth.outbound import Answer, Unreachable
from auth.signature import Key

log = logging.getLogger("tillgate.auth")
INTERVAL = 30.0
"""Seconds in which one fetch is allowed; BURST of them may be saved up."""
BURST = 2
POLL = 60.0, 3600.0
"""Seconds between fetches, least and most, between which `Cache-Control: max-age` chooses."""
KEEP = 24 * 3600.0
UNKNOWN = 60.0
MOST_UNKNOWN = 1000
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


class NoKeys(Exception):
    """The issuer's keys are not known, and it cannot be told whether a token is good."""


class Keys(Protocol):
    async def find(self, kid: str | None, alg: str) -> list[Key]:
        """The keys that may have signed; raises NoKeys."""


class KeyCache:
    """`fetch` gets the key set; `wait` is how many seconds a token with an unknown key id may wait
    for a fetch that was allowed anyway: 0 for an issuer that announces keys before it uses them."""

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[Answer]],
        clock: Clock,
        wait: float = 0.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._clock = clock
        self._wait = wait
        self._sleep = sleep
        self._set: KeySet | None = None
        self._fetched = 0.0
        self._max_age = POLL[0]
        self._allowance = Allowance(BURST, INTERVAL, clock)
        self._unknown: Bounded[str, bool] = Bounded(MOST_UNKNOWN)
        self._running: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, alg: str) -> list[Key]:
        held = self._held()
        if held is None:
            await self._settled(None)
            held = self._held()
        if held is None:
            raise NoKeys
        if kid is None or held.has(kid):
            return held.find(kid, alg)
        return await self._unknown_key(kid, alg)

    def fetch_again(self) -> None:
        """Begins a fetch if one is allowed now; the keys that are held stay until it succeeds."""
        self._begin()

    @property
    def has_keys(self) -> bool:
        """Whether tokens of this issuer can be judged now."""
        return self._held() is not None

    async def poll(self) -> None:
        """Fetches again and again, until cancelled. A failure is tried again as soon as allowed."""
        while True:
            await self._settled(None)
            age = self._clock() - self._fetched
            due = self._max_age - age if self._held() is not None else 0.0
            await self._sleep(max(1.0, due))

    async def aclose(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _held(self) -> KeySet | None:
        return None if self._clock() - self._fetched > KEEP else self._set

    async def _unknown_key(self, kid: str, alg: str) -> list[Key]:
        fetching = self._running is not None and not self._running.done()
        is_new = fetching or self._unknown.get(kid, self._clock()) is None
        # Only what was looked for is known to be missing.
        if is_new and self._begin():
            if self._wait:
                await self._settled(self._wait)
            now = self._clock()
            self._unknown.put(kid, True, now, now + UNKNOWN)
        held = self._held()
        return [] if held is None else held.find(kid, alg)

    def _begin(self) -> bool:
        """Whether a fetch is under way, after beginning one if it is allowed."""
        if self._running is None or self._running.done():
            if not self._allowance.take():
                return False
            self._running = asyncio.create_task(self._refresh())
        return True

    async def _settled(self, seconds: float | None) -> None:
        """Waits for a fetch, as long as it takes or `seconds`; it goes on if nobody waits."""
        if self._begin() and self._running is not None:
            await asyncio.wait([self._running], timeout=seconds)

    async def _refresh(self) -> None:
        try:
            answer = await self._fetch()
            if answer.status != 200:
                raise BadKeySet(f"HTTP {answer.status}")
            self._set = read_key_set(answer.body)
        except (Unreachable, BadKeySet) as error:
            fields = {"issuer": self._name, "reason": str(error), "kept": self._set is not None}
            log.warning("keys were not fetched", extra={"fields": fields})
            return
        self._fetched = self._clock()
        self._max_age = _max_age(answer.headers.get("cache-control", ""))
        # What was unknown may be known now.
        self._unknown = Bounded(MOST_UNKNOWN)


def _max_age(cache_control: str) -> float:
    told = re.search(r"\bmax-age=(\d{1,9})\b", cache_control)
    least, most = POLL
    return min(most, max(least, float(told[1]) if told else least))
