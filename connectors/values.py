"""One value of a row, read as text, number, money or time. What does not fit raises `Misfit`.

Rows hold what JSON holds: text, int, Decimal, bool, lists and objects; never a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.currency import MINOR_UNIT_DIGITS
from connectors.mapping import FieldMap
from connectors.money import InexactAmount, Money
from connectors.noise import settled, without_noise
from connectors.price import Price
from connectors.references import trimmed

Row = Mapping[str, Any]
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)
_EXACT = Context(prec=80)
"""Enough for every digit of a number."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SEPARATORS = re.compile("[;；,，、\r\n]")
"""What no id of a payment, refund or customer has in it, and people write between two."""
_MILLISECONDS = re.compile(r"\d{13}(\.0+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = 4_102_444_800_000
"""The end of 2099: thirteen digits that are more are no time."""
_MOST_DIGITS = 24
_LONGEST = 100
_SHOWN = 24


class Missing:
    """Stands in a row for a column that the table does not have, or that may not be read."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


class Misfit(ValueError):
    """Why a value cannot be what the mapping says; the value itself is never told."""


def at(row: Any, path: str) -> list[Any]:
    """All that stands at a path and is not empty; `[]` goes into every item of a list.

    A key that is spelled like the whole path comes first: some vendors answer flat.
    """
    if isinstance(row, dict) and path in row:
        return [] if _empty(row[path]) else [row[path]]
    head, _, rest = path.partition(".")
    name, many = (head[:-2], True) if head.endswith("[]") else (head, False)
    if not isinstance(row, dict) or name not in row:
        return []
    inner = row[name]
    values = inner if many and isinstance(inner, list) else [inner]
    if not rest:
        return [value for value in values if not _empty(value)]
    return [found for value in values for found in at(value, rest)]


def shape(value: Any) -> str:
    """What a value looks like, without saying it: `SO-1001` is `AA-9999`, `王伟` is `文文`."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, Mapping):
        return "an object"
    shown = "".join(_masked(character) for character in text(value)[:_SHOWN])
    return shown + ("..." if len(text(value)) > _SHOWN else "")


def _masked(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return ("A" if character.isupper() else "a") if character.isascii() else "文"
    return character if character.isascii() and character.isprintable() else "*"


def _check_there(value: Any) -> None:
    if value is MISSING:
        raise Misfit("the field does not exist, or may not be read")


def _empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not trimmed(value))


def words_at(row: Any, path: str) -> list[str]:
    """Every text or number that stands at a path, one by one, without blanks around it."""
    items = (i for value in at(row, path) for i in (value if isinstance(value, list) else [value]))
    plain = (i for i in items if isinstance(i, str | int | Decimal) and not isinstance(i, bool))
    return [word for item in plain if (word := trimmed(text(item)))]


def ids_in(row: Any, one: FieldMap) -> list[str]:
    """The ids that a field holds. Several in one text are separated where the mapping says by what
    (`FieldMap.split`); else such a text raises Misfit, as it would be one id that nothing has."""
    words = words_at(row, one.field)
    if one.split:
        parts = (part for word in words for part in re.split(f"[{re.escape(one.split)}]", word))
        return [word for part in parts if (word := trimmed(part))]
    if any(map(_SEPARATORS.search, words)):
        raise Misfit("it holds several ids: the mapping does not say `split`")
    return words


def text(value: Any) -> str:
    """Text as it is; numbers in digits, a whole one without decimals (systems write the id 123 as
    `123.0`); several words with semicolons."""
    _check_there(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return str(int(value)) if _is_whole(value) else format(value, "f")
    if isinstance(value, list):
        return ";".join(text(item) for item in value)
    raise Misfit("it is not a text")


def _is_whole(value: Decimal) -> bool:
    return value.is_finite() and value.adjusted() < _MOST_DIGITS and value % 1 == 0


def single(value: Any) -> str:
    """As `text`, of one value only."""
    if isinstance(value, list):
        if len(value) != 1:
            raise Misfit("it holds several values where one is meant")
        return text(value[0])
    return text(value)


def quantity(value: Any, written: FieldMap) -> Decimal:
    """As `number`, without what binary arithmetic added to it."""
    return without_noise(number(value, written))


def number(value: Any, written: FieldMap) -> Decimal:
    """A number, or the text of one with the separators that the mapping tells."""
    _check_there(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        found = Decimal(value)
        if not found.is_finite():
            raise Misfit("it is not a number")
        return found
    if not isinstance(value, str):
        raise Misfit("it is not a number")
    plain = value.strip()
    if written.thousands:
        plain = _without_groups(plain, written)
    if written.decimal != ".":
        if "." in plain:
            raise Misfit("it is not a number with the separators of the mapping")
        plain = plain.replace(written.decimal, ".")
    if not _NUMBER.fullmatch(plain):
        raise Misfit("it is not a number with the separators of the mapping")
    return Decimal(plain)


def _without_groups(plain: str, written: FieldMap) -> str:
    """Groups are of three digits (four in the Chinese manner), else it is another notation."""
    whole, point, fraction = plain.partition(written.decimal)
    first, *others = whole.lstrip("+-").split(written.thousands)
    sizes = {len(group) for group in others}
    size = max(sizes, default=3)
    right = sizes <= {3} or sizes <= {4}
    if others and (not right or not 0 < len(first) <= size or first.startswith("0")):
        raise Misfit("it is not a number with the separators of the mapping")
    if written.thousands in fraction:
        raise Misfit("it is not a number with the separators of the mapping")
    return whole.replace(written.thousands, "") + point + fraction


def money(value: Any, written: FieldMap, currency: str) -> Money:
    """In minor units of `currency`, without binary noise (`noise.CLOSE`). No rounding beyond that:
    an amount that does not fit is a misfit."""
    amount = number(value, written)
    if currency not in MINOR_UNIT_DIGITS:
        raise Misfit("its currency is not one of ISO 4217")
    digits = MINOR_UNIT_DIGITS[currency]
    try:
        minor = amount if written.unit == "minor" else amount.scaleb(digits, _EXACT)
        return Money.of(settled(minor).scaleb(-digits, _EXACT), currency)
    except (InexactAmount, ArithmeticError):
        raise Misfit("it has more decimals than its currency, or is too large") from None


def price(value: Any, written: FieldMap, currency: str) -> Price:
    """As `money`, with as many decimals as there are."""
    amount = quantity(value, written)
    try:
        if written.unit == "minor":
            amount = amount.scaleb(-MINOR_UNIT_DIGITS[currency], _EXACT)
        return Price.of(amount, currency)
    except (InexactAmount, ArithmeticError):
        raise Misfit("it has too many digits") from None


def moment(value: Any, zone: str | None) -> datetime:
    """ISO 8601 with any number of decimals, cut to microseconds, or milliseconds since 1970, as a
    number or as a text of thirteen digits (2001 to 2099); aware UTC.

    A time without a zone is read in `zone`, and is a misfit where there is none; a date is its
    midnight there, or in UTC.
    """
    _check_there(value)
    if isinstance(value, Decimal) and _is_whole(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _since_1970(value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise Misfit("it is not a time")
    written = value.strip()
    if _MILLISECONDS.fullmatch(written) and int(written[:13]) < _LAST_MILLISECOND:
        return _since_1970(int(written[:13]))
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise Misfit("it is not a time") from None
    if found.tzinfo is None:
        if zone is None and not _DATE.fullmatch(written):
            raise Misfit("it is a time without a zone, and the mapping has none")
        found = found.replace(tzinfo=ZoneInfo(zone) if zone is not None else UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise Misfit("it is not a time") from None


def _since_1970(milliseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise Misfit("it is not a time") from None
