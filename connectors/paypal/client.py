"""What PayPal answers to each batch method of the contract, and its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors import records
from connectors.capabilities import Probe
from connectors.errors import Misconfigured, NotReady, Rejected, SourceError
from connectors.fitting import mapped
from connectors.ledger import Period, Told
from connectors.oauth import client_credentials, fetch_token
from connectors.paging import Keyed
from connectors.paypal import ledger, mapping
from connectors.paypal.api import REFUNDS, Api
from connectors.paypal.disputes import Disputes
from connectors.paypal.errors import judge_for
from connectors.paypal.finding import Finder
from connectors.paypal.naming import Naming
from connectors.paypal.payloads import Capture
from connectors.paypal.reports import SECOND, Reports
from connectors.paypal.settings import PaypalSettings
from connectors.paypal.words import REFUNDED_WORDS
from connectors.references import ReferencePattern
from connectors.tokens import FetchedToken, Token
from connectors.transport import gather_keyed
from connectors.vendor import Wiring

TOKEN_PATH = "/v1/oauth2/token"  # noqa: S105 (an address)
BATCH = 1000
T = TypeVar("T")


def connect(wiring: Wiring, settings: PaypalSettings) -> PaypalConnector:
    """A connector of one account; the composition root closes its transports."""
    name, judge = wiring.source.name, judge_for(wiring.source.name)
    door = wiring.open(settings.address, judge, None)
    grant = client_credentials(settings.client_id, settings.client_secret)

    async def fetch() -> Token:
        return await fetch_token(name, door, TOKEN_PATH, grant)

    transport = wiring.open(settings.address, judge, FetchedToken(fetch))
    return PaypalConnector(Api(name, transport), wiring, settings)


class PaypalConnector:
    """One account of PayPal. Payments are captures, and authorizations not captured yet."""

    def __init__(self, api: Api, wiring: Wiring, settings: PaypalSettings) -> None:
        self._api = api
        self._source = wiring.source
        self._name = wiring.source.name
        self._clock = wiring.clock
        self._finder = Finder(api)
        self._disputes = Disputes(api)
        self._reports = Reports(api)
        self._naming = Naming(settings.reference, ReferencePattern(settings.reference_pattern))
        self._read_orders = settings.read_orders
        self._lag = timedelta(seconds=settings.report_lag)

    async def probe(self) -> Probe:
        """A search of one second and one dispute: both features that an app may lack."""
        end = self._clock() - self._lag - timedelta(days=1)
        found = await asyncio.gather(
            _note(self._reports.page(end - SECOND, end, 1, 1)),
            _note(self._disputes.page((("page_size", "1"),))),
        )
        return Probe(notes=tuple(note for note in found if note))

    async def payments(self, ids: Sequence[str]) -> Keyed[records.Payment]:
        async def of(asked: str) -> records.Payment | SourceError | None:
            found = await self._finder.find(asked, self._wants_order)
            if found is None:
                return None
            return mapped(
                self._name,
                lambda: mapping.payment(self._source, found.paid, found.order, self._naming),
            )

        return await _each(ids, of)

    async def refunds(self, ids: Sequence[str]) -> Keyed[records.Refund]:
        async def of(refund_id: str) -> records.Refund | SourceError | None:
            row = await self._api.one(REFUNDS, refund_id)
            if row is None:
                return None
            return mapped(self._name, lambda: mapping.refund(self._source, row))

        return await _each(ids, of)

    async def refunds_by_payment(
        self, payment_ids: Sequence[str]
    ) -> Keyed[tuple[records.Refund, ...]]:
        """PayPal lists refunds with their order alone; Rejected where it does not list them all."""

        async def of(asked: str) -> tuple[records.Refund, ...] | SourceError | None:
            found = await self._finder.find(asked, lambda capture: True)
            if found is None or not isinstance(found.paid, Capture):
                return None if found is None else ()
            capture, order = found.paid, found.order
            if order is None:
                return () if capture.status not in REFUNDED_WORDS else self._unlisted
            made = mapped(self._name, lambda: mapping.refunds_of(self._source, capture, order))
            return self._unlisted if made is None else made

        return await _each(payment_ids, of)

    async def disputes(self, ids: Sequence[str]) -> Keyed[records.Dispute]:
        async def of(dispute_id: str) -> records.Dispute | SourceError | None:
            row = await self._disputes.one(dispute_id)
            if row is None:
                return None
            return mapped(self._name, lambda: mapping.dispute(self._source, row))

        return await _each(ids, of)

    async def disputes_by_payment(
        self, payment_ids: Sequence[str]
    ) -> Keyed[tuple[records.Dispute, ...]]:
        """PayPal has the same empty list for a payment without disputes as for no payment: both
        are left out.
        """

        async def of(payment_id: str) -> tuple[records.Dispute, ...] | SourceError | None:
            rows = await self._disputes.of_payment(payment_id)
            made = mapped(
                self._name,
                lambda: tuple(mapping.dispute(self._source, row, payment_id) for row in rows),
            )
            return made or None

        return await _each(payment_ids, of)

    def periods(self, since: datetime, until: datetime) -> Sequence[Period]:
        return ledger.periods(since, until, self._lag)

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        if period.name.startswith(ledger.DISPUTES):
            page = 0
            async for rows in self._disputes.changed(period):
                page += 1
                yield ledger.dispute_entries(self._name, rows, page)
            return
        async for window in self._reports.windows(period):
            told = ledger.entries_in(self._name, window, self._naming)
            for start in range(0, len(told), BATCH):
                yield told[start : start + BATCH]

    @property
    def _unlisted(self) -> Rejected:
        return Rejected(self._name, "PayPal has no order that lists all refunds of this payment")

    def _wants_order(self, capture: Capture) -> bool:
        return self._read_orders or capture.status in REFUNDED_WORDS


async def _each(
    keys: Sequence[str], of: Callable[[str], Awaitable[T | SourceError | None]]
) -> dict[str, T | SourceError]:
    """One call or more for each key, each asked once."""
    found: dict[str, Any] = await gather_keyed(keys, of)
    return found


async def _note(call: Awaitable[object]) -> str | None:
    """What an operator should know of a feature that the app lacks; other failures are failures."""
    try:
        await call
    except Misconfigured as error:
        return error.detail
    except NotReady:
        return None
    return None
