"""Relay connections. An edge's node is null, with an error at its place, where a source failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.order import Order
    from schema.payment import Payment
    from schema.refund import Refund

_EDGES = "The rows of this page. A source that failed takes part as a null with its error."
_NODES = "The nodes of the edges."
_TOTAL = "How many rows there are in all; null where a source cannot count them cheaply."
_INFO = "Whether and where it goes on."
_NODE = "The row; null, with an error, where its source failed."
_CURSOR = "Pass it as `after` to go on behind this row."


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


@strawberry.federation.type(description="A customer in its connection.")
class CustomerEdge:
    cursor: str = strawberry.federation.field(description=_CURSOR)
    node: Annotated[Customer, strawberry.lazy("schema.customer")] | None = (
        strawberry.federation.field(description=_NODE)
    )


@strawberry.federation.type(description="A page of customers.")
class CustomerConnection:
    edges: list[CustomerEdge] = strawberry.federation.field(description=_EDGES)
    nodes: list[Annotated[Customer, strawberry.lazy("schema.customer")] | None] = (
        strawberry.federation.field(description=_NODES)
    )
    page_info: PageInfo = strawberry.federation.field(description=_INFO)
    total_count: int | None = strawberry.federation.field(description=_TOTAL)


@strawberry.federation.type(description="An order in its connection.")
class OrderEdge:
    cursor: str = strawberry.federation.field(description=_CURSOR)
    node: Annotated[Order, strawberry.lazy("schema.order")] | None = strawberry.federation.field(
        description=_NODE
    )


@strawberry.federation.type(description="A page of orders.")
class OrderConnection:
    edges: list[OrderEdge] = strawberry.federation.field(description=_EDGES)
    nodes: list[Annotated[Order, strawberry.lazy("schema.order")] | None] = (
        strawberry.federation.field(description=_NODES)
    )
    page_info: PageInfo = strawberry.federation.field(description=_INFO)
    total_count: int | None = strawberry.federation.field(description=_TOTAL)


@strawberry.federation.type(description="A payment in its connection.")
class PaymentEdge:
    cursor: str = strawberry.federation.field(description=_CURSOR)
    node: Annotated[Payment, strawberry.lazy("schema.payment")] | None = (
        strawberry.federation.field(description=_NODE)
    )


@strawberry.federation.type(description="A page of payments.")
class PaymentConnection:
    edges: list[PaymentEdge] = strawberry.federation.field(description=_EDGES)
    nodes: list[Annotated[Payment, strawberry.lazy("schema.payment")] | None] = (
        strawberry.federation.field(description=_NODES)
    )
    page_info: PageInfo = strawberry.federation.field(description=_INFO)
    total_count: int | None = strawberry.federation.field(description=_TOTAL)


@strawberry.federation.type(description="A refund in its connection.")
class RefundEdge:
    cursor: str = strawberry.federation.field(description=_CURSOR)
    node: Annotated[Refund, strawberry.lazy("schema.refund")] | None = strawberry.federation.field(
        description=_NODE
    )


@strawberry.federation.type(description="A page of refunds.")
class RefundConnection:
    edges: list[RefundEdge] = strawberry.federation.field(description=_EDGES)
    nodes: list[Annotated[Refund, strawberry.lazy("schema.refund")] | None] = (
        strawberry.federation.field(description=_NODES)
    )
    page_info: PageInfo = strawberry.federation.field(description=_INFO)
    total_count: int | None = strawberry.federation.field(description=_TOTAL)
