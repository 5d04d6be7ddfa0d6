"""What leads away from a dispute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.records import Dispute, Payment
from resolvers.context import Context, Join
from resolvers.joins.keyed import by_own_source


async def _payments(context: Context, disputes: Sequence[Dispute], _: Any) -> Mapping[str, Any]:
    return await by_own_source(context, disputes, "payments", lambda dispute: dispute.payment_id)


DISPUTE_PAYMENT: Join[Dispute, Payment | None] = Join(
    name="Dispute.payment",
    batch=_payments,
    calls="payments(n) of the dispute's source",
    methods=("payments",),
)
