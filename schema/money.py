"""`Money`: an exact amount and its currency."""

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
