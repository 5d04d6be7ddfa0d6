"""What leads away from a customer, whether a CRM or a provider knows it.

A provider has no orders of ours, so the orders of its customers are those of the CRM customers
that are the same party. A customer's payments are those of all its orders and those that it made
as a customer of a provider, each once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import Rejected, SourceError
from connectors.filters import OrderFilter
from connectors.paging import NEWEST_FIRST, Page, PageQuery
from connectors.records import Customer, Kind, Order, Payment, Refund, SourceKind
from resolvers.context import Context, Join
from resolvers.errors import BadFilter
from resolvers.expected import ORDERS_OF_A_CUSTOMER, PAYMENTS_OF_A_CUSTOMER
from resolvers.incomplete import cannot_list
from resolvers.joins.keyed import source_failures
from resolvers.joins.order import ORDER_PAYMENTS, refunds_of_linked
from resolvers.links import Link, Linked, LinkRule, Only, asked_for
from resolvers.pages import Ask, Connection, merged, scans_of

EVERY = 500
"""Orders asked for per customer and call where all are needed."""

MOST_ORDERS = 20_000


async def _same_as(context: Context, customers: Sequence[Customer], _: Any) -> Mapping[str, Any]:
    return await context.rules.same_as(context.lookups, customers)


async def _owners(
    context: Context, customers: Sequence[Customer]
) -> dict[str, Linked[Customer] | Exception]:
    """The customers who own the orders: itself in a CRM, its counterparts for a provider's."""
    own = {c.id: c for c in customers if c.source.kind is SourceKind.CRM}
    others = [c for c in customers if c.id not in own]
    linked = await context.many(CUSTOMER_SAME_AS, others)
    answer: dict[str, Linked[Customer] | Exception] = {
        key: Linked((Link(customer, LinkRule.OWN, "its own source"),))
        for key, customer in own.items()
    }
    return answer | linked


async def _order_pages(context: Context, customers: Sequence[Customer], ask: Ask) -> dict[str, Any]:
    owners = await _owners(context, customers)
    keys = list(owners)
    pages = await asyncio.gather(
        *(_order_page(context, owners[key], ask) for key in keys), return_exceptions=True
    )
    return dict(zip(keys, pages, strict=True))


async def _order_page(
    context: Context, owners: Linked[Customer] | Exception, ask: Ask
) -> Connection:
    """One customer's page. Its reads meet those of the other customers in one lookup."""
    if isinstance(owners, Exception):
        raise owners
    sources = [context.sources[owner.source.name] for owner in owners.records]
    for source in sources:
        if not source.can_sort(Kind.ORDER, ask.sort):
            raise BadFilter(f"{source.name} cannot list orders in this order")
    unable = [source for source in sources if not source.can("orders_by_customer")]
    fetches = {
        owner.id: _reader(context, owner)
        for owner, source in zip(owners.records, sources, strict=True)
        if source not in unable
    }
    keeps = None if context.rows is None else context.rows.keeps
    scans = scans_of(ask, fetches, keeps=keeps)
    return await merged(scans, ask, owners.failures, cannot_list(unable))


def _reader(context: Context, owner: Customer) -> Any:
    """Raises Rejected where the source does not tell a customer's orders."""

    async def fetch(query: PageQuery[OrderFilter]) -> Page[Order]:
        if not context.sources[owner.source.name].can("orders_by_customer"):
            raise Rejected(owner.source.name, "it cannot be asked for a customer's orders")
        answer = await context.lookups.many(
            owner.source.name, "orders_by_customer", [owner.native_id], query
        )
        value = answer.get(owner.native_id, Page(()))
        if isinstance(value, SourceError):
            raise value
        return value  # type: ignore[no-any-return]

    return fetch


async def _all_orders(context: Context, customers: Sequence[Customer], _: Any) -> dict[str, Any]:
    owners = await _owners(context, customers)
    keys = list(owners)
    lists = await asyncio.gather(
        *(_every_order(context, owners[key]) for key in keys), return_exceptions=True
    )
    return dict(zip(keys, lists, strict=True))


async def _every_order(context: Context, owners: Linked[Customer] | Exception) -> Linked[Order]:
    if isinstance(owners, Exception):
        raise owners
    found: dict[str, Link[Order]] = {}
    failed = list(owners.failures)
    for owner in owners.records:
        fetch, after, more = _reader(context, owner), None, True
        try:
            while more:
                page = await fetch(PageQuery(EVERY, OrderFilter(), after, NEWEST_FIRST))
                for row in page.rows:
                    if isinstance(row.record, SourceError):
                        failed.append(row.record)
                    else:
                        found[row.record.id] = Link(row.record, LinkRule.OWN, owner.id)
                after, more = (page.rows[-1].after, page.more) if page.rows else (None, False)
                if len(found) > MOST_ORDERS:
                    raise Rejected(owner.source.name, "too many orders for one customer")
        except SourceError as error:
            failed.append(error)
    return Linked(tuple(found.values()), source_failures(failed))


async def _payments(context: Context, customers: Sequence[Customer], only: Only) -> dict[str, Any]:
    orders, paid = await asyncio.gather(
        context.many(CUSTOMER_ALL_ORDERS, customers), _as_payer(context, customers, only)
    )
    every = [o for value in orders.values() if isinstance(value, Linked) for o in value.records]
    linked = await context.many(ORDER_PAYMENTS, every, only)
    return {c.id: _union(orders[c.id], linked, paid[c.id]) for c in customers}


def _union(
    orders: Linked[Order] | Exception,
    linked: Mapping[str, Linked[Payment] | Exception],
    paid: Linked[Payment],
) -> Linked[Payment] | Exception:
    if isinstance(orders, Exception):
        return orders
    links: dict[str, Link[Payment]] = {}
    failed: list[Any] = [*orders.failures, *paid.failures]
    for order in orders.records:
        value = linked[order.id]
        if isinstance(value, Exception):
            failed.append(value)
            continue
        failed += value.failures
        for link in value.links:
            links.setdefault(link.record.id, link)
    for link in paid.links:
        links.setdefault(link.record.id, link)
    return Linked(tuple(links.values()), source_failures(failed))


async def _as_payer(
    context: Context, customers: Sequence[Customer], only: Only
) -> dict[str, Linked[Payment]]:
    """Payments that a customer made under the provider's own customer id."""
    asked: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for customer in customers:
        for source, native_id in _payer_ids(customer):
            if not asked_for(source, only) or source not in context.sources:
                continue
            if context.sources[source].can("payments_by_customer"):
                asked[source].append((customer.id, native_id))
    answers = await asyncio.gather(
        *(
            context.lookups.many(source, "payments_by_customer", [i for _, i in pairs])
            for source, pairs in asked.items()
        )
    )
    links: defaultdict[str, list[Link[Payment]]] = defaultdict(list)
    failed: defaultdict[str, list[SourceError]] = defaultdict(list)
    for pairs, answer in zip(asked.values(), answers, strict=True):
        for key, native_id in pairs:
            value = answer.get(native_id, ())
            if isinstance(value, SourceError):
                failed[key].append(value)
            else:
                links[key] += [Link(payment, LinkRule.PAYER, native_id) for payment in value]
    return {c.id: Linked(tuple(links[c.id]), tuple(failed[c.id])) for c in customers}


def _payer_ids(customer: Customer) -> list[tuple[str, str]]:
    if customer.source.kind is SourceKind.PAYMENTS:
        return [(customer.source.name, customer.native_id)]
    return [(external.source, external.native_id) for external in customer.external_ids]


async def _refunds(
    context: Context, customers: Sequence[Customer], only: Only
) -> Mapping[str, Any]:
    linked = await context.many(CUSTOMER_PAYMENTS, customers, only)
    return await refunds_of_linked(context, linked)


CUSTOMER_SAME_AS: Join[Customer, Linked[Customer]] = Join(
    name="Customer.sameAs",
    batch=_same_as,
    calls="customers(k) of each source whose customer ids the CRM holds; for a provider's"
    " customers customers_by_external_id(n) per CRM",
    methods=("customers", "customers_by_external_id"),
    empty=Linked(),
)
CUSTOMER_ORDERS: Join[Customer, Connection] = Join(
    name="Customer.orders",
    batch=_order_pages,
    calls="orders_by_customer(n) of the customer's CRM, after those of Customer.sameAs for a"
    " provider's customers; again for pages that filtering here cut short",
    methods=("orders_by_customer",),
)
CUSTOMER_ALL_ORDERS: Join[Customer, Linked[Order]] = Join(
    name="Customer.allOrders",
    batch=_all_orders,
    calls=f"orders_by_customer(n) of the customer's CRM per {EVERY} orders of a customer",
    methods=("orders_by_customer",),
    empty=Linked(),
)
CUSTOMER_PAYMENTS: Join[Customer, Linked[Payment]] = Join(
    name="Customer.payments",
    batch=_payments,
    calls="those of Customer.allOrders and of Order.payments for all these orders, and"
    " payments_by_customer(n) per payment source",
    methods=("payments_by_customer",),
    parts=(("Customer.allOrders", 1), ("Order.payments", ORDERS_OF_A_CUSTOMER)),
    empty=Linked(),
)
CUSTOMER_REFUNDS: Join[Customer, Linked[Refund]] = Join(
    name="Customer.refunds",
    batch=_refunds,
    calls="those of Customer.payments, then those of Payment.refunds",
    parts=(("Customer.payments", 1), ("Payment.refunds", PAYMENTS_OF_A_CUSTOMER)),
    empty=Linked(),
)
