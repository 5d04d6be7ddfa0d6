"""A mapping read backwards: which field of which table holds which attribute, and what for."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from connectors.mapping import (
    CustomerMap,
    EntryMap,
    Fields,
    KindMap,
    LineMap,
    OrderMap,
    Preset,
    custom_of,
    fields_of,
    kind_field,
)
from connectors.metadata import ColumnType

_TEXTUAL = frozenset({ColumnType.TEXT, ColumnType.CHOICE, ColumnType.NUMBER, ColumnType.RELATION})
_AMOUNT = frozenset({ColumnType.NUMBER, ColumnType.TEXT})
_TIME = frozenset({ColumnType.TIME, ColumnType.TEXT, ColumnType.NUMBER})
_WORD = frozenset({ColumnType.CHOICE, ColumnType.TEXT, ColumnType.BOOLEAN, ColumnType.NUMBER})
_ANY = frozenset(ColumnType)
FITTING: dict[str, frozenset[ColumnType]] = {
    "total": _AMOUNT,
    "paid_amount": _AMOUNT,
    "refunded_amount": _AMOUNT,
    "amount": _AMOUNT,
    "unit_price": _AMOUNT,
    "quantity": _AMOUNT,
    "created_at": _TIME,
    "updated_at": _TIME,
    "placed_at": _TIME,
    "status": _WORD,
    "kind": _WORD,
    "closed": _WORD | {ColumnType.TIME, ColumnType.RELATION},
    "channel": _WORD | {ColumnType.LIST},
    "customer": _ANY,
    "former_ids": _ANY,
    "phones": _ANY,
    "email": _ANY,
    "custom": _ANY,
}
"""The types of field that an attribute can be read from; for others any text."""
_OF_BOTH = ("id", "former_ids", "created_at", "updated_at")
"""What customers and orders have in common."""
CONSEQUENCES: dict[str, str] = {
    "customers.id": "no customer of it can be shown",
    "customers.former_ids": "customers that were merged are not found by their former ids",
    "customers.created_at": "customers of it cannot be listed",
    "customers.external_ids": "payments of its customers are found by their orders only, with an"
    " error at Customer.sameAs",
    "orders.id": "no order of it can be shown",
    "orders.former_ids": "orders that were merged are not found by their former ids",
    "orders.created_at": "orders of it cannot be listed",
    "orders.number": "no order of it can be shown, nor found by its payments",
    "orders.total": "Order.total is null with an error and paymentState is UNKNOWN",
    "orders.customer": "Order.customer is null, and its customers have no orders",
    "orders.status": "recordedState is UNKNOWN and inSync null",
    "orders.closed": "recordedState is UNKNOWN and inSync null",
    "orders.paid_amount": "recordedState is UNKNOWN and inSync null",
    "orders.refunded_amount": "recordedState is UNKNOWN and inSync null",
    "orders.channel": "payments are looked for in every payment source",
    "orders.payment_ids": "payments that only this field names are missing, with an error at"
    " Order.payments",
    "orders.refund_ids": "refunds that only this field names are found later",
    "lines": "Order.lines lacks it, with an error there",
    "receipts": "orders cannot be read, as their payments would be incomplete",
    "refunds": "orders cannot be read, as their refunds would be incomplete",
}


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a mapping. `place` is where it stands in the configuration; `is_currency` says
    that the field holds the currency of the attribute, `or_path` where else it may stand. Where
    the table lacks the field `only_with`, it need not have this one."""

    place: str
    kind: str
    attribute: str
    table: str
    path: str
    or_path: str = ""
    is_currency: bool = False
    only_with: str | None = None

    @property
    def fitting(self) -> frozenset[ColumnType]:
        if self.is_currency:
            return _TEXTUAL
        return FITTING.get(self.attribute, _TEXTUAL | {ColumnType.OTHER, ColumnType.LIST})

    @property
    def consequence(self) -> str:
        """What follows in the graph when the field is gone or changed."""
        special = CONSEQUENCES.get(f"{self.kind}.{self.attribute}") or CONSEQUENCES.get(self.kind)
        name = {"customers": "Customer", "orders": "Order"}.get(self.kind, "OrderLine")
        return special or f"{name}.{_camel(self.attribute)} is null with an error"


def declared(mapping: Preset) -> Iterator[Declared]:
    """Every field that a mapping names."""
    for index, customers in enumerate(mapping.customers):
        yield from _placed("customers", index, customers.table, _of_customers(customers))
    for index, orders in enumerate(mapping.orders):
        yield from _placed("orders", index, orders.table, _of_orders(orders))
        if orders.lines is not None:
            yield from _lines(index, orders, orders.lines)
    for kind in ("receipts", "refunds"):
        entries: tuple[EntryMap, ...] = getattr(mapping, kind)
        for index, entry in enumerate(entries):
            yield from _placed(kind, index, entry.table, _of_entries(entry))


def conditional(mapping: Preset) -> dict[str, dict[str, str]]:
    """By table the fields that exist only with another, and that one."""
    found: dict[str, dict[str, str]] = {}
    for one in declared(mapping):
        if one.only_with is not None:
            found.setdefault(one.table, {})[one.path] = one.only_with
    return found


Named = Iterator[tuple[str, Fields]]


def _placed(kind: str, index: int, table: str, named: Named) -> Iterator[Declared]:
    for attribute, fields in named:
        for one in fields_of(fields):
            found = Declared(
                place=f"{kind}[{index}].{attribute}",
                kind=kind,
                attribute=attribute,
                table=table,
                path=one.field,
                only_with=one.only_with,
            )
            yield found
            if one.currency_field:
                yield msgspec.structs.replace(found, path=one.currency_field, is_currency=True)


def _of_customers(one: CustomerMap) -> Named:
    for name in (
        "id",
        "former_ids",
        "created_at",
        "updated_at",
        "name",
        "email",
        "phones",
        "tier",
        "industry",
    ):
        yield name, getattr(one, name)
    yield "status", one.status
    if isinstance(one.kind, KindMap):
        yield "kind", kind_field(one.kind)
    for fields in one.external_ids.values():
        yield "external_ids", fields
    yield "custom", tuple(custom_of(one).values())


def _of_orders(one: OrderMap) -> Named:
    for name in (
        "id",
        "former_ids",
        "created_at",
        "updated_at",
        "number",
        "total",
        "placed_at",
        "customer",
    ):
        yield name, getattr(one, name)
    yield "status", (*(status.field for status in one.status), one.shown_status)
    yield "paid_amount", one.paid_amount
    yield "refunded_amount", one.refunded_amount
    yield "closed", one.closed.field if one.closed is not None else ""
    yield "channel", one.channel
    for name, held in (("payment_ids", one.payment_ids), ("refund_ids", one.refund_ids)):
        for fields in held.values():
            yield name, fields
    yield "custom", tuple(custom_of(one).values())


def _lines(index: int, order: OrderMap, lines: LineMap) -> Iterator[Declared]:
    """Fields of lines inside an order's row stand at their whole path."""
    named = (
        (n, getattr(lines, n)) for n in ("order", "sku", "name", "quantity", "unit_price", "total")
    )
    for one in _placed("lines", index, lines.table or order.table, named):
        path = f"{lines.path}.{one.path}" if lines.path else one.path
        # The currency of a line inside its order may be the order's.
        outer = one.path if lines.path and one.is_currency else ""
        place = f"orders[{index}].{one.place}"
        yield msgspec.structs.replace(one, path=path, or_path=outer, place=place)


def _of_entries(one: EntryMap) -> Named:
    for name in ("order", "customer", "amount", "counts_if", "changed_at"):
        yield name, getattr(one, name)
    for name, held in (("payment_ids", one.payment_ids), ("refund_ids", one.refund_ids)):
        for fields in held.values():
            yield name, fields


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
