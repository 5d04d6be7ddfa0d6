"""What leads away from a refund."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.records import Order, Payment, Refund
from resolvers.context import Context, Join
from resolvers.joins.keyed import by_own_source, failures, succeeded
from resolvers.joins.payment import PAYMENT_ORDER


async def _payments(context: Context, refunds: Sequence[Refund], _: Any) -> Mapping[str, Any]:
    return await by_own_source(context, refunds, "payments", lambda refund: refund.payment_id)


async def _orders(context: Context, refunds: Sequence[Refund], _: Any) -> Mapping[str, Any]:
    payment_of = await context.many(REFUND_PAYMENT, refunds)
    payments = succeeded(payment_of)
    order_of = await context.many(PAYMENT_ORDER, list(payments.values()))
    found = {key: order_of[payment.id] for key, payment in payments.items()}
    return failures(payment_of) | found


REFUND_PAYMENT: Join[Refund, Payment | None] = Join(
    name="Refund.payment",
    batch=_payments,
    calls="payments(n) of the refund's source; 0 where the payment comes with the refund",
    methods=("payments",),
    embedded=lambda refund: refund.payment,
)
REFUND_ORDER: Join[Refund, Order | None] = Join(
    name="Refund.order",
    batch=_orders,
    calls="those of Refund.payment, then those of Payment.order",
    parts=(("Refund.payment", 1), ("Payment.order", 1)),
)
