"""One kind of object of one account, kept sorted by creation and indexed for its filters."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(slots=True)
class Row:
    """An object with its place in the order, and when search begins to see it."""

    created: int
    sequence: int
    object: Object
    searchable_at: float = 0.0

    @property
    def key(self) -> tuple[int, int]:
        return self.created, self.sequence


def row_key(row: Row) -> tuple[int, int]:
    return row.created, row.sequence


class Table:
    """Rows oldest first; `indexed` names the fields that can be looked up by value."""

    def __init__(self, noun: str, url: str, indexed: tuple[str, ...]) -> None:
        self.noun = noun
        self.url = url
        self.rows: list[Row] = []
        self.by_id: dict[str, Row] = {}
        self.indexes: dict[str, dict[str, list[Row]]] = {field: {} for field in indexed}
        self.words: dict[tuple[str, str], list[Row]] = {}

    def add(self, obj: Object, searchable_at: float = 0.0) -> Row:
        row = Row(obj["created"], len(self.by_id), obj, searchable_at)
        self.by_id[obj["id"]] = row
        insort(self.rows, row, key=row_key)
        for field, index in self.indexes.items():
            value = obj.get(field)
            if value is not None:
                insort(index.setdefault(value, []), row, key=row_key)
        for word in words(obj):
            insort(self.words.setdefault(word, []), row, key=row_key)
        return row

    def get(self, native_id: str) -> Object | None:
        row = self.by_id.get(native_id)
        return None if row is None else row.object

    def where(self, field: str, value: str) -> list[Row]:
        """Rows with this value, oldest first."""
        return self.indexes[field].get(value, [])

    def newest(self, field: str, value: str) -> Iterator[Object]:
        return (row.object for row in reversed(self.where(field, value)))


def words(obj: Object) -> Iterator[tuple[str, str]]:
    """What exact search looks up: metadata and the customer, without case."""
    for key, value in (obj.get("metadata") or {}).items():
        yield f"metadata.{key}", value.lower()
    if obj.get("customer"):
        yield "customer", obj["customer"].lower()


def between(rows: list[Row], low: tuple[int, int], high: tuple[int, int]) -> tuple[int, int]:
    """The slice of sorted rows whose keys lie in the half-open range."""
    return bisect_left(rows, low, key=row_key), bisect_left(rows, high, key=row_key)
