"""`tillgate index import`: references from a CSV file, for what no vendor tells any more."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

import msgspec

from connectors.currency import UnknownCurrency
from connectors.ledger import Entry
from connectors.money import InexactAmount, Money
from connectors.records import Kind
from connectors.references import trimmed
from connectors.registry import Registry
from gateway.compose import open_gateway
from gateway.settings import Settings
from gateway.strict import SettingsError, unknown
from resolvers.errors import BadId
from resolvers.index.spool import Spool
from resolvers.sources import Sources

NEEDED = ("source", "kind", "native_id", "created_at")
OPTIONAL = ("reference", "payment", "alias", "amount", "fee", "currency")
KINDS = {kind.value: kind for kind in (Kind.PAYMENT, Kind.REFUND, Kind.DISPUTE)}
LONGEST = 255
AHEAD = timedelta(days=1)
DATED = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)
DECIMAL = re.compile(r"-?\d{1,16}(\.\d{1,4})?", re.ASCII)


class Imported(msgspec.Struct, frozen=True):
    """`refused` says per row what is wrong; if there is any, nothing was written. `left_out` of the
    rows are of records that were erased."""

    rows: int
    refused: tuple[str, ...]
    left_out: int = 0


async def import_index(
    settings: Settings, registry: Registry, path: Path, dry_run: bool
) -> Imported:
    """Reads the file whole, then writes all of its rows or none."""
    async with open_gateway(settings, registry) as gateway:
        reader = RowReader(gateway.sources, path)
        spools: dict[str, Spool] = {}
        left_out = 0
        try:
            for source, entry in reader.rows():
                spools.setdefault(source, Spool()).add([entry])
            if not reader.refused and not dry_run:
                left_out = await gateway.index.put_file(f"import {path.name}", _Parts(spools))
                await gateway.scrub_if_needed()
        finally:
            for spool in spools.values():
                spool.close()
        rows = sum(spool.entries for spool in spools.values())
        return Imported(rows, tuple(reader.refused), left_out)


async def forget(settings: Settings, registry: Registry, ids: Sequence[str]) -> int:
    """Takes the entries of these ids of the graph away; counts them. Raises SettingsError."""
    async with open_gateway(settings, registry) as gateway:
        try:
            addresses = [gateway.sources.address(id_) for id_ in ids]
        except BadId as error:
            raise SettingsError(f"index forget: {error}") from None
        return sum([await gateway.index.forget(a.source, a.kind, [a.native_id]) for a in addresses])


class _Parts:
    """All that was spooled, as often as it is read."""

    def __init__(self, spools: Mapping[str, Spool]) -> None:
        self._spools = spools

    def __iter__(self) -> Iterator[tuple[str, list[Entry]]]:
        for source, spool in self._spools.items():
            for part in spool.parts():
                yield source, part


class Refusal(ValueError):
    """Why a row is not taken."""


class RowReader:
    """Good rows one by one; what is wrong with the others gathers in `refused`."""

    def __init__(self, sources: Sources, path: Path) -> None:
        self._sources = sources
        self._path = path
        self.refused: list[str] = []

    def rows(self) -> Iterator[tuple[str, Entry]]:
        """Raises SettingsError if the file as a whole cannot be read."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                yield from self._rows(file)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{self._path}: cannot be read: {type(error).__name__}") from None

    def _rows(self, file: TextIO) -> Iterator[tuple[str, Entry]]:
        lines = csv.reader(file, strict=True)
        try:
            columns = self._columns(next(lines, []))
            for row in lines:
                if not row:
                    continue
                try:
                    yield self._row(columns, row)
                except Refusal as error:
                    self.refused.append(f"{self._path.name}:{lines.line_num}: {error}")
        except csv.Error as error:
            raise SettingsError(f"{self._path.name}:{lines.line_num}: {error}") from None

    def _columns(self, header: Sequence[str]) -> list[str]:
        known = (*NEEDED, *OPTIONAL)
        for name in header:
            if name not in known:
                raise SettingsError(unknown(f"{self._path.name}:1: {name}", name, known))
        missing = [name for name in NEEDED if name not in header]
        if missing or len(set(header)) != len(header):
            raise SettingsError(
                f"{self._path.name}:1: the first line names each column once, and needs"
                f" {','.join(NEEDED)}"
            )
        return list(header)

    def _row(self, columns: Sequence[str], row: Sequence[str]) -> tuple[str, Entry]:
        if len(row) != len(columns):
            raise Refusal(f"{len(row)} columns instead of {len(columns)}")
        cells = {name: trimmed(cell) or None for name, cell in zip(columns, row, strict=True)}
        for name, cell in cells.items():
            if cell is not None and len(cell) > LONGEST:
                raise Refusal(f"{name}: longer than {LONGEST} characters")
            if cell is not None and not cell.isprintable():
                raise Refusal(f"{name}: holds characters that cannot be printed")
        source, kind = self._source(cells["source"]), _kind(cells["kind"])
        vendor = self._sources[source].vendor
        native_id = vendor.normalise(kind, cells["native_id"] or "")
        if native_id is None:
            raise Refusal(f"native_id: no {kind.value} id of {vendor.label}")
        if kind is not Kind.PAYMENT and cells.get("payment") is None:
            raise Refusal(f"payment: a {kind.value} names its payment")
        if cells.get("payment") == native_id and kind is not Kind.PAYMENT:
            raise Refusal(f"payment: a {kind.value} is not its own payment")
        currency, can = cells.get("currency"), vendor.currencies
        if currency is not None and can and currency not in can:
            raise Refusal(f"currency: {vendor.label} is paid in {', '.join(can)} only")
        return source, Entry(
            kind=kind,
            native_id=native_id,
            created_at=_moment(cells["created_at"]),
            alias=cells.get("alias"),
            payment=cells.get("payment"),
            reference=cells.get("reference"),
            amount=_money(cells, "amount"),
            fee=_money(cells, "fee"),
        )

    def _source(self, name: str | None) -> str:
        if name is None or name not in self._sources:
            raise Refusal("source: no source has this name")
        if not self._sources[name].can("ledger"):
            raise Refusal("source: it lists its records live, the index has nothing of it")
        return name


def _kind(text: str | None) -> Kind:
    kind = KINDS.get(text or "")
    if kind is None:
        raise Refusal(f"kind: one of {', '.join(KINDS)}")
    return kind


def _moment(text: str | None) -> datetime:
    try:
        if not DATED.match(text or ""):
            raise ValueError
        moment = datetime.fromisoformat(text or "")
        if moment.tzinfo is None:
            raise Refusal("created_at: a time without a zone; write 2026-01-01T08:00:00+08:00")
        if moment.astimezone(UTC) > datetime.now(UTC) + AHEAD:
            raise Refusal("created_at: in the future")
        return moment.astimezone(UTC)
    except Refusal:
        raise
    except (ValueError, OverflowError):
        raise Refusal("created_at: not a time such as 2026-01-01T08:00:00+08:00") from None


def _money(cells: Mapping[str, str | None], name: str) -> Money | None:
    amount, currency = cells.get(name), cells.get("currency")
    if amount is None:
        return None
    if currency is None:
        raise Refusal(f"{name}: an amount without a currency")
    if not DECIMAL.fullmatch(amount):
        raise Refusal(f"{name}: not a decimal such as 88.88")
    try:
        money = Money.of(amount, currency)
    except UnknownCurrency:
        raise Refusal("currency: not an ISO 4217 code") from None
    except InexactAmount as error:
        raise Refusal(f"{name}: {error}") from None
    if money.minor_units < 0:
        raise Refusal(f"{name}: below zero; a refund's amount is positive too")
    return money
