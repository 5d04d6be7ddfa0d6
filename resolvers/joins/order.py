"""What leads away from an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.records import Customer, Order, OrderLine, Payment, Refund
from resolvers.context import Context, Join
from resolvers.expected import PAYMENTS_OF_AN_ORDER
from resolvers.joins.keyed import by_own_source, own_id
from resolvers.joins.payment import PAYMENT_REFUNDS
from resolvers.links import Link, Linked, Only


async def _customers(context: Context, orders: Sequence[Order], _: Any) -> Mapping[str, Any]:
    return await by_own_source(context, orders, "customers", lambda order: order.customer_id)


async def _lines(context: Context, orders: Sequence[Order], _: Any) -> Mapping[str, Any]:
    return await by_own_source(context, orders, "order_lines", own_id)


async def _payments(context: Context, orders: Sequence[Order], only: Only) -> Mapping[str, Any]:
    return await context.rules.payments_of(context.lookups, orders, only)


async def _refunds(context: Context, orders: Sequence[Order], only: Only) -> Mapping[str, Any]:
    linked = await context.many(ORDER_PAYMENTS, orders, only)
    return await refunds_of_linked(context, linked)


async def refunds_of_linked(
    context: Context, linked: Mapping[str, Linked[Payment] | Exception]
) -> dict[str, Any]:
    """All refunds of each parent's payments; a payment's own failure is the parent's failure."""
    found = {k: v for k, v in linked.items() if isinstance(v, Linked)}
    payments = [payment for value in found.values() for payment in value.records]
    refunds = await context.many(PAYMENT_REFUNDS, payments)
    return {
        k: (_collect(found[k], refunds) if k in found else value) for k, value in linked.items()
    }


def _collect(linked: Linked[Payment], refunds: Mapping[str, Any]) -> Linked[Refund]:
    links: list[Link[Refund]] = []
    failed = list(linked.failures)
    for link in linked.links:
        value = refunds[link.record.id]
        if isinstance(value, Exception):
            failed.append(value)  # type: ignore[arg-type]
        else:
            links += [Link(refund, link.rule, link.evidence) for refund in value]
    return Linked(tuple(links), tuple(failed))


ORDER_CUSTOMER: Join[Order, Customer | None] = Join(
    name="Order.customer",
    batch=_customers,
    calls="customers(n) of the order's source",
    methods=("customers",),
)
ORDER_LINES: Join[Order, tuple[OrderLine, ...]] = Join(
    name="Order.lines",
    batch=_lines,
    calls="order_lines(n) of the order's source; 0 where lines come with the order",
    methods=("order_lines",),
    embedded=lambda order: order.lines,
    empty=(),
)
ORDER_PAYMENTS: Join[Order, Linked[Payment]] = Join(
    name="Order.payments",
    batch=_payments,
    calls="per payment source: payments_by_reference(n), payments(k) for the k payments that only"
    " a stored link or a CRM field names, and find_payments(k) for the k orders that these do not"
    " cover and that may have been paid there",
    methods=("payments_by_reference", "find_payments"),
    empty=Linked(),
)
ORDER_REFUNDS: Join[Order, Linked[Refund]] = Join(
    name="Order.refunds",
    batch=_refunds,
    calls="those of Order.payments, then those of Payment.refunds",
    parts=(("Order.payments", 1), ("Payment.refunds", PAYMENTS_OF_AN_ORDER)),
    empty=Linked(),
)
