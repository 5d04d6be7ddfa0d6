"""What the database can fail with, and what an operator does about it.

The database's own text is never shown: it quotes statements and values.
"""

from __future__ import annotations

import errno
import socket
import sqlite3
from collections.abc import Mapping

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

DATABASE_ERRORS = (SQLAlchemyError, OSError, PostgresError, InterfaceError, InternalClientError)
"""SQLAlchemy does not wrap all that asyncpg raises while it connects."""
FULL = "the disk is full: make room, then try again"
DESCRIPTORS = "this process has no file descriptor left: raise its limit (ulimit -n)"
UNREACHABLE = "the server does not answer: is it running, and is [store] url right?"
SQLITE: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: "it is read-only: let this user write the file and its folder",
    sqlite3.SQLITE_BUSY: "another process is writing to it: try again when that has ended",
    sqlite3.SQLITE_LOCKED: "another process is writing to it: try again when that has ended",
    sqlite3.SQLITE_IOERR: "its disk cannot be read or written: is it full, or failing?",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened: let this user write it and its folder,"
    " or raise the limit of open files (ulimit -n)",
    sqlite3.SQLITE_CORRUPT: "its file is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "its file is no SQLite database: is [store] url right?",
}
"""By primary result code (https://sqlite.org/rescode.html)."""
POSTGRESQL: Mapping[str, str] = {
    "08": UNREACHABLE,
    "25006": "it is read-only, as a standby is: let [store] url name the primary",
    "28": "it refuses the user or the password of [store]",
    "3D000": "there is no database of this name: create it, or change [store] url",
    "42501": "its user lacks the rights: grant them on the schema and its tables",
    "53100": "its disk is full: make room on the database server, then try again",
    "53300": "it accepts no more connections: raise max_connections, or run fewer processes",
    "55P03": "another process holds the lock: try again when that has ended",
    "57P": "it is starting or stopping: try again when it runs",
}
"""By SQLSTATE or its first characters
(https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
OWN: Mapping[int, str] = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EROFS: "its disk is read-only",
    errno.EMFILE: DESCRIPTORS,
    errno.ENFILE: DESCRIPTORS,
}
AWAY = (ConnectionError, FileNotFoundError, TimeoutError, socket.gaierror)
"""What connecting fails with; asyncpg joins several of them to an OSError without a number."""


def reason(error: BaseException) -> str:
    """A sentence for the operator on one of DATABASE_ERRORS; of an unknown one its type's name."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code, state = getattr(cause, "sqlite_errorcode", None), getattr(cause, "sqlstate", None)
    if code is not None:
        return SQLITE.get(code & 0xFF, type(error).__name__)
    if state is not None:
        known = (POSTGRESQL.get(state[:length]) for length in (5, 3, 2))
        return next(filter(None, known), type(error).__name__)
    if isinstance(cause, OSError):
        away = cause.errno is None or isinstance(cause, AWAY)
        return UNREACHABLE if away else own_reason(cause)
    return UNREACHABLE if "InterfaceError" in type(cause).__name__ else type(error).__name__


def own_reason(error: OSError) -> str:
    """What this machine refused, with the fix where it is known."""
    return OWN.get(error.errno or 0) or error.strerror or type(error).__name__
