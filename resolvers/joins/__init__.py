"""Every join of the graph, declared once: `ALL` is what the documentation and the tests read."""

from __future__ import annotations

from typing import Any

from resolvers.context import Join
from resolvers.joins import customer, dispute, order, payment, refund

ALL: dict[str, Join[Any, Any]] = {
    value.name: value
    for module in (customer, order, payment, refund, dispute)
    for value in vars(module).values()
    if isinstance(value, Join)
}
