"""The payments of an invoice, which a checkout session of a subscription names in their place.

https://docs.stripe.com/api/invoice-payment: since API version 2025-03-31 an invoice names no
payment of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from connectors.errors import Malformed, SourceError
from connectors.stripe.api import Api, Resource, fitting
from connectors.stripe.payloads import InvoicePayment, Session
from connectors.transport import gather_keyed

INVOICE_PAYMENTS = Resource("/v1/invoice_payments", msgspec.json.Decoder(InvoicePayment))
Invoiced = tuple[str, ...] | SourceError
"""Ids of an invoice's payments, or why they are not known."""


class Invoices:
    """One call for one session's invoice; several share one page of the list, and those that it
    does not cover cost a call each. Sessions that name their own payment cost nothing.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def payments_of(self, sessions: Sequence[Session]) -> dict[str, Invoiced]:
        """By invoice, of the sessions that are paid through one."""
        wanted = {row.invoice: row.created for row in sessions if row.invoice and row.by_invoice}
        dated = {name: at for name, at in wanted.items() if at is not None}
        found: dict[str, Invoiced] = {}
        if len(dated) > 1:
            try:
                found = await self._page(dated)
            except SourceError as error:
                return dict.fromkeys(wanted, error)
        return {**found, **await gather_keyed([i for i in wanted if i not in found], self._asked)}

    async def _page(self, wanted: Mapping[str, int]) -> dict[str, Invoiced]:
        """Those that one page covers: an invoice is younger than the session that made it."""
        since = min(wanted.values())
        page = await self._api.listed(INVOICE_PAYMENTS, (("created[gte]", str(since)),))
        rows = [fitting(row) for row in page.rows]
        if any(row.invoice is None or row.created is None for row in rows):
            return {}
        times = [row.created for row in rows if row.created is not None]
        reaches = min(times, default=since) if page.more else since - 1
        by_invoice: defaultdict[str | None, list[InvoicePayment]] = defaultdict(list)
        for row in rows:
            by_invoice[row.invoice].append(row)
        covered = [invoice for invoice, created in wanted.items() if created > reaches]
        return {invoice: self._ids(by_invoice[invoice]) for invoice in covered}

    async def _asked(self, invoice: str) -> Invoiced:
        rows = await self._api.all_listed(INVOICE_PAYMENTS, (("invoice", invoice),))
        return self._ids(fitting(row) for row in rows)

    def _ids(self, rows: Iterable[InvoicePayment]) -> Invoiced:
        """Malformed where one was paid past Stripe: then these are not all its payments."""
        ids = [row.payment.native_id if row.payment else None for row in rows]
        known = tuple(dict.fromkeys(one for one in ids if one))
        return known if all(ids) else Malformed(self._api.source, "an invoice paid past Stripe")
