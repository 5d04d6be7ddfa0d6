"""Links as clients see them: the other record, the rule and the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import strawberry

from connectors.records import Record
from resolvers.links import Linked
from resolvers.pages import Ask, Connection, paged
from schema import enums
from schema.node import asks

if TYPE_CHECKING:
    from schema.customer import Customer
    from schema.payment import Payment

R = TypeVar("R", bound=Record)


@asks()
def _record(root: Any) -> Any:
    return root.record


@strawberry.federation.type(description="Why a payment belongs to an order.")
class PaymentLink:
    payment: Annotated[Payment, strawberry.lazy("schema.payment")] = strawberry.field(
        resolver=_record, description="The payment."
    )
    rule: enums.LinkRule = strawberry.federation.field(description="The rule that linked them.")
    evidence: str = strawberry.federation.field(
        description="What the rule found: the field's name, the reference, the import's line."
    )


@strawberry.federation.type(description="Why two customers are the same party.")
class CustomerLink:
    customer: Annotated[Customer, strawberry.lazy("schema.customer")] = strawberry.field(
        resolver=_record, description="The customer in the other source."
    )
    rule: enums.LinkRule = strawberry.federation.field(description="The rule that linked them.")
    evidence: str = strawberry.federation.field(description="What the rule found.")


def complete(linked: Linked[R] | Exception) -> tuple[R, ...]:
    """The records, if all sources could be asked; raises the first failure otherwise."""
    if isinstance(linked, Exception):
        raise linked
    if linked.failures:
        raise linked.failures[0]
    return linked.records


def page_of(linked: Linked[R], ask: Ask, owner: Record) -> Connection:
    """A page of what was found for `owner`; each source that failed is a null edge."""
    return paged(linked.records, linked.failures, ask, owner.id)
