"""One process's entries of one day: appended to only, and on the disk when `append` is over."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from auth.audit.canonical import plain
from auth.audit.chain import Broken, Chain
from auth.audit.disk import Disk
from auth.audit.entry import Event, Origin
from auth.audit.keys import AuditKeys
from auth.audit.reading import LONGEST
from auth.audit.slot import LogUnusable

log = logging.getLogger("tillgate.audit")
QUARANTINE = "quarantine"


class DayFile:
    """`recovered` bytes of a line that a process had not finished were taken away at the end of the
    file, and are in `quarantine/`. `is_new`: nothing was in it. `latest` is the time of its last
    entry (RFC 3339 in UTC), empty in a new file."""

    def __init__(self, folder: Path, name: str, keys: AuditKeys, disk: Disk) -> None:
        """Raises LogUnusable if the file cannot be written, or ends with what is not ours."""
        self.name = name
        self._disk = disk
        self._folder = folder
        self._chain = Chain(keys.of_file(name))
        self.latest = ""
        try:
            self._handle = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise LogUnusable(f"{folder / name}: {error.strerror}") from None
        try:
            self._size = os.fstat(self._handle).st_size
            self.is_new = self._size == 0
            self.recovered = self._recover()
            self._sync_folder()
        except OSError as error:
            os.close(self._handle)
            raise LogUnusable(f"{folder / name}: {error.strerror}") from None
        except Broken as error:
            os.close(self._handle)
            raise LogUnusable(
                f"{folder / name}: its last entry: {error}. Look at it (tillgate audit verify); to"
                " begin anew, or with another key, move the files of this folder away."
            ) from None

    @property
    def seq(self) -> int:
        return self._chain.seq

    @property
    def hash(self) -> str:
        return self._chain.hash

    def append(self, events: Sequence[tuple[Event, str]], node: str) -> None:
        """Writes all events with their times, or none; in place of one that cannot be said, that
        there was one. Raises OSError."""
        before = self._chain.seq, self._chain.hash
        try:
            text = b"".join(self._line(event, ts, node) for event, ts in events)
            self._write(text)
        except BaseException:
            self._chain.seq, self._chain.hash = before
            raise
        self._size += len(text)
        self.latest = events[-1][1] if events else self.latest

    def close(self) -> None:
        os.close(self._handle)

    def _line(self, event: Event, ts: str, node: str) -> bytes:
        before = self._chain.seq, self._chain.hash
        try:
            line = self._chain.line(event, ts, node)
            if len(line) < LONGEST:
                return line
            why = "TooLong"
        except Exception as error:
            why = type(error).__name__
        # All others would wait behind it, for ever.
        self._chain.seq, self._chain.hash = before
        log.error("an entry cannot be written", extra={"fields": {"why": why}})
        return self._chain.line(_marker(event, why), ts, node)

    def _write(self, text: bytes) -> None:
        try:
            self._disk.write(self._handle, text)
            self._disk.sync(self._handle)
        except OSError:
            # What was begun is taken back, so that it can be written again.
            os.ftruncate(self._handle, self._size)
            raise

    def _recover(self) -> int:
        """Goes on after the last whole line."""
        begin = max(0, self._size - 2 * LONGEST)
        text = os.pread(self._handle, self._size - begin, begin)
        whole, end, torn = text.rpartition(b"\n")
        if torn:
            self._set_aside(torn)
        if not end:
            if begin:
                raise Broken("it is longer than any that we write")
            return len(torn)
        entry = self._chain.own(whole.rpartition(b"\n")[2])
        self._chain.seq, self._chain.hash = entry["seq"], entry["hash"]
        self.latest = entry["ts"]
        return len(torn)

    def _set_aside(self, torn: bytes) -> None:
        place = self._folder / QUARANTINE
        place.mkdir(mode=0o700, exist_ok=True)
        self._size -= len(torn)
        aside = place / f"{self.name}.{self._size}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(torn)
            file.flush()
            self._disk.sync(file.fileno())
        os.ftruncate(self._handle, self._size)
        self._disk.sync(self._handle)

    def _sync_folder(self) -> None:
        """So that the file's name survives as its content does."""
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            self._disk.sync(handle)
        finally:
            os.close(handle)


def _marker(event: Event, why: str) -> Event:
    """What can always be said."""
    told: dict[str, str | int] = {"action": plain(str(event.action)), "why": why}
    if event.request_id is not None:
        told["request"] = plain(str(event.request_id))
    return Event(action="log_replaced", origin=Origin.SYSTEM, outcome=event.outcome, about=told)
