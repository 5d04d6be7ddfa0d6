"""What a mapping in use no longer fits: `tillgate map SOURCE --check`, as pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

import msgspec

from connectors.columns import column_of, seen_words
from connectors.currency_words import currency_code
from connectors.declared import Declared, declared
from connectors.mapping import MappedSettings, StatusMap, fields_of
from connectors.metadata import Column, ColumnType, Rows, Table
from connectors.values import shape, words_at

_ALIKE = 0.6


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """`place` in the configuration, what is wrong there, and what follows in the graph."""

    place: str
    what: str
    consequence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}\n      then {self.consequence}"


def drifts(
    settings: MappedSettings, tables: Sequence[Table], samples: Mapping[str, Rows]
) -> Iterator[Drift]:
    """Missing, renamed and retyped fields, and words that the mapping does not know; `samples` are
    rows by table."""
    known = {table.name: table for table in tables}
    gone: set[str] = set()
    for one in declared(settings.mapping):
        table = known.get(one.table)
        if table is not None:
            # Of a column that no row holds nothing is known where there is no description.
            yield from _of_field(one, table) if table.complete else ()
        elif one.table not in gone:
            gone.add(one.table)
            yield Drift(
                place=one.place.partition(".")[0] + ".table",
                what=f"there is no table {one.table!r}, or it may not be read",
                consequence=f"nothing of its {one.kind} can be shown",
            )
    yield from _unknown_words(settings, known, samples)
    yield from _unknown_currencies(settings, samples)


def _of_field(one: Declared, table: Table) -> Iterator[Drift]:
    if one.only_with is not None and column_of(table, one.only_with) is None:
        return
    column = column_of(table, one.path)
    if column is None and one.or_path:
        column = column_of(table, one.or_path)
    if column is None:
        near = _nearest(table, one.path)
        hint = f"; was it renamed to {near!r}?" if near is not None else ""
        yield _drift(one, f"{table.name} has no field {one.path!r}{hint}")
    elif column.path == one.path and column.type not in one.fitting:
        yield _drift(one, f"the field {one.path!r} is of type {column.type.value} now")


def _nearest(table: Table, path: str) -> str | None:
    """A column that is named alike, by its path or what it is labelled."""
    best = max(table.columns, key=lambda column: _likeness(column, path), default=None)
    return best.path if best is not None and _likeness(best, path) >= _ALIKE else None


def _likeness(column: Column, path: str) -> float:
    names = (column.path, column.label, column.key)
    return max(SequenceMatcher(None, n.casefold(), path.casefold()).ratio() for n in names)


def _drift(one: Declared, what: str) -> Drift:
    return Drift(place=one.place, what=what, consequence=one.consequence)


def _unknown_words(
    settings: MappedSettings, known: Mapping[str, Table], samples: Mapping[str, Rows]
) -> Iterator[Drift]:
    for index, orders in enumerate(settings.mapping.orders):
        for status in orders.status:
            table = known.get(orders.table)
            column = column_of(table, status.field) if table is not None else None
            words = _words(column, samples.get(orders.table, []), status)
            for word in words:
                yield Drift(
                    place=f"orders[{index}].status",
                    what=f"{status.field!r} can be {word!r}, which leads to no state",
                    consequence=f"recordedState of such orders is {status.otherwise}",
                )


def _words(column: Column | None, rows: Rows, status: StatusMap) -> list[str]:
    """What a status field can hold, or was seen to hold, and nobody has declared."""
    if status.otherwise != "UNKNOWN":
        return []
    if column is None:
        return []
    choices = column.words if column.type is ColumnType.CHOICE else ()
    seen = seen_words(msgspec.structs.replace(column, path=status.field), rows)
    words = {word for word in (*choices, *seen) if word.strip()}
    return sorted(word for word in words if word.strip().casefold() not in status.folded)


def _unknown_currencies(settings: MappedSettings, samples: Mapping[str, Rows]) -> Iterator[Drift]:
    for index, orders in enumerate(settings.mapping.orders):
        for one in fields_of(orders.total):
            if one.currency_field is None:
                continue
            rows = samples.get(orders.table, ())
            held = Counter(v for row in rows for v in words_at(row, one.currency_field))
            known = settings.currencies
            for word in sorted(word for word in held if currency_code(word, known) is None):
                # What is there once may be anything that somebody typed.
                shown = repr(word) if held[word] > 1 else f"something like {shape(word)}"
                yield Drift(
                    place=f"orders[{index}].total",
                    what=f"{one.currency_field!r} holds {shown}, which is no currency of ISO 4217"
                    " and not in currencies",
                    consequence="Order.total is null with an error and paymentState is UNKNOWN",
                )
