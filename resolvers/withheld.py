"""What of a record its source is not asked for: what may not be seen, unless something that is
answered follows from it.

Joins and states read more than they show. Who may not see an order's total may see its payments,
and these are looked for until they cover the total; and its recorded state, which may follow from
what is paid or given back of it. The total is then read, and not shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from auth.access import Access
from auth.field_rules import FIELD_RULES
from auth.requirement import NEVER, Requirement, all_of, any_of
from connectors.records import Customer, Order, OrderLine
from connectors.withholding import STATE, TOTAL

NOTHING: frozenset[str] = frozenset()
_CAPITAL = re.compile(r"([A-Z])")
_RECORDS: Mapping[str, type[msgspec.Struct]] = {
    "Customer": Customer,
    "Order": Order,
    "OrderLine": OrderLine,
}
"""Types of the graph whose records a mapping makes."""
_OTHERWISE = {"emails": "email", "unitPrice": "price"}
"""What a field shows that is not spelled like it."""
_TO_PAYMENTS = frozenset(
    {
        "Order.payments",
        "Order.refunds",
        "Order.links",
        "Customer.payments",
        "Customer.refunds",
        # For who sees the customers of one partner: the payments of their orders.
        "Query.payments",
        "Query.refunds",
    }
)
"""Fields that look for payments by their orders."""


def withheld(access: Access | None, reads: frozenset[str]) -> frozenset[str]:
    """Attributes as `Record.attribute`. `reads` are the fields, `Type.field`, that are answered or
    asked by. A dry run withholds nothing."""
    if access is None or not access.is_enforced:
        return NOTHING
    hidden = _unseen(access.granted)
    if TOTAL not in hidden:
        return hidden
    if "Order.recordedState" not in reads:
        hidden |= {STATE}
    return hidden - {TOTAL} if reads & _TO_PAYMENTS else hidden


@lru_cache(maxsize=1024)
def _unseen(granted: frozenset[str]) -> frozenset[str]:
    """Attributes that no field shows to who is granted this, not even masked."""
    return frozenset(name for name, needs in _SEEN_WITH.items() if not needs.met_by(granted))


def _seen_with() -> dict[str, Requirement]:
    """What seeing an attribute takes, by whichever field shows it."""
    found: dict[str, Requirement] = {}
    for name, record in _RECORDS.items():
        for field, rule in FIELD_RULES[name].fields.items():
            attribute = _OTHERWISE.get(field) or _CAPITAL.sub(r"_\1", field).lower()
            if attribute in record.__struct_fields__:
                key, needs = f"{name}.{attribute}", all_of(FIELD_RULES[name].needs, rule.needs)
                found[key] = any_of(found.get(key, NEVER), needs)
    return found


_SEEN_WITH: Mapping[str, Requirement] = _seen_with()
