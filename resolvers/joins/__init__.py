"""Every join of the graph, declared once: `ALL` is what the documentation and the tests read."""

from __future__ import annotations

from typing import Any

from resolvers.context import Join
from resolvers.joins import customer, dispute, order, payment, refund

ALL: tuple[Join[Any, Any], ...] = tuple(
    value
    for module in (customer, order, payment, refund, dispute)
    for name, value in vars(module).items()
    if isinstance(value, Join) and name.isupper()
)
