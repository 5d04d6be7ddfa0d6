"""What the names in a query mean, and what its literals are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from sandbox.salesforce.errors import CUSTOM_RELATION, ApiError, at, malformed, unknown_column
from sandbox.salesforce.ids import canonical
from sandbox.salesforce.schema import IDS, NUMBERS, TEXT, Field, SObject
from sandbox.salesforce.syntax import Literal, Path
from sandbox.salesforce.table import Database, Row, Table
from sandbox.salesforce.tables import timestamp
from sandbox.salesforce.tokens import unquoted

Getter = Callable[[Row], Any]
MAX_PARENTS = 5
QUOTED = "should be enclosed in quotes"
BARE = "should not be enclosed in quotes"
# Per type of field: the kind of literal it is compared with, and what a refusal calls it.
LITERALS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(TEXT, ("string", "string", QUOTED)),
    **dict.fromkeys(IDS, ("string", "ID", QUOTED)),
    **dict.fromkeys(NUMBERS, ("number", "double", BARE)),
    "boolean": ("boolean", "boolean", BARE),
    "datetime": ("datetime", "dateTime", BARE),
    "date": ("date", "date", BARE),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A field as seen from the queried object; `direct` when it is that object's own."""

    get: Getter
    field: Field
    direct: bool


def through(reference: Field, parents: Table, get: Getter) -> Getter:
    """Read from the parent that a reference leads to; null when there is none."""
    name, by_id = reference.name, parents.by_id

    def read(row: Row) -> Any:
        parent = by_id.get(row[name])
        return None if parent is None else get(parent)

    return read


class Scope:
    """One object being queried, with the text of the query for the messages."""

    def __init__(self, database: Database, table: Table, soql: str, alias: str | None) -> None:
        self.database = database
        self.table = table
        self.soql = soql
        self.alias = alias

    @property
    def sobject(self) -> SObject:
        return self.table.sobject

    def local(self, path: Path) -> tuple[str, ...]:
        """The path without the alias or the object's own name in front."""
        first, rest = path.names[0].lower(), path.names[1:]
        if rest and first == (self.alias or "").lower():
            return rest
        own = first == self.sobject.name.lower() and first not in self.sobject.parents
        return rest if rest and own else path.names

    def column(self, path: Path) -> Column:
        """The field that a path leads to, or INVALID_FIELD."""
        names = self.local(path)
        get, field = self.reach(self.sobject, names, path)
        return Column(get, field, len(names) == 1)

    def reach(self, sobject: SObject, names: tuple[str, ...], path: Path) -> tuple[Getter, Field]:
        if len(names) == 1:
            field = self.database.field(sobject, names[0])
            if field is None:
                raise self.refused(path, unknown_column(names[0], sobject.name))
            return itemgetter(field.name), field
        reference = self.relation(sobject, names[0], path)
        parents = self.parents(reference)
        get, field = self.reach(parents.sobject, names[1:], path)
        return through(reference, parents, get), field

    def relation(self, sobject: SObject, name: str, path: Path) -> Field:
        reference = self.database.parent(sobject, name)
        if reference is None or len(path.names) > MAX_PARENTS + 1:
            text = f"Didn't understand relationship '{name}' in field path.{CUSTOM_RELATION}"
            raise self.refused(path, text)
        return reference

    def parents(self, reference: Field) -> Table:
        return self.database.table(str(reference.leads_to))

    def refused(self, path: Path, text: str) -> ApiError:
        return ApiError(400, "INVALID_FIELD", at(self.soql, path.position, text))

    def filterable(self, path: Path, clause: str) -> Column:
        """A column that a WHERE or ORDER BY may name."""
        column = self.column(path)
        if not column.field.filterable:
            text = f"field '{column.field.name}' can not be {clause} in a query call"
            raise self.refused(path, text)
        return column

    def value(self, field: Field, literal: Literal, path: Path) -> Any:
        """A literal as records hold the value: an empty string is null, text is folded."""
        if literal.kind == "null":
            return None
        kind, called, quotes = LITERALS[field.type]
        if literal.kind != kind:
            raise self.refused(
                path,
                f"value of filter criterion for field '{field.name}' must be of type {called}"
                f" and {quotes}",
            )
        return self.read(field, literal)

    def read(self, field: Field, literal: Literal) -> Any:
        text = literal.text
        if literal.kind == "number":
            return Decimal(text)
        if literal.kind == "boolean":
            return text.upper() == "TRUE"
        if literal.kind in ("date", "datetime"):
            return self.moment(literal)
        if field.type in IDS:
            return self.identity(field, unquoted(text))
        return unquoted(text).casefold() or None

    def moment(self, literal: Literal) -> str:
        try:
            if literal.kind == "date":
                return date.fromisoformat(literal.text).isoformat()
            return timestamp(datetime.fromisoformat(literal.text))
        except ValueError:
            text = f"Invalid {literal.kind}: {literal.text}"
            raise malformed(self.soql, literal.position, text) from None

    def identity(self, field: Field, text: str) -> str | None:
        native = canonical(text)
        if text and native is None:
            message = f"invalid ID field: {text}"
            raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", message, (field.name,))
        return native
