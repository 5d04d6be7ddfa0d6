"""The search query language. https://docs.stripe.com/search"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.stripe.errors import StripeError, invalid

MOST_CLAUSES = 10
SHORTEST_SUBSTRING = 3
STRING, TOKEN, NUMBER = "string", "token", "numeric"
CARD = "payment_method_details.card."
# Object type: what can be searched for. Tokens match whole, strings may match in part.
FIELDS: dict[str, dict[str, str]] = {
    "customer": {
        "created": NUMBER,
        "email": STRING,
        "name": STRING,
        "phone": STRING,
    },
    "payment_intent": {
        "amount": NUMBER,
        "created": NUMBER,
        "currency": TOKEN,
        "customer": TOKEN,
        "status": TOKEN,
    },
    "charge": {
        "amount": NUMBER,
        "billing_details.address.postal_code": TOKEN,
        "created": NUMBER,
        "currency": TOKEN,
        "customer": TOKEN,
        "disputed": TOKEN,
        "refunded": TOKEN,
        "status": TOKEN,
        CARD + "last4": TOKEN,
        CARD + "brand": TOKEN,
        CARD + "exp_month": NUMBER,
        CARD + "exp_year": NUMBER,
        CARD + "fingerprint": TOKEN,
    },
}
TOKENS = re.compile(
    r"""\s*(?:
      (?P<word>AND|OR)(?=\s)
    | (?P<minus>-)?
      (?P<field>metadata\[(?:"(?P<key>(?:[^"\\]|\\.)+)"|'(?P<key1>(?:[^'\\]|\\.)+)')\]|[a-z_0-9.]+)
      \s*(?P<op>:|~|>=|<=|>|<)\s*
      (?:"(?P<text>(?:[^"\\]|\\.)*)"|'(?P<text1>(?:[^'\\]|\\.)*)'|(?P<bare>[A-Za-z0-9_.+-]+))
      (?=\s|$)
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. `value` is lower case; None asks for absence."""

    field: str
    operator: str
    value: str | None
    negated: bool
    kind: str

    @property
    def metadata_key(self) -> str | None:
        return self.field[9:] if self.field.startswith("metadata.") else None


@dataclass(frozen=True, slots=True)
class Query:
    clauses: tuple[Clause, ...]
    any_of: bool  # joined by OR


def parse(text: str, noun: str) -> Query:
    """The query, or Stripe's 400."""
    clauses: list[Clause] = []
    joiners: set[str] = set()
    expects_clause = True
    position = 0
    while position < len(text.rstrip()):
        match = TOKENS.match(text, position)
        if match is None:
            raise malformed(text, position)
        position = match.end()
        if match["word"]:
            if expects_clause:
                raise malformed(text, match.start())
            joiners.add(match["word"].upper())
            expects_clause = True
            continue
        if not expects_clause:
            joiners.add("AND")  # clauses that only a space separates
        clauses.append(clause(match, noun))
        expects_clause = False
    if expects_clause:
        raise malformed(text, len(text))
    return joined(clauses, joiners)


def joined(clauses: list[Clause], joiners: set[str]) -> Query:
    if len(joiners) > 1:
        raise bad_query("You cannot mix AND and OR in the same query.")
    if len(clauses) > MOST_CLAUSES:
        raise bad_query(f"The query has too many clauses: at most {MOST_CLAUSES} are allowed.")
    return Query(tuple(clauses), "OR" in joiners)


def malformed(text: str, position: int) -> StripeError:
    near = text[position : position + 20].strip() or "end of query"
    return bad_query(f"We were unable to parse your search query near `{near}`.")


def bad_query(message: str) -> StripeError:
    see = "See https://stripe.com/docs/search#search-query-language for how to write one."
    return invalid(f"{message} {see}", "query")


def clause(match: re.Match[str], noun: str) -> Clause:
    key = match["key"] or match["key1"]
    field = f"metadata.{unquoted(key)}" if key else match["field"].lower()
    kind = TOKEN if key else FIELDS[noun].get(field)
    if kind is None:
        raise unsupported(field, noun)
    bare = match["bare"]
    quoted = match["text"] if match["text"] is not None else match["text1"]
    value = value_of(field, kind, bare, quoted)
    check_operator(field, kind, match["op"], value)
    return Clause(field, match["op"], value, bool(match["minus"]), kind)


def unsupported(field: str, noun: str) -> StripeError:
    plural = f"{noun}s"
    anchor = plural.replace("_", "-")
    return invalid(
        f"Field `{field}` is an unsupported search field for resource `{plural}`. See "
        f"https://stripe.com/docs/search#query-fields-for-{anchor} for a list of supported fields.",
        "query",
    )


def value_of(field: str, kind: str, bare: str | None, quoted: str | None) -> str | None:
    """Strings stand in quotes; numbers, booleans and null may stand bare."""
    if quoted is not None:
        value = unquoted(quoted).lower()
    elif bare is not None and bare.lower() == "null":
        return None
    elif kind == NUMBER or (bare or "").lower() in ("true", "false"):
        value = (bare or "").lower()
    else:
        raise bad_query(f"The value of `{field}` must be in quotes.")
    if kind == NUMBER and not re.fullmatch(r"-?\d{1,18}", value):
        raise bad_query(f"The value of `{field}` must be a number.")
    return value


def check_operator(field: str, kind: str, operator: str, value: str | None) -> None:
    if operator == "~":
        if kind != STRING:
            raise bad_query(f"Field `{field}` does not support substring matching.")
        if value is None or len(value) < SHORTEST_SUBSTRING:
            raise bad_query(f"Substring matches need at least {SHORTEST_SUBSTRING} characters.")
    elif operator != ":" and (kind != NUMBER or value is None):
        raise bad_query(f"Field `{field}` does not support the operator `{operator}`.")


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
