"""Records that were merged: Salesforce deletes them and keeps the id of the one that stayed.

Object Reference, "MasterRecordId" of Account, Contact and Lead; REST API guide, "QueryAll", which
alone answers with deleted records.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from connectors.errors import SourceError
from connectors.salesforce import soql
from connectors.salesforce.errors import INVALID_FIELD, INVALID_TYPE
from connectors.salesforce.ids import canonical, of_table
from connectors.salesforce.reading import Reader

MERGED = frozenset({"Account", "Contact", "Lead"})
MOST = 5
"""Merges that are followed one after the other: A into B, B into C."""
_UNREADABLE = frozenset({INVALID_FIELD, INVALID_TYPE})


class Masters:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of(self, tables: Sequence[str], ids: Sequence[str]) -> dict[str, str | SourceError]:
        """By id the record that it was merged into; what was not merged is left out, as is all of a
        table whose field may not be read. One call per 1,000 ids and table that has such records.
        """
        found: dict[str, str | SourceError] = {}
        for table in tables:
            keys = of_table(ids, table) if table in MERGED else []
            parts = list(self._reader.parts(keys, partial(_query, table)))
            queries = [_query(table, part) for part in parts]
            answers = await self._reader.queries(queries, deleted=True) if queries else []
            for part, rows in zip(parts, answers, strict=True):
                if not isinstance(rows, SourceError):
                    led = ((str(row.get("Id")), row.get("MasterRecordId")) for row in rows)
                    pairs = ((canonical(gone), canonical(str(kept))) for gone, kept in led)
                    found |= {gone: kept for gone, kept in pairs if gone and kept}
                elif rows.code not in _UNREADABLE:
                    found |= dict.fromkeys(part, rows)
        return found


def _query(table: str, ids: Sequence[str]) -> str:
    where = ["IsDeleted = TRUE", "MasterRecordId != null", soql.one_of("Id", ids)]
    return soql.select(["Id", "MasterRecordId"], table, where)
