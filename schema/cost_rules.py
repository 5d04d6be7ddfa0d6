"""How long lists are and what costs nothing, as `@listSize` and `@cost` on the SDL.

A connection of which a page is asked for upstream is as long as `first` says. One that is read as a
whole, of which `first` only shows a part, is as long as it usually is: reading it costs the same
either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import strawberry
from graphql import GraphQLNamedType, GraphQLObjectType
from strawberry.federation.schema_directives import Cost, ListSize

from resolvers import expected
from schema.directives import add_directives, reachable

ROWS = ["edges", "nodes"]


UNSET: Any = strawberry.UNSET


def paged() -> ListSize:
    return _size(slicing_arguments=["first"], sized_fields=ROWS)


def whole(usually: int) -> ListSize:
    return _size(assumed_size=usually, sized_fields=ROWS)


def long(usually: int) -> ListSize:
    return _size(assumed_size=usually)


def _size(
    assumed_size: int = UNSET, slicing_arguments: list[str] = UNSET, sized_fields: list[str] = UNSET
) -> ListSize:
    return ListSize(
        assumed_size=assumed_size,
        slicing_arguments=slicing_arguments,
        sized_fields=sized_fields,
        # `first` has a default.
        require_one_slicing_argument=False,
    )


SIZES: Mapping[str, ListSize] = {
    "Query.customers": paged(),
    "Query.orders": paged(),
    "Query.payments": paged(),
    "Query.refunds": paged(),
    # Composers let only integers slice; here it is as long as the ids that are given.
    "Query.nodes": long(expected.MOST_IDS),
    "Query.sources": long(expected.SOURCES),
    "Customer.orders": paged(),
    "Customer.payments": whole(expected.PAYMENTS_OF_A_CUSTOMER),
    "Customer.refunds": whole(expected.REFUNDS_OF_A_CUSTOMER),
    "Customer.totals": long(expected.CURRENCIES_OF_A_CUSTOMER),
    "Customer.sameAs": long(expected.LINKS_OF_A_CUSTOMER),
    "Order.lines": long(expected.LINES_OF_AN_ORDER),
    "Order.payments": whole(expected.PAYMENTS_OF_AN_ORDER),
    "Order.refunds": whole(expected.REFUNDS_OF_AN_ORDER),
    "Order.links": long(expected.PAYMENTS_OF_AN_ORDER),
    "Payment.refunds": whole(expected.REFUNDS_OF_A_PAYMENT),
    "Payment.disputes": long(expected.DISPUTES_OF_A_PAYMENT),
    "Payment.deductions": long(expected.DEDUCTIONS_OF_A_PAYMENT),
    **{
        f"{name}Connection.incomplete": long(expected.SOURCES)
        for name in ("Customer", "Order", "Payment", "Refund")
    },
}
LENGTHS: Mapping[str, str] = {"Query.nodes": "ids", "Query._entities": "representations"}
"""Lists that are as long as the list of an argument."""

FREE = frozenset(
    {"Money", "Price", "Source", "PageInfo", "IncompleteSource"}
    | {"CustomerEdge", "OrderEdge", "PaymentEdge", "RefundEdge"}
)
"""Types that come with what they stand in: a record's money costs what the record costs."""


def declare_costs(types: Iterable[GraphQLNamedType | None]) -> None:
    """Puts them on these types, and on all that can be reached from them."""
    for type_ in reachable(types):
        if type_.name in FREE:
            add_directives(type_, [Cost(weight=0)])
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                if (size := SIZES.get(f"{type_.name}.{name}")) is not None:
                    add_directives(field, [size])
