"""The tripwire for card numbers where vendors' records come in: no text of them holds one.

Ids, numbers and references are left alone, because records are found by them, and one in a hundred
of such length would be destroyed (ADR 12). Everything that people or vendors write freely is looked
at.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from connectors.card_numbers import without_cards
from connectors.paging import Page
from connectors.records import Customer, Dispute, Order, Payment, Record, Refund

TEXTS: Mapping[type[Record], tuple[str, ...]] = {
    Customer: ("name", "tier", "industry", "status", "custom_fields"),
    Order: ("recorded_status", "lines", "custom_fields"),
    Payment: ("payer", "method", "custom_fields", "refunds", "disputes"),
    Refund: ("reason", "custom_fields", "payment"),
    Dispute: ("reason", "custom_fields"),
}
"""What of a record is written freely, or holds what is."""
PARTS = {"OrderLine": ("name",), "Payer": ("account", "name"), "PaymentMethod": ("last4", "brand")}


class Screen:
    """`found` counts texts with card numbers, as `Customer.name`."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def __call__(self, value: Any) -> Any:
        """What a connector answered; the same object where there is nothing in it."""
        if isinstance(value, Record):
            return self._changed(value, TEXTS.get(type(value), ()))
        if isinstance(value, Page):
            return self._page(value)
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list | tuple):
            return self._sequence(value, "")
        return value

    def _page(self, page: Page[Any]) -> Page[Any]:
        rows = [
            row
            if (record := self(row.record)) is row.record
            else msgspec.structs.replace(row, record=record)
            for row in page.rows
        ]
        if all(new is old for new, old in zip(rows, page.rows, strict=True)):
            return page
        return msgspec.structs.replace(page, rows=type(page.rows)(rows))

    def _mapping(self, value: dict[Any, Any]) -> dict[Any, Any]:
        changes = {key: new for key, old in value.items() if (new := self(old)) is not old}
        return value | changes if changes else value

    def _sequence(self, value: Any, place: str) -> Any:
        changed = [self._text(one, place) if place else self(one) for one in value]
        same = all(new is old for new, old in zip(changed, value, strict=True))
        return value if same else type(value)(changed)

    def _changed(self, struct: Any, names: tuple[str, ...]) -> Any:
        changes = {}
        for name in names:
            old = getattr(struct, name)
            if old is None:
                continue
            new = self._text(old, f"{type(struct).__name__}.{name}")
            if new is not old:
                changes[name] = new
        return msgspec.structs.replace(struct, **changes) if changes else struct

    def _text(self, value: Any, place: str) -> Any:
        """A text or number, or whatever holds some."""
        if isinstance(value, str):
            return self._without(value, value, place)
        if isinstance(value, Record):
            return self(value)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return self._without(value, format(value, "f"), place)
        if isinstance(value, Mapping):
            changes = {
                key: new for key, old in value.items() if (new := self._text(old, place)) is not old
            }
            return {**value, **changes} if changes else value
        if isinstance(value, list | tuple):
            return self._sequence(value, place)
        if isinstance(value, msgspec.Struct):
            return self._changed(value, PARTS.get(type(value).__name__, ()))
        return value

    def _without(self, value: Any, text: str, place: str) -> Any:
        screened = without_cards(text)
        if screened is text:
            return value
        self.found[place] = self.found.get(place, 0) + 1
        return screened
