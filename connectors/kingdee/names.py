"""What a mapping may name at Kingdee."""

from __future__ import annotations

import re

from connectors.mapping import Preset
from connectors.paths import paths_by_table

_IDENTIFIER = r"[A-Za-z][A-Za-z0-9_]{0,79}"
_PATH = re.compile(rf"{_IDENTIFIER}(\.{_IDENTIFIER})*", re.ASCII)


def is_name(path: str) -> bool:
    """A form, entry or field as Kingdee spells them: nothing else gets into a query."""
    return _PATH.fullmatch(path) is not None


def check_names(mapping: Preset) -> None:
    """Raises ValueError for what cannot be a form or a field."""
    for table, columns in paths_by_table(mapping).items():
        for name in (table, *columns):
            if not is_name(name):
                raise ValueError(
                    f"{name!r} is no form or field of Kingdee; lines are a table of their own, "
                    "such as SAL_SaleOrder.FSaleOrderEntry"
                )
