"""What one call does not say about payments: more refunds than were embedded, and disputes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from connectors import records
from connectors.errors import SourceError
from connectors.fitting import mapped
from connectors.records import Source
from connectors.stripe import mapping
from connectors.stripe.api import Api, Resource, fitting
from connectors.stripe.payloads import Charge, Dispute, Intent, Paid, Refund, RefundList
from connectors.stripe.search import payment_param
from connectors.transport import gather_keyed

R = TypeVar("R")
_CHARGE = ("refunds", "balance_transaction")
_INTENT = tuple(f"latest_charge.{field}" for field in _CHARGE)

INTENTS = Resource("/v1/payment_intents", msgspec.json.Decoder(Intent), _INTENT)
CHARGES = Resource(
    "/v1/charges",
    msgspec.json.Decoder(Charge),
    (*_CHARGE, *(f"payment_intent.{field}" for field in _INTENT)),
)
REFUNDS = Resource(
    "/v1/refunds",
    msgspec.json.Decoder(Refund),
    ("charge", *(f"payment_intent.{field}" for field in _INTENT)),
)
PLAIN_REFUNDS = Resource("/v1/refunds", msgspec.json.Decoder(Refund), ("charge",))
DISPUTES = Resource("/v1/disputes", msgspec.json.Decoder(Dispute))

Disputed = tuple[Dispute, ...] | SourceError


class Payments:
    """Makes payments of intents and charges, with as few further calls as that takes."""

    def __init__(self, api: Api, source: Source, reference_key: str) -> None:
        self._api = api
        self._source = source
        self._key = reference_key

    async def of(self, paid: Sequence[Paid]) -> list[records.Payment | SourceError]:
        """One payment or error for each, in the same order."""
        refunds = await self._all_refunds(paid)
        disputes = await self._disputes(paid)
        return [self._one(p, refunds.get(p.id), disputes.get(p.id, ())) for p in paid]

    async def refunds_of(self, rows: Sequence[Refund]) -> list[records.Refund | SourceError]:
        """Refunds with the payments that came with them."""
        intents = {i.id: i for row in rows if isinstance(i := row.payment_intent, Intent)}
        made = await self.of(list(intents.values()))
        payments = {p.native_id: p for p in made if isinstance(p, records.Payment)}
        return [self._refund(row, payments) for row in rows]

    def _refund(
        self, row: Refund, payments: Mapping[str, records.Payment]
    ) -> records.Refund | SourceError:
        """A payment that could not be made is one that was not fetched: the refund stands."""
        intent = row.payment_intent
        payment = payments.get(intent.id) if isinstance(intent, Intent) else None
        return mapped(
            self._source.name, lambda: mapping.refund(self._source, row, self._key, payment)
        )

    def _one(
        self, paid: Paid, refunds: RefundList | SourceError | None, disputes: Disputed
    ) -> records.Payment | SourceError:
        if isinstance(refunds, SourceError):
            return refunds
        if isinstance(disputes, SourceError):
            return disputes
        whole = _with_refunds(paid, refunds) if refunds else paid
        return mapped(
            self._source.name,
            lambda: mapping.payment(self._source, whole, disputes, self._key),
        )

    async def _all_refunds(self, paid: Sequence[Paid]) -> dict[str, RefundList | SourceError]:
        """Every refund of the charges that have more of them than were embedded."""
        short = {p.id: p for p in paid if _has_more_refunds(p)}

        async def fetch(payment_id: str) -> RefundList:
            by = (payment_param(payment_id),)
            rows = await self._api.all_listed(PLAIN_REFUNDS, by)
            return RefundList(data=[fitting(row) for row in rows])

        return await gather_keyed(list(short), fetch)

    async def _disputes(self, paid: Sequence[Paid]) -> dict[str, Disputed]:
        """Disputes by payment, for the payments that have any.

        Several payments share one page of disputes. It covers a charge when it reaches back to
        before it; the payments that it does not cover are asked for one by one.
        """
        charges = {p.id: c for p in paid if (c := mapping.charge_of(p)) and c.disputed}
        found: dict[str, Disputed] = {}
        dated = {key: (c.id, c.created) for key, c in charges.items() if c.created is not None}
        if len(dated) > 1:
            try:
                found = await self._page_of_disputes(dated)
            except SourceError as error:
                return dict.fromkeys(charges, error)
        return {**found, **await gather_keyed([i for i in charges if i not in found], self.asked)}

    async def _page_of_disputes(
        self, charges: Mapping[str, tuple[str, int]]
    ) -> dict[str, Disputed]:
        """By payment, of charges given by their id and time: those that the page covers, none where
        a row does not tell its charge or its time.
        """
        since = min(created for _, created in charges.values())
        page = await self._api.listed(DISPUTES, (("created[gte]", str(since)),))
        rows = [fitting(row) for row in page.rows]
        if any(row.charge is None or row.created is None for row in rows):
            return {}
        by_charge: defaultdict[str | None, list[Dispute]] = defaultdict(list)
        for row in rows:
            by_charge[row.charge].append(row)
        times = [row.created for row in rows if row.created is not None]
        reaches = min(times, default=since) if page.more else since - 1
        return {
            key: tuple(by_charge[charge_id])
            for key, (charge_id, created) in charges.items()
            if created > reaches
        }

    async def asked(self, payment_id: str) -> tuple[Dispute, ...]:
        """All disputes of one payment."""
        rows = await self._api.all_listed(DISPUTES, (payment_param(payment_id),))
        return tuple(fitting(row) for row in rows)


def _has_more_refunds(paid: Paid) -> bool:
    charge = mapping.charge_of(paid)
    return charge is not None and charge.refunds is not None and charge.refunds.has_more


def _with_refunds(paid: Paid, refunds: RefundList) -> Paid:
    charge = mapping.charge_of(paid)
    if charge is None:
        return paid
    whole = msgspec.structs.replace(charge, refunds=refunds)
    return msgspec.structs.replace(paid, latest_charge=whole) if isinstance(paid, Intent) else whole
