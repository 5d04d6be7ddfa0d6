"""The merchant's order number among what PayPal holds of a payment."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from connectors.paypal.payloads import Authorization, Transaction
from connectors.references import ReferencePattern


class Naming(msgspec.Struct, frozen=True):
    """Where a payment holds the merchant's order number, and which part of it that is."""

    field: str
    pattern: ReferencePattern

    def of(self, row: Authorization) -> str | None:
        return self.pattern.of(getattr(row, self.field))

    def reported(self, row: Transaction) -> str | None:
        """As `of`, from a report, where `custom_id` is called `custom_field`."""
        return self.pattern.of(row.invoice_id if self.field == "invoice_id" else row.custom_field)

    def others(self, row: Authorization) -> Mapping[str, str]:
        """The merchant's other field of a payment."""
        fields = {"custom_id": row.custom_id, "invoice_id": row.invoice_id}
        return {name: text for name, text in fields.items() if text and name != self.field}
