"""`Order` as clients see it: the CRM's record, with its money derived live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from connectors import records
from connectors.money import Money as MoneyValue
from resolvers.joins.order import ORDER_CUSTOMER, ORDER_LINES, ORDER_PAYMENTS, ORDER_REFUNDS
from resolvers.links import Linked
from resolvers.payment_state import (
    OrderPaymentState,
    balance_due,
    captured,
    in_sync,
    payment_state,
    refunded,
)
from schema import enums, inputs
from schema.connections import Payments, Refunds
from schema.inputs import After, First
from schema.links import PaymentLink, complete, page_of
from schema.misfits import check
from schema.money import Money, Price
from schema.node import Entity, Node, RequestInfo, joined, reads, shows, then

if TYPE_CHECKING:
    from schema.customer import Customer


@strawberry.federation.type(description="One line of an order.")
class OrderLine:
    sku: str | None = strawberry.federation.field(description="The article's number.")
    name: str | None = strawberry.federation.field(description="The article's name.")
    quantity: Decimal | None = strawberry.federation.field(description="How many, or how much.")
    price: Price | None = strawberry.federation.field(
        description="The price of one, with as many decimals as the source has: `0.0125`."
    )
    unit_price: Money | None = strawberry.federation.field(
        description="The price of one as money; null, with an error, where it has more decimals"
        " than its currency."
    )
    total: Money | None = strawberry.federation.field(description="The price of the line.")


def _currency(order: records.Order, payments: Sequence[records.Payment]) -> str | None:
    """The order's, or that of its payments where the order has no total."""
    if order.total is not None:
        return order.total.currency
    currencies = {payment.amount.currency for payment in payments}
    return currencies.pop() if len(currencies) == 1 else None


def _sum_of(
    add: Callable[[Sequence[records.Payment], str], MoneyValue],
) -> Callable[[records.Order, RequestInfo], Any]:
    """A resolver of a sum over all payments; it raises what any source failed with, because a sum
    that may lack something is not shown."""

    @reads(ORDER_PAYMENTS)
    def resolve(root: records.Order, info: RequestInfo) -> Any:
        def show(linked: Linked[records.Payment]) -> MoneyValue | None:
            payments = complete(linked)
            currency = _currency(root, payments)
            return None if currency is None else add(payments, currency)

        return then(info.context.load(ORDER_PAYMENTS, root), show)

    return resolve


@reads(ORDER_PAYMENTS)
def _balance_due(root: records.Order, info: RequestInfo) -> Any:
    def show(linked: Linked[records.Payment]) -> MoneyValue | None:
        payments = complete(linked)
        check(root, "total")
        if root.total is None:
            return None
        return balance_due(root.total, captured(payments, root.total.currency))

    return then(info.context.load(ORDER_PAYMENTS, root), show)


def _live(order: records.Order, linked: Linked[records.Payment]) -> OrderPaymentState:
    """Raises what any source failed with: its payments decide too."""
    return payment_state(order, complete(linked))


@reads(ORDER_PAYMENTS)
def _state(root: records.Order, info: RequestInfo) -> Any:
    return then(info.context.load(ORDER_PAYMENTS, root), lambda linked: _live(root, linked))


@reads(ORDER_PAYMENTS)
def _in_sync(root: records.Order, info: RequestInfo) -> Any:
    def show(linked: Linked[records.Payment]) -> bool | None:
        return in_sync(root, _live(root, linked))

    return then(info.context.load(ORDER_PAYMENTS, root), show)


@reads(ORDER_PAYMENTS)
def _payments(
    root: records.Order,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.PaymentFilter | None, strawberry.argument(description="Which payments.")
    ] = inputs.UNSET,
) -> Any:
    wanted = inputs.payment_filter(filter, info.context.sources)
    ask = inputs.ask("Order.payments", first, after, wanted)
    found = info.context.load(ORDER_PAYMENTS, root, inputs.only(wanted))
    return then(found, lambda linked: page_of(linked, ask, root))


@reads(ORDER_REFUNDS)
def _refunds(
    root: records.Order,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.RefundFilter | None, strawberry.argument(description="Which refunds.")
    ] = inputs.UNSET,
) -> Any:
    wanted = inputs.refund_filter(filter, info.context.sources)
    ask = inputs.ask("Order.refunds", first, after, wanted)
    found = info.context.load(ORDER_REFUNDS, root, inputs.only(wanted))
    return then(found, lambda linked: page_of(linked, ask, root))


@reads(ORDER_PAYMENTS)
def _links(root: records.Order, info: RequestInfo) -> Any:
    return then(
        info.context.load(ORDER_PAYMENTS, root),
        lambda linked: [*linked.links, *linked.failures],
    )


@strawberry.federation.type(
    keys=["id"], description="An order, with the money that its live payments say was paid."
)
class Order(Node, Entity):
    number: str = strawberry.federation.field(description="The order number.")
    total: Money | None = strawberry.federation.field(description="What the order costs.")
    placed_at: datetime | None = strawberry.federation.field(description="When it was placed.")
    recorded_state: enums.OrderState = strawberry.federation.field(
        description="What the source of the order says happened."
    )
    recorded_status: str | None = strawberry.federation.field(
        description="The same in the source's own word."
    )
    recorded_providers: list[enums.Provider] = strawberry.federation.field(
        description="Through whom it was paid, as the source of the order says, if it does."
    )
    lines: list[OrderLine] | None = joined(ORDER_LINES, "What was ordered.")
    customer: Annotated[Customer, strawberry.lazy("schema.customer")] | None = joined(
        ORDER_CUSTOMER, "Who ordered, as the same source knows them."
    )
    paid: Money | None = strawberry.field(
        resolver=_sum_of(captured),
        description="Captured by its live payments, in the order's currency.",
    )
    refunded: Money | None = strawberry.field(
        resolver=_sum_of(refunded), description="Gone back for certain, in the order's currency."
    )
    balance_due: Money | None = strawberry.field(
        resolver=_balance_due,
        description="Total less paid, never below zero; money refunded is not owed again.",
    )
    payment_state: enums.OrderPaymentState | None = strawberry.field(
        resolver=_state, description="What its live payments and refunds say."
    )
    in_sync: bool | None = strawberry.field(
        resolver=_in_sync,
        description="Whether `recordedState` agrees with `paymentState`; null where either is"
        " unknown.",
    )
    payments: Payments | None = strawberry.field(
        resolver=_payments, description="Its payments in all sources, newest first."
    )
    refunds: Refunds | None = strawberry.field(
        resolver=_refunds, description="The refunds of its payments, newest first."
    )
    links: list[PaymentLink | None] | None = strawberry.field(
        resolver=_links,
        description="Why its payments are its own; null, with an error, for a source that failed.",
    )

    is_type_of = shows(records.Order)
