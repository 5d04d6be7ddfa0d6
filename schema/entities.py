"""Apollo Federation's `_entities`: grouped by type, one batch each, one error per failed item."""

from __future__ import annotations

from typing import Any

from connectors.records import Kind
from resolvers import roots
from resolvers.context import Context
from resolvers.errors import BadFirst, BadId
from resolvers.sources import Address

MOST_REPRESENTATIONS = 1000

KINDS = {
    "Customer": Kind.CUSTOMER,
    "Order": Kind.ORDER,
    "Payment": Kind.PAYMENT,
    "Refund": Kind.REFUND,
    "Dispute": Kind.DISPUTE,
}


async def entities(context: Context, representations: list[Any]) -> list[Any]:
    """A record, None or an error for each representation, in order."""
    if len(representations) > MOST_REPRESENTATIONS:
        raise BadFirst(f"at most {MOST_REPRESENTATIONS} representations")
    parsed = [_address(context, entry) for entry in representations]
    addresses = [entry for entry in parsed if isinstance(entry, Address)]
    answers = iter(await roots.records(context, addresses))
    return [next(answers) if isinstance(entry, Address) else entry for entry in parsed]


def _address(context: Context, representation: Any) -> Address | BadId | None:
    if not isinstance(representation, dict):
        return BadId("a representation is an object with __typename and id")
    kind = KINDS.get(str(representation.get("__typename")))
    id_ = representation.get("id")
    if kind is None or not isinstance(id_, str):
        return BadId("a representation names an entity type and its id")
    try:
        return context.sources.address_or_none(id_, kind)
    except BadId as error:
        return error
