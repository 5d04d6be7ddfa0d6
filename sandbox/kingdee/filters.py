"""Galaxy's filter language: comparisons of fields with literals, `and`, `or` and parentheses.

Texts are compared without case, as the usual collation of its database does. A text that is no
number cannot be compared with a field of numbers: the whole query fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.kingdee.errors import Refusal

TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | \{ts\s*(?P<moment>'[^']*')\}
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_]\w*(?:\.\w+)*)
      | (?P<sign><>|>=|<=|[=<>(),])
    )""",
    re.VERBOSE,
)
MOST_VALUES = 1000
MOST_DEPTH = 50
Row = Any
Get = Callable[[Row], Any]
Test = Callable[[Row], bool]
Column = Callable[[str], Get]
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}


def parsed(text: str, column: Column) -> Test:
    """The test of a FilterString; `column` finds a field, or raises for one that is not there."""
    if not text.strip():
        return lambda row: True
    parser = Parser(text, column)
    test = parser.either(0)
    if parser.tokens:
        raise bad()
    return test


def bad() -> Refusal:
    return Refusal(4, "过滤条件语法错误")


def tokens_of(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise bad()
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class Parser:
    """One pass over the tokens, from left to right."""

    def __init__(self, text: str, column: Column) -> None:
        self.tokens = tokens_of(text)[::-1]
        self.column = column

    def either(self, depth: int) -> Test:
        tests = [self.both(depth)]
        while self.took("or"):
            tests.append(self.both(depth))
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def both(self, depth: int) -> Test:
        tests = [self.one(depth)]
        while self.took("and"):
            tests.append(self.one(depth))
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def one(self, depth: int) -> Test:
        if depth > MOST_DEPTH:
            raise bad()
        if self.took("("):
            test = self.either(depth + 1)
            self.must(")")
            return test
        kind, name = self.next()
        if kind != "word":
            raise bad()
        return self.comparison(self.column(name))

    def comparison(self, get: Get) -> Test:
        kind, sign = self.next()
        word = sign.casefold()
        if kind == "sign" and sign in COMPARED:
            return compared(get, COMPARED[sign], self.literal())
        if word == "in":
            return self.among(get)
        if word == "like":
            return like(get, str(self.literal()))
        if word == "is":
            wanted = not self.took("not")
            self.must("null")
            return lambda row: (get(row) is None) == wanted
        raise bad()

    def among(self, get: Get) -> Test:
        self.must("(")
        values = [self.literal()]
        while self.took(","):
            values.append(self.literal())
        self.must(")")
        if len(values) > MOST_VALUES:
            raise Refusal(6, "IN 列表的表达式数目超过最大值 1000")
        folded: dict[bool, set[Any]] = {}

        def test(row: Row) -> bool:
            value = get(row)
            if value is None:
                return False
            number = is_number(value)
            if number not in folded:
                folded[number] = {alike(value, one)[1] for one in values}
            return alike(value, values[0])[0] in folded[number]

        return test

    def literal(self) -> Any:
        kind, text = self.next()
        if kind in ("text", "moment"):
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return Decimal(text)
        raise bad()

    def next(self) -> tuple[str, str]:
        if not self.tokens:
            raise bad()
        return self.tokens.pop()

    def took(self, word: str) -> bool:
        if self.tokens and self.tokens[-1][0] != "text" and self.tokens[-1][1].casefold() == word:
            self.tokens.pop()
            return True
        return False

    def must(self, word: str) -> None:
        if not self.took(word):
            raise bad()


def compared(get: Get, how: Callable[[Any, Any], bool], literal: Any) -> Test:
    def test(row: Row) -> bool:
        value = get(row)
        return value is not None and how(*alike(value, literal))

    return test


def like(get: Get, pattern: str) -> Test:
    inner = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in pattern.casefold())
    expression = re.compile(inner, re.DOTALL)
    return lambda row: expression.fullmatch(str(get(row) or "").casefold()) is not None


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal)


def alike(value: Any, literal: Any) -> tuple[Any, Any]:
    """Both as numbers, as times or as texts, as the field's type demands."""
    if is_number(value):
        try:
            return Decimal(value), Decimal(literal)
        except InvalidOperation:
            raise Refusal(6, "将数据类型 nvarchar 转换为 bigint 时出错") from None
    if isinstance(value, datetime):
        try:
            return value, datetime.fromisoformat(str(literal))
        except ValueError:
            raise Refusal(6, "从字符串转换日期和/或时间时失败") from None
    return str(value).casefold(), str(literal).casefold()
