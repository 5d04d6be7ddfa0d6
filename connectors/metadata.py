"""How a system describes its own tables: what `tillgate map` reads."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

Rows = list[dict[str, Any]]


class ColumnType(Enum):
    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    RELATION = "relation"
    LIST = "list"
    OTHER = "other"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One field as the vendor describes it. `path` is what a mapping names it by, `key` the
    vendor's unchanging name where it has one, so that a renamed field is known again; `words` are
    the choices; `refers` the table that a relation leads to; `unique` that no two rows share it;
    `singly` that rows are asked for by one of its values a call, and not by many at once.
    """

    path: str
    label: str = ""
    type: ColumnType = ColumnType.TEXT
    key: str = ""
    words: tuple[str, ...] = ()
    refers: str = ""
    unique: bool = False
    singly: bool = False


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is what a mapping names it by. A relation may lead to any table, also to itself.

    `complete` is False where a vendor has no description, and the columns are those seen in rows.
    """

    name: str
    label: str = ""
    columns: tuple[Column, ...] = ()
    complete: bool = True
