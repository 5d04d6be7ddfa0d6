"""`Payment` as clients see it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from connectors import records
from connectors.filters import RefundFilter
from resolvers.joins.payment import (
    PAYMENT_CUSTOMER,
    PAYMENT_DISPUTES,
    PAYMENT_ORDER,
    PAYMENT_REFUNDS,
)
from resolvers.pages import paged
from schema import enums, inputs
from schema.connections import Refunds
from schema.inputs import After, First
from schema.money import Money
from schema.node import Entity, Node, RequestInfo, joined, reads, shows, then

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.dispute import Dispute
    from schema.order import Order


@strawberry.federation.type(description="How it was paid. Never a card number.")
class PaymentMethod:
    brand: str | None = strawberry.federation.field(
        description="The card's brand or the method's name, in the provider's word."
    )
    last4: str | None = strawberry.federation.field(
        description="The last four digits, where the provider gives them."
    )
    wallet: str | None = strawberry.federation.field(
        description="The wallet that was used, in the provider's word."
    )


@strawberry.federation.type(description="Who paid, as the provider knows them; masked.")
class Payer:
    account: str | None = strawberry.federation.field(
        description="Their account, mostly stars: `159****5620`."
    )
    name: str | None = strawberry.federation.field(description="Their name, mostly stars.")


@strawberry.federation.type(description="A payment in parts over time.")
class InstalmentPlan:
    count: int = strawberry.federation.field(description="In how many parts.")
    interval: str | None = strawberry.federation.field(
        description="How far apart, in the provider's word."
    )


@strawberry.federation.type(description="A coupon, points or promotion that paid a part.")
class Deduction:
    kind: str = strawberry.federation.field(description="What it is, in the provider's word.")
    amount: Money | None = strawberry.federation.field(description="How much it paid.")
    funded_by: str | None = strawberry.federation.field(description="Who bears it.")


@strawberry.federation.type(description="Why a payment failed.")
class Failure:
    code: str = strawberry.federation.field(description="The provider's code.")


@reads(PAYMENT_REFUNDS)
def _refunds(
    root: records.Payment,
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
) -> Any:
    ask = inputs.ask("Payment.refunds", first, after, RefundFilter())
    found = info.context.load(PAYMENT_REFUNDS, root)
    return then(found, lambda refunds: paged(refunds, (), ask, root.id))


@strawberry.federation.type(keys=["id"], description="A payment as its provider holds it.")
class Payment(Node, Entity):
    provider: enums.Provider = strawberry.federation.field(description="Who took the payment.")
    channel: enums.PaymentChannel = strawberry.federation.field(description="By what means.")
    status: enums.PaymentStatus | None = strawberry.federation.field(
        description="Its state, with refunds and disputes laid over it; null, with an error, where"
        " these could not be read."
    )
    provider_status: str | None = strawberry.federation.field(
        description="The state in the provider's own word."
    )
    amount: Money | None = strawberry.federation.field(description="What is to be paid.")
    captured: Money | None = strawberry.federation.field(description="What was taken.")
    refunded: Money | None = strawberry.federation.field(description="What went back for certain.")
    fee: Money | None = strawberry.federation.field(
        description="What the provider keeps; null until it says, maybe in another currency."
    )
    net: Money | None = strawberry.federation.field(
        description="What the merchant receives, before refunds."
    )
    reference: str | None = strawberry.federation.field(
        description="The merchant's order number as the provider holds it."
    )
    paid_at: datetime | None = strawberry.federation.field(description="When it was paid.")
    method: PaymentMethod | None = strawberry.federation.field(description="How it was paid.")
    payer: Payer | None = strawberry.federation.field(description="Who paid, masked.")
    instalments: InstalmentPlan | None = strawberry.federation.field(
        description="The instalment plan, if it is paid in parts."
    )
    deductions: list[Deduction] = strawberry.federation.field(
        description="Coupons, points and promotions that paid a part."
    )
    failure: Failure | None = strawberry.federation.field(
        description="Why the last attempt failed, if it did."
    )
    order: Annotated[Order, strawberry.lazy("schema.order")] | None = joined(
        PAYMENT_ORDER, "The order it pays, by the best evidence; null for none."
    )
    customer: Annotated[Customer, strawberry.lazy("schema.customer")] | None = joined(
        PAYMENT_CUSTOMER,
        "The CRM's customer of the order, or the one who holds the payer's id; otherwise the payer"
        " as the provider knows it.",
    )
    refunds: Refunds | None = strawberry.field(
        resolver=_refunds, description="Its refunds, newest first."
    )
    disputes: list[Annotated[Dispute, strawberry.lazy("schema.dispute")]] | None = joined(
        PAYMENT_DISPUTES, "Its disputes."
    )

    is_type_of = shows(records.Payment)
