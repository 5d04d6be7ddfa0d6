"""The columns of a table as a mapping names them, and rows of them made of HubSpot's records.

dealname                 a property
hs_additional_emails[]   a property of several values (`a;b`), each of them
firstname lastname       two properties, joined by a space
associations.contacts[]  the numbers of associated records, the primary one first, then the
                         oldest; without `[]` they are one value, with semicolons
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from connectors.hubspot.catalogue import Known
from connectors.hubspot.payloads import Object
from connectors.hubspot.settings import ID
from connectors.values import MISSING, Misfit, text

_RELATION = re.compile(r"associations\.([A-Za-z0-9_-]{1,100})(?:\[\])?")


class Columns(msgspec.Struct, frozen=True):
    """What to read of `table`; `missing` are paths that it does not have."""

    table: str
    names: tuple[str, ...]
    many: frozenset[str]
    joined: Mapping[str, tuple[str, str]]
    relations: Mapping[str, str]
    missing: frozenset[str]

    @property
    def targets(self) -> tuple[str, ...]:
        """The tables whose associations are asked for."""
        return tuple(dict.fromkeys(self.relations.values()))

    def row(self, record: Object, related: Mapping[str, Sequence[str] | None]) -> dict[str, Any]:
        """`related` are the associations by table, None for those that may not be read."""
        row: dict[str, Any] = {name: record.told(name) for name in self.names}
        row |= {path: _joined(row, pair) for path, pair in self.joined.items()}
        row |= {name: _each(row[name]) for name in self.many}
        row[ID] = record.id
        row["associations"] = {to: list(ids) for to, ids in related.items() if ids is not None}
        row |= dict.fromkeys(self.missing, MISSING)
        unread = [path for path, to in self.relations.items() if related.get(to, ()) is None]
        return row | dict.fromkeys(unread, MISSING)


def columns_of(table: str, paths: Iterable[str], known: Known) -> Columns:
    names: dict[str, None] = {}
    many: set[str] = set()
    joined: dict[str, tuple[str, str]] = {}
    relations: dict[str, str] = {}
    missing: set[str] = set()
    for path in paths:
        plain = path.removesuffix("[]")
        pair = pair_of(path)
        if (target := relation_of(path)) is not None:
            relations[path] = target
        elif plain in known:
            names[plain] = None
            many |= {plain} if plain != path else set()
        elif pair is not None and known.keys() >= set(pair):
            names |= dict.fromkeys(pair)
            joined[path] = pair
        else:
            missing.add(path)
    return Columns(table, tuple(names), frozenset(many), joined, relations, frozenset(missing))


def relation_of(path: str) -> str | None:
    """The table that a path of associations leads to."""
    found = _RELATION.fullmatch(path)
    return found[1] if found else None


def pair_of(path: str) -> tuple[str, str] | None:
    """The two properties that a path joins."""
    parts = path.split(" ")
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def _each(value: Any) -> Any:
    return value.split(";") if isinstance(value, str) else value


def _joined(row: Mapping[str, Any], pair: tuple[str, str]) -> Any:
    """What is no text stays as it is: the mapping then says so."""
    parts = [row[name] for name in pair if row[name]]
    try:
        return " ".join(map(text, parts)) or None
    except Misfit:
        return parts
