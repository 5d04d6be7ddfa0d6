"""Disputes: the list, which does not say whose payments they are about, and each one whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec

from connectors.blanks import decoded
from connectors.errors import Malformed, SourceError
from connectors.ledger import Period
from connectors.paypal.api import DISPUTES, Api, Params
from connectors.paypal.errors import Forbidden, permitted
from connectors.paypal.payloads import Dispute, DisputeList
from connectors.transport import gather_keyed

FEATURE = "Disputes"
PAGE_SIZE = 50
_LIST = msgspec.json.Decoder(DisputeList)


class Disputes:
    """Misconfigured when the app may not see disputes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def one(self, dispute_id: str) -> Dispute | None:
        call = self._api.one(DISPUTES, dispute_id)
        return await permitted(self._api.source, FEATURE, call, (Forbidden,))

    async def page(self, query: Params) -> DisputeList:
        call = self._api.send(DISPUTES.path, query)
        response = await permitted(self._api.source, FEATURE, call)
        return decoded(response, _LIST, self._api.source)

    async def of_payment(self, payment_id: str) -> list[Dispute]:
        pages = self._pages((("disputed_transaction_id", payment_id),))
        return [_fitting(dispute) async for page in pages for dispute in page]

    def changed(self, period: Period) -> AsyncIterator[list[Dispute | SourceError]]:
        """The disputes that last changed in a period, page by page, each with its own outcome."""
        after = ("update_time_after", _written(period.start))
        return self._pages((after, ("update_time_before", _written(period.end))))

    async def _pages(self, wanted: Params) -> AsyncIterator[list[Dispute | SourceError]]:
        query: Params = (*wanted, ("page_size", str(PAGE_SIZE)))
        page = await self.page(query)
        yield await self._whole(page)
        seen = set()
        while (onward := page.next_page) is not None:
            if onward in seen:
                raise Malformed(self._api.source, "a page that repeats the one before")
            seen.add(onward)
            page = await self.page((*query, onward))
            yield await self._whole(page)

    async def _whole(self, page: DisputeList) -> list[Dispute | SourceError]:
        """Each dispute of a page, a call for each."""
        found = await gather_keyed([row.dispute_id for row in page.items], self.one)
        return list(found.values())


def _fitting(row: Dispute | SourceError) -> Dispute:
    if isinstance(row, SourceError):
        raise row
    return row


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
