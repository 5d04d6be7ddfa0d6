"""What a SOQL statement says, as a tree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps through parents: `Account.Name` is ("Account", "Name")."""

    names: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    """`kind` is string, number, date, datetime, boolean or null; `text` is as it was written."""

    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator` is upper case; only IN and NOT IN have more than one value."""

    path: Path
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Ordering:
    path: Path
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """A query or a child subquery; `source` is an object's name, or a relationship's."""

    columns: tuple[Path | Select, ...]
    source: Path
    alias: str | None = None
    where: Condition | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
    counts: bool = False
