"""The system calls by which an audit log reaches its disk; each can fail or take long."""

from __future__ import annotations

import os


class Disk:
    """A disk of the operating system. Both methods raise OSError."""

    def write(self, handle: int, text: bytes) -> None:
        """Writes the whole text, in as many calls as the system needs."""
        rest = memoryview(text)
        while rest:
            rest = rest[os.write(handle, rest) :]

    def sync(self, handle: int) -> None:
        """Returns when all that was written to a file or a folder is on the disk."""
        os.fsync(handle)
