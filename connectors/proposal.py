"""A mapping proposed from live metadata and sample rows: `tillgate map SOURCE`, as pure functions.

Confidence is between 0 and 1: how well a field is named for it (six tenths), whether its type is
the usual one (two), and whether its sample values can be read as it (two). A field of the vendor's
preset that exists is nearly certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

import msgspec

from connectors import vocabulary
from connectors.columns import column_of, seen_words
from connectors.declared import declared
from connectors.mapping import FieldMap, Preset
from connectors.metadata import Column, ColumnType, Rows, Table
from connectors.values import Misfit, at, moment, number, shape

SURE = 0.98
LEAST = 0.5
_AS_GOOD = 0.01
_ALIKE = 0.6
"""A name that is less like the words is another thing's name, whatever its type."""
_AMOUNTS = ("total", "paid_amount", "refunded_amount")
_WORDS = re.compile(r"[^0-9a-z\u0080-\uffff]+")
_HUNGARIAN = re.compile(r"^F(?=[A-Z_])")
_CASES = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """One field for an attribute. `sample` shows what its values look like, not what they are;
    `preset` says that the vendor's preset has it already; `thousands` is what groups its digits."""

    attribute: str
    column: Column
    confidence: float
    sample: str = ""
    preset: bool = False
    thousands: str = ""


class TableProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A table for customers or orders; `lacking` are the attributes nothing was found for, and
    `currency` the field with the currency of its amounts, if there is one."""

    kind: str
    table: Table
    confidence: float
    fields: tuple[Suggestion, ...]
    lacking: tuple[str, ...]
    states: Mapping[str, str] = {}
    strange_words: tuple[str, ...] = ()
    currency: str = ""

    @property
    def complete(self) -> bool:
        return not set(self.lacking) & set(vocabulary.NEEDED[self.kind])


def propose(
    tables: Sequence[Table], preset: Preset, samples: Mapping[str, Rows]
) -> Iterator[TableProposal]:
    """The best tables for each kind, with the best field for each attribute."""
    for kind in vocabulary.ATTRIBUTES:
        for confidence, table in likeliest(tables, kind, preset):
            yield _of_table(kind, table, confidence, preset, samples.get(table.name, []))


def likeliest(tables: Sequence[Table], kind: str, preset: Preset) -> list[tuple[float, Table]]:
    """The best table, and those that are as good: orders may be spread over several."""
    ranked = rank(tables, kind, preset)
    return [one for one in ranked if one[0] >= ranked[0][0] - _AS_GOOD]


def rank(tables: Sequence[Table], kind: str, preset: Preset) -> list[tuple[float, Table]]:
    """The tables that may be of this kind, the likeliest first."""
    standard = {one.table for one in getattr(preset, kind)}
    words = vocabulary.TABLES[kind]
    scored = [
        (SURE if table.name in standard else 0.9 * _named(words, (table.label, table.name)), table)
        for table in tables
        if table.columns
    ]
    good = [one for one in scored if one[0] >= LEAST]
    return sorted(good, key=lambda one: (-one[0], len(one[1].label), one[1].name))


def time_column(table: Table, preset: Preset) -> str | None:
    """The field that says when a row was made, to read the newest by."""
    for one in declared(preset):
        if one.table == table.name and one.attribute == "created_at":
            return one.path
    best = _best("created_at", vocabulary.ATTRIBUTES["orders"]["created_at"], table, [], None)
    return best.column.path if best is not None else None


def _of_table(
    kind: str, table: Table, confidence: float, preset: Preset, rows: Rows
) -> TableProposal:
    # What a preset has for some rows only is a field among others.
    standard = {
        one.attribute: one.path
        for one in reversed(list(declared(preset)))
        if one.table == table.name and one.kind == kind and one.only_with is None
    }
    fields = []
    lacking = []
    for attribute, words in vocabulary.ATTRIBUTES[kind].items():
        best = _best(attribute, words, table, rows, standard.get(attribute))
        if best is None:
            lacking.append(attribute)
        else:
            fields.append(best)
    states, strange = _states(fields, rows)
    return TableProposal(
        kind=kind,
        table=table,
        confidence=confidence,
        fields=tuple(fields),
        lacking=tuple(lacking),
        states=states,
        strange_words=strange,
        currency=_currency(table, preset) if kind == "orders" else "",
    )


def _best(
    attribute: str, words: Sequence[str], table: Table, rows: Rows, standard: str | None
) -> Suggestion | None:
    if standard is not None and (column := column_of(table, standard)) is not None:
        exact = msgspec.structs.replace(column, path=standard)
        return Suggestion(
            attribute=attribute,
            column=exact,
            confidence=SURE,
            sample=_sample(standard, rows),
            preset=True,
        )
    scored = [(_score(attribute, words, column, rows), column) for column in table.columns]
    score, column = max(scored, key=lambda one: one[0], default=(0.0, None))
    if column is None or score < LEAST:
        return None
    return Suggestion(
        attribute=attribute,
        column=column,
        confidence=round(score, 2),
        sample=_sample(column.path, rows),
        thousands=_thousands(column.path, rows) if attribute in _AMOUNTS else "",
    )


def _thousands(path: str, rows: Rows) -> str:
    texts = [value for row in rows for value in at(row, path) if isinstance(value, str)]
    return "," if any("," in value for value in texts) else ""


def _score(attribute: str, words: Sequence[str], column: Column, rows: Rows) -> float:
    usual = vocabulary.TYPES.get(attribute, (ColumnType.TEXT, ColumnType.CHOICE))
    named = _named(words, (column.label, column.path, column.key))
    if attribute in ("id", "number") and column.unique:
        named = max(named, 0.7)
    if attribute == "id" and column.singly:
        # Right, and dear: n records would cost n calls.
        named = min(named, 0.65)
    if named < _ALIKE:
        return 0.0
    typed = 1.0 if column.type in usual else 0.0
    if attribute in ("created_at", "updated_at", "placed_at") and column.type is ColumnType.NUMBER:
        return 0.0
    return 0.6 * named + 0.2 * typed + 0.2 * _readable(attribute, column.path, rows)


def _named(words: Sequence[str], names: Iterable[str]) -> float:
    """How much a name is like one of the words: 1.0 the same, 0.6 to 0.9 within it by how much of
    it that is, else by letters."""
    best = 0.0
    for name in filter(None, map(_plain, names)):
        for word in words:
            if name == word:
                return 1.0
            if word in name.split() or (not word.isascii() and word in name):
                best = max(best, 0.6 + 0.3 * len(word) / len(name))
            elif len(word) > 3:
                best = max(best, 0.8 * SequenceMatcher(None, name, word).ratio())
    return best


def _plain(name: str) -> str:
    """`FBillNo`, `order_no`, `订单号（必填）` in plain words."""
    parted = _CASES.sub(" ", _HUNGARIAN.sub("", name).removesuffix("__c"))
    return " ".join(_WORDS.sub(" ", parted.casefold()).split())


def _readable(attribute: str, path: str, rows: Rows) -> float:
    """The share of sample values that can be read as the attribute; half without any."""
    values = [value for row in rows for value in at(row, path)]
    if not values:
        return 0.5
    return sum(_fits(attribute, value) for value in values) / len(values)


def _fits(attribute: str, value: object) -> bool:
    try:
        if attribute.endswith("_at"):
            moment(value, "UTC")
        elif attribute in _AMOUNTS:
            number(value, FieldMap(field="?", thousands=","))
        elif attribute == "email":
            return isinstance(value, str) and "@" in value
        return True
    except Misfit:
        return False


def _sample(path: str, rows: Rows) -> str:
    values = [value for row in rows for value in at(row, path)]
    return shape(values[0]) if values else ""


def _states(fields: Sequence[Suggestion], rows: Rows) -> tuple[dict[str, str], tuple[str, ...]]:
    """States for the words of the status field, and the words nobody knows."""
    status = next((one.column for one in fields if one.attribute == "status"), None)
    if status is None:
        return {}, ()
    seen = seen_words(status, rows)
    meant = {word: state for state, words in vocabulary.STATES.items() for word in words}
    states: dict[str, str] = {}
    strange: list[str] = []
    for word in dict.fromkeys((*status.words, *seen)):
        state = meant.get(_plain(word))
        if state is None:
            strange.append(word)
        else:
            states[word] = state
    return states, tuple(strange)


def _currency(table: Table, preset: Preset) -> str:
    for one in declared(preset):
        if one.table == table.name and one.attribute == "total" and one.is_currency:
            return one.path
    scored = [
        (_named(vocabulary.CURRENCY, (c.label, c.path)), c)
        for c in table.columns
        if c.type in (ColumnType.TEXT, ColumnType.CHOICE, ColumnType.RELATION)
    ]
    score, column = max(scored, key=lambda one: one[0], default=(0.0, None))
    return column.path if column is not None and score >= 0.8 else ""
