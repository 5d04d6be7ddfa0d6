"""The keys of a `[sources.NAME]` table whose vendor is PayPal."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from connectors.references import ReferencePattern
from connectors.secret import Secret
from connectors.vendor import SourceSettings

ADDRESSES = {
    "live": "https://api-m.paypal.com",
    "sandbox": "https://api-m.sandbox.paypal.com",
}


class PaypalSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`client_id` and `client_secret` are those of a REST app with "Transaction search" and
    "Disputes" ticked; `environment` is where the app lives.

    `reference` is the field of a payment that holds the merchant's order number and
    `reference_pattern` says which part of it (`connectors.references`).

    `read_orders` reads the order of every payment, a call more for each: it tells how and by whom
    it was paid. Without it only the orders of refunded payments are read.

    `report_lag` in seconds is how long PayPal may take to report a transaction: three hours.
    """

    client_id: str
    client_secret: Secret
    environment: Literal["live", "sandbox"] = "live"
    reference: Literal["custom_id", "invoice_id"] = "custom_id"
    reference_pattern: str | None = None
    read_orders: bool = False
    report_lag: Annotated[float, msgspec.Meta(ge=0, le=172_800)] = 10_800.0

    def __post_init__(self) -> None:
        for name, value in (
            ("client_id", self.client_id),
            ("client_secret", self.client_secret.reveal()),
        ):
            if not re.fullmatch(r"[!-~]{1,512}", value):
                raise ValueError(f"{name}: holds spaces or letters that PayPal's never have")
        try:
            ReferencePattern(self.reference_pattern)
        except ValueError as error:
            raise ValueError(f"reference_pattern: {error}") from None

    @property
    def address(self) -> str:
        return self.base_url or ADDRESSES[self.environment]
