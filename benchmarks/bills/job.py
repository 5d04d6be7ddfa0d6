"""What the reading process is told, and what it tells. Imports little: its memory is measured."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from datetime import UTC, date, datetime

import msgspec

from benchmarks.processes import peak_memory

DAY = date(2026, 1, 1)
MIDNIGHT = datetime(2025, 12, 31, 16, tzinfo=UTC)
"""When that day began in Beijing."""
SOURCE = "wechat_cn"
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


class Contents(msgspec.Struct):
    """How many entries there are, and a sum over (kind, native id, fen) that knows no order."""

    entries: int = 0
    checksum: int = 0

    def add(self, kind: str, number: str, fen: int | None) -> None:
        told = hashlib.blake2b(f"{kind} {number} {fen}".encode(), digest_size=7)
        self.checksum = (self.checksum + int.from_bytes(told.digest())) % 2**56
        self.entries += 1


class Bill(msgspec.Struct, frozen=True):
    """A gzipped bill on disk, `packed` bytes long; `size` in bytes and `sha1` are of its text."""

    path: str
    rows: int
    packed: int
    size: int
    sha1: str
    contents: Contents


class Store(msgspec.Struct, frozen=True):
    """A database; `place` is the folder of SQLite's file or of PostgreSQL's socket."""

    name: str
    place: str
    database: str

    @property
    def file(self) -> str:
        return f"{self.place}/{self.database}.db"

    @property
    def url(self) -> str:
        if self.name == SQLITE:
            return f"sqlite+aiosqlite:///{self.file}"
        return f"postgresql+asyncpg://postgres:@/{self.database}?host={self.place}"


class Offer(msgspec.Struct, frozen=True):
    """A bill that is served, and the keys of a `[sources.NAME]` table that reads it."""

    bill: Bill
    keys: dict[str, str]


class Job(msgspec.Struct, frozen=True):
    """What is to be read, and where it goes."""

    offer: Offer
    store: Store


class Run(msgspec.Struct, frozen=True):
    """Seconds without the start of the process, `reading` of them before the first row is written,
    and those of the processor in this process; the most resident memory in KiB, and what it was
    before the bill.
    """

    seconds: float
    reading: float
    cpu: float
    peak_kib: int
    idle_kib: int


class Watch:
    """Started when the process is ready to read the bill."""

    def __init__(self) -> None:
        self._idle_kib = peak_memory(os.getpid())
        self._cpu = time.process_time()
        self._started = time.perf_counter()
        self._read: float | None = None

    def read(self) -> None:
        """The first row is about to be written; later ones do not count."""
        self._read = self._read or time.perf_counter()

    def stop(self) -> Run:
        return Run(
            seconds=time.perf_counter() - self._started,
            reading=(self._read or self._started) - self._started,
            cpu=time.process_time() - self._cpu,
            peak_kib=peak_memory(os.getpid()),
            idle_kib=self._idle_kib,
        )


def given() -> Job:
    """The job on the standard input."""
    return msgspec.json.decode(sys.stdin.buffer.read(), type=Job)


def told(run: Run) -> None:
    """The last line of the standard output."""
    print(msgspec.json.encode(run).decode(), flush=True)
