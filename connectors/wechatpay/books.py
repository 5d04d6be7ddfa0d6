"""What WeChat Pay tells in bulk: a bill for each day, and complaints by their dates.

A bill is made in the morning after its day, in Beijing; complaints can be listed for at most 30
days at once, so they are read in windows that always begin on the same days.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice

import msgspec

from connectors.beijing import day_of, start_of
from connectors.errors import Malformed, NotReady
from connectors.hidden_file import hidden_file
from connectors.ledger import BadRow, Entry, Period, Told
from connectors.raw_rows import decoded
from connectors.records import Dispute, Kind, Source
from connectors.wechatpay import bill, mapping
from connectors.wechatpay.addresses import PAGE, Addresses
from connectors.wechatpay.api import Api
from connectors.wechatpay.bill import BadBill, Cover
from connectors.wechatpay.errors import NoStatement
from connectors.wechatpay.packed import opened
from connectors.wechatpay.payloads import BillPlace, Complaint, Complaints
from connectors.wechatpay.settings import WeChatPaySettings

DAY = timedelta(days=1)
WINDOW = timedelta(days=30)
FIRST_WINDOW = date(2014, 1, 1)
BATCH = 1000
LATE = timedelta(hours=1)
"""A complaint may be listed so much later, at most: nobody says how soon it is."""
_PLACE = msgspec.json.Decoder(BillPlace)
_COMPLAINTS = msgspec.json.Decoder(Complaints)
_COMPLAINT = msgspec.json.Decoder(Complaint)
COMPLAINTS = "complaints"


class Books:
    """The ledger of one merchant."""

    def __init__(
        self,
        api: Api,
        addresses: Addresses,
        source: Source,
        rules: mapping.Rules,
        settings: WeChatPaySettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._addresses = addresses
        self._source = source
        self._rules = rules
        self._ready = DAY + timedelta(hours=settings.bill_hour)
        self._patience = timedelta(days=settings.empty_after)
        self._totals = settings.bill_totals
        self._complaints = settings.complaints
        self._clock = clock

    def periods(self, since: datetime, until: datetime) -> list[Period]:
        found = [*self._bills(since, until)]
        if self._complaints:
            found += _windows(since, until)
        return sorted(found, key=lambda period: period.start)

    def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        kind, _, day = period.name.partition(" ")
        read = self._of_bill if kind == "trade" else self._of_complaints
        return read(date.fromisoformat(day))

    def _bills(self, since: datetime, until: datetime) -> Iterator[Period]:
        day = day_of(since)
        while start_of(day) + self._ready <= until:
            yield Period(name=f"trade {day}", start=start_of(day), end=start_of(day + DAY))
            day += DAY

    async def _of_bill(self, day: date) -> AsyncIterator[Sequence[Told]]:
        place = await self._place(day)
        if place is None:
            return
        with hidden_file() as file:
            await self._api.download(place.download_url, file)
            try:
                # In a thread: a bill of a million lines takes seconds to hash and to read.
                text = await asyncio.to_thread(opened, file, place.hash_value)
                rows = bill.entries(text, self._rules, self._cover(day), totals=self._totals)
                while batch := await asyncio.to_thread(_batch, rows):
                    yield batch
            except BadBill as error:
                raise Malformed(self._api.source, f"bill of {day}: {error}") from None

    async def _place(self, day: date) -> BillPlace | None:
        """None for a day without traffic, of which there is no bill. To be told so proves little
        while the bill may still come: WeChat does not sign its refusals.
        """
        try:
            return await self._api.get(self._addresses.trade_bill(day), _PLACE)
        except NoStatement as error:
            if self._clock() < start_of(day + DAY) + self._patience:
                raise NotReady(
                    self._api.source, error.detail, status=error.status, code=error.code
                ) from None
            return None

    def _cover(self, day: date) -> Cover:
        return Cover(self._addresses.merchant, start_of(day), start_of(day + DAY))

    async def _of_complaints(self, first: date) -> AsyncIterator[Sequence[Told]]:
        last = min(first + WINDOW - DAY, day_of(self._clock()))
        offset = 0
        while True:
            path = self._addresses.complaints(first, last, offset)
            page = await self._api.get(path, _COMPLAINTS)
            yield list(self._contested(page.data, offset))
            offset += PAGE
            if not page.data or offset >= page.total_count:
                return

    def _contested(self, complaints: Sequence[msgspec.Raw], offset: int) -> Iterator[Told]:
        for line, raw in enumerate(complaints, offset + 1):
            row = decoded(raw, _COMPLAINT, line, COMPLAINTS)
            if isinstance(row, BadRow):
                yield row
                continue
            try:
                yield from [_dispute(told) for told in mapping.disputes(self._source, row)]
            except mapping.MISFITS:
                # The message of such an error may quote the value.
                yield BadRow(line=line, part=COMPLAINTS, reason="an amount or a time does not fit")


def _dispute(told: Dispute) -> Entry:
    return Entry(
        kind=Kind.DISPUTE,
        native_id=told.native_id,
        created_at=told.created_at or start_of(FIRST_WINDOW),
        payment=told.payment_id,
        amount=told.amount,
    )


def _batch(rows: Iterator[Told]) -> list[Told]:
    return list(islice(rows, BATCH))


def _windows(since: datetime, until: datetime) -> Iterator[Period]:
    """The last one is still growing, and a while after its end too."""
    day = FIRST_WINDOW + (day_of(since) - FIRST_WINDOW) // WINDOW * WINDOW
    while start_of(day) < until:
        end = start_of(day + WINDOW)
        final = end + LATE <= until
        yield Period(name=f"complaints {day}", start=start_of(day), end=end, final=final)
        day += WINDOW
