"""Which payments, refunds and disputes exist in which source, in SQL: references, times and amounts
for a check. Records are read live by id; no personal data is kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connectors.filters import MoneyRange, TimeRange
from connectors.ledger import BadRow, Entry
from connectors.money import Money
from connectors.records import Kind
from resolvers.store import INSERTS, guarded
from resolvers.tombstones import REFERENCE, Tombstones

MOST_PARAMETERS = 500
LONGEST = 255
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_metadata = MetaData()
_entries = Table(
    "reference_entry",
    _metadata,
    Column("source", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("native_id", String(255), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("alias", String(255)),
    Column("payment", String(255)),
    Column("reference", String(255)),
    Column("amount", BigInteger),
    Column("fee", BigInteger),
    Column("currency", String(3)),
    Column("origin", String(255), nullable=False),
)
_periods = Table(
    "ledger_period",
    _metadata,
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
_KEPT = ("alias", "payment", "reference", "amount", "fee", "currency")
"""What one book says and another does not is kept."""
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


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of entries, newest first, behind the place (created_at, native_id) `after`.

    None is "any". Entries without an amount fit every amount: the record itself will tell.
    """

    first: int
    after: tuple[int, str] | None = None
    created_at: TimeRange | None = None
    references: tuple[str, ...] | None = None
    payments: tuple[str, ...] | None = None
    amount: MoneyRange | None = None


class Index:
    """Of a database that `open_store` opened. Every method raises StoreUnusable alone. What was
    erased is never written again: whatever writes tells how many entries it left out for that."""

    TABLE = str(_entries.name)

    def __init__(self, engine: AsyncEngine, tombstones: Tombstones | None = None) -> None:
        self._engine = engine
        self._tombstones = tombstones or Tombstones(engine)

    async def put(
        self, source: str, entries: Iterable[Entry], origin: str, *, replace: bool = True
    ) -> int:
        """Writes all or nothing. `origin` says where they come from. With `replace` False only
        what was not known is filled in."""
        async with self._begin() as connection:
            return await self._write(connection, source, entries, origin, replace)

    async def put_file(self, name: str, parts: Iterable[tuple[str, Sequence[Entry]]]) -> int:
        """All parts (source, entries) or none; the file counts as a book of these sources."""
        written: Counter[str] = Counter()
        left_out = 0
        async with self._begin() as connection:
            for source, entries in parts:
                left_out += await self._write(connection, source, entries, name)
                written[source] += len(entries)
            for source, count in written.items():
                done = Progress("", count, count, datetime.now(UTC))
                await self._note(connection, source, name[:128], done)
        return left_out

    async def forget(self, source: str, kind: Kind, ids: Sequence[str]) -> int:
        """Takes entries away; counts them."""
        async with self._begin() as connection:
            done = await connection.execute(
                delete(_entries).where(
                    _entries.c.source == source,
                    _entries.c.kind == kind.value,
                    _entries.c.native_id.in_(ids),
                )
            )
            return done.rowcount

    async def put_part(
        self, source: str, period: str, entries: Sequence[Entry], progress: Progress
    ) -> int:
        """A part of a period and how far it goes, together or not at all."""
        async with self._begin() as connection:
            left_out = await self._write(connection, source, entries, period)
            await self._note(connection, source, period, progress)
        return left_out

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
                these = _of(source, kind) & _entries.c.native_id.in_(part)
                gone += (await connection.execute(delete(_entries).where(these))).rowcount
        return gone

    async def _about(self, connection: AsyncConnection, names: Collection[str]) -> list[Row[Any]]:
        asked: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for name in names:
            source, what, value = name.split(":", 2)
            asked[source][what].add(value)
        found: dict[tuple[str, str, str], Row[Any]] = {}

        async def find(source: str, kind: str, column: Column[str], values: set[str]) -> None:
            for part in _parts(sorted(values)):
                query = select(_entries).where(_of(source, kind) & column.in_(part))
                for row in await connection.execute(query):
                    found[row.source, row.kind, row.native_id] = row

        payment = Kind.PAYMENT.value
        for source, wanted in asked.items():
            for kind in (payment, *_BELONGING):
                await find(source, kind, _entries.c.native_id, wanted[kind])
                await find(source, kind, _entries.c.alias, wanted[kind])
            await find(source, payment, _entries.c.reference, wanted[REFERENCE])
            theirs = [row for row in found.values() if (row.source, row.kind) == (source, payment)]
            owners = {id_ for row in theirs for id_ in (row.native_id, row.alias) if id_}
            for kind in _BELONGING:
                await find(source, kind, _entries.c.payment, wanted[payment] | owners)
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
        return _moment(row.finished_at)

    async def known(self, source: str, kind: Kind, ids: Sequence[str]) -> dict[str, Entry]:
        """Entries by what was asked for: their native id or their alias."""
        wanted = set(ids)
        found: dict[str, Entry] = {}
        for column in (_entries.c.alias, _entries.c.native_id):
            for entry in await self._among(source, kind, column, ids):
                for key in {entry.native_id, entry.alias} & wanted:
                    found[str(key)] = entry
        return found

    async def referenced(
        self, source: str, kind: Kind, references: Sequence[str]
    ) -> dict[str, list[Entry]]:
        """Entries by the merchant's number that they carry."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in await self._among(source, kind, _entries.c.reference, references):
            found[str(entry.reference)].append(entry)
        return dict(found)

    async def belonging(
        self, source: str, kind: Kind, payments: Collection[str]
    ) -> dict[str, list[Entry]]:
        """Entries by the payment id or alias under which their book names their payment."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in await self._among(source, kind, _entries.c.payment, list(payments)):
            found[str(entry.payment)].append(entry)
        return dict(found)

    async def slice(self, source: str, kind: Kind, wanted: Slice) -> list[Entry]:
        """One page."""
        query = select(_entries).where(
            _entries.c.source == source, _entries.c.kind == kind.value, *_conditions(wanted)
        )
        order = (_entries.c.created_at.desc(), _entries.c.native_id.desc())
        return [_entry(row) for row in await self._rows(query.order_by(*order).limit(wanted.first))]

    async def counts(self) -> dict[tuple[str, Kind], int]:
        """How many entries there are, by source and kind."""
        grouped = (_entries.c.source, _entries.c.kind)
        rows = await self._rows(select(*grouped, func.count().label("entries")).group_by(*grouped))
        return {(row.source, Kind(row.kind)): row.entries for row in rows}

    async def _write(
        self,
        connection: AsyncConnection,
        source: str,
        entries: Iterable[Entry],
        origin: str,
        replace: bool = True,
    ) -> int:
        """What comes later is right, but does not unsay what it leaves out. Counts what was erased
        and is left out."""
        # In the order of their keys, so that two writers never wait for each other.
        unique = {(e.kind.value, e.native_id): e for e in entries}
        any_gone = self._tombstones.has_any
        rows = [
            _values(source, unique[key], origin)
            for key in sorted(unique)
            if not (any_gone and self._tombstones.of(_names(source, unique[key])))
        ]
        if rows:
            await connection.exec_driver_sql(self._upserts[replace], rows)
        return len(unique) - len(rows)

    @cached_property
    def _upserts(self) -> dict[bool, str]:
        """Compiled once and given rows as they are: a bill has a million of them."""
        return {replace: self._upsert(replace) for replace in (True, False)}

    def _upsert(self, replace: bool) -> str:
        insert = INSERTS[self._engine.dialect.name](_entries)
        new, old = insert.excluded, _entries.c
        changes: dict[str, Any]
        if replace:
            changes = {name: func.coalesce(new[name], old[name]) for name in _KEPT}
            changes |= {"created_at": new.created_at, "origin": new.origin}
        else:
            changes = {name: func.coalesce(old[name], new[name]) for name in _KEPT}
        whole = insert.on_conflict_do_update(
            index_elements=["source", "kind", "native_id"], set_=changes
        )
        return str(whole.compile(dialect=self._engine.dialect))

    async def _among(
        self, source: str, kind: Kind, column: Column[str], values: Sequence[str]
    ) -> list[Entry]:
        found: list[Entry] = []
        for start in range(0, len(values), MOST_PARAMETERS):
            query = select(_entries).where(
                _entries.c.source == source,
                _entries.c.kind == kind.value,
                column.in_(values[start : start + MOST_PARAMETERS]),
            )
            order = (_entries.c.created_at, _entries.c.native_id)
            found += [_entry(row) for row in await self._rows(query.order_by(*order))]
        return found

    async def _rows(self, query: Any) -> Sequence[Row[Any]]:
        with guarded():
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).all()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AsyncConnection]:
        with guarded():
            async with self._engine.begin() as connection:
                await self._tombstones.writing(connection)
                yield connection


def _names(source: str, entry: Entry) -> Iterator[str]:
    """The names under which an entry may have been erased."""
    kind = entry.kind.value
    yield f"{source}:{kind}:{entry.native_id}"
    if entry.alias is not None:
        yield f"{source}:{kind}:{entry.alias}"
    if entry.payment is not None:
        yield f"{source}:{Kind.PAYMENT.value}:{entry.payment}"
    if entry.reference is not None and entry.kind is Kind.PAYMENT:
        yield f"{source}:{REFERENCE}:{entry.reference}"


def _of(source: str, kind: str) -> ColumnElement[bool]:
    return and_(_entries.c.source == source, _entries.c.kind == kind)


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), MOST_PARAMETERS):
        yield values[start : start + MOST_PARAMETERS]


def _conditions(wanted: Slice) -> Iterable[ColumnElement[bool]]:
    c = _entries.c
    if wanted.after is not None:
        when, native_id = wanted.after
        later = and_(c.created_at == when, c.native_id < native_id)
        yield or_(c.created_at < when, later)
    if (times := wanted.created_at) is not None:
        # Kept in whole milliseconds: a little more is read, and the record decides.
        for bound in filter(None, (times.gte, times.gt)):
            yield c.created_at >= stamp(bound)
        for bound in filter(None, (times.lte, times.lt)):
            yield c.created_at <= stamp(bound)
    if wanted.references is not None:
        yield or_(c.reference.in_(wanted.references), c.reference.is_(None))
    if wanted.payments is not None:
        yield c.payment.in_(wanted.payments)
    if (amount := wanted.amount) is not None:
        yield or_(c.amount.is_(None), and_(*_bounds(amount)))


def _bounds(amount: MoneyRange) -> Iterable[ColumnElement[bool]]:
    yield _entries.c.currency == amount.currency
    column = _entries.c.amount
    for bound, compare in (
        (amount.gte, column.__ge__),
        (amount.gt, column.__gt__),
        (amount.lte, column.__le__),
        (amount.lt, column.__lt__),
    ):
        if bound is not None:
            yield compare(bound)


def stamp(moment: datetime) -> int:
    """Milliseconds since the epoch; exact, where a float would not be."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _moment(stamped: int | None) -> datetime | None:
    return None if stamped is None else EPOCH + timedelta(milliseconds=stamped)


def _values(source: str, entry: Entry, origin: str) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    amount = entry.amount or entry.fee
    fee = entry.fee if amount and entry.fee and entry.fee.currency == amount.currency else None
    return (
        source,
        entry.kind.value,
        entry.native_id,
        stamp(entry.created_at),
        _short(entry.alias),
        _short(entry.payment),
        _short(entry.reference),
        entry.amount and entry.amount.minor_units,
        fee and fee.minor_units,
        amount and amount.currency,
        origin[:LONGEST],
    )


def _short(text: str | None) -> str | None:
    """None for what is too long to be anybody's number."""
    return text if text is None or len(text) <= LONGEST else None


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        kind=Kind(row.kind),
        native_id=row.native_id,
        created_at=EPOCH + timedelta(milliseconds=row.created_at),
        alias=row.alias,
        payment=row.payment,
        reference=row.reference,
        amount=None if row.amount is None else Money(row.amount, row.currency),
        fee=None if row.fee is None else Money(row.fee, row.currency),
    )


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
    finished_at = _moment(row.finished_at)
    return Progress(row.digest, row.written, row.entries, finished_at, row.bad, bad_rows)
