"""The portal's tables as HubSpot itself describes them: what `tillgate map` reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from connectors.errors import Misconfigured, NotFound
from connectors.hubspot.api import Api
from connectors.hubspot.catalogue import Catalogue, Known
from connectors.hubspot.errors import LacksScope
from connectors.hubspot.payloads import Property, Schema
from connectors.hubspot.settings import ID
from connectors.metadata import Column, ColumnType, Table

RELATED: Mapping[str, tuple[str, ...]] = {
    "contacts": ("companies", "deals", "orders", "invoices", "commerce_payments"),
    "companies": ("contacts", "deals", "orders", "invoices", "commerce_payments"),
    "deals": ("contacts", "companies", "orders", "line_items", "invoices", "commerce_payments"),
    "orders": ("contacts", "companies", "deals", "line_items", "invoices", "commerce_payments"),
    "line_items": ("deals", "orders", "invoices", "commerce_payments"),
    "invoices": ("contacts", "companies", "deals", "orders", "line_items", "commerce_payments"),
    "commerce_payments": ("contacts", "companies", "deals", "orders", "line_items", "invoices"),
}
"""HubSpot's own object types, and the associations that each has from the start."""
STANDARD = {"0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-8": "line_items"} | {
    "0-53": "invoices",
    "0-101": "commerce_payments",
    "0-123": "orders",
}
TYPES = {
    "number": ColumnType.NUMBER,
    "date": ColumnType.TIME,
    "datetime": ColumnType.TIME,
    "bool": ColumnType.BOOLEAN,
    "enumeration": ColumnType.CHOICE,
    "string": ColumnType.TEXT,
    "phone_number": ColumnType.TEXT,
}
FULL_NAME = ("firstname", "lastname")


async def described(api: Api, catalogue: Catalogue, tables: Sequence[str]) -> list[Table]:
    """The tables that there are, and that the token may see."""
    own = {one.object_type_id: one for one in await _custom(api)}
    names = list(dict.fromkeys(tables)) or [*RELATED, *own]
    known = await asyncio.gather(*(_known(catalogue, name) for name in names))
    return [
        _table(name, properties, own.get(name))
        for name, properties in zip(names, known, strict=True)
        if properties is not None
    ]


async def _custom(api: Api) -> list[Schema]:
    """Not every plan has object types of its own, nor may every token see them."""
    try:
        return (await api.schemas()).results
    except (LacksScope, NotFound):
        return []


async def _known(catalogue: Catalogue, table: str) -> Known | None:
    try:
        known, _ = await catalogue.learn(table)
    except Misconfigured:
        return None
    return known


def _table(name: str, known: Known, schema: Schema | None) -> Table:
    label = schema.labels.plural if schema is not None else None
    related: Iterable[str] = RELATED.get(STANDARD.get(name, name), ())
    if schema is not None:
        ids = (link.to_object_type_id for link in schema.associations)
        related = dict.fromkeys(STANDARD.get(one, one) for one in ids)
    columns = [_column(one) for one in known.values()]
    if known.keys() >= set(FULL_NAME):
        columns.append(Column(path=" ".join(FULL_NAME), label="Full name"))
    columns += [_relation(target) for target in related if target != name]
    return Table(name=name, label=label or "", columns=tuple(columns))


def _column(one: Property) -> Column:
    return Column(
        path=f"{one.name}[]" if one.is_many else one.name,
        label=one.label,
        type=ColumnType.LIST if one.is_many else TYPES.get(one.type, ColumnType.OTHER),
        key=one.name,
        words=tuple(option.value for option in one.options),
        unique=one.has_unique_value or one.name == ID,
    )


def _relation(target: str) -> Column:
    path = f"associations.{target}[]"
    return Column(path=path, label=target, type=ColumnType.RELATION, key=path, refers=target)
