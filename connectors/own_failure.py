"""What this machine lacks when a call to a vendor fails: then the vendor is not at fault."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Mapping

DESCRIPTORS = "this process has no file descriptor left: raise its limit (ulimit -n)"
DISK = "this machine's disk is full: make room, or set TMPDIR to another folder"
NETWORK = "this machine has no network, or no route to the host"
MEMORY = "this machine has no memory left"
THREADS = "this process can start no further thread: raise its limit (ulimit -u)"
RESOLVER = "no name server answered this machine"
LACKS: Mapping[int, str] = {
    errno.EMFILE: DESCRIPTORS,
    errno.ENFILE: "this machine has no file descriptor left: raise fs.file-max",
    errno.ENOMEM: MEMORY,
    errno.ENOBUFS: MEMORY,
    errno.ENOSPC: DISK,
    errno.EDQUOT: DISK,
    errno.EFBIG: DISK,
    errno.EIO: "this machine's disk cannot be read or written",
    errno.EADDRNOTAVAIL: "this machine has no address or port left for a connection",
    errno.ENETDOWN: NETWORK,
    errno.ENETUNREACH: NETWORK,
}
UNRESOLVED = (socket.EAI_AGAIN, socket.EAI_SYSTEM, socket.EAI_MEMORY)
"""Of a name that was not looked up at all; one that does not exist is another error."""


def own_failure(error: BaseException) -> str | None:
    """What was lacking, by the error or what it was raised from; None if another side failed."""
    return next(filter(None, map(_lack, _chain(error))), None)


def _lack(error: BaseException) -> str | None:
    if isinstance(error, socket.gaierror):
        if error.errno not in UNRESOLVED:
            return None
        return DESCRIPTORS if _has_no_descriptor() else RESOLVER
    if isinstance(error, OSError):
        return LACKS.get(error.errno or 0)
    if isinstance(error, MemoryError):
        return MEMORY
    return THREADS if "can't start new thread" in str(error) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _has_no_descriptor() -> bool:
    """The resolver reads files, and does not say why it could not."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False
