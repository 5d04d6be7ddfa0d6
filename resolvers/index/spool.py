"""Entries on disk between reading a period and writing it: nothing is written of a bill that turns
out to be damaged at its end, and memory stays small however long it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import msgspec

from connectors.hidden_file import hidden_file
from connectors.ledger import BadRow, Entry, Told

PART = 10_000
"""Entries that are written together. With fewer, SQLite waits for the disk half of its time."""
SHOWN = 20
"""Bad rows that are kept with their places; all are counted."""
_LENGTH = 4
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Entry])


class Spool:
    """Add all entries, then read them in parts. `digest` is of all of them, in their order.

    Bad rows are counted, and the first `SHOWN` kept.
    """

    def __init__(self) -> None:
        self._file = hidden_file()
        self._hash = hashlib.sha256()
        self._part: list[Entry] = []
        self.entries = 0
        self.bad = 0
        self.bad_rows: tuple[BadRow, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def digest(self) -> str:
        self._flush()
        return self._hash.hexdigest()

    def add(self, rows: Iterable[Told]) -> None:
        for row in rows:
            if isinstance(row, BadRow):
                self.bad += 1
                if self.bad <= SHOWN:
                    self.bad_rows += (row,)
                continue
            self._part.append(row)
            self.entries += 1
            if len(self._part) == PART:
                self._flush()

    def parts(self, start: int = 0) -> Iterator[list[Entry]]:
        """All entries from the `start`th on, which is a multiple of `PART`."""
        self._flush()
        self._file.seek(0)
        position = 0
        while length := int.from_bytes(self._file.read(_LENGTH)):
            if position < start:
                self._file.seek(length, 1)
            else:
                yield _decoder.decode(self._file.read(length))
            position += PART

    def _flush(self) -> None:
        if self._part:
            content = _encoder.encode(self._part)
            self._hash.update(content)
            self._file.write(len(content).to_bytes(_LENGTH) + content)
            self._part = []
