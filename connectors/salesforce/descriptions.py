"""What the organisation says of its objects: the fields that the user may read, and relations.

Descriptions are kept: they change rarely, and each costs a call. REST API guide, "sObject
Describe" and "Describe Global".
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from time import monotonic

from connectors.errors import Misconfigured, NotFound
from connectors.metadata import Column, ColumnType, Table
from connectors.salesforce.presets import RELATIONSHIPS, TYPES
from connectors.salesforce.reading import Description, Field, Reader

_COLUMN_TYPES = {
    **dict.fromkeys(("currency", "double", "int", "percent", "long"), ColumnType.NUMBER),
    **dict.fromkeys(("date", "datetime"), ColumnType.TIME),
    **dict.fromkeys(("picklist", "combobox"), ColumnType.CHOICE),
    **dict.fromkeys(("address", "location", "anyType", "complexvalue", "time"), ColumnType.OTHER),
    "boolean": ColumnType.BOOLEAN,
    "reference": ColumnType.RELATION,
    "multipicklist": ColumnType.LIST,
}
_FILES = "base64"


class Descriptions:
    FRESH = 60.0

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[str, tuple[Description | None, float]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, table: str, *, fresh: bool = False) -> Description | None:
        """None where there is no such object, or it may not be read. `fresh` asks again, at most
        once a minute, as rights may change; so does an object that was not there."""
        async with self._asking[table]:
            known = self._known.get(table)
            old = known is not None and monotonic() > known[1] + self.FRESH
            if known is None or (old and (fresh or known[0] is None)):
                known = (await self._asked(table), monotonic())
                self._known[table] = known
            return known[0]

    async def field(self, table: str, path: str, *, fresh: bool = False) -> Field | None:
        """What a path leads to, through the objects that its relations lead to."""
        described = await self.of(table, fresh=fresh)
        if described is None:
            return None
        head, dot, rest = path.partition(".")
        if not dot:
            return next((field for field in described.fields if field.name == head), None)
        relations = (field for field in described.fields if field.relationship_name == head)
        for leads_to in next((field.reference_to for field in relations), []):
            if (found := await self.field(leads_to, rest, fresh=fresh)) is not None:
                return found
        return None

    async def lacking(self, table: str, paths: Iterable[str], *, fresh: bool = False) -> list[str]:
        return [path for path in paths if await self.field(table, path, fresh=fresh) is None]

    async def types(self, table: str, paths: Iterable[str]) -> dict[str, str]:
        """Types by path; "" of a field that is not there. Standard fields cost no call."""
        found = {}
        for path in paths:
            if path in TYPES:
                found[path] = TYPES[path]
            else:
                field = await self.field(table, path)
                found[path] = field.type if field is not None else ""
        return found

    async def relationship(self, parent: str, table: str, field: str) -> str | None:
        """The name under which a subquery selects the rows of `table` that lead to a parent."""
        if (standard := RELATIONSHIPS.get((parent, table, field))) is not None:
            return standard
        described = await self.of(parent)
        children = described.child_relationships if described is not None else []
        names = (c.relationship_name for c in children if (c.child, c.field) == (table, field))
        return next(names, None)

    async def table(self, name: str, paths: Sequence[str]) -> Table | None:
        """As `tillgate map` reads it; with those of `paths` that lead through relations."""
        described = await self.of(name, fresh=True)
        if described is None:
            return None
        columns = columns_of(described)
        for path in paths:
            if "." in path and (field := await self.field(name, path)) is not None:
                columns.append(_column(field, path))
        return Table(name=described.name, label=described.label, columns=tuple(columns))

    async def _asked(self, table: str) -> Description | None:
        try:
            return await self._reader.describe(table)
        except (NotFound, Misconfigured) as error:
            if isinstance(error, Misconfigured) and error.code != "INVALID_TYPE":
                raise
            return None


def columns_of(described: Description) -> list[Column]:
    """Without files, which cannot be read in a list."""
    return [_column(field, field.name) for field in described.fields if field.type != _FILES]


def _column(field: Field, path: str) -> Column:
    return Column(
        path=path,
        label=field.label,
        type=_COLUMN_TYPES.get(field.type, ColumnType.TEXT),
        words=tuple(choice.value for choice in field.picklist_values if choice.value),
        refers=next(iter(field.reference_to), ""),
        unique=field.unique or field.type == "id",
    )
