"""What an operator should know of a mapping: forms and fields that are gone, costly keys."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from connectors.jiandaoyun.asking import ID, can_be_asked_for
from connectors.jiandaoyun.errors import NoForm
from connectors.jiandaoyun.forms import Form, Forms
from connectors.mapper import customer_paths, entry_paths, line_paths, order_paths
from connectors.mapping import Fields, Preset, fields_of

Named = tuple[str, tuple[str, ...]]
"""A form and paths in it."""


async def notes_on(mapping: Preset, forms: Forms, ids_in_batches: bool) -> list[str] | None:
    """None for a mapping without forms. One call per form."""
    read, keys = _gathered(_read_paths(mapping)), _gathered(_key_paths(mapping))

    async def noted(table: str, paths: Mapping[str, None]) -> list[str]:
        try:
            form = await forms.now(table)
        except NoForm:
            return [f"there is no form {table} in the application"]
        gone = [f"form {table} has no field {path}" for path in form.lacking(paths)]
        return [*gone, *_costly(form, keys.get(table, {}), ids_in_batches)]

    if not read:
        return None
    found = await asyncio.gather(*(noted(table, paths) for table, paths in read.items()))
    return [note for notes in found for note in notes]


def _costly(form: Form, keys: Mapping[str, None], ids_in_batches: bool) -> Iterator[str]:
    for path in keys:
        field = form.find(path)
        if field is not None and field.key == ID and not ids_in_batches:
            yield f"form {form.entry_id}: {ID} as a key costs a call for each record"
        elif field is not None and not can_be_asked_for(field):
            yield f"form {form.entry_id}: records cannot be asked for by field {path}"


def _read_paths(mapping: Preset) -> Iterator[Named]:
    for customers in mapping.customers:
        yield customers.table, customer_paths(customers)
    for orders in mapping.orders:
        yield orders.table, order_paths(orders)
        if orders.lines is not None:
            yield orders.lines.table or orders.table, line_paths(orders.lines)
    for entries in (*mapping.receipts, *mapping.refunds):
        yield entries.table, (*entry_paths(entries), *filter(None, (entries.changed_at,)))


def _key_paths(mapping: Preset) -> Iterator[Named]:
    for customers in mapping.customers:
        yield customers.table, _fields(customers.id, *customers.external_ids.values())
    for orders in mapping.orders:
        asked = (orders.id, orders.number, orders.customer, *orders.payment_ids.values())
        yield orders.table, _fields(*asked)
        if orders.lines is not None and orders.lines.table:
            yield orders.lines.table, (orders.lines.order,)
    for entries in (*mapping.receipts, *mapping.refunds):
        key = entries.customer or entries.order
        yield entries.table, _fields(key, *entries.payment_ids.values())


def _fields(*declared: Fields) -> tuple[str, ...]:
    return tuple(one.field for fields in declared for one in fields_of(fields))


def _gathered(named: Iterator[Named]) -> dict[str, dict[str, None]]:
    """The paths of each form, each once."""
    found: dict[str, dict[str, None]] = {}
    for table, paths in named:
        found.setdefault(table, {}).update(dict.fromkeys(paths))
    return found
