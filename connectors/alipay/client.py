"""What Alipay answers to each batch method of the contract, and its books."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import msgspec

from connectors import records
from connectors.alipay import mapping
from connectors.alipay.amounts import currency_of
from connectors.alipay.api import Api
from connectors.alipay.errors import NO_COMPLAINT
from connectors.alipay.mapping import mapped
from connectors.alipay.operations import BALANCE, COMPLAINT, REFUND, TRADE
from connectors.alipay.payloads import Complaint, Payload, Refund, Trade
from connectors.alipay.periods import Rhythm
from connectors.alipay.ring import Ring
from connectors.alipay.trades import Trades
from connectors.capabilities import Probe
from connectors.errors import Malformed
from connectors.ledger import Period, Told
from connectors.paging import Keyed
from connectors.references import ReferencePattern
from connectors.transport import gather_keyed

TRADE_OPTIONS = (
    "fund_bill_list",
    "voucher_detail_list",
    "mdiscount_amount",
    "charge_info_list",
    "hb_fq_pay_info",
)
REFUND_OPTIONS = ("gmt_refund_pay",)
KNOWN = 10_000
_TRADE = msgspec.json.Decoder(Trade)
_REFUND = msgspec.json.Decoder(Refund)
_COMPLAINT = msgspec.json.Decoder(Complaint)
_BALANCE = msgspec.json.Decoder(Payload)


class Book(Protocol):
    """A part of the ledger with a rhythm of its own."""

    @property
    def rhythm(self) -> Rhythm: ...

    def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]: ...


class Shelf:
    """Several books as one ledger."""

    def __init__(self, books: Sequence[Book]) -> None:
        self._books = {book.rhythm.name: book for book in books}

    def periods(self, since: datetime, until: datetime) -> list[Period]:
        every = [p for book in self._books.values() for p in book.rhythm.periods(since, until)]
        return sorted(every, key=lambda period: period.start)

    def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        return self._books[period.name.rpartition(" ")[0]].entries(period)


class AlipayConnector(Trades):
    """One account of Alipay. A payment is a trade, a dispute is a complaint."""

    def __init__(
        self,
        api: Api,
        source: records.Source,
        pattern: ReferencePattern,
        shelf: Shelf,
        ring: Ring,
        clock: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._source = source
        self._pattern = pattern
        self._shelf = shelf
        self._ring = ring
        self._clock = clock
        self._currencies: dict[str, str | None] = {}

    async def probe(self) -> Probe:
        """The balance is read and forgotten; Alipay does not tell what is left of a quota."""
        await self._api.ask(BALANCE, {}, _BALANCE)
        return Probe(notes=self._ring.notes(self._clock()))

    async def refunds(self, ids: Sequence[str]) -> Keyed[records.Refund]:
        return await gather_keyed(ids, self._refund)

    async def disputes(self, ids: Sequence[str]) -> Keyed[records.Dispute]:
        return await gather_keyed(ids, self._dispute)

    def periods(self, since: datetime, until: datetime) -> Sequence[Period]:
        return self._shelf.periods(since, until)

    def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        return self._shelf.entries(period)

    async def _trade(self, name: str, number: str) -> records.Payment | None:
        trade = await self._queried(name, number)
        if trade is None:
            return None
        return mapped(
            self._source.name, lambda: mapping.payment(self._source, trade, self._pattern)
        )

    async def _queried(self, name: str, number: str) -> Trade | None:
        """The trade, whose currency is remembered: its refunds do not tell it."""
        content = {name: number, "query_options": TRADE_OPTIONS}
        trade = await self._api.known(self._api.ask(TRADE, content, _TRADE))
        if trade is None:
            return None
        self._api.same(number, getattr(trade, name))
        if len(self._currencies) >= KNOWN:
            self._currencies.clear()
        self._currencies[trade.trade_no] = trade.trans_currency
        return trade

    async def _currency(self, trade_no: str) -> str:
        """A trade's never changes."""
        if trade_no not in self._currencies and await self._queried("trade_no", trade_no) is None:
            raise Malformed(self._source.name, "a refund of a trade that does not exist")
        return mapped(self._source.name, lambda: currency_of(self._currencies[trade_no]))

    async def _refund(self, native_id: str) -> records.Refund | None:
        trade_no, _, request = native_id.partition("-")
        content = {
            "trade_no": trade_no,
            "out_request_no": request,
            "query_options": REFUND_OPTIONS,
        }
        row = await self._api.known(self._api.ask(REFUND, content, _REFUND))
        if row is None:
            return None
        for asked, told in ((trade_no, row.trade_no), (request, row.out_request_no)):
            # Of one that does not exist neither number is told.
            if told is not None or row.refund_amount is not None:
                self._api.same(asked, told)
        if row.refund_amount is None and row.refund_status is None:
            return None
        currency = await self._currency(trade_no)
        make = partial(mapping.refund, self._source, row, native_id, currency, self._clock())
        return mapped(self._source.name, make)

    async def _dispute(self, native_id: str) -> records.Dispute | None:
        content = {"complain_event_id": native_id}
        row = await self._api.known(
            self._api.ask(COMPLAINT, content, _COMPLAINT), unknown=(NO_COMPLAINT,)
        )
        if row is None:
            return None
        self._api.same(native_id, row.complain_event_id)
        return mapped(self._source.name, lambda: mapping.dispute(self._source, row))
