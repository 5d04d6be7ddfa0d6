"""How far a file was at a moment, sealed: kept elsewhere, it shows that the file's end is missing.

The seal is an HMAC by a key of its own, from the log's secret. A signature that others can verify
without the secret would be worth nothing to them: the log itself can be verified with it only. And
the issuer's signing keys are thrown away after 90 days, while a log is kept for a year.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from auth.audit.canonical import canonical
from auth.audit.keys import AuditKeys
from auth.audit.reading import day_of, lines

NAME = "{day}.checkpoints"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`seq` entries were in `file`, and the last of them had `entry_hash`."""

    file: str
    seq: int
    entry_hash: str
    at: str
    seal: str = ""

    def sealed(self, keys: AuditKeys) -> Checkpoint:
        return msgspec.structs.replace(self, seal=keys.seal(self._told()))

    def is_ours(self, keys: AuditKeys) -> bool:
        return hmac.compare_digest(self.seal.encode(), keys.seal(self._told()).encode())

    def _told(self) -> bytes:
        return canonical(msgspec.structs.replace(self, seal=""))


def keep(folder: Path, checkpoint: Checkpoint) -> None:
    """Raises OSError."""
    path = folder / NAME.format(day=day_of(checkpoint.file))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, canonical(checkpoint) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def kept(folder: Path) -> Iterator[Checkpoint]:
    """Those beside the log's files. Raises OSError."""
    for path in sorted(folder.glob(NAME.format(day="*"))):
        yield from shipped(path)


def shipped(path: Path) -> Iterator[Checkpoint]:
    """Those in a file of JSON lines, such as the process's own log; all other lines are passed
    over. Raises OSError."""
    for line in lines(path):
        try:
            yield msgspec.json.decode(line.text, type=Checkpoint)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
