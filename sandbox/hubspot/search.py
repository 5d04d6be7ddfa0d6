"""The search of one object type. https://developers.hubspot.com/docs/api/crm/search"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from sandbox.hubspot.definitions import Definition
from sandbox.hubspot.errors import invalid
from sandbox.hubspot.records import Values

CHARACTERS, GROUPS, PER_GROUP, FILTERS, LIMIT, MOST = 3000, 5, 6, 18, 200, 10_000
OPERATORS = Literal[
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
]
Definitions = dict[str, Definition]


class Filter(msgspec.Struct, rename="camel"):
    property_name: str
    operator: OPERATORS
    value: str | None = None
    high_value: str | None = None
    values: list[str] | None = None


class Group(msgspec.Struct):
    filters: list[Filter]


class Sort(msgspec.Struct, rename="camel"):
    property_name: str
    direction: Literal["ASCENDING", "DESCENDING"] = "ASCENDING"


class Search(msgspec.Struct, rename="camel"):
    filter_groups: list[Group] = []
    sorts: list[Sort] = []
    properties: list[str] = []
    limit: int = 10
    after: str | int | None = None
    query: str | None = None


DECODER = msgspec.json.Decoder(Search)


def asked(body: bytes) -> Search:
    """What is asked for, within every limit."""
    if len(body.decode("utf-8", "replace")) > CHARACTERS:
        raise invalid(f"The request body exceeds {CHARACTERS} characters.")
    try:
        search = DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise invalid(f"Invalid input JSON: {error}") from None
    counts = [len(group.filters) for group in search.filter_groups]
    if len(counts) > GROUPS or sum(counts) > FILTERS or max(counts, default=1) > PER_GROUP:
        raise invalid("There are too many filters.")
    if 0 in counts:
        raise invalid("A filter group is empty.")
    if not 1 <= search.limit <= LIMIT:
        raise invalid(f"The limit must be between 1 and {LIMIT}.")
    if len(search.sorts) > 1:
        raise invalid("There may be one sort only.")
    if not str(search.after or 0).isdecimal() or int(search.after or 0) + search.limit > MOST:
        raise invalid(f"Paging ends at {MOST} results.")
    return search


def found(
    rows: Iterable[tuple[str, Values]], definitions: Definitions, search: Search
) -> tuple[int, list[str], str | None]:
    """How many there are, the numbers of the page, and where the next one begins."""
    tests = [[test(one, definitions) for one in group.filters] for group in search.filter_groups]
    chosen = [
        (number, values)
        for number, values in rows
        if not tests or any(all(one(values) for one in group) for group in tests)
    ]
    for sort in search.sorts or [Sort("createdate")] if "createdate" in definitions else ():
        kind = definition(definitions, sort.property_name)
        some = [row for row in chosen if row[1].get(kind.name) is not None]
        none = [row for row in chosen if row[1].get(kind.name) is None]
        some.sort(
            key=lambda row: comparable(kind, row[1][kind.name] or ""),
            reverse=sort.direction == "DESCENDING",
        )
        chosen = some + none
    start = int(search.after or 0)
    end = start + search.limit
    return (
        len(chosen),
        [number for number, _ in chosen[start:end]],
        str(end) if end < len(chosen) else None,
    )


def definition(definitions: Definitions, name: str) -> Definition:
    if name not in definitions:
        raise invalid(f"There was a problem with the request: {name} is no property.")
    return definitions[name]


def comparable(kind: Definition, value: str) -> Any:
    """As the property's type compares: numbers, times (also as milliseconds), texts."""
    try:
        if kind.type == "number":
            return Decimal(value)
        if kind.type == "datetime":
            plain = int(value) / 1000 if value.isdecimal() else None
            if plain is not None:
                return datetime.fromtimestamp(plain, UTC)
            return datetime.fromisoformat(value)
    except (InvalidOperation, ValueError):
        raise invalid(f"{kind.name}: not a {kind.type}") from None
    return value.lower()


def test(asked: Filter, definitions: Definitions) -> Callable[[Values], bool]:
    kind = definition(definitions, asked.property_name)
    operator = asked.operator
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return lambda values: (values.get(kind.name) is not None) == (operator == "HAS_PROPERTY")
    if operator in ("IN", "NOT_IN"):
        return among(kind, asked.values or [], operator == "IN")
    if asked.value is None:
        raise invalid(f"{operator} takes a value.")
    if "TOKEN" in operator:
        token, wanted = asked.value.lower(), operator == "CONTAINS_TOKEN"
        return lambda values: (token in (values.get(kind.name) or "").lower().split()) == wanted
    return ordered(kind, operator, asked.value, asked.high_value)


def among(kind: Definition, wanted: Collection[str], keep: bool) -> Callable[[Values], bool]:
    """Texts are indexed in small letters, and what is asked for is taken as it is."""
    if not wanted:
        raise invalid("IN takes values.")
    is_text = kind.type not in ("number", "datetime")
    known = set(wanted) if is_text else {comparable(kind, value) for value in wanted}

    def holds(values: Values) -> bool:
        value = values.get(kind.name)
        if value is None:
            return not keep
        parts = value.split(";") if kind.field == "checkbox" else [value]
        return any(comparable(kind, part) in known for part in parts) == keep

    return holds


def ordered(
    kind: Definition, operator: str, value: str, high: str | None
) -> Callable[[Values], bool]:
    bound = comparable(kind, value)
    upper = comparable(kind, high) if high is not None else bound
    compare: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda own: bool(own == bound),
        "NEQ": lambda own: bool(own != bound),
        "LT": lambda own: bool(own < bound),
        "LTE": lambda own: bool(own <= bound),
        "GT": lambda own: bool(own > bound),
        "GTE": lambda own: bool(own >= bound),
        "BETWEEN": lambda own: bool(bound <= own <= upper),
    }

    def holds(values: Values) -> bool:
        own = values.get(kind.name)
        return own is not None and compare[operator](comparable(kind, own))

    return holds
