"""Search: a query run over what the search index has seen so far."""

from __future__ import annotations

import base64
import hashlib
import operator
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.stripe import params as read
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.expand import expanded, plan
from sandbox.stripe.params import Params
from sandbox.stripe.query import NUMBER, Clause, Query, parse
from sandbox.stripe.store import Store
from sandbox.stripe.table import Row, Table, row_key

Object = dict[str, Any]
PARAMETERS = ("query", "limit", "page", "expand")
MOST_COUNTED = 10_000
NUMERIC: dict[str, Callable[[int, int], bool]] = {
    ":": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def search(store: Store, noun: str, params: Params, now: float) -> Object:
    """`GET /v1/<noun>s/search`, which accounts in some countries do not have."""
    if "search" in store.account.lacks:
        raise StripeError(400, "The search feature is temporarily unavailable in your region.")
    read.only(params, PARAMETERS)
    text = read.required(params, "query")
    limit = read.limit(params)
    paths = read.expansions(params)
    tree = plan(store, [path for path in paths if path != "total_count"], noun, in_list=True)
    table = store.tables[noun]
    rows = found(table, parse(text, noun), now)
    start = opened(read.text(params, "page"), text, rows)
    shown = rows[start : start + limit]
    more = len(rows) > start + limit
    result = {
        "object": "search_result",
        "data": [expanded(store, row.object, tree) for row in shown],
        "has_more": more,
        "next_page": sealed(text, shown[-1]) if more else None,
        "url": f"{table.url}/search",
    }
    counted = {"total_count": min(len(rows), MOST_COUNTED)} if "total_count" in paths else {}
    return result | counted


def found(table: Table, query: Query, now: float) -> list[Row]:
    """Matching rows, newest first; what was written a moment ago is not seen yet."""
    test = any if query.any_of else all
    rows = [
        row
        for row in candidates(table, query)
        if row.searchable_at <= now and test(matches(row.object, c) for c in query.clauses)
    ]
    return sorted(rows, key=row_key, reverse=True)


def candidates(table: Table, query: Query) -> Iterable[Row]:
    """Rows that can match, from the index of words where the query allows."""
    looked_up = [table.words.get((c.field, c.value or ""), []) for c in query.clauses if exact(c)]
    if query.any_of and len(looked_up) == len(query.clauses):
        return {row.key: row for rows in looked_up for row in rows}.values()
    if not query.any_of and looked_up:
        return min(looked_up, key=len)
    return table.rows


def exact(clause: Clause) -> bool:
    indexed = clause.metadata_key is not None or clause.field == "customer"
    return indexed and clause.value is not None and not clause.negated


def matches(obj: Object, clause: Clause) -> bool:
    return holds(value_at(obj, clause), clause) is not clause.negated


def value_at(obj: Object, clause: Clause) -> Any:
    if clause.metadata_key is not None:
        return obj["metadata"].get(clause.metadata_key)
    value: Any = obj
    for part in clause.field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def holds(value: Any, clause: Clause) -> bool:
    if clause.value is None:
        return value is None
    if value is None:
        return False
    if clause.kind == NUMBER:
        return NUMERIC[clause.operator](value, int(clause.value))
    shown = str(value).lower()
    return clause.value in shown if clause.operator == "~" else shown == clause.value


def sealed(text: str, row: Row) -> str:
    """An opaque page: the last row shown, tied to its query."""
    raw = f"{fingerprint(text)}:{row.created}:{row.sequence}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def opened(page: str | None, text: str, rows: list[Row]) -> int:
    """Where the page begins among the rows, newest first."""
    if page is None:
        return 0
    try:
        raw = base64.urlsafe_b64decode(page + "=" * (-len(page) % 4)).decode()
        seal, created, sequence = raw.split(":")
        key = int(created), int(sequence)
    except ValueError as error:
        raise invalid("Invalid page token.", "page") from error
    if seal != fingerprint(text):
        raise invalid("The page token belongs to another query.", "page")
    return sum(row.key >= key for row in rows)
