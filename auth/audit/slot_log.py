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
        LogUnusable where the next day's file cannot be made. A clock that was set back makes no new
        file."""
        day = max(day_of(self._file.name), _day(events[0][1]))
        if day != day_of(self._file.name):
            self._roll(events[0][1])
        part = list(takewhile(lambda one: _day(one[1]) <= day, events))
        self._file.append([(event, rfc3339(at)) for event, at in part], self._node)
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
        self._file = self._opened("log_continued", now)
        before.close()

    def _opened(self, action: str, now: int) -> DayFile:
        """Today's file, with an entry that says how it came to be; the first entry of a file names
        the file before it and how that ended."""
        file = DayFile(self._folder, f"{_day(now)}.{self._slot.name}.jsonl", self._keys, self._disk)
        try:
            begin = own(action, **(self._ended_before(file.name, now) if file.is_new else {}))
            self._tell_recovered(file, now)
            file.append([(begin, rfc3339(now))], self._node)
        except BaseException:
            # It is tried again, and again, while the disk is full.
            file.close()
            raise
        return file

    def _ended_before(self, name: str, now: int) -> dict[str, str | int]:
        """How the newest file before this one ended, if there is one."""
        found = self._before(name)
        if found is None:
            return {}
        with closing(found) as before:
            self._tell_recovered(before, now)
            return {"after": before.name, "after_seq": before.seq, "after_hash": before.hash}

    def _tell_recovered(self, file: DayFile, now: int) -> None:
        if file.recovered:
            told = own("log_recovered", bytes=file.recovered)
            file.append([(told, rfc3339(now))], self._node)
            log.warning(
                "a line was unfinished",
                extra={"fields": {"file": file.name, "bytes": file.recovered}},
            )

    def _before(self, name: str) -> DayFile | None:
        """The newest file of this slot before one."""
        own = [
            path.name
            for path in files(self._folder)
            if (found := FILE.fullmatch(path.name)) and found["slot"] == self._slot.name
        ]
        older = [other for other in own if other < name]
        return DayFile(self._folder, older[-1], self._keys, self._disk) if older else None


def own(action: str, **about: str | int) -> Event:
    """What the log says of itself."""
    return Event(action=action, origin=Origin.SYSTEM, about=about)


def rfc3339(at: int) -> str:
    """UTC with nanoseconds."""
    second, rest = divmod(at, 1_000_000_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _day(at: int) -> str:
    return rfc3339(at)[:10]
