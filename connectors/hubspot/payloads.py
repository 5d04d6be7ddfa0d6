"""HubSpot's JSON, as far as it is read (https://developers.hubspot.com/docs/api/crm/understanding-the-crm).

Every property's value is a text or null, also that of a number, a date and a checkbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Object(Payload, frozen=True, kw_only=True):
    """A record. What it has no value for is null, or not there."""

    id: str
    properties: dict[str, Any] = {}


class Next(Payload, frozen=True, kw_only=True):
    after: str


class Paging(Payload, frozen=True, kw_only=True):
    next: Next | None = None


class Page(Payload, frozen=True, kw_only=True):
    """Of a search."""

    results: list[Object]
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class PartError(Payload, frozen=True, kw_only=True):
    """What went wrong with some of a batch; `context` holds their ids."""

    category: str | None = None
    context: Mapping[str, Any] = {}

    @property
    def ids(self) -> frozenset[str]:
        lists = [self.context.get(name) for name in ("ids", "id", "fromObjectId")]
        return frozenset(str(one) for many in lists if isinstance(many, list) for one in many)


class Batch(Payload, frozen=True, kw_only=True):
    """COMPLETE with status 200 or, where some of it failed, 207."""

    status: str
    results: list[Object]
    errors: list[PartError] = []


class LinkType(Payload, frozen=True, kw_only=True):
    label: str | None = None


class Link(Payload, frozen=True, kw_only=True):
    """The number is written as a number, or as text."""

    to_object_id: int | str
    association_types: list[LinkType] = []

    @property
    def is_primary(self) -> bool:
        return any(one.label == "Primary" for one in self.association_types)


class Origin(Payload, frozen=True, kw_only=True):
    id: str


class Linked(Payload, frozen=True, kw_only=True):
    """What one record is associated with; `paging` where there is more."""

    origin: Origin = msgspec.field(name="from")
    to: list[Link] = []
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class Links(Payload, frozen=True, kw_only=True):
    status: str
    results: list[Linked]
    errors: list[PartError] = []


class Option(Payload, frozen=True, kw_only=True):
    value: str


class Property(Payload, frozen=True, kw_only=True):
    """What an object type's properties are; `name` never changes, `label` may."""

    name: str
    label: str = ""
    type: str = "string"
    field_type: str = ""
    options: list[Option] = []
    has_unique_value: bool = False

    @property
    def is_many(self) -> bool:
        """Several values in one text, with semicolons."""
        return self.field_type == "checkbox"


class Properties(Payload, frozen=True, kw_only=True):
    results: list[Property]


class Names(Payload, frozen=True, kw_only=True):
    plural: str | None = None


class SchemaLink(Payload, frozen=True, kw_only=True):
    to_object_type_id: str


class Schema(Payload, frozen=True, kw_only=True):
    """A custom object."""

    object_type_id: str
    labels: Names = Names()
    associations: list[SchemaLink] = []


class Schemas(Payload, frozen=True, kw_only=True):
    results: list[Schema]


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """No float: what is written with a point is a Decimal."""
    return msgspec.json.Decoder(kind, float_hook=Decimal)
