"""Relay connections. An edge's node is null, with an error at its place, where a source failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import strawberry

from schema import enums
from schema.node import Source

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.order import Order
    from schema.payment import Payment
    from schema.refund import Refund

T = TypeVar("T")


@strawberry.federation.type(description="A source that takes no part in a list.")
class IncompleteSource:
    source: Source = strawberry.federation.field(description="The source.")
    reason: enums.IncompleteReason = strawberry.federation.field(description="Why.")


@strawberry.federation.type(description="Where a page stands in its connection.", shareable=True)
class PageInfo:
    has_next_page: bool = strawberry.federation.field(description="Whether more rows follow.")
    has_previous_page: bool = strawberry.federation.field(
        description="Whether rows came before; paging goes forward only."
    )
    start_cursor: str | None = strawberry.federation.field(
        description="The cursor of the first row."
    )
    end_cursor: str | None = strawberry.federation.field(
        description="Pass it as `after` for the next page."
    )


@strawberry.federation.type(description="A row and its place in the connection.")
class Edge(Generic[T]):
    """`OrderEdge` of `Edge[Order]`."""

    cursor: str = strawberry.federation.field(
        description="Pass it as `after` to go on behind this row."
    )
    node: T | None = strawberry.federation.field(
        description="The row; null, with an error, where its source failed."
    )


@strawberry.federation.type(description="A page of rows.")
class Connection(Generic[T]):
    """`OrderConnection` of `Connection[Order]`."""

    edges: list[Edge[T]] = strawberry.federation.field(
        description="The rows of this page. A source that failed takes part as a null with its"
        " error."
    )
    nodes: list[T | None] = strawberry.federation.field(description="The nodes of the edges.")
    page_info: PageInfo = strawberry.federation.field(description="Whether and where it goes on.")
    total_count: int | None = strawberry.federation.field(
        description="How many rows there are in all; null where a source cannot count cheaply."
    )
    incomplete: list[IncompleteSource] = strawberry.federation.field(
        description="Sources that may hold such records and take no part in the list; also in"
        " `extensions.incomplete` of the answer. One that failed is an error, and not among them."
    )


Customers = Connection[Annotated["Customer", strawberry.lazy("schema.customer")]]
Orders = Connection[Annotated["Order", strawberry.lazy("schema.order")]]
Payments = Connection[Annotated["Payment", strawberry.lazy("schema.payment")]]
Refunds = Connection[Annotated["Refund", strawberry.lazy("schema.refund")]]
