"""HubSpot's JSON, as far as it is read (https://developers.hubspot.com/docs/api/crm/understanding-the-crm).

Every property's value is a text or null, also that of a number, a date and a checkbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec

from connectors.values import MISSING, Misfit, moment

T = TypeVar("T")
_BESIDE = {
    "createdate": "created_at",
    "hs_createdate": "created_at",
    "lastmodifieddate": "updated_at",
    "hs_lastmodifieddate": "updated_at",
}
"""Properties that every record tells at its top level too, as `createdAt` and `updatedAt`."""


class Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Object(Payload, frozen=True, kw_only=True):
    """A record. What it has no value for is null, or not there. `properties` is an object; where it
    is not, the record stands without any that can be read.
    """

    number: str | int = msgspec.field(name="id")
    properties: Any = {}
    created_at: Any = None
    updated_at: Any = None

    @property
    def id(self) -> str:
        return str(self.number)

    def time(self, name: str) -> datetime | None:
        """A property that is a time, None where none can be read (also as milliseconds)."""
        return _time(self.value(name))

    def told(self, name: str) -> Any:
        """As `value` where it can be read; of the record's own times what stands beside its
        properties serves where it cannot.
        """
        value = self.value(name, MISSING) or None
        beside = getattr(self, _BESIDE.get(name, ""), None)
        if value is MISSING or _time(beside) is None or _time(value) is not None:
            return value
        return beside

    def value(self, name: str, otherwise: Any = None) -> Any:
        """A property; `otherwise` where none can be read."""
        return self.properties.get(name) if isinstance(self.properties, dict) else otherwise


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
    """COMPLETE with status 200 or, where some of it failed, 207. Each result is an `Object`."""

    status: str
    results: list[msgspec.Raw]
    errors: list[PartError] = []


class Link(Payload, frozen=True, kw_only=True):
    """The number is written as a number, or as text."""

    to_object_id: int | Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]
    association_types: Any = ()

    @property
    def is_primary(self) -> bool:
        kinds = self.association_types if isinstance(self.association_types, list) else ()
        return any(isinstance(one, dict) and one.get("label") == "Primary" for one in kinds)


class Origin(Payload, frozen=True, kw_only=True):
    number: str | int = msgspec.field(name="id")

    @property
    def id(self) -> str:
        return str(self.number)


class Linked(Payload, frozen=True, kw_only=True):
    """What one record is associated with; `paging` where there is more."""

    origin: Origin = msgspec.field(name="from")
    to: list[Link] | None = None
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        return self.paging.next.after if self.paging and self.paging.next else None


class Links(Payload, frozen=True, kw_only=True):
    """Each result is a `Linked`."""

    status: str
    results: list[msgspec.Raw]
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


def _time(value: Any) -> datetime | None:
    """A day is its first moment in UTC."""
    try:
        return None if value is None else moment(value, "UTC")
    except Misfit:
        return None


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """No float: what is written with a point is a Decimal."""
    return msgspec.json.Decoder(kind, float_hook=Decimal)
