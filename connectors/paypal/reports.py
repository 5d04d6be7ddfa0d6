"""The transaction search, window by window.

https://developer.paypal.com/docs/api/transaction-search/v1/: a window is 31 days at most and holds
10,000 rows at most; a transaction shows up to three hours late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.errors import Malformed, NotReady, Retryable
from connectors.ledger import Period
from connectors.paypal.api import Api
from connectors.paypal.errors import TooManyRows, permitted
from connectors.paypal.payloads import Report

PATH = "/v1/reporting/transactions"
FEATURE = "Transaction search"
RATE = "reports"
PAGE_SIZE = 500
SECOND = timedelta(seconds=1)
# A search takes PayPal many seconds where an object takes it a few hundred milliseconds.
SECONDS = 60.0
_REPORT = msgspec.json.Decoder(Report)


class Window(msgspec.Struct, frozen=True):
    """The rows of one search, not decoded yet; `start` is its first moment."""

    start: datetime
    rows: list[msgspec.Raw]


class Reports:
    """All transactions of a stretch of time, authorizations included; never who paid."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def windows(self, period: Period) -> AsyncIterator[Window]:
        """The rows of a period, in windows as large as PayPal answers. NotReady if it is final
        and PayPal's data does not reach its end yet.
        """
        to_read = [(period.start, period.end)]
        while to_read:
            start, end = to_read.pop()
            try:
                rows = await self._window(start, end, period.final)
            except TooManyRows:
                to_read += self._halves(start, end)
            else:
                yield Window(start, rows)

    async def page(self, start: datetime, end: datetime, number: int, size: int) -> Report:
        """Misconfigured when the app may not search."""
        query = (
            ("start_date", _written(start)),
            ("end_date", _written(end - SECOND)),
            ("fields", "transaction_info"),
            ("balance_affecting_records_only", "N"),
            ("page_size", str(size)),
            ("page", str(number)),
        )
        call = self._api.send(PATH, query, RATE, SECONDS)
        response = await permitted(self._api.source, FEATURE, call)
        return response.decode(_REPORT, self._api.source)

    async def _window(self, start: datetime, end: datetime, final: bool) -> list[msgspec.Raw]:
        first = await self.page(start, end, 1, PAGE_SIZE)
        fresh = first.last_refreshed_datetime
        if final and fresh is not None and fresh < end - SECOND:
            raise NotReady(self._api.source, "PayPal's data does not reach the period's end yet")
        rows = [*first.transaction_details]
        for number in range(2, first.total_pages + 1):
            page = await self.page(start, end, number, PAGE_SIZE)
            rows += page.transaction_details
        if len(rows) != first.total_items:
            # One that is not final may have grown while it was read.
            kind = Malformed if final else Retryable
            raise kind(self._api.source, "the pages do not hold as many rows as were counted")
        return rows

    def _halves(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The later half first: the list is read from its end."""
        middle = start + timedelta(seconds=(end - start) // SECOND // 2)
        if middle == start:
            raise Malformed(self._api.source, "one second has more rows than PayPal shows")
        return [(middle, end), (start, middle)]


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
