"""The oddities that vendors' answers are given on trial, and what may come of each. No pytest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from connectors.errors import SourceError
from connectors.json_reading import BOM
from connectors.money import Money
from connectors.paging import Page
from connectors.records import Record

SUCCESSES = frozenset({"SUCCEEDED", "PAID", "FULFILLED", "WON"})
GIVEN_BACK = frozenset({"REFUNDED", "PARTIALLY_REFUNDED"})
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DIGITS = re.compile(r"[1-9][0-9]{0,14}")
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")
_DATE = re.compile(r"[0-9]{4}-?[01][0-9]-?[0-3][0-9].*", re.DOTALL)


class Place(msgspec.Struct, frozen=True):
    """A value within an answer: where it stands, and what it is."""

    pointer: str
    value: Any


class Oddity(msgspec.Struct, frozen=True, kw_only=True):
    """`put` is what replaces a value, None where the kind does not apply to it. `moves`: the value
    still is one of its sort, so that another amount or time is what the vendor said; `empty`: the
    answer says that there is none; `same`: it still says the same.
    """

    name: str
    put: Callable[[Any], str | None]
    moves: bool = False
    empty: bool = False
    same: bool = False


class Injection(msgspec.Struct, frozen=True):
    """An oddity that takes the place of `value`, or of `within`, which then lacks `key`;
    `whole` says that the answer has no rows but is one record, or none.
    """

    oddity: Oddity
    pointer: str | None
    value: Any
    put: str
    key: str = ""
    within: Any = None
    whole: bool = False

    def __str__(self) -> str:
        at = f"{self.pointer or ''}/{self.key}" if self.key else self.pointer or "/"
        return f"{self.oddity.name} at {at}"


def raw(value: Any) -> str:
    return _ENCODER.encode(value).decode()


def _of_text(change: Callable[[str], str | None]) -> Callable[[Any], str | None]:
    return lambda value: change(value) if isinstance(value, str) else None


def _of_number(change: Callable[[Decimal], str | None]) -> Callable[[Any], str | None]:
    def put(value: Any) -> str | None:
        """A number as the text or the number that it was."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            return None
        if not _NUMBER.fullmatch(str(value)):
            return None
        told = change(Decimal(str(value)))
        return told if told is None or not isinstance(value, str) else f'"{told}"'

    return put


def _of_date(told: str) -> Callable[[Any], str | None]:
    return _of_text(lambda value: told if _DATE.fullmatch(value) else None)


def _of_many(told: str) -> Callable[[Any], str | None]:
    return lambda value: told if isinstance(value, list | dict) else None


def _unquoted(value: str) -> str | None:
    if _DIGITS.fullmatch(value):
        return value
    return None if _DATE.fullmatch(value) else "7"


def _any(told: str) -> Callable[[Any], str | None]:
    return lambda value: told


def _extended(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return raw({**value, "zzz_unheard_of": {"a": [None, "x"]}, "": "x"})


ODDITIES: tuple[Oddity, ...] = (
    Oddity(name="a lone surrogate", put=_of_text(lambda v: raw(v)[:-1] + '\\ud83d"')),
    Oddity(name="raw controls", put=_of_text(lambda v: raw(v)[:-1] + '\t\r\n\x01"')),
    Oddity(name="emoji and rare characters", put=_of_text(lambda v: raw(v + "😀𠮷㐀"))),
    Oddity(name="very long", put=_of_text(lambda v: raw(v + "x" * 5000))),
    Oddity(name="blanks around", put=_of_text(lambda v: raw(f" {v}\u3000\n"))),
    Oddity(name="unheard of", put=_of_text(lambda v: '"zzz_unheard_of"')),
    Oddity(name="an empty text", put=_any('""'), empty=True),
    Oddity(name="null", put=_any("null"), empty=True),
    Oddity(name="an object", put=_any('{"zzz": 1}')),
    Oddity(name="a list", put=_any('["zzz"]')),
    Oddity(name="a number for a text", put=_of_text(_unquoted), moves=True),
    Oddity(name="a text for a number", put=lambda v: f'"{v}"' if _is_number(v) else None),
    Oddity(name="true", put=_any("true")),
    Oddity(name="NaN", put=lambda v: "NaN" if _is_number(v) else None),
    Oddity(name="an exponent", put=_of_number(lambda v: f"{v:E}")),
    Oddity(name="more decimals", put=_of_number(lambda v: f"{v + Decimal('0.00001'):f}")),
    Oddity(name="binary noise", put=_of_number(lambda v: f"{v - Decimal('1E-14'):f}")),
    Oddity(name="no number", put=_of_number(lambda v: "NaN")),
    Oddity(name="negative", put=_of_number(lambda v: f"{-v - 1:f}"), moves=True),
    Oddity(name="huge", put=_of_number(lambda v: "9" * 30), moves=True),
    Oddity(name="milliseconds in a text", put=_of_date('"1653696000000"'), moves=True),
    Oddity(name="milliseconds", put=_of_date("1653696000000"), moves=True),
    Oddity(name="no date", put=_of_date('"soon"')),
    Oddity(name="a zero date", put=_of_date('"0000-00-00 00:00:00"')),
    Oddity(name="text for many", put=_of_many('"zzz"')),
    Oddity(name="nothing in many", put=lambda v: "[]" if isinstance(v, list) else None, empty=True),
    Oddity(name="null in many", put=lambda v: "[null]" if isinstance(v, list) else None),
)
UNKNOWN_KEYS = Oddity(name="unknown keys", put=_extended, same=True)
TWICE = Oddity(name="twice", put=_any(""), same=True)
MARK = Oddity(name="a byte order mark", put=_any(BOM), same=True)
MISSING_KEY = Oddity(name="missing", put=_any(""), empty=True)
ROW_ODDITIES = {
    put: Oddity(name=f"{put} for a row", put=_any(put)) for put in ("null", '"zzz"', "[]", "{}")
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def opened(value: Any) -> Any:
    """JSON inside a text as what it is, any other value as it stands."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return _DECODER.decode(value)
        except msgspec.DecodeError:
            return value
    return value


def children(value: Any) -> list[tuple[str, Any]]:
    inner = opened(value)
    if isinstance(inner, dict):
        return [(name.replace("~", "~0").replace("/", "~1"), v) for name, v in inner.items()]
    return [(str(i), v) for i, v in enumerate(inner)] if isinstance(inner, list) else []


def rows_of(document: Any) -> Place | None:
    """The outermost list of objects or lists: the rows of the answer. None: it is one record."""
    level = [Place("", document)]
    while level:
        for place in level:
            inner = opened(place.value)
            if isinstance(inner, list) and inner and isinstance(inner[0], dict | list):
                return Place(place.pointer, inner)
        level = [Place(f"{p.pointer}/{k}", v) for p in level for k, v in children(p.value)]
    return None


def places(top: Place) -> Iterator[Place]:
    """Every value within a row, of a list of objects those of the first; not the row itself."""
    inner = opened(top.value)
    many = isinstance(inner, list) and all(isinstance(item, dict) for item in inner)
    for key, value in children(top.value)[: 1 if many else None]:
        place = Place(f"{top.pointer}/{key}", value)
        yield place
        yield from places(place)


def injections(text: str) -> list[Injection]:
    """What each oddity puts before an answer, at one of its rows, and at each value of that row."""
    document = _DECODER.decode(text)
    whole = rows_of(document) is None
    return [msgspec.structs.replace(one, whole=whole) for one in _injections(document)]


def _injections(document: Any) -> Iterator[Injection]:
    yield Injection(MARK, None, None, BOM)
    row, rows = _row(document)
    if rows:
        yield Injection(TWICE, row.pointer, row.value, f"{raw(row.value)},{raw(row.value)}")
        for put, oddity in ROW_ODDITIES.items():
            yield Injection(oddity, row.pointer, row.value, put)
    for place in (row, *places(row)):
        for oddity in ODDITIES if place is not row else (UNKNOWN_KEYS,):
            if (odd := oddity.put(place.value)) is not None:
                yield Injection(oddity, place.pointer, place.value, odd)
        yield from _lacking(place)


def _row(document: Any) -> tuple[Place, bool]:
    """The second row of an answer, or its only one, and whether it stands in a list."""
    rows = rows_of(document)
    if rows is None:
        return Place("", document), False
    index = min(1, len(rows.value) - 1)
    return Place(f"{rows.pointer}/{index}", rows.value[index]), True


def _lacking(place: Place) -> Iterator[Injection]:
    inner = opened(place.value)
    for key, value in inner.items() if isinstance(inner, dict) else ():
        without = raw({name: other for name, other in inner.items() if name != key})
        put = raw(without) if isinstance(place.value, str) else without
        yield Injection(MISSING_KEY, place.pointer, value, put, key, place.value)


def scalars(value: Any) -> Iterator[Any]:
    """The texts and numbers within a value."""
    inner = opened(value)
    if not isinstance(inner, dict | list):
        yield inner
    for _, child in children(value):
        yield from scalars(child)


def shown(answer: Any) -> tuple[dict[tuple[str, str], Any], dict[str, Exception]]:
    """The records of an answer by key and id, and its failures by key."""
    found: dict[tuple[str, str], Any] = {}
    failed: dict[str, Exception] = {}

    def take(key: str, value: Any, place: str = "") -> None:
        if isinstance(value, SourceError):
            failed[key] = value
        elif isinstance(value, Page):
            for index, row in enumerate(value.rows):
                take(key, row.record, str(index))
        elif isinstance(value, tuple | list) and all(isinstance(one, Record) for one in value):
            for item in value:
                take(key, item)
        elif isinstance(value, Record):
            found[key, value.native_id] = value
        else:
            found[key, place] = value

    for key, value in answer.items() if isinstance(answer, Mapping) else [("", answer)]:
        take(key, value)
    return found, failed


def _has_money(value: Any) -> bool:
    names = value.__struct_fields__ if isinstance(value, msgspec.Struct) else ()
    return any(isinstance(getattr(value, name), Money) for name in names)


def wrong(clean: Any, odd: Any, oddity: Oddity, at: str = "") -> Iterator[str]:
    """What of a record says something else than it may where one value of it is odd.

    It may lack a value, or show another text; never another amount or time, never a success.
    """
    if clean == odd or odd is None:
        return
    if isinstance(odd, Money | datetime):
        # Where one is not there, the next of several may serve.
        if not oddity.moves and not (oddity.empty and isinstance(odd, datetime)):
            yield f"{at}: {clean} became {odd}"
    elif isinstance(odd, Enum) and isinstance(clean, Enum):
        likely = clean.name in SUCCESSES or (oddity.empty and clean.name in GIVEN_BACK)
        if odd.name in SUCCESSES | GIVEN_BACK and not likely and not oddity.moves:
            yield f"{at}: {clean} became {odd}"
    elif isinstance(clean, msgspec.Struct) and isinstance(odd, msgspec.Struct):
        for name in clean.__struct_fields__:
            yield from wrong(getattr(clean, name), getattr(odd, name, None), oddity, f"{at}.{name}")
    elif isinstance(clean, tuple) and isinstance(odd, tuple):
        if len(odd) > len(clean) and any(map(_has_money, odd)):
            yield f"{at}: {len(odd)} instead of {len(clean)}"
        for one, other in zip(clean, odd, strict=False) if len(odd) == len(clean) else ():
            yield from wrong(one, other, oddity, f"{at}[]")
    elif isinstance(odd, float):
        yield f"{at}: a float"
