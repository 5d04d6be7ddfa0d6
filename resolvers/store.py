"""The SQL database that everything we keep stands in: SQLite by default, PostgreSQL by URL.

Its tables are made and changed by the migrations beside this file, which run when it is opened.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from auth.database import DATABASE_ERRORS, reason

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x7111_9A7E
"""PostgreSQL's advisory lock under which tables are changed, so that workers take turns."""
INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""The insert of each dialect that can do something on a conflict."""
BUSY_SECONDS = 10.0
"""How long a writer of SQLite waits for another one."""


Engine = AsyncEngine


class StoreUnusable(Exception):
    """The URL is wrong, its driver is missing, or the database does not work."""


class StoreFailing(StoreUnusable):
    """The database is full, read-only, locked, damaged or does not answer; the message names what
    the operator does about it."""


@contextmanager
def guarded() -> Iterator[None]:
    """Raises StoreFailing for what a database can fail with, without the database's own text."""
    try:
        yield
    except DATABASE_ERRORS as error:
        raise StoreFailing(reason(error)) from None


@asynccontextmanager
async def open_store(
    url: str, password: str | None = None, busy: float = BUSY_SECONDS
) -> AsyncIterator[AsyncEngine]:
    """The database at an SQLAlchemy URL such as `sqlite+aiosqlite:///tillgate.db`, migrated. A
    writer of SQLite waits `busy` seconds for another one. Raises StoreUnusable."""
    try:
        engine = create_async_engine(_address(url, password))
    except (SQLAlchemyError, ImportError, ValueError, TypeError) as error:
        raise StoreUnusable(type(error).__name__) from None
    if engine.dialect.name not in INSERTS:
        raise StoreUnusable(f"{engine.dialect.name} is not spoken")
    if engine.dialect.name == "sqlite":
        _check_place(engine.url)
        event.listen(engine.sync_engine, "connect", partial(_tune, busy))
    try:
        try:
            with guarded():
                async with engine.connect() as connection:
                    await connection.run_sync(_migrate)
        except (ValueError, TypeError, CommandError) as error:
            raise StoreUnusable(type(error).__name__) from None
        yield engine
    finally:
        await engine.dispose()


async def scrub(engine: AsyncEngine, tables: Sequence[str]) -> None:
    """Takes what was deleted out of the database's files, as far as the database can: SQLite's are
    written anew and its log is cut off. Raises StoreUnusable, also while somebody reads the log."""
    with guarded():
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if engine.dialect.name == "postgresql":
                await connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
                return
            await connection.exec_driver_sql("VACUUM")
            cut = await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            if cut.scalar_one():
                raise StoreUnusable("its log cannot be cut off while somebody else reads it")


def _address(url: str, password: str | None) -> URL:
    address = make_url(url)
    return address if password is None else address.set(password=password)


def _check_place(url: URL) -> None:
    """A file that cannot be opened leaves SQLite's thread behind, which then fails noisily."""
    file = (url.database or "").removeprefix("file:" if "uri" in url.query else "")
    if file and file != ":memory:" and (Path(file).is_dir() or not Path(file).parent.is_dir()):
        raise StoreUnusable("there is no such folder, or it is no file")


def _tune(busy: float, connection: Any, _: Any) -> None:
    """Readers go on while somebody writes; a commit survives the end of the process."""
    cursor = connection.cursor()
    # First of all: the next one needs the file for itself, and others may be opening it too.
    cursor.execute(f"PRAGMA busy_timeout={round(busy * 1000)}")
    _write_ahead(cursor, busy)
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _write_ahead(cursor: Any, busy: float) -> None:
    """The change of mode does not wait for others who are just opening a new file (SQLite answers
    it with "database is locked" whatever the timeout), so it is tried again for as long."""
    ends = time.monotonic() + busy
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.01)


def _migrate(connection: Connection) -> None:
    """Brings the tables up to date; others who open the database meanwhile wait."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    changes = ScriptDirectory.from_config(config)
    head = changes.get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    if current is not None and current not in {
        known.revision for known in changes.walk_revisions()
    }:
        raise StoreUnusable(
            f"it was written by a newer version: its tables are at {current!r}, and this version"
            f" knows up to {head!r}"
        )
    connection.rollback()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()
