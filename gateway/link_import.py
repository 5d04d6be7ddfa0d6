"""`tillgate links`: explicit links between orders and payments, from a CSV file into the store."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from connectors.card_numbers import without_cards
from connectors.records import Kind
from connectors.registry import Registry
from gateway.compose import open_gateway
from gateway.settings import Settings
from gateway.strict import SettingsError
from resolvers.errors import BadId
from resolvers.link_store import StoredLink
from resolvers.sources import Sources

COLUMNS = ["order", "payment"]


class Imported(msgspec.Struct, frozen=True):
    """`refused` says per row what is wrong; if there is any, nothing was written. `left_out` are of
    records that were erased."""

    added: int
    known: int
    refused: tuple[str, ...]
    left_out: int = 0


async def import_links(
    settings: Settings, registry: Registry, path: Path, dry_run: bool
) -> Imported:
    """Reads `order,payment` (ids of the graph) and writes all rows or none."""
    async with open_gateway(settings, registry) as gateway:
        links, refused = read_links(path, gateway.sources)
        if refused or dry_run:
            return Imported(0, len(links), tuple(refused))
        added = await gateway.store.add(links)
        left_out = await gateway.store.erased(links)
        return Imported(added, len(links) - added - left_out, (), left_out)


async def list_links(settings: Settings, registry: Registry) -> list[StoredLink]:
    async with open_gateway(settings, registry) as gateway:
        return await gateway.store.all()


def read_links(path: Path, sources: Sources) -> tuple[list[StoredLink], list[str]]:
    """Links and refusals. Raises SettingsError if the file as a whole cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {type(error).__name__}") from None
    rows = csv.reader(lines, strict=True)
    try:
        return _read_rows(rows, path, sources)
    except csv.Error as error:
        raise SettingsError(f"{_name(path)}:{rows.line_num}: {error}") from None


def _read_rows(rows: Any, path: Path, sources: Sources) -> tuple[list[StoredLink], list[str]]:
    if next(rows, None) != COLUMNS:
        raise SettingsError(f"{_name(path)}: the first line must be {','.join(COLUMNS)}")
    now = datetime.now(UTC)
    links: dict[tuple[str, str], StoredLink] = {}
    refused: list[str] = []
    for row in rows:
        place = f"{_name(path)}:{rows.line_num}"
        if not row:
            continue
        if len(row) != len(COLUMNS):
            refused.append(f"{place}: {len(row)} columns instead of {len(COLUMNS)}")
            continue
        try:
            order = str(sources.address(row[0], Kind.ORDER))
            payment = str(sources.address(row[1], Kind.PAYMENT))
        except BadId as error:
            refused.append(f"{place}: {error}")
            continue
        links.setdefault((order, payment), StoredLink(order, payment, place, now))
    return list(links.values()), refused


def _name(path: Path) -> str:
    """The file's name as text that can be stored, whatever its bytes are."""
    return without_cards(path.name.encode("utf-8", "replace").decode())
