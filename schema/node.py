"""What all records have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import strawberry
from strawberry.types import Info

from connectors.records import Record
from resolvers.asking import Read
from resolvers.context import Context, Join
from schema import enums
from schema.misfits import check
from schema.scalars import JSON

RequestInfo = Info[Context, None]


@strawberry.federation.type(
    description="One configured account of a vendor.", shareable=False, name="Source"
)
class Source:
    name: str = strawberry.federation.field(
        description="The name it has in the configuration, such as `stripe_eu`."
    )
    vendor: str = strawberry.federation.field(description="The vendor, such as `stripe`.")
    kind: enums.SourceKind = strawberry.federation.field(description="What the source is for.")


@strawberry.federation.interface(description="Anything that has an id of its own.")
class Node:
    id: strawberry.ID = strawberry.federation.field(
        description="`source:kind:native`, such as `stripe_eu:payment:pi_3N`."
    )


@strawberry.federation.interface(description="A record of one source.")
class Entity:
    id: strawberry.ID = strawberry.federation.field(description="`source:kind:native`.")
    source: Source = strawberry.federation.field(description="The account it was read from.")
    native_id: str = strawberry.federation.field(description="The id as the vendor gives it.")
    created_at: datetime | None = strawberry.federation.field(
        description="When the vendor recorded it."
    )
    updated_at: datetime | None = strawberry.federation.field(
        description="When the vendor last changed it; null where the vendor does not say."
    )
    custom_fields: JSON | None = strawberry.federation.field(
        description="Fields of the account's own that the configuration shows, by their API name."
    )


F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V")


def reads(join: Join[Any, Any]) -> Callable[[F], F]:
    """Says which join of its record a resolver reads (without arguments of its own), so that the
    executor can fetch it for all records of a list before it executes any of them."""

    def mark(resolver: F) -> F:
        resolver.reads = join  # type: ignore[attr-defined]
        return resolver

    return mark


def asks(*read: Read) -> Callable[[F], F]:
    """Says what a resolver asks of the sources, where that is more than the join it `reads`, or
    nothing. Every resolver says one of both: calls are planned by it."""

    def mark(resolver: F) -> F:
        resolver.asks = read  # type: ignore[attr-defined]
        return resolver

    return mark


def then(value: Any, show: Callable[[Any], Any]) -> Any:
    """What to show of a joined value: now if it is known, else a coroutine."""
    return _later(value, show) if isinstance(value, asyncio.Future) else show(value)


async def _later(value: asyncio.Future[V], show: Callable[[V], Any]) -> Any:
    return show(await value)


def joined(join: Join[Any, Any], description: str) -> Any:
    """A field that leads to the records of a join, as they are."""

    name = join.name.partition(".")[2]

    @reads(join)
    def resolve(root: Record, info: RequestInfo) -> Any:
        check(root, name)
        return info.context.load(join, root)

    return strawberry.field(resolver=resolve, description=description)


def shows(record: type[Record]) -> Any:
    """`is_type_of` of a type: which records it describes. GraphQL asks it for interfaces."""

    def is_type_of(obj: object, info: object) -> bool:
        return isinstance(obj, record)

    return staticmethod(is_type_of)
