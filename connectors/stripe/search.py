"""Filters as what Stripe can narrow by: list parameters, or a search query.

Search (https://docs.stripe.com/search) joins at most 10 clauses by AND or by OR, never both. Only
conditions that every accepted row fulfils are pushed down; whoever asked checks each row again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.currency import CURRENT, MINOR_UNIT_DIGITS
from connectors.filters import (
    CustomerFilter,
    Filter,
    MoneyRange,
    OrderFilter,
    PaymentFilter,
    RefundFilter,
    TimeRange,
)
from connectors.stripe.mapping import EPOCH
from connectors.stripe.words import LISTED_STATE, SEARCHED_STATUS, WIRE_DIGITS

MOST_CLAUSES = 10
SECOND = timedelta(seconds=1)
Params = tuple[tuple[str, str], ...]


class Plan(msgspec.Struct, frozen=True):
    """A search where there is a query, otherwise a list with these parameters.

    The list also serves where there is a query and the account has no search: it finds at least
    what the search would.
    """

    params: Params = ()
    query: str | None = None


def quoted(text: str) -> str:
    """A value between quotes; a quote or backslash in it is escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def metadata_is(key: str, value: str) -> str:
    return f"metadata[{quoted(key)}]:{quoted(value)}"


def customer_is(customer_id: str) -> str:
    return f"customer:{quoted(customer_id)}"


def spellings(references: Sequence[str]) -> list[str]:
    """The references, then as many of them with a blank at their end as the calls for all of them
    have room for: Stripe compares whole values, and keeps the blanks that merchants send.
    """
    room = -len(references) % MOST_CLAUSES
    return [*references, *(f"{reference} " for reference in references[:room])]


def any_of(clauses: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Queries that together find what any of the clauses finds, each with the keys it is for."""
    keys = list(clauses)
    batches = [tuple(keys[at : at + MOST_CLAUSES]) for at in range(0, len(keys), MOST_CLAUSES)]
    return {" OR ".join(clauses[key] for key in batch): batch for batch in batches}


def accepts_nothing(narrow: Filter) -> bool:
    return any(getattr(narrow, field) == () for field in narrow.__struct_fields__)


def payment_plan(narrow: PaymentFilter, reference_key: str) -> Plan:
    """The narrowest of: one reference or customer, several of them, anything else, all.

    A list is never behind, so it is preferred where it narrows as much as a search would. One
    reference is searched in two spellings, which leaves no place for other conditions.
    """
    references = [metadata_is(reference_key, s) for s in spellings(narrow.references or ())]
    customers = [customer_is(c) for c in narrow.customer_ids or ()]
    statuses = _statuses(narrow)
    listed = Plan((*created_params(narrow.created_at), *_only("customer", narrow.customer_ids)))
    exact = statuses if len(statuses) == 1 else []
    exact = [*exact, *_amount_clauses(narrow.amount)]
    created = _created_clauses(narrow.created_at)
    if len(customers) == 1 and len(narrow.references or ()) != 1:
        query = _all_of(exact, customers + created)
    else:
        query = _one_of((references, customers)) or _all_of(exact, created)
        query = query or (None if created else _one_of((statuses,)))
    return msgspec.structs.replace(listed, query=query)


def customer_plan(narrow: CustomerFilter) -> Plan:
    """Stripe's own `email` parameter is case-sensitive, a search is not."""
    # Folding the case of other letters may change their number: Stripe's idea of it is unknown.
    known = all(map(str.isascii, narrow.emails or ()))
    emails = [f"email:{quoted(e)}" for e in narrow.emails or ()] if known else []
    names = [f"name:{quoted(n)}" for n in narrow.names or ()]
    exact = [c[0] for c in (emails, names) if len(c) == 1]
    query = _all_of(exact, _created_clauses(narrow.created_at)) or _one_of((emails, names))
    return Plan(created_params(narrow.created_at), query)


def refund_plan(narrow: RefundFilter) -> Plan:
    only = narrow.payment_ids if narrow.payment_ids and len(narrow.payment_ids) == 1 else ()
    return Plan((*created_params(narrow.created_at), *map(payment_param, only)))


def order_plan(narrow: OrderFilter) -> Plan:
    """A session is placed when it is created."""
    states = {LISTED_STATE.get(state) for state in narrow.recorded_states or ()}
    status = states.pop() if len(states) == 1 else None
    return Plan(
        (
            *created_params(narrow.created_at or narrow.placed_at),
            *_only("customer", narrow.customer_ids),
            *((("status", status),) if status else ()),
        )
    )


def payment_param(payment_id: str) -> tuple[str, str]:
    """How refunds and disputes are listed by payment: an intent, or a charge of its own."""
    return ("payment_intent" if payment_id.startswith("pi_") else "charge", payment_id)


def created_params(bounds: TimeRange | None) -> Params:
    return tuple((f"created[{name}]", str(value)) for name, value in _seconds(bounds))


def whole_seconds(moment: datetime) -> int:
    """Unix seconds, rounded down."""
    return (moment - EPOCH) // SECOND


_SIGNS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


def _seconds(bounds: TimeRange | None) -> Iterable[tuple[str, int]]:
    """Bounds in whole seconds, which is all that Stripe keeps."""
    for name in _SIGNS if bounds else ():
        moment: datetime | None = getattr(bounds, name)
        if moment is not None:
            up = name in ("gte", "lt")
            yield name, -((EPOCH - moment) // SECOND) if up else whole_seconds(moment)


def _created_clauses(bounds: TimeRange | None) -> list[str]:
    return [f"created{_SIGNS[name]}{value}" for name, value in _seconds(bounds)]


def _amount_clauses(bounds: MoneyRange | None) -> list[str]:
    if bounds is None or bounds.currency not in MINOR_UNIT_DIGITS:
        return []
    in_use = bounds.currency in CURRENT
    clauses = [f"currency:{quoted(bounds.currency.lower())}"] if in_use else []
    for name, sign in _SIGNS.items():
        minor: int | None = getattr(bounds, name)
        if minor is not None:
            value = _on_the_wire(minor, bounds.currency, up=name in ("gte", "lt"))
            clauses.append(f"amount{sign}{value}")
    return clauses


def _on_the_wire(minor: int, currency: str, *, up: bool) -> int:
    digits = MINOR_UNIT_DIGITS[currency]
    surplus = WIRE_DIGITS.get(currency, digits) - digits
    if surplus >= 0:
        return minor * int(10**surplus)
    unit = int(10**-surplus)
    return -(-minor // unit) if up else minor // unit


def _statuses(narrow: PaymentFilter) -> list[str]:
    """The intent statuses that the accepted ones can have; none where one may be any word."""
    wanted = narrow.statuses or ()
    if any(status not in SEARCHED_STATUS for status in wanted):
        return []
    words = dict.fromkeys(word for status in wanted for word in SEARCHED_STATUS[status])
    return [f"status:{quoted(word)}" for word in words]


def _all_of(exact: list[str], others: list[str]) -> str | None:
    """A search for `exact` and what goes with it; leaving clauses out only finds more."""
    return " AND ".join([*exact, *others][:MOST_CLAUSES]) if exact else None


def _one_of(fields: Iterable[list[str]]) -> str | None:
    """Several values of one field: they cannot be combined with anything else."""
    few = (clauses for clauses in fields if 1 < len(clauses) <= MOST_CLAUSES)
    clauses = next(few, None)
    return " OR ".join(clauses) if clauses else None


def _only(param: str, values: tuple[str, ...] | None) -> Params:
    return ((param, values[0]),) if values and len(values) == 1 else ()
