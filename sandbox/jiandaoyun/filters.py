"""The filter of `data/list`, read strictly and applied to records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.jiandaoyun.errors import JdyError
from sandbox.jiandaoyun.forms import Form, Record

MOST_VALUES = 200
TEXT = frozenset({"eq", "ne", "in", "nin", "empty", "not_empty"})
EMPTINESS = frozenset({"empty", "not_empty"})
METHODS: dict[str, frozenset[str]] = {
    "text": TEXT,
    "sn": TEXT,
    "combo": TEXT,
    "radiogroup": TEXT,
    "number": frozenset({"eq", "ne", "range"}) | EMPTINESS,
    "datetime": frozenset({"eq", "ne", "range"}) | EMPTINESS,
    "flowState": frozenset({"eq", "ne", "in"}),
    "phone": frozenset({"like", "verified", "unverified"}) | EMPTINESS,
    "subform": frozenset(),
}
"""By the type of a field; any other can only be empty or not."""
Test = Callable[[Record], bool]


def test_of(form: Form, content: Any, ids_in_batches: bool) -> Test:
    """Whether a record fits; JdyError for a filter that the real service refuses."""
    if content is None:
        return lambda record: True
    if not isinstance(content, dict) or content.get("rel") not in ("and", "or"):
        raise JdyError(4815)
    conditions = content.get("cond")
    if not isinstance(conditions, list):
        raise JdyError(4815)
    tests = [_condition(form, one, ids_in_batches) for one in conditions]
    every = all if content["rel"] == "and" else any
    return lambda record: not tests or every(test(record) for test in tests)


def _condition(form: Form, content: Any, ids_in_batches: bool) -> Test:
    if not isinstance(content, dict) or "rel" in content:
        raise JdyError(4815)
    name, method = content.get("field"), content.get("method")
    if not isinstance(name, str) or not isinstance(method, str):
        raise JdyError(4815)
    kind, read = _field(form, name, ids_in_batches)
    if method not in METHODS.get(kind, EMPTINESS):
        raise JdyError(4815)
    if method in EMPTINESS:
        return lambda record: (read(record) in (None, "", [])) is (method == "empty")
    value = content.get("value")
    if not isinstance(value, list) or (method in ("in", "nin") and len(value) > MOST_VALUES):
        raise JdyError(4815)
    accepts = _accepts(kind, method, value)
    return lambda record: accepts(read(record))


def _field(form: Form, name: str, ids_in_batches: bool) -> tuple[str, Callable[[Record], Any]]:
    """Its type, and how it is read of a record."""
    system: Mapping[str, tuple[str, Callable[[Record], Any]]] = {
        "createTime": ("datetime", lambda record: record.created_at),
        "updateTime": ("datetime", lambda record: record.updated_at),
        "flowState": ("flowState", lambda record: record.flow_state),
    }
    if name in system:
        return system[name]
    if name == "_id" and ids_in_batches:
        return "text", lambda record: record.data_id
    field = form.find(name)
    if field is None:
        raise JdyError(3005)
    key = field.key
    return field.type, lambda record: record.values.get(key)


def _accepts(kind: str, method: str, value: list[Any]) -> Callable[[Any], bool]:
    if kind == "datetime":
        return _in_time(method, value)
    if kind == "number":
        return _in_numbers(method, value)
    if method == "like":
        wanted = str(value[0]) if value else ""
        return lambda held: isinstance(held, dict) and wanted in str(held.get("phone"))
    if method in ("verified", "unverified"):
        good = method == "verified"
        return lambda held: isinstance(held, dict) and bool(held.get("verified")) is good
    if kind != "flowState" and not all(isinstance(one, str) for one in value):
        raise JdyError(4815)
    if method in ("eq", "ne") and len(value) != 1:
        raise JdyError(4815)
    known = set(value)
    return lambda held: (held in known) is (method in ("eq", "in"))


def _in_numbers(method: str, value: list[Any]) -> Callable[[Any], bool]:
    ends = [_number(one) for one in value]
    if method == "range":
        low, high = _pair(ends)
        return lambda held: (
            _is_number(held) and (low is None or held >= low) and (high is None or held <= high)
        )
    if len(ends) != 1 or ends[0] is None:
        raise JdyError(4815)
    return lambda held: (_is_number(held) and held == ends[0]) is (method == "eq")


def _in_time(method: str, value: list[Any]) -> Callable[[Any], bool]:
    """Both ends are within."""
    ends = [_moment(one) for one in value]
    if method == "range":
        low, high = _pair(ends)

        def within(held: Any) -> bool:
            at = _moment(held)
            return at is not None and (low is None or at >= low) and (high is None or at <= high)

        return within
    if len(ends) != 1:
        raise JdyError(4815)
    return lambda held: (_moment(held) == ends[0]) is (method == "eq")


def _pair(ends: list[Any]) -> tuple[Any, Any]:
    if len(ends) != 2:
        raise JdyError(4815)
    return ends[0], ends[1]


def _number(value: Any) -> Any:
    if value is None or _is_number(value):
        return value
    raise JdyError(4815)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _moment(value: Any) -> datetime | None:
    """ISO 8601, where no zone is UTC, or milliseconds."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value / 1000, UTC)
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError, OverflowError, OSError):
        raise JdyError(4815) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
