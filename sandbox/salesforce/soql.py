"""The SOQL parser: a statement's text to its tree."""

from __future__ import annotations

from sandbox.salesforce.errors import ApiError, at, malformed
from sandbox.salesforce.syntax import (
    And,
    Comparison,
    Condition,
    Literal,
    Not,
    Or,
    Ordering,
    Path,
    Select,
)
from sandbox.salesforce.tokens import Token, checked, tokens

OPERATORS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">=", "LIKE", "IN", "NOT"})
RESERVED = frozenset({"FROM", "WHERE", "ORDER", "LIMIT", "OFFSET", "AND", "OR", "SELECT"})
WORD_LITERALS = {"TRUE": "boolean", "FALSE": "boolean", "NULL": "null"}
LITERALS = frozenset({"string", "number", "date", "datetime"})
MAX_OFFSET = 2_000


def parse(soql: str) -> Select:
    """The statement's tree, or MALFORMED_QUERY with the place where it stops making sense."""
    parser = Parser(soql)
    select = parser.select(child=False)
    if parser.current.kind != "end":
        raise parser.unexpected()
    return select


class Parser:
    """One reading of one statement, left to right, a word ahead."""

    def __init__(self, soql: str) -> None:
        self.soql = soql
        self.tokens = tokens(soql)
        self.index = 0

    @property
    def current(self) -> Token:
        return self.tokens[self.index]

    @property
    def word(self) -> str:
        """The current word in upper case: keywords are not case-sensitive."""
        token = self.current
        return "" if token.kind == "string" else token.text.upper()

    def unexpected(self) -> ApiError:
        token = self.current
        shown = "<EOF>" if token.kind == "end" else token.text
        return malformed(self.soql, token.position, f"unexpected token: '{shown}'")

    def advance(self) -> Token:
        token = self.current
        self.index += 1
        return token

    def accept(self, *words: str) -> bool:
        """Step over these words when they come next."""
        ahead = self.tokens[self.index : self.index + len(words)]
        if [t.text.upper() for t in ahead if t.kind != "string"] != list(words):
            return False
        self.index += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise self.unexpected()

    def path(self) -> Path:
        if self.current.kind != "name" or (self.word in RESERVED and not self.names_order()):
            raise self.unexpected()
        token = self.advance()
        return Path(tuple(token.text.split(".")), token.position)

    def names_order(self) -> bool:
        """ORDER is a keyword before BY, and an object elsewhere."""
        following = self.tokens[self.index + 1] if self.current.kind != "end" else self.current
        return self.word == "ORDER" and following.text.upper() != "BY"

    def select(self, child: bool) -> Select:
        self.expect("SELECT")
        counts = not child and self.accept("COUNT", "(", ")")
        columns = () if counts else self.columns()
        self.expect("FROM")
        source = self.path()
        alias = self.alias()
        where = self.condition() if self.accept("WHERE") else None
        order = self.ordering() if self.accept("ORDER", "BY") else ()
        limit = self.integer() if self.accept("LIMIT") else None
        offset = self.offset() if self.accept("OFFSET") else 0
        return Select(columns, source, alias, where, order, limit, offset, counts)

    def columns(self) -> tuple[Path | Select, ...]:
        found = [self.column()]
        while self.accept(","):
            found.append(self.column())
        return tuple(found)

    def column(self) -> Path | Select:
        if not self.accept("("):
            return self.path()
        select = self.select(child=True)
        self.expect(")")
        return select

    def alias(self) -> str | None:
        self.accept("AS")
        if self.current.kind != "name" or self.word in RESERVED or "." in self.current.text:
            return None
        return self.advance().text

    def condition(self) -> Condition:
        """Parts joined by AND or by OR; the two may only mix through parentheses."""
        first = self.part()
        joiner = self.word if self.word in ("AND", "OR") else None
        if joiner is None:
            return first
        parts = [first]
        while self.accept(joiner):
            parts.append(self.part())
        if self.word in ("AND", "OR"):
            raise self.unexpected()
        return And(tuple(parts)) if joiner == "AND" else Or(tuple(parts))

    def part(self) -> Condition:
        if self.accept("NOT"):
            return Not(self.part())
        if self.accept("("):
            inside = self.condition()
            self.expect(")")
            return inside
        return self.comparison()

    def comparison(self) -> Comparison:
        path = self.path()
        if self.word not in OPERATORS:
            raise self.unexpected()
        operator = self.advance().text.upper()
        if operator == "NOT":
            self.expect("IN")
            operator = "NOT IN"
        if operator == "<>":
            operator = "!="
        values = self.literals() if operator.endswith("IN") else (self.literal(),)
        return Comparison(path, operator, values)

    def literals(self) -> tuple[Literal, ...]:
        self.expect("(")
        found = [self.literal()]
        while self.accept(","):
            found.append(self.literal())
        self.expect(")")
        return tuple(found)

    def literal(self) -> Literal:
        token = self.current
        kind = token.kind if token.kind in LITERALS else WORD_LITERALS.get(self.word)
        if kind is None:
            raise self.unexpected()
        if kind == "string":
            checked(self.soql, token)
        self.advance()
        return Literal(kind, token.text, token.position)

    def ordering(self) -> tuple[Ordering, ...]:
        found = [self.ordered()]
        while self.accept(","):
            found.append(self.ordered())
        return tuple(found)

    def ordered(self) -> Ordering:
        path = self.path()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        last = self.accept("NULLS", "LAST")
        if not last:
            self.accept("NULLS", "FIRST")
        return Ordering(path, descending, last)

    def integer(self) -> int:
        if self.current.kind != "number" or not self.current.text.isdigit():
            raise self.unexpected()
        return int(self.advance().text)

    def offset(self) -> int:
        position = self.current.position
        number = self.integer()
        if number > MAX_OFFSET:
            text = at(self.soql, position, f"SOQL offset should be between 0 to {MAX_OFFSET}")
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", text)
        return number
