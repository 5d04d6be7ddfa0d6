"""`Dispute` as clients see it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from connectors import records
from resolvers.joins.dispute import DISPUTE_PAYMENT
from schema import enums
from schema.money import Money
from schema.node import Entity, Node, joined, shows

if TYPE_CHECKING:
    from schema.payment import Payment


@strawberry.federation.type(keys=["id"], description="A payer's claim against a payment.")
class Dispute(Node, Entity):
    status: enums.DisputeStatus = strawberry.federation.field(description="Its state.")
    amount: Money | None = strawberry.federation.field(description="How much is disputed.")
    reason: str | None = strawberry.federation.field(description="Why, in the provider's word.")
    due_by: datetime | None = strawberry.federation.field(
        description="Until when the merchant may answer."
    )
    payment: Annotated[Payment, strawberry.lazy("schema.payment")] | None = joined(
        DISPUTE_PAYMENT, "The payment that is disputed."
    )

    is_type_of = shows(records.Dispute)
