"""`tillgate schema --calls`: what every join costs upstream, as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.registry import Registry
from connectors.vendor import Vendor
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
METHODS = """
## Batch methods
Calls at most, for so many keys. A page of a root costs one call per source, one more where a
payment on it is disputed, and one per further vendor page that a filter needs which the vendor does
not know (at most ten). Logging in, and further pages of a result that does not fit one answer, come
on top.
"""


def calls_page(registry: Registry) -> str:
    """The whole page."""
    rows = [f"| `{join.name}` | {join.calls} |" for join in ALL.values()]
    vendors = [_vendor(vendor) for vendor in registry.all().values()]
    return HEAD + "\n".join(rows) + "\n" + METHODS + "\n".join(vendors) + "\n"


def _vendor(vendor: Vendor) -> str:
    head = f"\n### {vendor.label}\n| method | " + " | ".join(f"n={n}" for n in KEYS) + " |"
    rule = "|---" * (len(KEYS) + 1) + "|"
    return "\n".join([head, rule, *_rows(vendor)])


def _rows(vendor: Vendor) -> Iterable[str]:
    for method, cost in vendor.calls.items():
        yield f"| `{method}` | " + " | ".join(str(cost.calls(n)) for n in KEYS) + " |"
