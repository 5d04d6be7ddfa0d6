"""The roots of the graph."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from connectors.records import Kind
from resolvers import roots
from resolvers.asking import ById, ByKey, Paged, Probed
from resolvers.errors import BadFilter, BadFirst, BadId
from resolvers.expected import MOST_IDS
from resolvers.sources import Address
from schema import enums, inputs
from schema.connections import Customers, Orders, Payments, Refunds
from schema.customer import Customer
from schema.inputs import After, First
from schema.node import Node, RequestInfo, asks
from schema.order import Order
from schema.payment import Payment
from schema.refund import Refund
from schema.sources import SourceStatus, all_statuses

_ID = "The id, as `id` gives it."


def _one(kind: Kind, id_: str | None, other: str | None, name: str) -> str | None:
    """Exactly one of id and business key must be given; answers the business key."""
    if (id_ is None) == (other is None):
        raise BadFilter(f"give either id or {name} of the {kind.value}")
    return other


async def _by_id(info: RequestInfo, kind: Kind, id_: str) -> Any:
    return await roots.record(info.context, info.context.sources.address_or_none(id_, kind))


@asks(Paged(Kind.CUSTOMER))
async def _customer(
    info: RequestInfo,
    id: Annotated[strawberry.ID | None, strawberry.argument(description=_ID)] = inputs.UNSET,
    email: Annotated[
        str | None, strawberry.argument(description="Their e-mail address.")
    ] = inputs.UNSET,
) -> Any:
    mail = _one(Kind.CUSTOMER, inputs.given(id), inputs.given(email), "email")
    if mail is not None:
        info.context.lacks(info.path.as_list(), roots.left_out(info.context, Kind.CUSTOMER))
        return await roots.customer_mailed(info.context, mail)
    return await _by_id(info, Kind.CUSTOMER, str(id))


@asks(ByKey(("orders_by_number",)))
async def _order(
    info: RequestInfo,
    id: Annotated[strawberry.ID | None, strawberry.argument(description=_ID)] = inputs.UNSET,
    number: Annotated[
        str | None, strawberry.argument(description="The order number.")
    ] = inputs.UNSET,
) -> Any:
    wanted = _one(Kind.ORDER, inputs.given(id), inputs.given(number), "number")
    if wanted is not None:
        return await roots.order_numbered(info.context, wanted)
    return await _by_id(info, Kind.ORDER, str(id))


@asks(ByKey(("payments_by_reference", "find_payments")))
async def _payment(
    info: RequestInfo,
    id: Annotated[strawberry.ID | None, strawberry.argument(description=_ID)] = inputs.UNSET,
    reference: Annotated[
        str | None, strawberry.argument(description="The merchant's reference at the provider.")
    ] = inputs.UNSET,
) -> Any:
    wanted = _one(Kind.PAYMENT, inputs.given(id), inputs.given(reference), "reference")
    if wanted is not None:
        return await roots.payment_referenced(info.context, wanted)
    return await _by_id(info, Kind.PAYMENT, str(id))


@asks(ById(Kind.REFUND))
async def _refund(
    info: RequestInfo,
    id: Annotated[strawberry.ID, strawberry.argument(description=_ID)],
) -> Any:
    return await _by_id(info, Kind.REFUND, id)


@asks(ById())
async def _node(
    info: RequestInfo,
    id: Annotated[strawberry.ID, strawberry.argument(description=_ID)],
) -> Any:
    return await roots.record(info.context, info.context.sources.address_or_none(id))


@asks(ById())
async def _nodes(
    info: RequestInfo,
    ids: Annotated[
        list[strawberry.ID],
        strawberry.argument(description=f"Up to {MOST_IDS} ids, of any kind and source."),
    ],
) -> Any:
    """In the order of the ids; one that is malformed or fails is null with its own error."""
    if len(ids) > MOST_IDS:
        raise BadFirst(f"at most {MOST_IDS} ids")
    found: list[Any] = []
    for id_ in ids:
        try:
            found.append(info.context.sources.address_or_none(id_))
        except BadId as error:
            found.append(error)
    addresses = [entry for entry in found if isinstance(entry, Address)]
    answers = iter(await roots.records(info.context, addresses))
    return [next(answers) if isinstance(entry, Address) else entry for entry in found]


@asks(Paged(Kind.CUSTOMER))
async def _customers(
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.CustomerFilter | None, strawberry.argument(description="Which customers.")
    ] = inputs.UNSET,
    order_by: Annotated[
        enums.CustomerSort | None, strawberry.argument(description="In which order.")
    ] = inputs.UNSET,
) -> Any:
    ask = inputs.ask("customers", first, after, inputs.customer_filter(filter), order_by)
    names = inputs.source_names(filter, info.context.sources, None, Kind.CUSTOMER)
    return await roots.page(info.context, Kind.CUSTOMER, ask, names)


@asks(Paged(Kind.ORDER))
async def _orders(
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.OrderFilter | None, strawberry.argument(description="Which orders.")
    ] = inputs.UNSET,
    order_by: Annotated[
        enums.OrderSort | None, strawberry.argument(description="In which order.")
    ] = inputs.UNSET,
) -> Any:
    sources = info.context.sources
    ask = inputs.ask("orders", first, after, inputs.order_filter(filter, sources), order_by)
    names = inputs.source_names(filter, sources, "customer", Kind.CUSTOMER)
    return await roots.page(info.context, Kind.ORDER, ask, names)


@asks(Paged(Kind.PAYMENT))
async def _payments(
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.PaymentFilter | None, strawberry.argument(description="Which payments.")
    ] = inputs.UNSET,
    order_by: Annotated[
        enums.PaymentSort | None, strawberry.argument(description="In which order.")
    ] = inputs.UNSET,
) -> Any:
    sources = info.context.sources
    ask = inputs.ask("payments", first, after, inputs.payment_filter(filter, sources), order_by)
    names = inputs.source_names(filter, sources, "customer", Kind.CUSTOMER)
    return await roots.page(info.context, Kind.PAYMENT, ask, names)


@asks(Paged(Kind.REFUND))
async def _refunds(
    info: RequestInfo,
    first: First = inputs.DEFAULT_FIRST,
    after: After = inputs.UNSET,
    filter: Annotated[
        inputs.RefundFilter | None, strawberry.argument(description="Which refunds.")
    ] = inputs.UNSET,
    order_by: Annotated[
        enums.RefundSort | None, strawberry.argument(description="In which order.")
    ] = inputs.UNSET,
) -> Any:
    sources = info.context.sources
    ask = inputs.ask("refunds", first, after, inputs.refund_filter(filter, sources), order_by)
    names = inputs.source_names(filter, sources, "payment", Kind.PAYMENT)
    return await roots.page(info.context, Kind.REFUND, ask, names)


@asks(Probed())
async def _sources(info: RequestInfo) -> Any:
    return await all_statuses(info)


@strawberry.type(description="Everything that can be asked, read live from its sources.")
class Query:
    customer: Customer | None = strawberry.field(
        resolver=_customer, description="One customer, by id or by e-mail (then of a CRM)."
    )
    order: Order | None = strawberry.field(
        resolver=_order, description="One order, by id or by number (then of a CRM)."
    )
    payment: Payment | None = strawberry.field(
        resolver=_payment,
        description="One payment, by id, or the newest one with a reference.",
    )
    refund: Refund | None = strawberry.field(resolver=_refund, description="One refund, by id.")
    node: Node | None = strawberry.field(
        resolver=_node, description="Any record by its id; null when there is none."
    )
    nodes: list[Node | None] | None = strawberry.field(
        resolver=_nodes, description="Records by their ids, in the same order."
    )
    customers: Customers | None = strawberry.field(
        resolver=_customers, description="Customers, of the CRMs unless sources are named."
    )
    orders: Orders | None = strawberry.field(
        resolver=_orders, description="Orders, of the CRMs unless sources are named."
    )
    payments: Payments | None = strawberry.field(
        resolver=_payments, description="Payments of all sources, merged."
    )
    refunds: Refunds | None = strawberry.field(
        resolver=_refunds, description="Refunds of all sources, merged."
    )
    sources: list[SourceStatus] | None = strawberry.field(
        resolver=_sources, description="Every configured source, asked live how it is."
    )
