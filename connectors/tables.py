"""The seam between a mapped system and its vendor's folder: rows of tables, asked in batches.

A vendor of customised systems gives rows and knows nothing of customers and orders; what a row
means is the mapping's (`connectors.mapping`), and `connectors.mapped.MappedCrm` makes the
capabilities of it. Columns and fields are paths, as the mapping names them; a path may stand for
what takes the vendor more calls, such as `associations.contacts` or the lines of a document.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from connectors.capabilities import Probe
from connectors.errors import SourceError
from connectors.metadata import Rows, Table

Found = list[tuple[Sequence[str], Rows | SourceError]]
"""The values that were asked for together, with their rows or their failure."""


class Newest(msgspec.Struct, frozen=True):
    """Rows from the newest on; `more` says whether there are older ones. `ordered`: the rows stand
    in the order of their times, as the system knows them; the last `timeless` of them then have
    none, whatever else they say of their age.
    """

    rows: Rows
    more: bool
    ordered: bool = False
    timeless: int = 0


class Tables(Protocol):
    """`folds` says that the vendor's equality of texts ignores case, as that of e-mail filters."""

    folds: bool

    async def probe(self) -> Probe: ...

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        """All rows whose field holds one of the values, in as few calls as the vendor allows.

        Each value is in exactly one part. Rows whose field holds something else do no harm: the
        caller compares. A row holds at least `columns` and `field`; a column that the table does
        not have, or that may not be read, is `connectors.values.MISSING` in each row, and where
        `field` is that, it raises Misconfigured naming it.
        """
        ...

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        """Rows whose time in the field `by` is not after `until` (newer ones do no harm), the
        newest of them: at least `count`, unless there are no more, and always all of those that
        have the same time as the oldest of them, so that a page can begin between two.
        """
        ...

    def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        """Rows that were changed since, by the field `by`; more do no harm."""
        ...

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        """The live metadata of these tables (the ones that exist), or of all there are for ()."""
        ...
