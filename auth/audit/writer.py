"""The one writer of a process: events in a queue, appended in batches by a thread of its own.

A batch is what came within `GATHER` seconds, or at once if somebody waits for it. In strict mode
whoever was refused, and whoever administers, is answered when the entry is on the disk, and nothing
is answered while nothing can be written. In relaxed mode entries of what was allowed may be lost,
and are counted.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from pathlib import Path

import msgspec

from auth.audit.disk import Disk
from auth.audit.entry import Event, Result
from auth.audit.keys import AuditKeys
from auth.audit.slot_log import SlotLog, own

log = logging.getLogger("tillgate.audit")
alerts = logging.getLogger("tillgate.alerts")
GATHER = 0.05
BATCH = 256
ROOM = 10_000
"""Events that may wait."""
AGAIN = 0.5
"""Seconds until what could not be written is tried again."""
PATIENCE = 5.0
"""Seconds that a caller waits for the disk."""
LAG = 5.0
"""Seconds that an entry may wait until that is told."""
Ticket = Future[None]


class AuditUnavailable(Exception):
    """What happened cannot be written down, so it must not happen."""


Tell = Callable[[Event], Awaitable[None]]
"""Where events go. Raises AuditUnavailable."""


class _Waiting(msgspec.Struct, frozen=True):
    event: Event
    at: int
    ticket: Ticket | None = None


class Writer:
    """`wall` is nanoseconds since 1970. A caller waits at most `patience` seconds for the disk.
    Between `start` and `close` any thread may use it."""

    def __init__(
        self,
        folder: Path,
        keys: AuditKeys,
        node: str,
        *,
        strict: bool = True,
        wall: Callable[[], int] = time.time_ns,
        room: int = ROOM,
        patience: float = PATIENCE,
        disk: Disk | None = None,
    ) -> None:
        self.keys = keys
        self.strict = strict
        self._folder = folder
        self._node = node
        self._wall = wall
        self._room = room
        self._patience = patience
        self._disk = disk or Disk()
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._urgent = False
        self._closing = False
        self._failing = False
        self._late = False
        self._dropped = 0
        self._log: SlotLog | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Raises LogUnusable."""
        opened = self._log = SlotLog(self._folder, self.keys, self._node, self._wall(), self._disk)
        self._thread = threading.Thread(target=self._run, args=(opened,), name="audit", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Writes what waits, and that it ends. What cannot be written is counted in the log."""
        if self._log is None or self._thread is None:
            return
        with self._changed:
            self._queue.append(_Waiting(own("log_stopped"), self._wall()))
            self._closing = True
            self._changed.notify()
        self._thread.join()
        if self._queue:
            log.error("entries are lost", extra={"fields": {"count": len(self._queue)}})
        self._log.close()
        self._log = None

    @property
    def is_writing(self) -> bool:
        """False while the disk refuses, more waits than there is room for, or nobody writes."""
        return not self._failing and self._is_alive and len(self._queue) < self._room

    @property
    def _is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def refuses(self) -> bool:
        """Whether nothing may be answered now."""
        return self.strict and not self.is_writing

    def check(self) -> None:
        """Raises AuditUnavailable if nothing may be answered now."""
        if self.refuses:
            raise AuditUnavailable("nothing can be written, or too much waits")

    def put(self, event: Event) -> None:
        """Does not wait. Raises AuditUnavailable where it would be lost and must not be."""
        self._put(event, None)

    async def written(self, event: Event) -> None:
        """As `put`; in strict mode it is on the disk then."""
        ticket: Ticket | None = Future() if self.strict else None
        self._put(event, ticket)
        if ticket is not None:
            try:
                await asyncio.wait_for(asyncio.wrap_future(ticket), self._patience)
            except TimeoutError:
                raise AuditUnavailable("the disk is too slow") from None

    def note(self, event: Event) -> None:
        """It is on the disk then; for those who are in no loop."""
        ticket: Ticket = Future()
        self._put(event, ticket)
        try:
            ticket.result(self._patience)
        except TooSlow:
            raise AuditUnavailable("the disk is too slow") from None

    def _put(self, event: Event, ticket: Ticket | None) -> None:
        with self._changed:
            waiting = len(self._queue)
            if not self.strict and waiting >= self._room and event.outcome is Result.ALLOWED:
                self._dropped += 1
                return
            # Refusals find room when what is allowed does not; nothing grows without end.
            if self._closing or waiting >= (self._room if self.strict else 2 * self._room):
                raise AuditUnavailable("too much waits to be written")
            if self.strict and (self._failing or not self._is_alive):
                raise AuditUnavailable("nothing can be written")
            self._queue.append(_Waiting(event, self._wall(), ticket))
            self._urgent = self._urgent or ticket is not None
            if self._urgent or not waiting or waiting == BATCH:
                self._changed.notify()

    def _run(self, opened: SlotLog) -> None:
        try:
            self._work(opened)
        except Exception as error:
            # From now on nothing can be written, which `is_writing` says.
            log.critical(
                "nothing is written any more", extra={"fields": {"why": type(error).__name__}}
            )

    def _work(self, opened: SlotLog) -> None:
        while (batch := self._gathered(opened.due)) is not None:
            if batch and not self._write(opened, batch) and self._closing:
                return
            if not opened.due:
                opened.checkpoint(self._wall())
        opened.checkpoint(self._wall())

    def _gathered(self, patience: float) -> list[_Waiting] | None:
        """What is written next; nothing if nothing came in so many seconds, None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing, patience)
            if not self._queue:
                return None if self._closing else []
            until = time.monotonic() + GATHER
            while not (self._urgent or self._closing or len(self._queue) >= BATCH):
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    break
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._urgent = self._urgent and bool(self._queue)
            return batch

    def _write(self, opened: SlotLog, batch: list[_Waiting]) -> bool:
        self._tell_lag(batch[0])
        try:
            while batch:
                count = opened.append([(waiting.event, waiting.at) for waiting in batch])
                for waiting in batch[:count]:
                    _answer(waiting, None)
                del batch[:count]
        except Exception as error:
            self._fail(batch, error)
            return False
        self._resume()
        return True

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        """What could not be written waits on, in its place; whoever waits for it is told."""
        if not self._failing:
            told = {"why": getattr(error, "strerror", None) or type(error).__name__}
            log.error("nothing can be written", extra={"fields": told})
        with self._changed:
            self._failing = True
            for waiting in reversed(batch):
                self._queue.appendleft(msgspec.structs.replace(waiting, ticket=None))
        for waiting in batch:
            _answer(waiting, AuditUnavailable("nothing can be written"))
        time.sleep(AGAIN)

    def _resume(self) -> None:
        """What was lost is told as soon as that can be written."""
        if not self._failing and not self._dropped:
            return
        with self._changed:
            told = (
                own("log_resumed") if not self._dropped else own("log_dropped", count=self._dropped)
            )
            self._queue.append(_Waiting(told, self._wall()))
            self._failing, self._dropped = False, 0
        log.warning("entries are written again", extra={"fields": dict(told.about)})

    def _tell_lag(self, oldest: _Waiting) -> None:
        """Once per time of being late; the entry itself comes when it can."""
        lag = (self._wall() - oldest.at) / 1e9
        if lag > LAG and not self._late:
            told = own("alert", rule="writer_lag", seconds=int(lag))
            alerts.warning("alert", extra={"fields": dict(told.about)})
            with self._changed:
                self._queue.append(_Waiting(told, self._wall()))
        self._late = lag > LAG


def _answer(waiting: _Waiting, error: AuditUnavailable | None) -> None:
    ticket = waiting.ticket
    if ticket is None or not ticket.set_running_or_notify_cancel():
        return
    if error is None:
        ticket.set_result(None)
    else:
        ticket.set_exception(error)
