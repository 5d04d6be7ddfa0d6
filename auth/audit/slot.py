"""Which of a node's processes this one is: the first number that no other process holds.

A process that is started again continues the file of the one before it, so that what that one left
unfinished is found. The lock is the system's: it ends with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

MOST = 1000


class LogUnusable(Exception):
    """Nothing can be written, or what is there is not ours; the message is for the operator."""


class Slot:
    """`name` is `node.0`, held until `release`."""

    def __init__(self, name: str, handle: int) -> None:
        self.name = name
        self._handle = handle

    @classmethod
    def claim(cls, folder: Path, node: str) -> Self:
        """Raises LogUnusable."""
        for number in range(MOST):
            name = f"{node}.{number}"
            try:
                handle = os.open(_lock(folder, name), os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise LogUnusable(f"{folder}: {error.strerror}") from None
            if _taken(handle):
                return cls(name, handle)
        raise LogUnusable(f"{folder}: more than {MOST} processes of {node}")

    def writes(self, file: str) -> None:
        """Notes in the lock which file this process writes now. Raises OSError."""
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, file.encode(), 0)

    def release(self) -> None:
        os.close(self._handle)


def is_written(folder: Path, name: str, file: str) -> bool:
    """Whether the slot's process writes this file now."""
    return is_held(folder, name) and _lock(folder, name).read_bytes() == file.encode()


def is_held(folder: Path, name: str) -> bool:
    """Whether a process of this machine writes there now."""
    try:
        handle = os.open(_lock(folder, name), os.O_RDONLY)
    except OSError:
        return False
    if taken := _taken(handle, fcntl.LOCK_SH):
        os.close(handle)
    return not taken


def _taken(handle: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    return True


def _lock(folder: Path, name: str) -> Path:
    return folder / f".{name}.lock"
