"""`Order` as clients see it: the CRM's record, with its money derived live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from connectors import records
from connectors.filters import PaymentFilter, RefundFilter
from resolvers.joins.order import ORDER_CUSTOMER, ORDER_LINES, ORDER_PAYMENTS, ORDER_REFUNDS
from resolvers.links import Linked
from resolvers.pages import paged
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
from schema.links import PaymentLink, complete
from schema.money import Money
from schema.node import Entity, Node, RequestInfo, joined, shows

if TYPE_CHECKING:
    from schema.customer import Customer


@strawberry.federation.type(description="One line of an order.")
class OrderLine:
    sku: str | None = strawberry.federation.field(description="The article's number.")
    name: str | None = strawberry.federation.field(description="The article's name.")
    quantity: Decimal = strawberry.federation.field(description="How many, or how much.")
    unit_price: Money | None = strawberry.federation.field(description="The price of one.")
    total: Money | None = strawberry.federation.field(description="The price of the line.")


async def _all_payments(root: records.Order, info: RequestInfo) -> tuple[records.Payment, ...]:
    """Raises the failure of any source: a sum that may lack something is not shown."""
    return complete(await info.context.load(ORDER_PAYMENTS, root))


def _currency(order: records.Order, payments: Sequence[records.Payment]) -> str | None:
    """The order's, or that of its payments where the order has no total."""
    if order.total is not None:
        return order.total.currency
    currencies = {payment.amount.currency for payment in payments}
    return currencies.pop() if len(currencies) == 1 else None


async def _paid(root: records.Order, info: RequestInfo) -> Any:
    payments = await _all_payments(root, info)
    currency = _currency(root, payments)
    return None if currency is None else captured(payments, currency)


async def _refunded(root: records.Order, info: RequestInfo) -> Any:
    payments = await _all_payments(root, info)
    currency = _currency(root, payments)
    return None if currency is None else refunded(payments, currency)


async def _balance_due(root: records.Order, info: RequestInfo) -> Any:
    payments = await _all_payments(root, info)
    if root.total is None:
        return None
    return balance_due(root.total, captured(payments, root.total.currency))


async def _state(root: records.Order, info: RequestInfo) -> OrderPaymentState:
    try:
        linked: Linked[records.Payment] = await info.context.load(ORDER_PAYMENTS, root)
    except Exception:  # the reason is the error of `paid` and `payments`
        return OrderPaymentState.UNKNOWN
    if linked.failures:
        return OrderPaymentState.UNKNOWN
    return payment_state(root, linked.records)


async def _in_sync(root: records.Order, info: RequestInfo) -> bool | None:
    return in_sync(root.recorded_state, await _state(root, info))


async def _payments(
    root: records.Order,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
) -> Any:
    ask = inputs.ask(first, after, PaymentFilter())
    linked = await info.context.load(ORDER_PAYMENTS, root)
    return paged(linked.records, linked.failures, ask)


async def _refunds(
    root: records.Order,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
) -> Any:
    ask = inputs.ask(first, after, RefundFilter())
    linked = await info.context.load(ORDER_REFUNDS, root)
    return paged(linked.records, linked.failures, ask)


async def _links(root: records.Order, info: RequestInfo) -> Any:
    linked: Linked[records.Payment] = await info.context.load(ORDER_PAYMENTS, root)
    return [*linked.links, *linked.failures]


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
    lines: list[OrderLine] | None = joined(ORDER_LINES, "What was ordered.")
    customer: Annotated[Customer, strawberry.lazy("schema.customer")] | None = joined(
        ORDER_CUSTOMER, "Who ordered, as the same source knows them."
    )
    paid: Money | None = strawberry.field(
        resolver=_paid, description="Captured by its live payments, in the order's currency."
    )
    refunded: Money | None = strawberry.field(
        resolver=_refunded, description="Gone back for certain, in the order's currency."
    )
    balance_due: Money | None = strawberry.field(
        resolver=_balance_due,
        description="Total less paid, never below zero; money refunded is not owed again.",
    )
    payment_state: enums.OrderPaymentState = strawberry.field(
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
