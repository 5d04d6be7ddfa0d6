"""Filters as SOQL conditions: what can be said exactly or wider, never narrower.

Text comparison in SOQL ignores case, so equality there accepts what the filter accepts and more.
None stands for a filter that accepts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from connectors.currency import MINOR_UNIT_DIGITS
from connectors.currency_words import words_of
from connectors.filters import CustomerFilter, MoneyRange, OrderFilter, TimeRange
from connectors.mapping import (
    NEXT,
    CustomerMap,
    FieldMap,
    Fields,
    OrderMap,
    StatusMap,
    fields_of,
)
from connectors.records import OrderState
from connectors.salesforce import soql
from connectors.salesforce.ids import of_table
from connectors.salesforce.settings import SalesforceSettings, only

_COMPARISONS = (
    ("gte", ">=", Decimal("-0.5")),
    ("gt", ">", Decimal(0)),
    ("lte", "<=", Decimal("0.5")),
    ("lt", "<", Decimal(0)),
)
"""Operators with the minor units that a bound is moved by: Salesforce compares doubles, and one a
little beside an amount is read as the amount."""
_BY_WORDS = frozenset({OrderState.DRAFT, OrderState.CANCELED})
"""States that no amount leads to."""
_TEXTS = frozenset({"string", "picklist", "combobox"})
_NUMBERS = frozenset({"currency", "double", "int", "long", "percent"})
_TRUTH = {"true": "TRUE", "false": "FALSE"}


class Knowledge(msgspec.Struct, frozen=True):
    """What a condition may be made of: fields that can be read, of types that can be compared."""

    settings: SalesforceSettings
    readable: Callable[[str], bool]
    types: Mapping[str, str]

    def type_of(self, field: str) -> str:
        """Of a field that `typed` names; "" where it cannot be read."""
        return self.types[field] if self.readable(field) else ""


def typed(asked: CustomerFilter | OrderFilter, declared: CustomerMap | OrderMap) -> list[str]:
    """The fields that a condition can be made of only when their type is known."""
    times = [declared.created_at] if asked.created_at is not None else []
    if isinstance(asked, OrderFilter) and isinstance(declared, OrderMap):
        times += [declared.placed_at] if asked.placed_at is not None else []
        times += [declared.total] if asked.total is not None else []
        status = [one.field for one in _telling(_wanted(asked, declared), declared)]
    else:
        status = []
    return [*(one.field for fields in times for one in fields_of(fields)), *status]


def customers(asked: CustomerFilter, declared: CustomerMap, knows: Knowledge) -> list[str] | None:
    if () in (asked.emails, asked.names):
        return None
    where = _times(asked.created_at, declared.created_at, knows)
    if asked.emails is not None:
        where += _holding(declared.email, asked.emails, knows)
    if asked.names is not None:
        where += _holding(declared.name, asked.names, knows)
    return where


def orders(asked: OrderFilter, declared: OrderMap, knows: Knowledge) -> list[str] | None:
    if () in (asked.customer_ids, asked.numbers, asked.recorded_states):
        return None
    where = _times(asked.created_at, declared.created_at, knows)
    where += _times(asked.placed_at, declared.placed_at, knows)
    if asked.numbers is not None:
        where += _holding(declared.number, asked.numbers, knows)
    if asked.customer_ids is not None:
        ids = of_table(asked.customer_ids, "")
        if not ids or not declared.customer:
            return None
        where += _holding(declared.customer, ids, knows)
    if wanted := _wanted(asked, declared):
        where += _states(wanted, declared, knows)
    if asked.total is not None:
        amounts = _total(asked.total, only(declared.total), knows)
        return None if amounts is None else where + amounts
    return where


def currency_of(amount: FieldMap, settings: SalesforceSettings) -> str | None:
    """The one currency of all its amounts, None where each row has its own."""
    return amount.currency or (settings.currency if amount.currency_field is None else None)


def _times(asked: TimeRange | None, fields: Fields, knows: Knowledge) -> list[str]:
    one = only(fields)
    if asked is None or one is None:
        return []
    kind = knows.type_of(one.field)
    if kind not in ("date", "datetime"):
        return []
    zone = one.zone or knows.settings.zone
    return soql.within(one.field, asked, dates=kind == "date", zone=zone)


def _holding(fields: Fields, values: Sequence[str], knows: Knowledge) -> list[str]:
    """Any of the fields may hold it; nothing is said where one of them cannot be compared. A field
    that the organisation has no use for holds nothing."""
    declared = fields_of(fields)
    names = [
        one.field for one in declared if one.only_with is None or knows.readable(one.only_with)
    ]
    if declared and not names:
        return ["Id = null"]
    if not names or not all(map(knows.readable, names)):
        return []
    return [soql.either([soql.one_of(name, values) for name in names])]


def _total(asked: MoneyRange, amount: FieldMap | None, knows: Knowledge) -> list[str] | None:
    """Amounts of one currency; with several in use the currency is part of the condition.

    A bare number is compared with the row's own amount, whatever its currency (SOQL and SOSL
    guide, "Querying Currency Fields in Multi-Currency Orgs").
    """
    if asked.currency not in MINOR_UNIT_DIGITS:
        return None
    if amount is None or knows.type_of(amount.field) not in _NUMBERS:
        return []
    fixed = currency_of(amount, knows.settings)
    if fixed not in (None, asked.currency):
        return None
    where = [f"{amount.field} != null"]
    if fixed is None and amount.currency_field and knows.readable(amount.currency_field):
        words = words_of(asked.currency, knows.settings.currencies)
        named = [soql.one_of(amount.currency_field, words)]
        if knows.settings.currency == asked.currency:
            named.append(f"{amount.currency_field} = null")
        where.append(soql.either(named))
    digits = 0 if amount.unit == "minor" else MINOR_UNIT_DIGITS[asked.currency]
    for name, operator, beside in _COMPARISONS:
        if (bound := getattr(asked, name)) is not None:
            number = (bound + beside).scaleb(-digits)
            where.append(f"{amount.field} {operator} {number:f}")
    return where


def _wanted(asked: OrderFilter, declared: OrderMap) -> frozenset[str]:
    """The states that are asked for, where words alone lead to all of them."""
    states = frozenset(asked.recorded_states or ())
    closing = declared.closed.unpaid if declared.closed is not None else None
    wanted = frozenset(state.value for state in states)
    return wanted if states <= _BY_WORDS and closing not in wanted else frozenset()


def _leads(status: StatusMap, wanted: frozenset[str]) -> bool:
    return bool({*status.words.values(), status.empty, status.otherwise} & wanted)


def _telling(wanted: frozenset[str], declared: OrderMap) -> tuple[StatusMap, ...]:
    """The status fields up to the last that leads to one of the states."""
    leading = [i for i, one in enumerate(declared.status) if _leads(one, wanted)]
    return declared.status[: leading[-1] + 1] if leading else ()


def _states(wanted: frozenset[str], declared: OrderMap, knows: Knowledge) -> list[str]:
    """Rows in one of whose status fields is a word for one of the states: some have another state,
    by a field that comes before; the caller checks every row."""
    parts: list[str] = []
    earlier: list[str] = []
    for one in _telling(wanted, declared):
        kind = knows.type_of(one.field)
        if _leads(one, wanted):
            if kind not in _TEXTS | {"boolean"}:
                return []
            said = _said(one, wanted, boolean=kind == "boolean")
            parts += [_all([*earlier, condition]) for condition in said]
        if kind == "boolean":
            earlier += [f"{one.field} = {_TRUTH[word]}" for word in _passing(one)]
    return [soql.either(parts)] if parts else []


def _said(one: StatusMap, wanted: frozenset[str], *, boolean: bool) -> Iterator[str]:
    """The conditions of the words, of no word and of any other word that lead to the states."""
    words = [word for word, state in one.words.items() if state in wanted]
    if boolean:
        states = {word: one.words.get(word, one.otherwise) for word in _TRUTH}
        yield from (f"{one.field} = {_TRUTH[w]}" for w, state in states.items() if state in wanted)
        return
    if words:
        yield soql.one_of(one.field, words)
    if one.empty in wanted:
        yield f"{one.field} = null"
    if one.otherwise in wanted:
        yield soql.none_of(one.field, one.words)


def _passing(one: StatusMap) -> list[str]:
    """The one truth that leads to the next status field, if only one does."""
    passing = [word for word in _TRUTH if one.words.get(word, one.otherwise) == NEXT]
    return passing if len(passing) == 1 else []


def _all(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"({' AND '.join(conditions)})"
