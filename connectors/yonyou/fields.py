"""Which configured fields a list does not have.

U8 leaves out what is empty and describes no list, so that an absent field proves nothing by itself.
One that is neither documented nor in any row that was ever read is taken for not being there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.metadata import Rows
from connectors.values import MISSING
from connectors.yonyou.resources import Listed, Resource


class Fields:
    """The fields that were seen so far, by list."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}

    def marked(self, listed: Listed, columns: Sequence[str], rows: Rows) -> Rows:
        """The rows, with MISSING for each column that is not there."""
        self.note(listed.resource, rows)
        absent = self.absent(listed, columns)
        return [_marked(row, absent) for row in rows] if absent else rows

    def note(self, resource: Resource, rows: Rows) -> None:
        seen = self._seen.setdefault(resource.name, set())
        for row in rows:
            seen.update(row)
            for name in resource.inner.keys() & row.keys():
                for inner in row[name] if isinstance(row[name], list) else ():
                    seen.update(f"{name}.{field}" for field in inner)

    def absent(self, listed: Listed, columns: Sequence[str]) -> list[str]:
        """Columns of a documented list that nothing tells of. What stands in the head counts for
        the rows inside as well: an order's currency is asked for in both places."""
        resource = listed.resource
        if not resource.fields:
            return []
        seen = self._seen.get(resource.name, set())
        known = seen | resource.fields
        for name, fields in resource.inner.items():
            known |= {name, *(f"{name}.{field}" for field in fields)}
        return [
            column
            for column in dict.fromkeys(columns)
            if not {_plain(column), column.rpartition("[].")[2]} & known
        ]

    def seen(self, resource: Resource) -> frozenset[str]:
        """Fields of rows, those inside documents as `entry.sum`."""
        return frozenset(self._seen.get(resource.name, ()))


def _plain(column: str) -> str:
    """Two steps of a path at most, as fields are noted: `entry[].sum` is `entry.sum`."""
    return ".".join(part.removesuffix("[]") for part in column.split(".")[:2])


def _marked(row: dict[str, Any], absent: Sequence[str]) -> dict[str, Any]:
    marked = row | dict.fromkeys(absent, MISSING)
    for column in absent:
        head, _, field = column.partition("[].")
        if field and isinstance(row.get(head), list):
            marked[head] = [inner | {field: MISSING} for inner in marked[head]]
    return marked
