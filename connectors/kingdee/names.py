"""What a mapping names at Kingdee: tables, and the fields that are read of each."""

from __future__ import annotations

import re

from connectors.mapper import customer_paths, entry_paths, line_paths, order_paths
from connectors.mapping import Preset

_IDENTIFIER = r"[A-Za-z][A-Za-z0-9_]{0,79}"
_PATH = re.compile(rf"{_IDENTIFIER}(\.{_IDENTIFIER})*", re.ASCII)


def is_name(path: str) -> bool:
    """A form, entry or field as Kingdee spells them: nothing else gets into a query."""
    return _PATH.fullmatch(path) is not None


def columns_of(mapping: Preset) -> dict[str, list[str]]:
    """All that is read of each table of a mapping."""
    declared: list[tuple[str, tuple[str, ...]]] = [
        *((one.table, customer_paths(one)) for one in mapping.customers),
        *((one.table, order_paths(one)) for one in mapping.orders),
        *((one.lines.table, line_paths(one.lines)) for one in mapping.orders if one.lines),
        *((one.table, entry_paths(one)) for one in (*mapping.receipts, *mapping.refunds)),
        *((one.table, (one.changed_at,)) for one in mapping.refunds if one.changed_at),
    ]
    found: dict[str, list[str]] = {}
    for table, paths in declared:
        found.setdefault(table, []).extend(paths)
    return found


def check_names(mapping: Preset) -> None:
    """Raises ValueError for what cannot be a form or a field."""
    for table, columns in columns_of(mapping).items():
        for name in (table, *columns):
            if not is_name(name):
                raise ValueError(
                    f"{name!r} is no form or field of Kingdee; lines are a table of their own, "
                    "such as SAL_SaleOrder.FSaleOrderEntry"
                )
