"""Digital yuan of MYbank, `mybank.ecny.*` on the v2 gateway.

There is no query of refunds, and no list but that of a wallet's flows, which can be asked by time
alone. So a refund is the flow that gave money back: its id holds the second it happened, its
status is the flow's, and the merchant's own number for it is not known. That `biz_no` is the
trade's number, for a payment and for what is given back of it, is not published.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from connectors import records
from connectors.alipay import wallet
from connectors.alipay.amounts import Misfit
from connectors.alipay.api import Api
from connectors.alipay.errors import Unfit
from connectors.alipay.mapping import mapped
from connectors.alipay.operations import ECNY_FLOWS, ECNY_TRADE
from connectors.alipay.payloads import Flow, Flows, WalletTrade
from connectors.alipay.periods import Rhythm
from connectors.alipay.ring import Ring
from connectors.alipay.settings import AlipaySettings
from connectors.alipay.trades import Trades
from connectors.beijing import utc_of_digits, written
from connectors.capabilities import Probe
from connectors.errors import Malformed, SourceError
from connectors.ledger import BadRow, Period, Told
from connectors.paging import Keyed
from connectors.raw_rows import decoded
from connectors.records import Kind
from connectors.transport import gather_keyed
from connectors.vendor import Wiring

RHYTHM = Rhythm("flows", timedelta(hours=1), timedelta(hours=1))
PAGE = 100
SECOND = timedelta(seconds=1)
# Digital yuan is younger than that; MYbank's clock and ours may differ.
FIRST = datetime(2019, 1, 1, tzinfo=UTC)
SLACK = timedelta(days=1)
_REFUND_ID = re.compile(r"([0-9]+)-([0-9]{14})-(.+)")
_TRADE = msgspec.json.Decoder(WalletTrade)
_FLOWS = msgspec.json.Decoder(Flows)
_FLOW = msgspec.json.Decoder(Flow)


class EcnyConnector(Trades):
    """One merchant's wallet of digital yuan."""

    def __init__(self, api: Api, wiring: Wiring, settings: AlipaySettings, ring: Ring) -> None:
        self._api = api
        self._source = wiring.source
        self._clock = wiring.vendor_clock
        self._merchant = settings.merchant_id or ""
        self._account = settings.account_no or ""
        self._pattern = settings.pattern()
        self._ring = ring

    async def probe(self) -> Probe:
        """The wallet's flows of the last second."""
        now = self._clock()
        await self._flows(now - SECOND, now, None)
        return Probe(notes=self._ring.notes(now))

    async def refunds(self, ids: Sequence[str]) -> Keyed[records.Refund]:
        return await gather_keyed(ids, self._refund)

    def periods(self, since: datetime, until: datetime) -> Sequence[Period]:
        return RHYTHM.periods(since, until)

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        """Flows tell neither the order's number nor whether they are of a trade: the wallet is
        also filled and emptied. So each one's trade is asked for.
        """
        ends = min(period.end, self._clock().replace(microsecond=0))
        async for flows in self._pages(period.start, ends):
            numbers = [flow.biz_no for flow in flows.values() if isinstance(flow, Flow)]
            trades = await self.payments(numbers)
            told = (self._told(line, flow, trades) for line, flow in flows.items())
            yield [row for row in told if row is not None]

    def _told(self, line: int, flow: Flow | BadRow, trades: Keyed[records.Payment]) -> Told | None:
        """None for what is no trade's."""
        if isinstance(flow, BadRow):
            return flow
        trade = trades.get(flow.biz_no)
        if isinstance(trade, Unfit):
            return BadRow(line=line, column="biz_no", reason="its trade cannot be read")
        if isinstance(trade, SourceError):
            raise trade
        if trade is None:
            return None
        try:
            entry = wallet.entry(flow, self._account)
        except Misfit as error:
            return BadRow.of(str(error), line)
        if entry is None or entry.kind is not Kind.PAYMENT:
            return entry
        return msgspec.structs.replace(entry, reference=trade.reference)

    async def _trade(self, name: str, number: str) -> records.Payment | None:
        content = {"merchant_id": self._merchant, name: number}
        trade = await self._api.known(self._api.ask(ECNY_TRADE, content, _TRADE))
        if trade is None:
            return None
        self._api.same(number, getattr(trade, name))
        return mapped(self._source.name, lambda: wallet.payment(self._source, trade, self._pattern))

    async def _refund(self, native_id: str) -> records.Refund | None:
        """The flow of that number among those of its second."""
        told = _REFUND_ID.fullmatch(native_id)
        if told is None:
            return None
        try:
            second = utc_of_digits(told[2])
        except ValueError:
            return None
        if not FIRST <= second <= self._clock() + SLACK:
            return None
        unread: list[BadRow] = []
        async for flows in self._pages(second, second + SECOND):
            for flow in flows.values():
                if isinstance(flow, BadRow):
                    unread.append(flow)
                elif flow.flow_no == told[3] and flow.payee_account_no != self._account:
                    refund = mapped(self._source.name, partial(self._given_back, flow))
                    return refund if refund.native_id == native_id else None
        if unread:
            raise Malformed(self._source.name, f"a flow of its second: {unread[0]}")
        return None

    def _given_back(self, flow: Flow) -> records.Refund:
        if not wallet.is_refund(flow, self._account):
            raise Misfit("payer_account_no: neither side is the wallet")
        return wallet.refund(self._source, flow)

    async def _pages(
        self, start: datetime, end: datetime
    ) -> AsyncIterator[dict[int, Flow | BadRow]]:
        """Flows by their line in the list."""
        cursor: str | None = None
        seen: set[str] = set()
        line = 1
        while True:
            page = await self._flows(start, end, cursor)
            flows: dict[int, Flow | BadRow] = {}
            for raw in page.data_list or ():
                flow = decoded(raw, _FLOW, line)
                flows[line] = flow
                line += 1
            yield flows
            cursor = page.next_cursor
            if not cursor:
                return
            if cursor in seen:
                raise Malformed(self._source.name, "a page that repeats one before")
            seen.add(cursor)

    async def _flows(self, start: datetime, end: datetime, cursor: str | None) -> Flows:
        content = {
            "account_no": self._account,
            "gmt_start": written(start),
            "gmt_end": written(end),
            "next_cursor": cursor,
            "page_size": str(PAGE),
            "request_no": uuid.uuid4().hex,
        }
        return await self._api.ask(ECNY_FLOWS, content, _FLOWS)
