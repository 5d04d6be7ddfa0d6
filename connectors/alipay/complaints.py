"""Complaints of buyers: the disputes of Alipay (https://opendocs.alipay.com/open/05w4hy)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from connectors.alipay.amounts import moment
from connectors.alipay.api import Api
from connectors.alipay.mapping import mapped
from connectors.alipay.operations import COMPLAINTS
from connectors.alipay.payloads import Complaint, Complaints
from connectors.alipay.periods import Rhythm
from connectors.beijing import written
from connectors.ledger import Entry, Period
from connectors.records import Kind

RHYTHM = Rhythm("complaints", timedelta(hours=1), timedelta(hours=1))
PAGE = 20
_PAGE = msgspec.json.Decoder(Complaints)


class ComplaintBook:
    """The complaints that one account's buyers made; the list does not tell amounts."""

    rhythm = RHYTHM

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Entry]]:
        ends = min(period.end, self._clock().replace(microsecond=0))
        number, pages = 1, 1
        while number <= pages:
            content = {
                "begin_time": written(period.start),
                "end_time": written(ends),
                "page_num": number,
                "page_size": PAGE,
            }
            page = await self._api.ask(COMPLAINTS, content, _PAGE)
            rows = page.trade_complain_infos
            if not rows:
                return
            yield mapped(self._api.source, partial(_entries, rows))
            number, pages = number + 1, page.total_page_num


def _entries(rows: Sequence[Complaint]) -> list[Entry]:
    """A complaint about no trade in particular has no place in the graph."""
    return [
        Entry(
            kind=Kind.DISPUTE,
            native_id=row.complain_event_id,
            created_at=moment("gmt_create", row.gmt_create or ""),
            payment=row.trade_no,
        )
        for row in rows
        if row.trade_no
    ]
