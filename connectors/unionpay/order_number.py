"""Where merchants keep their order number: in orderId itself, or in what is passed through."""

from __future__ import annotations

from typing import Literal

import msgspec

from connectors.references import ReferencePattern


class OrderNumber(msgspec.Struct, frozen=True):
    """`field` is the setting `reference`."""

    field: Literal["order_id", "req_reserved"]
    pattern: ReferencePattern

    def of(self, order_id: str | None, reserved: str | None) -> str | None:
        return self.pattern.of(order_id if self.field == "order_id" else reserved)
