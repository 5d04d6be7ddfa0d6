"""The evaluator: a parsed query made into a plan over one database, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from sandbox.salesforce import predicate
from sandbox.salesforce.errors import CUSTOM_RELATION, ApiError, at
from sandbox.salesforce.projection import Projection
from sandbox.salesforce.scope import Column, Scope
from sandbox.salesforce.soql import parse
from sandbox.salesforce.syntax import Ordering, Path, Select
from sandbox.salesforce.table import Database, Row, Table, key_of, same


def plan(database: Database, soql: str, base: str, deleted: bool = False) -> Plan:
    """A statement made ready to run; `base` is the path that records' urls start with."""
    select = parse(soql)
    table = database.table(select.source.names[-1])
    return Plan(select, Scope(database, table, soql, select.alias), base, deleted)


class Plan:
    """One SELECT over one object: every name resolved, nothing read yet."""

    def __init__(self, select: Select, scope: Scope, base: str, deleted: bool) -> None:
        self.select = select
        self.scope = scope
        self.deleted = deleted
        self.test = predicate.test(select.where, scope)
        self.order = [(item, scope.filterable(item.path, "sorted")) for item in select.order]
        self.projection = Projection(scope, base)
        for column in select.columns:
            if isinstance(column, Path):
                self.projection.add(column)
            else:
                self.add_child(column, base)

    def add_child(self, select: Select, base: str) -> None:
        """A subquery: its rows come from an index over the reference back to this object."""
        scope = self.scope
        name = select.source.names[-1]
        child = scope.database.child(scope.sobject, name)
        if child is None:
            text = f"Didn't understand relationship '{name}' in FROM part of query call."
            place = at(scope.soql, select.source.position, text + CUSTOM_RELATION)
            raise ApiError(400, "INVALID_TYPE", place)
        table = scope.database.table(child.object)
        inner = Plan(select, Scope(scope.database, table, scope.soql, select.alias), base, False)
        field = table.sobject.fields[child.field.lower()]

        def read(row: Row) -> Any:
            rows = inner.rows(table.index(field).get(row["Id"], ()))
            return inner.whole(rows) if rows else None

        self.projection.put(child.relationship, read)

    def rows(self, among: Sequence[Row] | None = None) -> list[Row]:
        """The records that answer the query, in order, within LIMIT and OFFSET."""
        pool = self.ordered(among)
        kept = pool if self.deleted else (row for row in pool if not row["IsDeleted"])
        found = kept if self.test is None else filter(self.test, kept)
        limit, offset = self.select.limit, self.select.offset
        return list(islice(found, offset, None if limit is None else offset + limit))

    def ordered(self, among: Sequence[Row] | None) -> Sequence[Row]:
        table = self.scope.table
        if among is None:
            among = predicate.candidates(self.select.where, self.scope)
        if among is not None:
            return arranged(among, self.order)
        if not self.order:
            return table.rows
        return self.view(table)

    def view(self, table: Table) -> Sequence[Row]:
        """The whole table in this order, kept for the next page unless parents decide it."""
        if not all(column.direct for _, column in self.order):
            return arranged(table.rows, self.order)
        key = tuple((c.field.name, o.descending, o.nulls_last) for o, c in self.order)
        if key not in table.views:
            table.views[key] = arranged(table.rows, self.order)
        return table.views[key]

    def rendered(self, rows: Iterable[Row]) -> list[Row]:
        return [self.projection.render(row) for row in rows]

    def whole(self, rows: Sequence[Row]) -> dict[str, Any]:
        """An answer in one piece."""
        records = [] if self.select.counts else self.rendered(rows)
        return {"totalSize": len(rows), "done": True, "records": records}


def arranged(rows: Sequence[Row], order: Sequence[tuple[Ordering, Column]]) -> list[Row]:
    """Sorted by several fields: stable sorts from the last field to the first."""
    found = list(rows)
    for item, column in reversed(order):
        found.sort(key=rank(found, item, column), reverse=item.descending)
    return found


def rank(rows: Sequence[Row], item: Ordering, column: Column) -> Callable[[Row], Any]:
    """What to sort by. Nulls come first in either direction, unless the query says otherwise."""
    get, key = column.get, key_of(column.field)
    if key is same and all(get(row) is not None for row in rows):
        return get
    null = (0,) if item.nulls_last == item.descending else (2,)

    def ranked(row: Row) -> Any:
        value = get(row)
        return null if value is None else (1, key(value))

    return ranked
