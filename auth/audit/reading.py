"""Reads a log's files, one line at a time, however large they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from auth.audit.entry import Entry

FILE = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})\.(?P<slot>[A-Za-z0-9-]{1,63}\.\d{1,4})\.jsonl")
"""`2026-11-23.gateway-1.0.jsonl`: the day in UTC, the node, and which of its processes."""
LONGEST = 1024 * 1024
"""Bytes of a line that we would ever write."""
_decoder = msgspec.json.Decoder(Entry)


class Line(NamedTuple):
    """`number` counts from 1; `text` is without its end, which a torn line lacks."""

    number: int
    text: bytes
    is_whole: bool


def files(folder: Path) -> list[Path]:
    """The log's files, oldest first. Raises OSError."""
    return sorted(path for path in folder.iterdir() if FILE.fullmatch(path.name))


def day_of(name: str) -> str:
    """Of a file's name: `2026-11-23`."""
    return name[:10]


def lines(path: Path) -> Iterator[Line]:
    """Every line of a file; one that is too long ends the file. Raises OSError."""
    with path.open("rb") as file:
        number = 0
        while text := file.readline(LONGEST):
            number += 1
            yield Line(number, text.rstrip(b"\n"), text.endswith(b"\n"))
            if not text.endswith(b"\n"):
                return


def entries(path: Path) -> Iterator[Entry]:
    """What a file says, unverified; what is no entry is left out. Raises OSError."""
    for line in lines(path):
        try:
            yield _decoder.decode(line.text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
