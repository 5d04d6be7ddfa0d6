"""`tillgate schema --calls`: what every join costs upstream, as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.registry import Registry
from connectors.vendor import Vendor
from resolvers.context import Join
from resolvers.index.connector import calls_of
from resolvers.joins import ALL

KEYS = (1, 10, 100, 1000)
HEAD = """\
# What a join costs upstream

Made by `make sdl` from the declarations; tests count the calls at the sandbox. `n` is the number
of parents on a level, all asked together; `k` is a part of them.

## Joins
| join | upstream calls for n parents |
|---|---|
"""
FOR_PARTNERS = """
## For partners
Those who see some customers only are answered over these customers. A page of `customers` reads all
of them by id. A page of `payments` or `refunds` costs what `Customer.payments` or
`Customer.refunds` cost for all of them, whatever `first` says, and the next page costs it again:
the newest payment may be anybody's. 96 customers of Salesforce with two accounts of Stripe were 139
calls. A payment, refund or dispute found by id or reference costs `Payment.orders` on top, to tell
whose it is, and `customers_by_external_id` where no order tells.
"""
AT_VENDORS = """
## Joins at each vendor
Calls at most that n parents cost one source of the vendor, all their keys asked together;
`Order.payments` counts orders of which each has one payment there. A join to another kind of vendor
costs this one nothing. Where the index of references tells of refunds or disputes of a payment that
its vendor does not tell with it, each costs one call more.
"""
METHODS = """
## Batch methods
Calls at most, for so many keys. A page of a root costs one call per source, one more where a
payment on it is disputed, and one per further vendor page that a filter needs which the vendor does
not know (at most ten). Of channels that cannot list, a page costs what reading the records on it
costs: those that it does not show are not read. A filter on `status` or `channel` reads up to 25 at
a time. With a filter on the payments of an order, what other sources cover is not known, so more
orders may be searched for in those that are asked. Logging in, and further pages of a result that
does not fit one answer, come on top.
"""


def calls_page(registry: Registry) -> str:
    """The whole page."""
    rows = [f"| `{join.name}` | {join.calls} |" for join in ALL.values()]
    vendors = [_vendor(vendor) for vendor in registry.all().values()]
    joins = [_joins(vendor) for vendor in registry.all().values()]
    parts = [
        HEAD + "\n".join(rows),
        FOR_PARTNERS + AT_VENDORS + "\n".join(joins),
        METHODS + "\n".join(vendors),
    ]
    return "\n".join(parts) + "\n"


def join_calls(vendor: Vendor, join: Join[Any, Any], parents: int) -> int:
    """What so many parents cost one source of the vendor at most; 0 where it has no part in it."""
    costs = calls_of(vendor)
    return sum(costs[method].calls(parents) for method in join.methods if method in costs)


def _joins(vendor: Vendor) -> str:
    costs = [(join.name, [join_calls(vendor, join, n) for n in KEYS]) for join in ALL.values()]
    rows = [f"| `{name}` | {' | '.join(map(str, cost))} |" for name, cost in costs if any(cost)]
    return _table(vendor, "join", rows)


def _vendor(vendor: Vendor) -> str:
    return _table(vendor, "method", _rows(vendor))


def _table(vendor: Vendor, what: str, rows: Iterable[str]) -> str:
    head = f"\n### {vendor.label}\n| {what} | " + " | ".join(f"n={n}" for n in KEYS) + " |"
    rule = "|---" * (len(KEYS) + 1) + "|"
    return "\n".join([head, rule, *rows])


def _rows(vendor: Vendor) -> Iterable[str]:
    for method, cost in vendor.calls.items():
        yield f"| `{method}` | " + " | ".join(str(cost.calls(n)) for n in KEYS) + " |"
