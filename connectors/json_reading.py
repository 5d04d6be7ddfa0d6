"""JSON of vendors: read strictly first, and only where that fails with leave for common faults.

What the second reading accepts, beyond RFC 8259: a byte order mark (section 8.1), bytes that are
not UTF-8 and lone surrogates (8.2), both read as U+FFFD; control characters inside a string, kept;
NaN and Infinity, read as those words, so that they are no number; a whole number with an exponent
where an int is meant. Of a name that comes twice the last one counts in both readings (section 4).
What is cut off, or is no JSON otherwise, is refused by both.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TypeVar

import msgspec

T = TypeVar("T")
BOM = "\ufeff"
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+"'  # a string
    r"|-?(?:NaN|Infinity)"
    r"|-?[0-9]++(?:\.[0-9]++)?[eE][+-]?[0-9]{1,3}+"
    f"|{BOM}",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\."
)
_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x20)}
_MOST_DIGITS = 30
_MARK = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]', re.DOTALL)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_OTHER_TYPE = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")


def read(decoder: msgspec.json.Decoder[T], text: bytes | msgspec.Raw | str) -> T:
    """The decoder's value. Raises msgspec.ValidationError for JSON of another shape, and
    msgspec.DecodeError, its parent, for what is no JSON in either reading.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        if "got `float`" not in str(error):
            raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        raise msgspec.DecodeError("nested too deeply") from None
    try:
        return decoder.decode(mended(text))
    except RecursionError:
        raise msgspec.DecodeError("nested too deeply") from None


def mended(text: bytes | msgspec.Raw | str) -> str:
    """The same JSON without the faults that this module's first lines name."""
    plain = text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")
    return _TOKEN.sub(_mended_token, plain)


def members(text: str) -> dict[str, str]:
    """The members of a JSON object, each value as it is written: signatures are over that text.

    Raises msgspec.DecodeError for what is no JSON object in the second reading either.
    """
    read(_OBJECT, text)
    found: dict[str, str] = {}
    depth, start, name, string = 0, 0, "", ""
    for match in _MARK.finditer(text):
        mark = match.group()
        depth += (mark in "{[") - (mark in "}]")
        if mark[0] == '"':
            string = mark
        elif mark == ":" and depth == 1:
            name, start = read(_STRING, string), match.end()
        elif start and depth == (mark == ",") and mark in ",}":
            found[name] = text[start : match.start()].strip()
    return found


def misfit(error: msgspec.ValidationError) -> str:
    """Where and why JSON does not fit: `$.data[0].amount`, the name of a key that is missing, the
    types where the whole is of another one. Never its values, which msgspec's messages may hold.
    """
    reason, _, place = str(error).partition(" - at `")
    where = (
        f"the answer does not fit at {place.rstrip('`')}" if place else "the answer does not fit"
    )
    if missing := _MISSING.fullmatch(reason):
        return f"{where}: {missing[1]} is missing"
    if not place and (other := _OTHER_TYPE.fullmatch(reason)):
        return f"{where}: it is {other[2]}, not {other[1]}"
    return where


def _mended_token(found: re.Match[str]) -> str:
    part = found.group()
    if part[0] == '"':
        part = _ESCAPE.sub(_mended_escape, part) if "\\u" in part else part
        return part if part.isprintable() else part.translate(_CONTROLS)
    if part == BOM:
        return ""
    return f'"{part}"' if part[-1].isalpha() else _whole(part)


def _mended_escape(found: re.Match[str]) -> str:
    return "\\ufffd" if found["lone"] else found.group()


def _whole(written: str) -> str:
    """`1E3` as `1000`; a number that is not whole, or very long, as it is."""
    number = Decimal(written)
    exact = number.adjusted() < _MOST_DIGITS and number == number.to_integral_value()
    return format(number, "f").partition(".")[0] if exact else written
