"""Reads a log's files, one line at a time, however large they are."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from auth.audit.entry import Entry
from auth.audit.slot import is_written

log = logging.getLogger("tillgate.audit")
FILE = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})\.(?P<slot>[A-Za-z0-9-]{1,63}\.\d{1,4})\.jsonl")
"""`2026-11-23.gateway-1.0.jsonl`: the day in UTC, the node, and which of its processes."""
LONGEST = 1024 * 1024
"""Bytes of a line that we would ever write."""
_decoder = msgspec.json.Decoder(Entry)


class Line(NamedTuple):
    """`number` counts from 1; `text` is without its end, which a torn line lacks: the last of a
    file. Of one that is too long only the beginning is in `text`; others may follow it."""

    number: int
    text: bytes
    is_torn: bool = False
    is_too_long: bool = False


def files(folder: Path) -> list[Path]:
    """The log's files, oldest first. Raises OSError."""
    return sorted(path for path in folder.iterdir() if FILE.fullmatch(path.name))


def day_of(name: str) -> str:
    """Of a file's name: `2026-11-23`."""
    return name[:10]


def lines(path: Path) -> Iterator[Line]:
    """Every line of a file. Raises OSError."""
    with path.open("rb") as file:
        number = 0
        while text := file.readline(LONGEST):
            number += 1
            if text.endswith(b"\n"):
                yield Line(number, text[:-1])
            elif len(text) < LONGEST:
                yield Line(number, text, is_torn=True)
                # What its process appends now is for the next time.
                return
            else:
                yield Line(number, text, is_too_long=True)
                _pass_over(file)


def _pass_over(file: BinaryIO) -> None:
    """The rest of a line."""
    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
        pass


def is_live(path: Path) -> bool:
    """Whether a process is writing this file now, so that its last line may be unfinished."""
    named = FILE.fullmatch(path.name)
    return named is not None and is_written(path.parent, named["slot"], path.name)


def entries(path: Path, tell: Callable[[str], object] = log.error) -> Iterator[Entry]:
    """What a file says, unverified; of what is no entry is told where it is, without its text.
    Raises OSError."""
    for line in lines(path):
        try:
            yield _decoder.decode(line.text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if not (line.is_torn and is_live(path)):
                tell(f"{path.name}:{line.number}: it is no entry (see tillgate audit verify)")
