"""Lists in pages, read to the end, and the choice between a list and a call for each key.

`row_count` and `page_count` are believed where they say that there is more, and to choose. A list
ends with a page that is not full or, if they say that there is more, with an empty one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from connectors.errors import Malformed, Rejected, SourceError
from connectors.metadata import Rows
from connectors.tables import Found
from connectors.yonyou.api import Answered, Api
from connectors.yonyou.resources import Listed, Params


class Lists:
    """`most` is how many pages one list may need."""

    def __init__(self, api: Api, most: int) -> None:
        self._api = api
        self._most = most

    async def whole(self, listed: Listed, params: Params = ()) -> Rows:
        """All rows, each once: one that moved to the next page while pages were read comes twice.
        Raises Rejected when it would need too many pages."""
        return await self._rest(listed, params, await self._api.page(listed, params, 1))

    async def cheaper(
        self,
        listed: Listed,
        params: Params,
        keys: Sequence[str],
        ask: Callable[[str], Awaitable[Rows]],
    ) -> Found:
        """The rows of all keys: `params` narrow a list that holds them all, `ask` gives those of
        one key. A call for each key and one more, at most: a list that goes on and does not tell
        its length is not read."""
        if len(keys) < 2:
            return await self._api.each(keys, ask)
        try:
            first = await self._api.page(listed, params, 1)
            if (calls := _calls(first)) is not None and calls <= len(keys) + 1:
                return [(keys, await self._rest(listed, params, first))]
        except SourceError as error:
            return [(keys, error)]
        return await self._api.each(keys, ask)

    async def _rest(self, listed: Listed, params: Params, first: Answered) -> Rows:
        """The whole list whose first page is known."""
        self._check(listed, _pages(first))
        pages = [first]
        while _goes_on(pages):
            self._check(listed, len(pages) + 1)
            pages += await self._next(listed, params, pages)
            if pages[-1].rows and pages[-1].rows == pages[-2].rows:
                rows = _heads(listed, pages)
                if first.total is None or len(rows) < first.total:
                    raise Malformed(
                        self._api.source, f"{listed.table}: one page comes again and again"
                    )
                return rows
        return _heads(listed, pages)

    async def _next(
        self, listed: Listed, params: Params, pages: Sequence[Answered]
    ) -> list[Answered]:
        """As many pages at once as there may be calls, of those that are told of."""
        begin = len(pages) + 1
        end = min(begin + self._api.at_once, _pages(pages[0]) + 1)
        numbers = range(begin, max(begin + 1, end))
        return await asyncio.gather(*(self._api.page(listed, params, n) for n in numbers))

    def _check(self, listed: Listed, pages: int) -> None:
        if pages > self._most:
            raise Rejected(
                self._api.source,
                f"{listed.table}: the whole list is more than {self._most} pages; raise "
                "rows_per_page or most_pages, or map a field that the API can filter by",
            )


def once(rows: Rows) -> Rows:
    """Without rows that are equal to one before."""
    return list({repr(sorted(row.items())): row for row in rows}.values())


def _heads(listed: Listed, pages: Sequence[Answered]) -> Rows:
    return once([_head(row, listed) for page in pages for row in page.rows])


def _head(row: dict[str, Any], listed: Listed) -> dict[str, Any]:
    """Without what is said to be inside and is empty: a list does not tell of it."""
    inner = listed.resource.inner.keys() & row.keys()
    return {k: v for k, v in row.items() if k not in inner or v} if inner else row


def _pages(first: Answered) -> int:
    """At least so many, as far as it is told."""
    return max(1, first.pages or 0, -(-(first.total or 0) // first.size))


def _calls(first: Answered) -> int | None:
    """What the whole list costs, None where that is not told: after a last page that is full comes
    an empty one."""
    if first.total is None and first.pages is None:
        return None if first.full else 1
    pages = _pages(first)
    return pages + 1 if first.full and first.total in (None, pages * first.size) else pages


def _goes_on(pages: Sequence[Answered]) -> bool:
    last = pages[-1]
    read = sum(len(page.rows) for page in pages)
    more = len(pages) < (last.pages or 0) or read < (last.total or 0)
    return all(page.rows for page in pages) and (last.full or more)
