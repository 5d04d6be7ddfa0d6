"""A mapping without what may not be told: fields that it does not name are asked of no vendor.

Attributes are named `Record.attribute`, as `connectors.records` has them. What only shows is left
out; what records are found, listed or joined by stays, and so do amounts that a state follows from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from connectors.mapping import EntryMap, LineMap, OrderMap, Preset
from connectors.recorded_state import follows_from_total

TOTAL, STATE = "Order.total", "Order.recorded_state"
_CUSTOMER = {
    f"Customer.{name}": name
    for name in ("name", "kind", "email", "phones", "tier", "industry", "status")
} | {"Customer.custom_fields": "custom"}
_ORDER = {TOTAL: "total", "Order.custom_fields": "custom"}
_LINE = {"OrderLine.price": "unit_price", "OrderLine.total": "total"}
S = TypeVar("S", bound=msgspec.Struct)


def without(mapping: Preset, withheld: frozenset[str]) -> Preset:
    """`mapping` itself where it tells nothing of what is withheld.

    Without states, no amount is left that only they follow from. With them, the total stays where
    some state of an order follows from it.
    """
    left = {
        "customers": tuple(_less(one, _CUSTOMER, withheld) for one in mapping.customers),
        "orders": tuple(_order(one, mapping, withheld) for one in mapping.orders),
        "receipts": tuple(_entry(one, withheld) for one in mapping.receipts),
        "refunds": tuple(_entry(one, withheld) for one in mapping.refunds),
    }
    changed = {name: tables for name, tables in left.items() if tables != getattr(mapping, name)}
    return msgspec.structs.replace(mapping, **changed) if changed else mapping


def _order(declared: OrderMap, mapping: Preset, withheld: frozenset[str]) -> OrderMap:
    if STATE in withheld:
        declared = msgspec.structs.replace(declared, paid_amount="", refunded_amount="")
    elif _state_needs_total(declared, mapping):
        withheld = withheld - {TOTAL}
    if declared.lines is not None:
        lines: LineMap = _less(declared.lines, _LINE, withheld)
        declared = msgspec.structs.replace(declared, lines=lines)
    return _less(declared, _ORDER, withheld)


def _entry(declared: EntryMap, withheld: frozenset[str]) -> EntryMap:
    """Sums of receipts and refunds are for states alone; the payments they name are not."""
    return msgspec.structs.replace(declared, amount="") if STATE in withheld else declared


def _state_needs_total(declared: OrderMap, mapping: Preset) -> bool:
    return follows_from_total(
        declared.status,
        tells_paid=bool(declared.paid_amount) or any(one.amount for one in mapping.receipts),
        tells_refunded=bool(declared.refunded_amount) or any(o.amount for o in mapping.refunds),
    )


def _less(declared: S, names: Mapping[str, str], withheld: frozenset[str]) -> S:
    """With the empty value of each field that is withheld."""
    empty: dict[str, Any] = dict(_emptied(type(declared)(), names, withheld))
    return msgspec.structs.replace(declared, **empty) if empty else declared


def _emptied(
    plain: msgspec.Struct, names: Mapping[str, str], withheld: frozenset[str]
) -> Iterator[tuple[str, Any]]:
    for attribute in names.keys() & withheld:
        yield names[attribute], getattr(plain, names[attribute])
