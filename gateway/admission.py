"""Admission: how many operations run at once, and how many may wait for their turn.

Operations share one event loop. Beyond what it can do, each further one makes all of them slower
until every one of them fails at its deadline. So the number that runs follows the lag of the loop:
it grows while the loop keeps up and shrinks while it does not, within a stated bound. Those that
wait are started in the order of their arrival, and their deadline begins when they start; what
finds no room, or waited too long, is refused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BEAT = 0.05
"""Seconds between two measurements of the loop's lag."""
SLOW = 0.2
"""Seconds of lag from which fewer operations run at once."""
FIRST, LEAST = 8, 4
"""Operations that run at once at first, and however slow the loop is."""
MORE, LESS = 4, 0.9
"""What a beat adds where operations wait, and what remains of the number where the loop lags."""
PATIENCE = 5.0
"""Seconds that an operation waits for its turn."""


class Busy(Exception):
    """There is no room for one more operation. The client may try again soon."""


class Admission:
    """At most `running` operations at once and `waiting` ones beside them, in one event loop."""

    def __init__(self, running: int, waiting: int, patience: float = PATIENCE) -> None:
        self._most = running
        self._room = waiting
        self._patience = patience
        self.allowed = min(FIRST, running)
        self.running = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._due: float | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While an operation runs. Raises Busy."""
        if self._may_start():
            self.running += 1
            self._watch()
        else:
            await self._wait()
        try:
            yield
        finally:
            self.running -= 1
            self._start_next()

    def adapt(self, lag: float) -> None:
        """Moves the number of operations that may run, by the seconds of lag of the loop."""
        if lag > SLOW:
            self.allowed = max(min(LEAST, self._most), int(self.allowed * LESS))
        elif self._queue:
            self.allowed = min(self._most, self.allowed + MORE)

    def _may_start(self) -> bool:
        return not self._queue and self.running < self.allowed

    async def _wait(self) -> None:
        """Returns when a turn was given, which then counts as running."""
        if len(self._queue) >= self._room:
            raise Busy
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(mine)
        self._watch()
        try:
            async with asyncio.timeout(self._patience):
                await mine
        except TimeoutError:
            self._give_up(mine)
            raise Busy from None
        except asyncio.CancelledError:
            self._give_up(mine)
            raise

    def _give_up(self, mine: asyncio.Future[None]) -> None:
        """A turn that was given already goes to the next one."""
        if mine in self._queue:
            self._queue.remove(mine)
        elif mine.done() and not mine.cancelled():
            self.running -= 1
            self._start_next()

    def _start_next(self) -> None:
        while self._queue and self.running < self.allowed:
            waiting = self._queue.popleft()
            if not waiting.done():
                self.running += 1
                waiting.set_result(None)

    def _watch(self) -> None:
        """Measures the lag while there is anything to do."""
        if self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + BEAT
            loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        due, self._due = self._due, None
        if due is not None:
            self.adapt(asyncio.get_running_loop().time() - due)
        self._start_next()
        if self.running or self._queue:
            self._watch()
