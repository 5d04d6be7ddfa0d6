"""Records in memory: one list per object, with hash indexes and sorted views made when asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.salesforce.errors import ApiError, unknown_object
from sandbox.salesforce.schema import OBJECTS, TEXT, Child, Field, SObject

Row = dict[str, Any]
Key = Callable[[Any], Any]
HIDE_ALL = "*"


def fold(value: Any) -> Any:
    return value.casefold() if value is not None else None


def same(value: Any) -> Any:
    return value


def key_of(field: Field) -> Key:
    """How values of a field are compared: text without case, ids and the rest exactly."""
    return fold if field.type in TEXT else same


class Table:
    """One object's records. Indexes and sorted views are dropped when their fields change."""

    def __init__(self, sobject: SObject, rows: list[Row]) -> None:
        self.sobject = sobject
        self.rows = rows
        self.by_id = {row["Id"]: row for row in rows}
        self.indexes: dict[str, dict[Any, list[Row]]] = {}
        self.views: dict[tuple[tuple[str, bool, bool], ...], list[Row]] = {}

    def index(self, field: Field) -> dict[Any, list[Row]]:
        """The records by a field's value."""
        found = self.indexes.get(field.name)
        if found is None:
            found = self.indexes[field.name] = {}
            key, name = key_of(field), field.name
            for row in self.rows:
                found.setdefault(key(row[name]), []).append(row)
        return found

    def update(self, row: Row, changes: Row) -> None:
        row.update(changes)
        for name in changes:
            self.indexes.pop(name, None)
        for key in [k for k in self.views if any(name in changes for name, _, _ in k)]:
            del self.views[key]


class Database:
    """Every table, seen by an integration user to whom some fields are hidden.

    `hidden` holds (object, field) pairs; ("Order", "*") hides a whole object. It may be changed
    while requests are being served.
    """

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self.tables = {key: Table(s, rows.get(s.name, [])) for key, s in OBJECTS.items()}
        self.hidden: set[tuple[str, str]] = set()

    def table(self, name: str) -> Table:
        """The table of an object by its name in any case."""
        table = self.tables.get(name.lower())
        if table is None or (table.sobject.name, HIDE_ALL) in self.hidden:
            raise ApiError(400, "INVALID_TYPE", unknown_object(name))
        return table

    def objects(self) -> list[SObject]:
        tables = self.tables.values()
        return [t.sobject for t in tables if (t.sobject.name, HIDE_ALL) not in self.hidden]

    def fields(self, sobject: SObject) -> list[Field]:
        """The fields that the user may read, in order."""
        fields = sobject.fields.values()
        return [field for field in fields if (sobject.name, field.name) not in self.hidden]

    def field(self, sobject: SObject, name: str) -> Field | None:
        """A readable field by its name in any case."""
        field = sobject.fields.get(name.lower())
        return None if field is None or (sobject.name, field.name) in self.hidden else field

    def parent(self, sobject: SObject, relationship: str) -> Field | None:
        """The readable reference that a relationship goes through."""
        field = sobject.parents.get(relationship.lower())
        return None if field is None or (sobject.name, field.name) in self.hidden else field

    def child(self, sobject: SObject, relationship: str) -> Child | None:
        return sobject.children.get(relationship.lower())
