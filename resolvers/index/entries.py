"""The table of references: its columns, and entries as its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, MetaData, Row, String, Table, and_

from connectors.ledger import Entry
from connectors.money import Money
from connectors.records import Kind
from resolvers.tombstones import REFERENCE

LONGEST = 255
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
entry_table = Table(
    "reference_entry",
    MetaData(),
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
KEPT = ("alias", "payment", "reference", "amount", "fee", "currency")
"""What one book says and another does not is kept."""
ENTRY_KEPT = ("alias", "payment", "reference", "amount", "fee")


def stamp(moment: datetime) -> int:
    """Milliseconds since the epoch; exact, where a float would not be."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment_of(stamped: int | None) -> datetime | None:
    return None if stamped is None else EPOCH + timedelta(milliseconds=stamped)


def of_kind(source: str, kind: str) -> ColumnElement[bool]:
    return and_(entry_table.c.source == source, entry_table.c.kind == kind)


def values_of(source: str, entry: Entry, origin: str) -> tuple[Any, ...]:
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


def entry_in(row: Row[Any]) -> Entry:
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


def identities(source: str, entry: Entry) -> Iterator[str]:
    """The names of the record itself (see `resolvers.tombstones`)."""
    for id_ in (entry.native_id, entry.alias):
        if id_ is not None:
            yield f"{source}:{entry.kind.value}:{id_}"


def names_of(source: str, entry: Entry) -> Iterator[str]:
    """The names under which an entry may have been erased."""
    yield from identities(source, entry)
    if entry.payment is not None:
        yield f"{source}:{Kind.PAYMENT.value}:{entry.payment}"
    if entry.reference is not None and entry.kind is Kind.PAYMENT:
        yield f"{source}:{REFERENCE}:{entry.reference}"


def merged(entries: Iterable[Entry], replace: bool) -> dict[tuple[str, str], Entry]:
    """One entry a record, by its kind and id, as if each had been written after the other."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = (entry.kind.value, entry.native_id)
        if (old := found.get(key)) is not None:
            entry = _filled(entry, old) if replace else _filled(old, entry)
        found[key] = entry
    return found


def _filled(first: Entry, second: Entry) -> Entry:
    """The first, with what only the second says."""
    missing = [name for name in ENTRY_KEPT if getattr(first, name) is None]
    return msgspec.structs.replace(first, **{name: getattr(second, name) for name in missing})
