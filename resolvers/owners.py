"""Whose a payment is, by ids alone: no customer has to be read, and none that cannot be read is
taken for one who does not exist.

A payment belongs to the customer of the order with the best evidence. Only where no order has it,
or the order names no customer, it belongs to the CRM's customer who holds the payer's id, and where
there is none to the payer as the provider knows it. Other evidence might stand in a source that
could not be asked, so its failure is the answer, whatever the others say.

Upstream calls: those of Payment.orders; for payments without a customer by that,
customers_by_external_id(n) per CRM and payment source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.errors import SourceError
from connectors.records import Kind, Order, Payment
from resolvers.links import Linked

if TYPE_CHECKING:
    from resolvers.context import Context

Owner = str | SourceError | None
"""The id of a customer, what keeps from telling, or None for nobody's."""


async def owners_of(context: Context, payments: Sequence[Payment]) -> dict[str, Owner]:
    """By payment id. `context` is one that filters no rows."""
    # Imported here because the joins are made of contexts, and a context of this.
    from resolvers.joins.payment import PAYMENT_ORDERS

    linked = await context.many(PAYMENT_ORDERS, payments)
    owners = {payment.id: _of_orders(linked[payment.id]) for payment in payments}
    rest = [p for p in payments if owners[p.id] is None and p.customer_id is not None]
    return owners | await _of_payers(context, rest)


def customer_id(order: Order) -> str | None:
    """The id in the graph of the customer that an order names."""
    return None if order.customer_id is None else _id(order.source.name, order.customer_id)


def _of_orders(linked: Linked[Order] | Exception) -> Owner:
    if isinstance(linked, SourceError):
        return linked
    if isinstance(linked, Exception):
        raise linked
    if linked.failures:
        return linked.failures[0]
    if not linked.links:
        return None
    order = linked.links[0].record
    return customer_id(order) or order.misfit("customer")


async def _of_payers(context: Context, payments: Sequence[Payment]) -> dict[str, Owner]:
    payers: defaultdict[str, list[str]] = defaultdict(list)
    for payment in payments:
        payers[payment.source.name].append(payment.customer_id or "")
    known: dict[str, Owner] = {}
    for source, native_id, holder in await context.rules.crm_customers(context.lookups, payers):
        payer = _id(source, native_id)
        if isinstance(holder, SourceError):
            known[payer] = holder
        else:
            known.setdefault(payer, holder.id)
    answer: dict[str, Owner] = {}
    for payment in payments:
        payer = _id(payment.source.name, payment.customer_id or "")
        answer[payment.id] = known.get(payer, payer)
    return answer


def _id(source: str, native_id: str) -> str:
    return f"{source}:{Kind.CUSTOMER.value}:{native_id}"
