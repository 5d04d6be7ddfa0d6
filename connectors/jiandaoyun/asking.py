"""Conditions of a filter, by the type of their field (https://hc.jiandaoyun.com/open/14220).

Values stand in JSON, so nothing in them can be read as a part of the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from connectors.errors import Misconfigured
from connectors.jiandaoyun.api import Condition
from connectors.jiandaoyun.forms import Field, Form

MOST_VALUES = 200
"""Values of one condition."""
BY_ANY = frozenset({"text", "radiogroup", "combo", "sn"})
BY_ONE = frozenset({"number"})
BY_TIME = frozenset({"datetime"})
ID = "_id"
_ALWAYS = frozenset({"createTime", "updateTime"})
"""Times that every record has."""
Where = Callable[[Form], Condition]
"""Raises Misconfigured for a form that cannot be asked so."""


class Part(msgspec.Struct, frozen=True):
    """Values that are asked for together; `where` is None where no record can hold them."""

    values: Sequence[str]
    where: Where | None


def can_be_asked_for(field: Field) -> bool:
    return field.key == ID or field.type in BY_ANY or field.type in BY_ONE


def parts(source: str, form: Form, path: str, values: Sequence[str]) -> Iterator[Part]:
    """All values in as few questions as the type of their field allows."""
    if keyed(source, form, path).type in BY_ONE:
        for value in values:
            number = _number(value)
            yield Part([value], None if number is None else _equal(source, path, number))
        return
    for start in range(0, len(values), MOST_VALUES):
        chunk = values[start : start + MOST_VALUES]
        yield Part(chunk, _any_of(source, path, chunk))


def keyed(source: str, form: Form, path: str) -> Field:
    """The field at a path, which records can be asked for by."""
    field = _there(source, form, path)
    if not can_be_asked_for(field):
        detail = f"form {form.entry_id}: records cannot be asked for by field {path}"
        raise Misconfigured(source, f"{detail}, whose type is {field.type}")
    return field


def between(source: str, path: str, since: datetime, until: datetime | None) -> Where:
    """Both ends are within; None is open."""

    def where(form: Form) -> Condition:
        field = _there(source, form, path)
        if field.type not in BY_TIME:
            raise Misconfigured(source, f"form {form.entry_id}: field {path} is not a time")
        ends = [_written(since), None if until is None else _written(until)]
        return _condition(field, "range", ends)

    return where


def without(form: Form, path: str) -> Condition | None:
    """Records whose time at a path is empty; None where it is no time that people enter."""
    field = form.find(path)
    if field is None or field.type not in BY_TIME or field.key in _ALWAYS:
        return None
    return {"field": field.key, "method": "empty"}


def _any_of(source: str, path: str, values: Sequence[str]) -> Where:
    return lambda form: _condition(keyed(source, form, path), "in", values)


def _equal(source: str, path: str, number: Decimal) -> Where:
    return lambda form: _condition(keyed(source, form, path), "eq", [number])


def _condition(field: Field, method: str, value: Sequence[Any]) -> Condition:
    """By the field's id: an alias may change between the reading of the form and the question."""
    return {"field": field.key, "method": method, "value": value}


def _there(source: str, form: Form, path: str) -> Field:
    """A path into a field, such as `phone.phone`, is none that can be asked by."""
    field = form.find(path)
    if field is None:
        if form.find(path.partition(".")[0].removesuffix("[]")) is not None:
            detail = f"form {form.entry_id}: records cannot be asked for by a part of a field"
            raise Misconfigured(source, f"{detail}, {path}")
        raise Misconfigured(source, f"form {form.entry_id} has no field {path}")
    return field


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 30 else None


def _written(moment: datetime) -> str:
    """UTC with milliseconds, as the vendor writes times."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
