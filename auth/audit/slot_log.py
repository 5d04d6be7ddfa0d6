"""The files of one process, one per day: opened, continued, closed, and sealed with checkpoints."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import msgspec

from auth.audit.checkpoint import Checkpoint, keep
from auth.audit.day_file import DayFile
from auth.audit.disk import Disk
from auth.audit.entry import Event, Origin
from auth.audit.keys import AuditKeys
from auth.audit.reading import FILE, day_of, files
from auth.audit.slot import LogUnusable, Slot

log = logging.getLogger("tillgate.audit")
CHECKPOINT = 3600.0
BACK = 1
"""Seconds that the clock may go back without an entry: a time server corrects as much."""
Dated = tuple[Event, str]
"""An event and its time, as `rfc3339` writes it."""


class SlotLog:
    """Times are nanoseconds since 1970. Not for several threads at once."""

    def __init__(
        self, folder: Path, keys: AuditKeys, node: str, now: int, disk: Disk | None = None
    ) -> None:
        """Finds or makes this process's file and notes that it begins. Raises LogUnusable."""
        self._folder = folder
        self._keys = keys
        self._disk = disk or Disk()
        self._node = node
        self._checkpointed = ("", 0)
        self._due = time.monotonic() + CHECKPOINT
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._slot = Slot.claim(folder, node)
        except OSError as error:
            raise LogUnusable(f"{folder}: {error.strerror}") from None
        try:
            self._file = self._opened("log_started", now)
        except OSError as error:
            self._slot.release()
            raise LogUnusable(f"{folder}: {error.strerror}") from None
        except BaseException:
            self._slot.release()
            raise

    @property
    def due(self) -> float:
        """Seconds until the next checkpoint."""
        return max(0.0, self._due - time.monotonic())

    def append(self, events: Sequence[tuple[Event, int]]) -> int:
        """Writes the first of them that belong into one file; how many. Raises OSError, or
        LogUnusable where the next day's file cannot be made. A clock that was set back changes the
        file at the next start only; an entry says that it was."""
        day = max(day_of(self._file.name), _day(events[0][1]))
        if day != day_of(self._file.name):
            self._roll(events[0][1])
        part = list(takewhile(lambda one: _day(one[1]) <= day, events))
        latest, dated = self._file.latest, list[Dated]()
        for event, at in part:
            dated += [*_step_back(latest, at), (event, rfc3339(at))]
            latest = dated[-1][1]
        self._file.append(dated, self._node)
        return len(part)

    def checkpoint(self, now: int) -> None:
        """Beside the file, and as a line of the process's own log, which is kept elsewhere."""
        self._due = time.monotonic() + CHECKPOINT
        file = self._file
        if self._checkpointed == (file.name, file.seq):
            return
        made = Checkpoint(file=file.name, seq=file.seq, entry_hash=file.hash, at=rfc3339(now))
        made = made.sealed(self._keys)
        self._checkpointed = file.name, file.seq
        log.info("checkpoint", extra={"fields": msgspec.to_builtins(made)})
        try:
            keep(self._folder, made)
        except OSError as error:
            log.error("no checkpoint is kept", extra={"fields": {"why": error.strerror}})

    def close(self) -> None:
        self._file.close()
        self._slot.release()

    def _roll(self, now: int) -> None:
        before = self._file
        self.checkpoint(now)
        self._file = self._opened("log_continued", now, before.name)
        before.close()

    def _opened(self, action: str, now: int, before: str | None = None) -> DayFile:
        """Today's file, with an entry that says how it came to be. The entry names the file that
        was left for this one (`before`, else the newest) and how that ended, unless this process
        goes on in the newest file: after the clock was set back over midnight it does not."""
        file = DayFile(self._folder, f"{_day(now)}.{self._slot.name}.jsonl", self._keys, self._disk)
        try:
            latest, left = self._left(file, before, now)
            self._tell_recovered(file, now)
            began = (own(action, **left), rfc3339(now))
            self._slot.writes(file.name)
            file.append([began, *_step_back(max(latest, file.latest), now)], self._node)
        except BaseException:
            # It is tried again, and again, while the disk is full.
            file.close()
            raise
        return file

    def _left(
        self, file: DayFile, before: str | None, now: int
    ) -> tuple[str, dict[str, str | int]]:
        """When the file that is left for this one was last written, and how it ended."""
        name = before or self._newest_beside(file.name)
        if not name or (name < file.name and not file.is_new):
            return "", {}
        with closing(DayFile(self._folder, name, self._keys, self._disk)) as other:
            self._tell_recovered(other, now)
            ended: dict[str, str | int] = {"after_seq": other.seq, "after_hash": other.hash}
            return other.latest, {"after": other.name, **ended}

    def _tell_recovered(self, file: DayFile, now: int) -> None:
        if file.recovered:
            told = own("log_recovered", bytes=file.recovered)
            file.append([(told, rfc3339(now))], self._node)
            log.warning(
                "a line was unfinished",
                extra={"fields": {"file": file.name, "bytes": file.recovered}},
            )

    def _newest_beside(self, name: str) -> str:
        """The newest file of this slot except one, of a later day if the clock was set back; empty
        if there is none."""
        own = [
            path.name
            for path in files(self._folder)
            if (found := FILE.fullmatch(path.name)) and found["slot"] == self._slot.name
        ]
        return max((other for other in own if other != name), default="")


def _step_back(latest: str, now: int) -> list[Dated]:
    """An entry that says by how many seconds the clock was set back since `latest`; none if it was
    not."""
    ts = rfc3339(now)
    if latest <= ts or (back := _seconds(latest) - _seconds(ts)) <= BACK:
        return []
    told = own("log_clock_set_back", seconds=back, latest=latest)
    log.warning("the clock was set back", extra={"fields": dict(told.about)})
    return [(told, ts)]


def own(action: str, **about: str | int) -> Event:
    """What the log says of itself."""
    return Event(action=action, origin=Origin.SYSTEM, about=about)


def _seconds(ts: str) -> int:
    """Whole seconds since 1970 of what `rfc3339` wrote."""
    return int(datetime.fromisoformat(f"{ts[:19]}+00:00").timestamp())


def rfc3339(at: int) -> str:
    """UTC with nanoseconds."""
    second, rest = divmod(at, 1_000_000_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _day(at: int) -> str:
    return rfc3339(at)[:10]
