"""Records as the API prints them: attributes first, parents nested, names in their exact case."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.scope import Getter, Scope, through
from sandbox.salesforce.syntax import Path
from sandbox.salesforce.table import Row


def attributes(name: str, base: str, record_id: str) -> dict[str, str]:
    return {"type": name, "url": f"{base}/sobjects/{name}/{record_id}"}


class Projection:
    """The columns of one object, in the order they were asked for."""

    def __init__(self, scope: Scope, base: str) -> None:
        self.scope = scope
        self.base = base
        self.columns: dict[str, Getter] = {}
        self.parents: dict[str, Projection] = {}

    def put(self, name: str, get: Getter) -> None:
        if name in self.columns:
            raise ApiError(400, "INVALID_FIELD", f"duplicate field selected: {name}")
        self.columns[name] = get

    def add(self, path: Path) -> None:
        self.reach(self.scope.local(path), path)

    def reach(self, names: tuple[str, ...], path: Path) -> None:
        scope = self.scope
        if len(names) == 1:
            field = scope.reach(scope.sobject, names, path)[1]
            self.put(field.name, itemgetter(field.name))
            return
        self.parent(names[0], path).reach(names[1:], path)

    def parent(self, name: str, path: Path) -> Projection:
        """The nested projection of a parent, added when it is first named."""
        reference = self.scope.relation(self.scope.sobject, name, path)
        exact = str(reference.relationship)
        if exact not in self.parents:
            table = self.scope.parents(reference)
            inner = Scope(self.scope.database, table, self.scope.soql, None)
            self.parents[exact] = Projection(inner, self.base)
            self.put(exact, through(reference, table, self.parents[exact].render))
        return self.parents[exact]

    def render(self, row: Row) -> dict[str, Any]:
        name = self.scope.sobject.name
        record: dict[str, Any] = {"attributes": attributes(name, self.base, row["Id"])}
        for column, get in self.columns.items():
            record[column] = get(row)
        return record
