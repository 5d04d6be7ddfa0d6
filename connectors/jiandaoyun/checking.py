"""What an operator should know of a mapping: forms and fields that are gone, costly keys, records
without a time to list them by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from connectors.jiandaoyun.api import Api
from connectors.jiandaoyun.asking import ID, can_be_asked_for, without
from connectors.jiandaoyun.errors import NoForm, Refused
from connectors.jiandaoyun.forms import Form, Forms
from connectors.mapping import Fields, Preset, fields_of
from connectors.paths import paths_by_table

Named = tuple[str, tuple[str, ...]]
"""A form and paths in it."""


async def notes_on(
    mapping: Preset, forms: Forms, api: Api, ids_in_batches: bool
) -> list[str] | None:
    """None for a mapping without forms. One call per form, one more for a time people enter."""
    read, keys = paths_by_table(mapping), _gathered(_key_paths(mapping))
    times = _gathered(_time_paths(mapping))

    async def noted(table: str, paths: Iterable[str]) -> list[str]:
        try:
            form = await forms.now(table)
        except NoForm:
            return [f"there is no form {table} in the application"]
        gone = [f"form {table} has no field {path}" for path in form.lacking(paths)]
        undated = [note async for note in _undated(api, form, times.get(table, {}))]
        return [*gone, *_costly(form, keys.get(table, {}), ids_in_batches), *undated]

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


async def _undated(api: Api, form: Form, paths: Iterable[str]) -> AsyncIterator[str]:
    for path in paths:
        condition = without(form, path)
        if condition is None:
            continue
        try:
            found = await api.records(form.entry_id, [condition["field"]], condition, limit=1)
        except Refused:
            continue
        if found:
            yield f"form {form.entry_id}: some records have no {path}, they are never listed"


def _time_paths(mapping: Preset) -> Iterator[Named]:
    """What lists are made by."""
    for declared in (*mapping.customers, *mapping.orders):
        yield declared.table, _fields(declared.created_at)[:1]


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
