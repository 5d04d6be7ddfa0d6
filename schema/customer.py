"""`Customer` as clients see it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import strawberry

from connectors import records
from connectors.filters import PaymentFilter, RefundFilter
from connectors.money import Money as MoneyValue
from connectors.records import OrderState
from resolvers.asking import Joined
from resolvers.expected import ORDERS_OF_A_CUSTOMER
from resolvers.joins.customer import (
    CUSTOMER_ALL_ORDERS,
    CUSTOMER_ORDERS,
    CUSTOMER_PAYMENTS,
    CUSTOMER_REFUNDS,
    CUSTOMER_SAME_AS,
)
from resolvers.joins.order import ORDER_PAYMENTS
from resolvers.payment_state import balance_due, captured, refunded
from resolvers.roots import check_sort
from schema import enums, inputs
from schema.connections import Orders, Payments, Refunds
from schema.inputs import After, First
from schema.links import complete, page_of
from schema.misfits import check
from schema.money import Money
from schema.node import Entity, Node, RequestInfo, asks, reads, shows, then
from schema.scalars import CurrencyCode

if TYPE_CHECKING:
    from schema.links import CustomerLink


@strawberry.federation.type(description="What a customer ordered, paid and got back, per currency.")
class CustomerTotal:
    currency: CurrencyCode = strawberry.federation.field(description="The currency of the sums.")
    ordered: Money = strawberry.federation.field(description="Sum of the totals of all orders.")
    paid: Money = strawberry.federation.field(description="Captured for these orders.")
    refunded: Money = strawberry.federation.field(description="Gone back for these orders.")
    outstanding: Money = strawberry.federation.field(
        description="Sum of what is still due, without drafts and canceled orders."
    )


class Totals(msgspec.Struct, frozen=True):
    """What `CustomerTotal` shows."""

    currency: str
    ordered: MoneyValue
    paid: MoneyValue
    refunded: MoneyValue
    outstanding: MoneyValue


_SUMS = ("ordered", "paid", "refunded", "outstanding")
_NOT_OWED = frozenset({OrderState.DRAFT, OrderState.CANCELED})


@asks(Joined("Customer.orders"))
def _orders(
    root: records.Customer,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.OrderFilter | None, strawberry.argument(description="Which orders.")
    ] = inputs.UNSET,
    order_by: Annotated[
        enums.OrderSort | None, strawberry.argument(description="In which order.")
    ] = inputs.UNSET,
) -> Any:
    wanted = inputs.order_filter(filter, info.context.sources)
    ask = inputs.ask("Customer.orders", first, after, wanted, order_by)
    check_sort(ask)
    return info.context.load(CUSTOMER_ORDERS, root, ask)


@reads(CUSTOMER_PAYMENTS)
def _payments(
    root: records.Customer,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.PaymentFilter | None, strawberry.argument(description="Which payments.")
    ] = inputs.UNSET,
) -> Any:
    wanted: PaymentFilter = inputs.payment_filter(filter, info.context.sources)
    ask = inputs.ask("Customer.payments", first, after, wanted)
    found = info.context.load(CUSTOMER_PAYMENTS, root, inputs.only(wanted))
    return then(found, lambda linked: page_of(linked, ask, root))


@reads(CUSTOMER_REFUNDS)
def _refunds(
    root: records.Customer,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.RefundFilter | None, strawberry.argument(description="Which refunds.")
    ] = inputs.UNSET,
) -> Any:
    wanted: RefundFilter = inputs.refund_filter(filter, info.context.sources)
    ask = inputs.ask("Customer.refunds", first, after, wanted)
    found = info.context.load(CUSTOMER_REFUNDS, root, inputs.only(wanted))
    return then(found, lambda linked: page_of(linked, ask, root))


@reads(CUSTOMER_SAME_AS)
def _same_as(root: records.Customer, info: RequestInfo) -> Any:
    return then(
        info.context.load(CUSTOMER_SAME_AS, root),
        lambda linked: [*linked.links, *linked.failures],
    )


@reads(CUSTOMER_ALL_ORDERS)
@asks(Joined("Customer.allOrders"), Joined("Order.payments", ORDERS_OF_A_CUSTOMER))
async def _totals(root: records.Customer, info: RequestInfo) -> Any:
    """Raises the first failure: a sum that may lack something is not shown."""
    all_orders = info.context.load(CUSTOMER_ALL_ORDERS, root)
    orders = complete(await all_orders if isinstance(all_orders, asyncio.Future) else all_orders)
    linked = await info.context.many(ORDER_PAYMENTS, orders)
    sums: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMS, 0))
    for order in orders:
        payments = complete(linked[order.id])
        for currency in {p.amount.currency for p in payments}:
            sums[currency]["paid"] += captured(payments, currency).minor_units
            sums[currency]["refunded"] += refunded(payments, currency).minor_units
        check(order, "total")
        if order.total is not None:
            own = sums[order.total.currency]
            own["ordered"] += order.total.minor_units
            if order.recorded_state not in _NOT_OWED:
                paid = captured(payments, order.total.currency)
                own["outstanding"] += balance_due(order.total, paid).minor_units
    return [
        Totals(currency, *(MoneyValue(values[name], currency) for name in _SUMS))
        for currency, values in sorted(sums.items())
    ]


@strawberry.federation.type(
    keys=["id"], description="A person or company as one CRM, or one provider, knows it."
)
class Customer(Node, Entity):
    name: str | None = strawberry.federation.field(description="Their name, in their own script.")
    kind: enums.CustomerKind = strawberry.federation.field(description="Person or company.")
    email: str | None = strawberry.federation.field(description="Their e-mail address.")
    emails: list[str] = strawberry.federation.field(
        description="All their e-mail addresses; the first is `email`."
    )
    phones: list[str] = strawberry.federation.field(description="Their phone numbers.")
    tier: str | None = strawberry.federation.field(description="Their tier, in the CRM's word.")
    industry: str | None = strawberry.federation.field(
        description="Their industry, in the CRM's word."
    )
    status: str | None = strawberry.federation.field(description="Their status, in the CRM's word.")
    orders: Orders | None = strawberry.field(
        resolver=_orders,
        description="Their orders; for a provider's customer those of the same party in the CRM.",
    )
    payments: Payments | None = strawberry.field(
        resolver=_payments,
        description="Payments of their orders and those they made as a provider's customer,"
        " newest first.",
    )
    refunds: Refunds | None = strawberry.field(
        resolver=_refunds, description="Refunds of their payments, newest first."
    )
    totals: list[CustomerTotal] | None = strawberry.field(
        resolver=_totals, description="Sums over all their orders, one per currency."
    )
    same_as: list[Annotated[CustomerLink, strawberry.lazy("schema.links")] | None] | None = (
        strawberry.field(
            resolver=_same_as,
            description="The same party in other sources; null, with an error, for a source that"
            " failed.",
        )
    )

    is_type_of = shows(records.Customer)
