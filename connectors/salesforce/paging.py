"""Rows of one query to a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from connectors.errors import Malformed
from connectors.paging import Page, Row
from connectors.records import Record, Source
from connectors.salesforce.ids import canonical
from connectors.salesforce.keyset import KeySet
from connectors.salesforce.mapping import fitting
from connectors.salesforce.reading import Rows

R = TypeVar("R", bound=Record)


def page_of(
    rows: Rows | None,
    first: int,
    keys: KeySet,
    record: Callable[[dict[str, Any]], R],
    source: Source,
) -> Page[R]:
    """At most `first` rows, each Id once; None is a filter that accepts nothing.

    A row without a readable Id or sort value cannot be resumed after: it bears the token of the
    row before it, and a page that begins with one is Malformed as a whole.
    """
    found: dict[str, Row[R]] = {}
    after: str | None = None
    for row in rows or ():
        native_id = canonical(str(row.get("Id"))) or ""
        if native_id in found:
            continue
        after = (keys.token(row, native_id) if native_id else None) or after
        if after is None:
            raise Malformed(source.name, "a page begins with a row that cannot be named")
        found[native_id] = Row(fitting(record, row, source.name), after)
    shown = tuple(found.values())
    return Page(shown[:first], more=len(shown) > first)
