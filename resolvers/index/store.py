"""Which payments, refunds and disputes exist in which source, in SQL: references, times and amounts
for a check. Records are read live by id; no personal data is kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connectors.ledger import BadRow, Entry
from connectors.records import Kind
from resolvers.erasure import PersonalStore, take_away
from resolvers.index.coverage import Coverage
from resolvers.index.entries import (
    KEPT,
    entry_in,
    entry_table,
    identities,
    merged,
    moment_of,
    names_of,
    of_kind,
    stamp,
    values_of,
)
from resolvers.index.slice import Slice, conditions
from resolvers.store import INSERTS, guarded
from resolvers.tombstones import REFERENCE, Tombstones

MOST_PARAMETERS = 500
_periods = Table(
    "ledger_period",
    MetaData(),
    Column("source", String(64), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("written", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("finished_at", BigInteger),
    Column("bad", Integer, nullable=False),
    Column("bad_rows", Text),
)
_BAD_ROWS = msgspec.json.Decoder(tuple[BadRow, ...])
_BELONGING = (Kind.REFUND.value, Kind.DISPUTE.value)
"""Kinds of what names its payment."""


class Progress(msgspec.Struct, frozen=True):
    """How much of a period is written. `digest` is of all its entries, as they were when read.

    `bad` rows of it were left out, so that it is incomplete; `bad_rows` are the first of them.
    """

    digest: str
    written: int
    entries: int
    finished_at: datetime | None = None
    bad: int = 0
    bad_rows: tuple[BadRow, ...] = ()


Parts = Iterable[tuple[str, Sequence[Entry]]]
"""Entries with their source, read once for each pass over them."""


class Index:
    """Of a database that `open_store` opened. Every method raises StoreUnusable alone.

    What was erased is never written again. An entry that is left out for one of its names marks its
    other names too and takes away what stands under them, also in the stores `beside` this one.
    Methods that write return how many entries they left out.
    """

    TABLE = str(entry_table.name)

    def __init__(
        self,
        engine: AsyncEngine,
        tombstones: Tombstones | None = None,
        beside: Sequence[PersonalStore] = (),
    ) -> None:
        self._engine = engine
        self._tombstones = tombstones or Tombstones(engine)
        self._stores: tuple[PersonalStore, ...] = (*beside, self)
        self.coverage = Coverage(engine)
        self.has_taken_away = False
        """Whether a write took rows away, whose bytes the database's files may still hold."""

    async def put(
        self, source: str, entries: Iterable[Entry], origin: str, *, replace: bool = True
    ) -> int:
        """Writes all or nothing. `origin` says where they come from. With `replace` False only
        what was not known is filled in."""
        return await self._put([(source, list(entries))], origin, replace=replace)

    async def put_file(self, name: str, parts: Parts) -> int:
        """All parts or none; the file counts as a book of these sources. `parts` is read more than
        once where the store has tombstones."""
        now = datetime.now(UTC)
        return await self._put(
            parts, name, lambda source, count: (name[:128], Progress("", count, count, now))
        )

    async def put_part(
        self, source: str, period: str, entries: Sequence[Entry], progress: Progress
    ) -> int:
        """A part of a period and how far it goes, together or not at all."""
        return await self._put([(source, entries)], period, lambda *_: (period, progress))

    async def _put(
        self,
        parts: Parts,
        origin: str,
        noted: Callable[[str, int], tuple[str, Progress]] | None = None,
        replace: bool = True,
    ) -> int:
        """Writers share the lock until an entry has names to mark; then the transaction begins
        again, alone: what another writer has not committed yet could not be taken away."""
        for alone in (False, True):
            written: Counter[str] = Counter()
            left_out = 0
            async with self._begin(alone) as connection:
                marked = await self._mark(connection, parts, alone)
                if marked is None:
                    continue
                for source, entries in parts:
                    left_out += await self._write(
                        connection, source, entries, origin, replace, marked
                    )
                    written[source] += len(entries)
                if noted is not None:
                    for source, count in written.items():
                        await self._note(connection, source, *noted(source, count))
            return left_out
        raise AssertionError("the second transaction is alone")

    async def _mark(
        self, connection: AsyncConnection, parts: Parts, alone: bool
    ) -> frozenset[str] | None:
        """Names that were marked because entries of `parts` are left out, to the last of them; None
        if there are any and the transaction is not alone."""
        marked: frozenset[str] = frozenset()
        while self._tombstones.has_any and (fresh := self._fresh(parts, marked)):
            if not alone:
                return None
            gone, every = await take_away(
                connection, self._tombstones, self._stores, fresh, datetime.now(UTC)
            )
            self.has_taken_away |= any(gone[store.TABLE] for store in self._stores)
            marked |= every
        return marked

    def _fresh(self, parts: Parts, marked: Collection[str]) -> set[str]:
        """Names of entries that are left out which nothing marks yet."""
        return {
            name
            for source, entries in parts
            for entry in entries
            if self._is_gone(source, entry, marked)
            for name in identities(source, entry)
            if name not in marked and not self._tombstones.of([name])
        }

    def _is_gone(self, source: str, entry: Entry, marked: Collection[str]) -> bool:
        names = list(names_of(source, entry))
        return any(name in marked for name in names) or bool(self._tombstones.of(names))

    async def forget(self, source: str, kind: Kind, ids: Sequence[str]) -> int:
        """Takes entries away; counts them."""
        async with self._begin() as connection:
            done = await connection.execute(
                delete(entry_table).where(
                    entry_table.c.source == source,
                    entry_table.c.kind == kind.value,
                    entry_table.c.native_id.in_(ids),
                )
            )
            return done.rowcount

    async def erased(self, source: str, kind: Kind, ids: Iterable[str]) -> set[str]:
        """Those of them that were erased."""
        names = {f"{source}:{kind.value}:{native_id}": native_id for native_id in ids}
        return {names[name] for name in await self._tombstones.now_of(names)}

    async def about(
        self, connection: AsyncConnection, names: Collection[str]
    ) -> list[Mapping[str, Any]]:
        """Rows of the records of these names (see `resolvers.tombstones`) and of what belongs to
        such payments, in whole."""
        return [dict(row._mapping) for row in await self._about(connection, names)]

    async def named(self, connection: AsyncConnection, names: Collection[str]) -> set[str]:
        """Ids and aliases of what is `about` these names."""
        return {
            f"{row.source}:{row.kind}:{id_}"
            for row in await self._about(connection, names)
            for id_ in (row.native_id, row.alias)
            if id_
        }

    async def erase(self, connection: AsyncConnection, names: Collection[str]) -> int:
        """Takes away what is `about` these names; how many rows."""
        rows = await self._about(connection, names)
        by_kind: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for row in rows:
            by_kind[row.source, row.kind].append(row.native_id)
        gone = 0
        for (source, kind), ids in by_kind.items():
            for part in _parts(ids):
                these = of_kind(source, kind) & entry_table.c.native_id.in_(part)
                gone += (await connection.execute(delete(entry_table).where(these))).rowcount
        return gone

    async def _about(self, connection: AsyncConnection, names: Collection[str]) -> list[Row[Any]]:
        asked: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for name in names:
            source, what, value = name.split(":", 2)
            asked[source][what].add(value)
        found: dict[tuple[str, str, str], Row[Any]] = {}

        async def find(source: str, kind: str, column: Column[str], values: set[str]) -> None:
            for part in _parts(sorted(values)):
                query = select(entry_table).where(of_kind(source, kind) & column.in_(part))
                for row in await connection.execute(query):
                    found[row.source, row.kind, row.native_id] = row

        payment = Kind.PAYMENT.value
        for source, wanted in asked.items():
            for kind in (payment, *_BELONGING):
                await find(source, kind, entry_table.c.native_id, wanted[kind])
                await find(source, kind, entry_table.c.alias, wanted[kind])
            await find(source, payment, entry_table.c.reference, wanted[REFERENCE])
            theirs = [row for row in found.values() if (row.source, row.kind) == (source, payment)]
            owners = {id_ for row in theirs for id_ in (row.native_id, row.alias) if id_}
            for kind in _BELONGING:
                await find(source, kind, entry_table.c.payment, wanted[payment] | owners)
        return [found[key] for key in sorted(found)]

    async def _note(
        self, connection: AsyncConnection, source: str, period: str, progress: Progress
    ) -> None:
        values = {"source": source, "name": period, **_progress_values(progress)}
        insert = INSERTS[self._engine.dialect.name](_periods).values(values)
        await connection.execute(
            insert.on_conflict_do_update(
                index_elements=["source", "name"], set_=_progress_values(progress)
            )
        )

    async def progress(self, source: str) -> dict[str, Progress]:
        """By the names of the periods that were begun."""
        rows = await self._rows(select(_periods).where(_periods.c.source == source))
        return {row.name: _progress(row) for row in rows}

    async def incomplete(self) -> dict[tuple[str, str], Progress]:
        """Periods of which rows were left out, by source and name."""
        query = select(_periods).where(_periods.c.bad > 0)
        rows = await self._rows(query.order_by(_periods.c.source, _periods.c.name))
        return {(row.source, row.name): _progress(row) for row in rows}

    async def synced_at(self, source: str) -> datetime | None:
        """When a period of the source was last finished; None if none ever was."""
        latest = func.max(_periods.c.finished_at).label("finished_at")
        (row,) = await self._rows(select(latest).where(_periods.c.source == source))
        return moment_of(row.finished_at)

    async def known(self, source: str, kind: Kind, ids: Sequence[str]) -> dict[str, Entry]:
        """Entries by what was asked for: their native id or their alias."""
        wanted = set(ids)
        found: dict[str, Entry] = {}
        for column in (entry_table.c.alias, entry_table.c.native_id):
            for entry in await self._among(source, kind, column, ids):
                for key in {entry.native_id, entry.alias} & wanted:
                    found[str(key)] = entry
        return found

    async def referenced(
        self, source: str, kind: Kind, references: Sequence[str]
    ) -> dict[str, list[Entry]]:
        """Entries by the merchant's number that they carry."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in await self._among(source, kind, entry_table.c.reference, references):
            found[str(entry.reference)].append(entry)
        return dict(found)

    async def belonging(
        self, source: str, kind: Kind, payments: Collection[str]
    ) -> dict[str, list[Entry]]:
        """Entries by the payment id or alias under which their book names their payment."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in await self._among(source, kind, entry_table.c.payment, list(payments)):
            found[str(entry.payment)].append(entry)
        return dict(found)

    async def slice(self, source: str, kind: Kind, wanted: Slice) -> list[Entry]:
        """One page."""
        query = select(entry_table).where(
            entry_table.c.source == source, entry_table.c.kind == kind.value, *conditions(wanted)
        )
        order = (entry_table.c.created_at.desc(), entry_table.c.native_id.desc())
        return [
            entry_in(row) for row in await self._rows(query.order_by(*order).limit(wanted.first))
        ]

    async def unexplained(self, source: str, since: datetime) -> int:
        """How many refunds and disputes since then name a payment that no entry is of."""
        own, paid = entry_table, entry_table.alias()
        known = (
            select(paid.c.native_id)
            .where(
                paid.c.source == source,
                paid.c.kind == Kind.PAYMENT.value,
                or_(paid.c.native_id == own.c.payment, paid.c.alias == own.c.payment),
            )
            .exists()
        )
        query = select(func.count().label("entries")).where(
            own.c.source == source,
            own.c.kind.in_(_BELONGING),
            own.c.created_at >= stamp(since),
            ~known,
        )
        (row,) = await self._rows(query)
        return int(row.entries)

    async def counts(self) -> dict[tuple[str, Kind], int]:
        """How many entries there are, by source and kind."""
        grouped = (entry_table.c.source, entry_table.c.kind)
        rows = await self._rows(select(*grouped, func.count().label("entries")).group_by(*grouped))
        return {(row.source, Kind(row.kind)): row.entries for row in rows}

    async def _write(
        self,
        connection: AsyncConnection,
        source: str,
        entries: Sequence[Entry],
        origin: str,
        replace: bool,
        marked: Collection[str],
    ) -> int:
        """What comes later is right, but does not unsay what it leaves out. Returns how many
        records are left out."""
        gone: set[tuple[str, str]] = set()
        if self._tombstones.has_any:
            gone = {
                (entry.kind.value, entry.native_id)
                for entry in entries
                if self._is_gone(source, entry, marked)
            }
        unique = merged(entries, replace)
        # In the order of their keys, so that two writers never wait for each other.
        rows = [values_of(source, unique[key], origin) for key in sorted(unique.keys() - gone)]
        if rows:
            await connection.exec_driver_sql(self._upserts[replace], rows)
        return len(gone)

    @cached_property
    def _upserts(self) -> dict[bool, str]:
        """Compiled once and given rows as they are: a bill has a million of them."""
        return {replace: self._upsert(replace) for replace in (True, False)}

    def _upsert(self, replace: bool) -> str:
        insert = INSERTS[self._engine.dialect.name](entry_table)
        new, old = insert.excluded, entry_table.c
        changes: dict[str, Any]
        if replace:
            changes = {name: func.coalesce(new[name], old[name]) for name in KEPT}
            changes |= {"created_at": new.created_at, "origin": new.origin}
        else:
            changes = {name: func.coalesce(old[name], new[name]) for name in KEPT}
        whole = insert.on_conflict_do_update(
            index_elements=["source", "kind", "native_id"], set_=changes
        )
        return str(whole.compile(dialect=self._engine.dialect))

    async def _among(
        self, source: str, kind: Kind, column: Column[str], values: Sequence[str]
    ) -> list[Entry]:
        found: list[Entry] = []
        for start in range(0, len(values), MOST_PARAMETERS):
            query = select(entry_table).where(
                entry_table.c.source == source,
                entry_table.c.kind == kind.value,
                column.in_(values[start : start + MOST_PARAMETERS]),
            )
            order = (entry_table.c.created_at, entry_table.c.native_id)
            found += [entry_in(row) for row in await self._rows(query.order_by(*order))]
        return found

    async def _rows(self, query: Any) -> Sequence[Row[Any]]:
        with guarded():
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).all()

    @asynccontextmanager
    async def _begin(self, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        with guarded():
            async with self._engine.begin() as connection:
                begin = self._tombstones.erasing if alone else self._tombstones.writing
                await begin(connection)
                yield connection


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), MOST_PARAMETERS):
        yield values[start : start + MOST_PARAMETERS]


def _progress_values(progress: Progress) -> dict[str, Any]:
    finished = progress.finished_at
    return {
        "digest": progress.digest,
        "written": progress.written,
        "entries": progress.entries,
        "finished_at": None if finished is None else stamp(finished),
        "bad": progress.bad,
        "bad_rows": msgspec.json.encode(progress.bad_rows).decode() if progress.bad else None,
    }


def _progress(row: Row[Any]) -> Progress:
    bad_rows = _BAD_ROWS.decode(row.bad_rows) if row.bad_rows else ()
    finished_at = moment_of(row.finished_at)
    return Progress(row.digest, row.written, row.entries, finished_at, row.bad, bad_rows)
