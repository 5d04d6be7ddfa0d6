"""Records made and changed: every value is wrapped, `{"order_no": {"value": "SO-1"}}`.

Nothing is checked for duplicates or required fields, and the last write wins, as in reality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.jiandaoyun.errors import JdyError
from sandbox.jiandaoyun.forms import Field, Form, Record, Values, find
from sandbox.jiandaoyun.ids import hex_id
from sandbox.jiandaoyun.records import member, moment

NEVER = frozenset({"sn", "linkdata", "lookup", "signature"})
"""Types that cannot be written."""


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise JdyError(17017)
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise JdyError(17017)
    return value


def _time(value: Any) -> Any:
    """ISO 8601 or milliseconds; read back in UTC."""
    try:
        if isinstance(value, int):
            return moment(datetime.fromtimestamp(value / 1000, UTC))
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        raise JdyError(17017) from None
    return moment(found.replace(tzinfo=UTC) if found.tzinfo is None else found)


def _texts(value: Any) -> Any:
    if not isinstance(value, list):
        raise JdyError(17017)
    return [_text(one) for one in value]


def _phone(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("phone"), str):
        raise JdyError(17017)
    return {"verified": False, "phone": value["phone"]}


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise JdyError(17017)
    return value


WRITTEN: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "textarea": _text,
    "radiogroup": _text,
    "combo": _text,
    "number": _number,
    "datetime": _time,
    "checkboxgroup": _texts,
    "combocheck": _texts,
    "phone": _phone,
    "address": _object,
    "user": lambda value: member(_text(value), _text(value)),
    "usergroup": lambda value: [member(one, one) for one in _texts(value)],
}
"""By type: what is kept of a value that was sent."""


def created(form: Form, data: Mapping[str, Any], number: int, now: datetime) -> Record:
    """A new record; `number` tells it from all others of this run."""
    data_id = hex_id("made", form.entry_id, number)
    record = Record(data_id, now, now, _values(form.fields, data, data_id, []))
    form.add(record)
    return record


def updated(form: Form, record: Record, data: Mapping[str, Any], now: datetime) -> None:
    """Lines of a subform are replaced as a whole; those that name their `_id` keep it."""
    kept = [line["_id"] for lines in record.values.values() if _are_lines(lines) for line in lines]
    record.values |= _values(form.fields, data, f"{record.data_id}{now}", kept)
    record.updated_at = now


def _are_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, dict) and "_id" in x for x in value)


def _values(
    fields: Iterable[Field], data: Mapping[str, Any], place: str, kept: list[str]
) -> Values:
    fields = list(fields)
    written: Values = {}
    for name, wrapped in data.items():
        field = find(fields, name)
        if field is None:
            raise JdyError(3005)
        if field.type in NEVER:
            raise JdyError(17032)
        if not isinstance(wrapped, dict) or "value" not in wrapped:
            raise JdyError(17017)
        value = wrapped["value"]
        if field.type == "subform":
            written[field.key] = _lines(field, value, place, kept)
        elif value is None or value == "":
            written[field.key] = None
        else:
            written[field.key] = WRITTEN[field.type](value)
    return written


def _lines(field: Field, value: Any, place: str, kept: list[str]) -> list[Values]:
    if not isinstance(value, list) or not all(isinstance(line, dict) for line in value):
        raise JdyError(17017)
    made = []
    for index, line in enumerate(value):
        given = line.get("_id", {})
        own = given.get("value") if isinstance(given, dict) else None
        line_id = own if own in kept else hex_id("line", place, index)
        held = {name: one for name, one in line.items() if name != "_id"}
        made.append({"_id": line_id, **_values(field.items, held, place, kept)})
    return made
