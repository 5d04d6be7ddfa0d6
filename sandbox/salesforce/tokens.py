"""The words of a SOQL statement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.salesforce.errors import ApiError, malformed

MAX_STATEMENT = 100_000
MAX_STRING = 4_000
ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "'": "'",
    '"': '"',
    "\\": "\\",
    "_": "_",
    "%": "%",
}
WORDS = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d(?![\dT]))
    | (?P<number>[+-]?\d+(?:\.\d+)?(?![\w.:-]))
    | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
    | (?P<symbol><=|>=|!=|<>|[=<>(),])
    | (?P<end>\Z)
    | (?P<strange>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
PIECE = re.compile(r"\\(.)|([^\\]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    position: int


def tokens(soql: str) -> list[Token]:
    """Every word in order, with one of kind `end` last."""
    if len(soql) > MAX_STATEMENT:
        raise ApiError(
            400, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100,000 characters."
        )
    found = []
    for match in WORDS.finditer(soql):
        kind = match.lastgroup or "end"
        token = Token(kind, match[kind], match.start(kind))
        if kind == "strange":
            raise malformed(soql, token.position, f"line 1: no viable character '{token.text}'")
        found.append(token)
        if kind == "end":
            break
    return found


def checked(soql: str, token: Token) -> Token:
    """A string token whose length and escapes the API accepts."""
    if len(token.text) - 2 > MAX_STRING:
        raise malformed(
            soql, token.position, "String literal is longer than the maximum of 4000 characters."
        )
    for match in PIECE.finditer(token.text):
        if match[1] is not None and match[1] not in ESCAPES:
            text = f"Invalid string literal {token.text}. Illegal character sequence '{match[0]}'"
            raise malformed(soql, token.position, f"{text} in string literal.")
    return token


def unquoted(text: str) -> str:
    """The characters that a string literal stands for."""
    return PIECE.sub(lambda m: m[2] if m[1] is None else ESCAPES[m[1]], text[1:-1])


def pattern(text: str) -> re.Pattern[str]:
    """What a LIKE literal matches: % is any text and _ any character, unless escaped."""
    wild = {"%": ".*", "_": "."}
    parts = []
    for match in PIECE.finditer(text[1:-1]):
        if match[1] is not None:
            parts.append(re.escape(ESCAPES[match[1]]))
        else:
            parts.extend(wild.get(char) or re.escape(char) for char in match[2])
    return re.compile("".join(parts) + r"\Z", re.IGNORECASE | re.DOTALL)
