"""What Stripe answers to each batch method and page of the contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec

from connectors import records
from connectors.capabilities import Probe
from connectors.errors import NotFound, RateLimited, Retryable, SourceError
from connectors.filters import CustomerFilter, OrderFilter, PaymentFilter, RefundFilter
from connectors.fitting import mapped
from connectors.paging import Keyed, Page, PageQuery
from connectors.stripe import mapping, search
from connectors.stripe.api import Api, Resource
from connectors.stripe.errors import SearchUnavailable, judge_for
from connectors.stripe.invoices import Invoiced, Invoices
from connectors.stripe.matching import Matching
from connectors.stripe.pages import Make, Rec, each, page, whole
from connectors.stripe.payloads import Customer, Dispute, Intent, Item, Paid, Session
from connectors.stripe.payments import (
    CHARGES,
    DISPUTES,
    INTENTS,
    PLAIN_REFUNDS,
    REFUNDS,
    Payments,
)
from connectors.stripe.search import Plan, payment_param
from connectors.stripe.settings import StripeSettings
from connectors.tokens import StaticToken
from connectors.transport import absent, gather_keyed
from connectors.vendor import Wiring

BASE_URL = "https://api.stripe.com"
CUSTOMERS = Resource("/v1/customers", msgspec.json.Decoder(Customer))
SESSIONS = Resource("/v1/checkout/sessions", msgspec.json.Decoder(Session), ("line_items",))
ITEM = msgspec.json.Decoder(Item)

T = TypeVar("T")
R = TypeVar("R")


def connect(wiring: Wiring, settings: StripeSettings) -> StripeConnector:
    """A connector of one account; the composition root closes its transport."""
    name = wiring.source.name
    tokens = StaticToken("authorization", settings.key, "Bearer ")
    transport = wiring.open(settings.base_url or BASE_URL, judge_for(name), tokens)
    api = Api(name, transport, settings.api_version, settings.account)
    return StripeConnector(api, wiring, settings)


class StripeConnector:
    """One account of Stripe. Payments are payment intents, orders are checkout sessions."""

    def __init__(self, api: Api, wiring: Wiring, settings: StripeSettings) -> None:
        self._api = api
        self._source = wiring.source
        self._key = settings.reference_key
        self._payments = Payments(api, wiring.source, self._key)
        self._invoices = Invoices(api)
        lag = timedelta(seconds=settings.search_lag)
        self._list_pages = settings.list_pages
        self._matching = Matching(
            api, self._payments, self._key, wiring.vendor_clock, lag, settings.list_pages
        )

    async def probe(self) -> Probe:
        """The balance is free to read, and a search shows whether the account has one; Stripe does
        not tell what is left of a quota.
        """
        await self._api.send("/v1/balance")
        try:
            await self._api.searched(INTENTS, search.customer_is("cus_0"), limit=1)
        except SearchUnavailable as error:
            lists = f"lists serve instead, at most {self._list_pages} pages of 100 payments"
            return Probe(notes=(f"{error.detail}: {lists} for an order's number (list_pages)",))
        return Probe()

    async def customers(self, ids: Sequence[str]) -> Keyed[records.Customer]:
        return await self._by_id(CUSTOMERS, ids, self._as_customers)

    async def customer_page(self, query: PageQuery[CustomerFilter]) -> Page[records.Customer]:
        plan = search.customer_plan(query.filter)
        return await self._page(CUSTOMERS, plan, query, self._as_customers)

    async def orders(self, ids: Sequence[str]) -> Keyed[records.Order]:
        return await self._by_id(SESSIONS, ids, self._as_orders)

    async def order_page(self, query: PageQuery[OrderFilter]) -> Page[records.Order]:
        return await self._page(SESSIONS, search.order_plan(query.filter), query, self._as_orders)

    async def orders_by_customer(
        self, customer_ids: Sequence[str], query: PageQuery[OrderFilter]
    ) -> Keyed[Page[records.Order]]:
        async def of(customer_id: str) -> Page[records.Order] | None:
            own = msgspec.structs.replace(query.filter, customer_ids=(customer_id,))
            plan = search.order_plan(own)
            return await absent(page(self._api, SESSIONS, plan, query, self._as_orders))

        if search.accepts_nothing(query.filter):
            return {key: Page(()) for key in customer_ids}
        return await gather_keyed(customer_ids, of)

    async def order_lines(self, order_ids: Sequence[str]) -> Keyed[tuple[records.OrderLine, ...]]:
        async def of(order_id: str) -> tuple[records.OrderLine, ...] | None:
            kind = Resource(f"/v1/checkout/sessions/{order_id}/line_items", ITEM)
            rows = await absent(self._api.all_listed(kind, ()))
            return None if rows is None else whole(await each(rows, self._as_lines))

        return await gather_keyed(order_ids, of)

    async def payments(self, ids: Sequence[str]) -> Keyed[records.Payment]:
        """Stripe has no batch by id: a call each."""
        make: Make[Paid, records.Payment] = self._payments.of
        return await self._each(ids, self._paid, make)

    async def payment_page(self, query: PageQuery[PaymentFilter]) -> Page[records.Payment]:
        plan = search.payment_plan(query.filter, self._key)
        return await self._page(INTENTS, plan, query, self._payments.of)

    async def payments_by_reference(
        self, references: Sequence[str]
    ) -> Keyed[tuple[records.Payment, ...]]:
        return await self._matching.by_reference(references)

    async def payments_by_customer(
        self, customer_ids: Sequence[str]
    ) -> Keyed[tuple[records.Payment, ...]]:
        return await self._matching.by_customer(customer_ids)

    async def refunds(self, ids: Sequence[str]) -> Keyed[records.Refund]:
        return await self._by_id(REFUNDS, ids, self._payments.refunds_of)

    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[records.Refund]:
        plan = search.refund_plan(query.filter)
        return await self._page(REFUNDS, plan, query, self._payments.refunds_of)

    async def refunds_by_payment(
        self, payment_ids: Sequence[str]
    ) -> Keyed[tuple[records.Refund, ...]]:
        return await self._listed_by_payment(PLAIN_REFUNDS, payment_ids, self._payments.refunds_of)

    async def disputes(self, ids: Sequence[str]) -> Keyed[records.Dispute]:
        return await self._by_id(DISPUTES, ids, self._as_disputes)

    async def disputes_by_payment(
        self, payment_ids: Sequence[str]
    ) -> Keyed[tuple[records.Dispute, ...]]:
        return await self._listed_by_payment(DISPUTES, payment_ids, self._as_disputes)

    async def _page(
        self, kind: Resource[T], plan: Plan, query: PageQuery[Any], make: Make[T, Rec]
    ) -> Page[Rec]:
        """A filter that accepts nothing, or names what does not exist, has an empty page."""
        if search.accepts_nothing(query.filter):
            return Page(())
        return await absent(page(self._api, kind, plan, query, make)) or Page(())

    async def _by_id(
        self, kind: Resource[T], ids: Sequence[str], make: Make[T, R]
    ) -> dict[str, R | SourceError]:
        """What an object makes no record of is left out."""
        found = await self._each(ids, lambda native_id: self._api.one(kind, native_id), make)
        return {key: v for key, v in found.items() if not isinstance(v, NotFound)}

    async def _each(
        self, ids: Sequence[str], one: Callable[[str], Awaitable[T | None]], make: Make[T, R]
    ) -> dict[str, R | SourceError]:
        """One object for each id, then their records together."""
        found = await gather_keyed(ids, one)
        good = {key: v for key, v in found.items() if not isinstance(v, SourceError)}
        bad = {key: v for key, v in found.items() if isinstance(v, SourceError)}
        return {**dict(zip(good, await make(list(good.values())), strict=True)), **bad}

    async def _listed_by_payment(
        self, kind: Resource[T], payment_ids: Sequence[str], make: Make[T, R]
    ) -> Keyed[tuple[R, ...]]:
        async def of(payment_id: str) -> tuple[R, ...] | None:
            rows = await absent(self._api.all_listed(kind, (payment_param(payment_id),)))
            return None if rows is None else whole(await each(rows, make))

        return await gather_keyed(payment_ids, of)

    async def _paid(self, payment_id: str) -> Paid | None:
        """An intent, or a charge; a charge of an intent stands for the intent."""
        if payment_id.startswith("pi_"):
            return await self._api.one(INTENTS, payment_id)
        charge = await self._api.one(CHARGES, payment_id)
        intent = charge.payment_intent if charge else None
        return intent if isinstance(intent, Intent) else charge

    def _mapped(self, make: Callable[[T], R], rows: list[T]) -> list[R | SourceError]:
        return [mapped(self._source.name, partial(make, row)) for row in rows]

    async def _as_customers(self, rows: list[Customer]) -> list[records.Customer | SourceError]:
        gone = NotFound(self._source.name, "the customer was deleted")
        made = self._mapped(partial(mapping.customer, self._source), rows)
        return [gone if record is None else record for record in made]

    async def _as_orders(self, rows: list[Session]) -> list[records.Order | SourceError]:
        invoiced = await self._invoices.payments_of(rows)
        none = NotFound(self._source.name, "the session is no order")
        made = [self._order(row, invoiced.get(row.invoice or "", ())) for row in rows]
        return [none if record is None else record for record in made]

    def _order(self, row: Session, paid: Invoiced) -> records.Order | SourceError | None:
        """What passes fails the order; what does not, as a key that may not see invoices, leaves
        its payments unknown.
        """
        if isinstance(paid, Retryable | RateLimited):
            return paid
        known = None if isinstance(paid, SourceError) else paid
        return mapped(self._source.name, lambda: mapping.order(self._source, row, known))

    async def _as_lines(self, rows: list[Item]) -> list[records.OrderLine | SourceError]:
        return self._mapped(partial(mapping.line, self._source), rows)

    async def _as_disputes(self, rows: list[Dispute]) -> list[records.Dispute | SourceError]:
        return self._mapped(partial(mapping.dispute, self._source), rows)
