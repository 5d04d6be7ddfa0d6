"""Questions by what a field holds, and whether they are regarded.

Some systems leave out a condition that they do not know and tell all their rows, others compare
more widely than we do. Neither must be taken for an answer, nor be read to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from connectors.each import ENDS, Ask, each
from connectors.errors import Malformed, Misconfigured, Rejected
from connectors.metadata import Rows
from connectors.tables import Found

Pages = Callable[[str], AsyncIterator[Rows]]
"""The pages that tell which rows hold a value."""


class Asking:
    """Remembers which fields are known to be regarded: the first key of one that is not is asked
    for alone, so that what is wrong with all of them costs no call for each."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._regarded: set[tuple[str, str]] = set()

    async def each(self, table: str, field: str, keys: Sequence[str], ask: Ask) -> Found:
        alone = 0 if (table, field) in self._regarded else 1
        found = await each(keys[:alone], ask)
        for _, rows in found:
            if isinstance(rows, ENDS):
                return [(keys, rows)]
            if isinstance(rows, list):
                self._regarded.add((table, field))
        return [*found, *await each(keys[alone:], ask)]

    async def holding(self, table: str, field: str, value: str, pages: Pages) -> Rows:
        """All rows that hold the value, or differ from it in case and blanks alone.

        Where others come, one more question decides: Misconfigured if another value finds the very
        same rows, else Malformed, for this value alone.
        """
        found: list[Rows] = []
        async for page in pages(value):
            found.append(page)
            if not all(_holds(row, field, value) for row in page):
                if await self._first(pages, f"{value}0") == found[0]:
                    detail = f"{table} cannot be asked by {field}: any value finds the same rows"
                    raise Misconfigured(self._source, detail)
                detail = f"{table}: rows came whose {field} is not, or not exactly, what was asked"
                raise Malformed(self._source, detail)
        return [row for page in found for row in page]

    async def _first(self, pages: Pages, value: str) -> Rows:
        """The first page; none where the value is refused, which is a way of regarding it."""
        try:
            async for page in pages(value):
                return page
        except (Rejected, Malformed):
            pass
        return []


def _holds(row: dict[str, Any], field: str, value: str) -> bool:
    return str(row.get(field, "")).strip().casefold() == value.strip().casefold()
