"""Columns of described tables: where a path leads, and which words a column was seen to hold."""

from __future__ import annotations

from collections import Counter

from connectors.metadata import Column, ColumnType, Rows, Table
from connectors.values import at


def column_of(table: Table, path: str) -> Column | None:
    """The column that a path leads into: its own, or the one that holds it, where what is inside
    is not described."""
    by_path = {column.path: column for column in table.columns}
    by_key = {column.key: column for column in table.columns if column.key}
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        head = ".".join(parts[:length])
        for spelled in (head, head.removesuffix("[]"), f"{head}[]"):
            if (found := by_path.get(spelled) or by_key.get(spelled)) is not None:
                inner = f"{spelled.removesuffix('[]')}[]."
                told = any(name.startswith(inner) for name in (*by_path, *by_key))
                return None if told and length < len(parts) else found
    return None


def seen_words(column: Column, rows: Rows) -> list[str]:
    """Words that rows hold: of a choice all, of free text those that come back, as others may be
    anything, also a name."""
    words = Counter(v for row in rows for v in at(row, column.path) if isinstance(v, str))
    least = 1 if column.type is ColumnType.CHOICE else 2
    return [word for word, count in words.items() if count >= least]
