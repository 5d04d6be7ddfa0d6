"""Complaints of buyers: the disputes of Alipay (https://opendocs.alipay.com/open/05w4hy)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.alipay.amounts import Misfit, moment
from connectors.alipay.api import Api
from connectors.alipay.operations import COMPLAINTS
from connectors.alipay.payloads import Complaint, Complaints
from connectors.alipay.periods import Rhythm
from connectors.beijing import written
from connectors.ledger import BadRow, Entry, Period, Told
from connectors.raw_rows import decoded
from connectors.records import Kind

RHYTHM = Rhythm("complaints", timedelta(hours=1), timedelta(hours=1))
PAGE = 20
_PAGE = msgspec.json.Decoder(Complaints)
_COMPLAINT = msgspec.json.Decoder(Complaint)


class ComplaintBook:
    """The complaints that one account's buyers made; the list does not tell amounts."""

    rhythm = RHYTHM

    def __init__(self, api: Api, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        ends = min(period.end, self._clock().replace(microsecond=0))
        number, pages, line = 1, 1, 1
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
            told = (_told(raw, place) for place, raw in enumerate(rows, line))
            yield [row for row in told if row is not None]
            number, pages, line = number + 1, page.total_page_num, line + len(rows)


def _told(raw: msgspec.Raw, line: int) -> Told | None:
    """None for a complaint about no trade in particular: it has no place in the graph."""
    row = decoded(raw, _COMPLAINT, line)
    if isinstance(row, BadRow):
        return row
    if not row.trade_no:
        return None
    try:
        created_at = moment("gmt_create", row.gmt_create or "")
    except Misfit as error:
        return BadRow.of(str(error), line)
    return Entry(
        kind=Kind.DISPUTE,
        native_id=row.complain_event_id,
        created_at=created_at,
        payment=row.trade_no,
    )
