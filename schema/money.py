"""`Money`: an exact amount and its currency; `Price`: what one of something costs."""

from __future__ import annotations

from decimal import Decimal

import strawberry

from schema.scalars import BigInt, CurrencyCode


@strawberry.federation.type(description="An exact amount in one currency.")
class Money:
    amount: Decimal = strawberry.federation.field(
        description="In major units with all decimals of the currency: `125.50`, or `500` for JPY."
    )
    currency: CurrencyCode = strawberry.federation.field(description="Its currency.")
    minor_units: BigInt = strawberry.federation.field(
        description="In the currency's smallest unit: `12550`, or `500` for JPY."
    )


@strawberry.federation.type(
    description="What one of something costs in one currency. It may have more decimals than the"
    " currency, so it need not be an amount that can be paid."
)
class Price:
    amount: Decimal = strawberry.federation.field(
        description="In major units, with at least the decimals of the currency: `12.50`, `0.0125`."
    )
    currency: CurrencyCode = strawberry.federation.field(description="Its currency.")
