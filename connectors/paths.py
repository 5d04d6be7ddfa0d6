"""What must be read of each table for a mapping."""

from __future__ import annotations

from connectors.mapping import (
    CustomerMap,
    EntryMap,
    Fields,
    KindMap,
    LineMap,
    OrderMap,
    Preset,
    TableMap,
    all_paths,
    custom_of,
    kind_field,
)


def customer_paths(declared: CustomerMap) -> tuple[str, ...]:
    """What must be read of a customer's table."""
    kind = kind_field(declared.kind) if isinstance(declared.kind, KindMap) else ""
    return all_paths(
        *_table_paths(declared),
        declared.name,
        kind,
        declared.email,
        declared.phones,
        declared.tier,
        declared.industry,
        declared.status,
        *declared.external_ids.values(),
    )


def order_paths(declared: OrderMap) -> tuple[str, ...]:
    """What must be read of an order's table, without its lines."""
    return all_paths(
        *_table_paths(declared),
        declared.number,
        declared.total,
        declared.placed_at,
        declared.customer,
        *(status.field for status in declared.status),
        declared.shown_status,
        declared.paid_amount,
        declared.refunded_amount,
        declared.closed.field if declared.closed is not None else "",
        declared.channel,
        *declared.payment_ids.values(),
        *declared.refund_ids.values(),
    )


def line_paths(declared: LineMap) -> tuple[str, ...]:
    """What must be read of a line's own table or, with `path` before each, of its order's."""
    own = all_paths(
        declared.order,
        declared.sku,
        declared.name,
        declared.quantity,
        declared.unit_price,
        declared.total,
    )
    return tuple(f"{declared.path}.{path}" if declared.path else path for path in own)


def entry_paths(declared: EntryMap) -> tuple[str, ...]:
    return all_paths(
        declared.order,
        declared.customer,
        declared.amount,
        declared.counts_if,
        declared.changed_at,
        *declared.payment_ids.values(),
        *declared.refund_ids.values(),
    )


def paths_by_table(mapping: Preset) -> dict[str, tuple[str, ...]]:
    """Everything that is read of each table of a mapping, lines with their order's where they stand
    in it."""
    read: list[tuple[str, tuple[str, ...]]] = [
        *((one.table, customer_paths(one)) for one in mapping.customers),
        *((one.table, order_paths(one)) for one in mapping.orders),
        *((o.lines.table or o.table, line_paths(o.lines)) for o in mapping.orders if o.lines),
        *((one.table, entry_paths(one)) for one in (*mapping.receipts, *mapping.refunds)),
    ]
    found: dict[str, dict[str, None]] = {}
    for table, paths in read:
        found.setdefault(table, {}).update(dict.fromkeys(paths))
    return {table: tuple(paths) for table, paths in found.items()}


def _table_paths(declared: TableMap) -> tuple[Fields, ...]:
    custom = tuple(custom_of(declared).values())
    return declared.id, declared.former_ids, declared.created_at, declared.updated_at, custom
