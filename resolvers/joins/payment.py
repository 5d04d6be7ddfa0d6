"""What leads away from a payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import NotReady
from connectors.records import Customer, Dispute, Order, Payment, Refund
from resolvers.context import Context, Join
from resolvers.joins.keyed import by_own_source, failures, own_id, succeeded
from resolvers.links import Linked
from resolvers.payment_state import has_unknown_refunds


async def _refunds(context: Context, payments: Sequence[Payment], _: Any) -> Mapping[str, Any]:
    found = await by_own_source(context, payments, "refunds_by_payment", own_id)
    missed = [p for p in payments if not found.get(p.id) and has_unknown_refunds(p)]
    return found | {
        p.id: NotReady(p.source.name, "its books have not told of a refund that exists")
        for p in missed
    }


async def _disputes(context: Context, payments: Sequence[Payment], _: Any) -> Mapping[str, Any]:
    return await by_own_source(context, payments, "disputes_by_payment", own_id)


async def _orders(context: Context, payments: Sequence[Payment], _: Any) -> Mapping[str, Any]:
    return await context.rules.orders_of(context.lookups, payments)


async def _order(context: Context, payments: Sequence[Payment], _: Any) -> Mapping[str, Any]:
    linked = await context.many(PAYMENT_ORDERS, payments)
    return {key: v.best if isinstance(v, Linked) else v for key, v in linked.items()}


async def _customer(context: Context, payments: Sequence[Payment], _: Any) -> dict[str, Any]:
    """The CRM's customer of the linked order, else the CRM's customer that holds the payer's id,
    else the payer as the provider knows it. The failure of one choice is never answered with the
    next."""
    # Imported here because an order's joins are made of a payment's.
    from resolvers.joins.order import ORDER_CUSTOMER

    order_of = await context.many(PAYMENT_ORDER, payments)
    orders = succeeded(order_of)
    of_order = await context.many(ORDER_CUSTOMER, list(orders.values()))
    answer: dict[str, Any] = dict(failures(order_of))
    for key, order in orders.items():
        customer = of_order[order.id] or order.misfit("customer")
        if customer is not None:
            answer[key] = customer
    rest = [p for p in payments if p.id not in answer and p.customer_id is not None]
    return answer | await _payers(context, rest)


async def _payers(context: Context, payments: Sequence[Payment]) -> dict[str, Any]:
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for payment in payments:
        if payment.customer_id is not None:
            ids[payment.source.name].append(payment.customer_id)
    known: dict[tuple[str, str], Any] = {}
    for source, native_id, customer in await context.rules.crm_customers(context.lookups, ids):
        known.setdefault((source, native_id), customer)
    answer = {
        p.id: known[p.source.name, p.customer_id]
        for p in payments
        if p.customer_id is not None and (p.source.name, p.customer_id) in known
    }
    rest = [payment for payment in payments if payment.id not in answer]
    provider = await by_own_source(context, rest, "customers", lambda p: p.customer_id)
    return answer | provider


PAYMENT_ORDERS: Join[Payment, Linked[Order]] = Join(
    name="Payment.orders",
    batch=_orders,
    calls="per CRM: orders_by_number(n), and orders_by_payment_id(n) per payment source",
    methods=("orders_by_number", "orders_by_payment_id"),
    empty=Linked(),
)
PAYMENT_ORDER: Join[Payment, Order | None] = Join(
    name="Payment.order",
    batch=_order,
    calls="those of Payment.orders",
    parts=(("Payment.orders", 1),),
)
PAYMENT_CUSTOMER: Join[Payment, Customer | None] = Join(
    name="Payment.customer",
    batch=_customer,
    calls="those of Payment.order and Order.customer; for the k payments without an order"
    " customers_by_external_id(k) per CRM and payment source, then customers(k) of the provider"
    " for those the CRM does not know",
    methods=("customers_by_external_id", "customers"),
    parts=(("Payment.order", 1), ("Order.customer", 1)),
)
PAYMENT_REFUNDS: Join[Payment, tuple[Refund, ...]] = Join(
    name="Payment.refunds",
    batch=_refunds,
    calls="refunds_by_payment(n) of the payment's source; 0 where refunds come with the payment",
    methods=("refunds_by_payment",),
    embedded=lambda payment: payment.refunds,
    empty=(),
)
PAYMENT_DISPUTES: Join[Payment, tuple[Dispute, ...]] = Join(
    name="Payment.disputes",
    batch=_disputes,
    calls="disputes_by_payment(n) of the payment's source; 0 where they come with the payment",
    methods=("disputes_by_payment",),
    embedded=lambda payment: payment.disputes,
    empty=(),
)
