"""`Refund` as clients see it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from connectors import records
from resolvers.joins.refund import REFUND_ORDER, REFUND_PAYMENT
from schema import enums
from schema.money import Money
from schema.node import Entity, Node, joined, shows

if TYPE_CHECKING:
    from schema.order import Order
    from schema.payment import Payment


@strawberry.federation.type(keys=["id"], description="Money on its way back to the payer.")
class Refund(Node, Entity):
    status: enums.RefundStatus = strawberry.federation.field(description="Its state.")
    provider_status: str | None = strawberry.federation.field(
        description="The state in the provider's own word."
    )
    amount: Money | None = strawberry.federation.field(description="How much goes back.")
    reason: str | None = strawberry.federation.field(
        description="Why, in the provider's or the merchant's word."
    )
    settled_at: datetime | None = strawberry.federation.field(
        description="When the money arrived, where the provider says."
    )
    reference: str | None = strawberry.federation.field(
        description="The merchant's refund number as the provider holds it."
    )
    payment: Annotated[Payment, strawberry.lazy("schema.payment")] | None = joined(
        REFUND_PAYMENT, "The payment that is refunded."
    )
    order: Annotated[Order, strawberry.lazy("schema.order")] | None = joined(
        REFUND_ORDER, "The order that the payment pays."
    )

    is_type_of = shows(records.Refund)
