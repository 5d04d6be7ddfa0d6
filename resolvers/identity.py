"""One record, one value per request: what a vendor changes while an answer is put together is not
shown half.

The first value that was read of a record serves the whole request, whether it came by id, inside a
page or with another record.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.paging import Page, Row
from connectors.records import Kind, Record

WITHIN = ("refunds", "disputes", "payment")
"""Attributes that hold records which came with another."""


class Identities:
    """The records that a request has read."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, Kind, str], Record] = {}

    def get(self, source: str, kind: Kind, native_id: str) -> Record | None:
        return self._first.get((source, kind, native_id))

    def clear(self) -> None:
        self._first.clear()

    def __call__(self, value: Any) -> Any:
        """What a connector answered, with each record as it was read first."""
        if isinstance(value, Record):
            return self._known(value)
        if isinstance(value, Page):
            return msgspec.structs.replace(value, rows=tuple(map(self._row, value.rows)))
        if isinstance(value, dict):
            return {key: self(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self, value))
        return value

    def _row(self, row: Row[Any]) -> Row[Any]:
        known = self(row.record)
        return row if known is row.record else Row(known, row.after)

    def _known(self, record: Record) -> Record:
        key = (record.source.name, record.KIND, record.native_id)
        first = self._first.get(key)
        if first is None:
            first = self._first[key] = self._whole(record)
        return first

    def _whole(self, record: Record) -> Record:
        held = {name: found for name in WITHIN if (found := getattr(record, name, None))}
        known = {name: self(found) for name, found in held.items()}
        changed = {name: one for name, one in known.items() if one != held[name]}
        return msgspec.structs.replace(record, **changed) if changed else record
