"""What may be said of a field that no row holds.

U8 leaves out what is empty and describes no list, so that absence proves nothing of a field whose
values are only shown: it is taken for empty, and the probe names the undocumented ones. Where rows
are asked for by a field it is another matter: rows that all lack it would be nobody's, and what
they hold would be missed without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.mapping import all_paths
from connectors.metadata import Rows
from connectors.values import at
from connectors.yonyou.resources import Listed, Resource
from connectors.yonyou.settings import YonyouSettings


def undocumented(listed: Listed, columns: Iterable[str]) -> list[str]:
    """Columns of a documented list that it is not said to have. What stands in the head counts for
    the rows inside as well: an order's currency is asked for in both places."""
    resource = listed.resource
    if not resource.fields:
        return []
    known = set(resource.fields)
    for name, fields in resource.inner.items():
        known |= {name, *(f"{name}.{field}" for field in fields)}
    return [
        column
        for column in dict.fromkeys(columns)
        if not {_plain(column), column.rpartition("[].")[2]} & known
    ]


def unseen(rows: Rows, column: str) -> bool:
    """Whether no row has the column, not even empty."""
    inner = column.rpartition("[].")[2]
    return not any({column, inner} & row.keys() or at(row, column) for row in rows)


def names_in(resource: Resource, rows: Rows) -> frozenset[str]:
    """Fields of rows, those inside documents as `entry.sum`."""
    found: set[str] = set()
    for row in rows:
        found.update(row)
        for name in resource.inner.keys() & row.keys():
            for inner in row[name] if isinstance(row[name], list) else ():
                found.update(f"{name}.{field}" for field in inner)
    return frozenset(found)


def telling(settings: YonyouSettings) -> Mapping[str, frozenset[str]]:
    """By table the fields that each of its rows should hold: what it is, and whose. Ids at payment
    systems are not among them, since nobody may have paid there yet."""
    mapping = settings.mapping
    pairs: list[tuple[str, Sequence[str]]] = [
        *((one.table, [one.id]) for one in mapping.customers),
        *((one.table, [one.id, one.customer, *all_paths(one.number)]) for one in mapping.orders),
        *((one.table, [one.order, one.customer]) for one in (*mapping.receipts, *mapping.refunds)),
    ]
    found: dict[str, frozenset[str]] = {}
    for table, fields in pairs:
        found[table] = found.get(table, frozenset()) | frozenset(filter(None, fields))
    return found


def states(settings: YonyouSettings) -> Mapping[str, frozenset[str]]:
    """By table the fields that tell the state of each of its orders."""
    return {
        one.table: frozenset(status.field for status in one.status)
        for one in settings.mapping.orders
    }


def _plain(column: str) -> str:
    """Two steps of a path at most, as fields are documented: `entry[].sum` is `entry.sum`."""
    return ".".join(part.removesuffix("[]") for part in column.split(".")[:2])
