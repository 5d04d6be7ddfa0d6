"""A query's condition as a test of one record, and the records worth testing."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.schema import IDS
from sandbox.salesforce.scope import Column, Scope
from sandbox.salesforce.syntax import And, Comparison, Condition, Not
from sandbox.salesforce.table import Row, key_of, same
from sandbox.salesforce.tokens import pattern

Test = Callable[[Row], bool]
INEQUALITIES: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EQUALITIES = frozenset({"=", "IN"})


def test(condition: Condition | None, scope: Scope) -> Test | None:
    """Whether a record meets the condition; None when every record does."""
    return None if condition is None else compiled(condition, scope)


def compiled(condition: Condition, scope: Scope) -> Test:
    if isinstance(condition, Comparison):
        return comparison(condition, scope)
    if isinstance(condition, Not):
        inner = compiled(condition.part, scope)
        return lambda row: not inner(row)
    parts = [compiled(part, scope) for part in condition.parts]
    return reduce(both if isinstance(condition, And) else either, parts)


def both(left: Test, right: Test) -> Test:
    return lambda row: left(row) and right(row)


def either(left: Test, right: Test) -> Test:
    return lambda row: left(row) or right(row)


def comparison(node: Comparison, scope: Scope) -> Test:
    column = scope.filterable(node.path, "filtered")
    if node.operator == "LIKE":
        return like(node, column, scope)
    values = [scope.value(column.field, literal, node.path) for literal in node.values]
    if node.operator in INEQUALITIES:
        return inequality(INEQUALITIES[node.operator], column, values[0])
    return membership(column, values, wanted=node.operator in EQUALITIES)


def like(node: Comparison, column: Column, scope: Scope) -> Test:
    scope.value(column.field, node.values[0], node.path)
    if column.field.type in IDS:
        raise ApiError(
            400,
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
            (column.field.name,),
        )
    match, get = pattern(node.values[0].text).match, column.get

    def test(row: Row) -> bool:
        value = get(row)
        return value is not None and match(value) is not None

    return test


def inequality(compare: Callable[[Any, Any], bool], column: Column, bound: Any) -> Test:
    """An order comparison; a null on either side is never met."""
    get, key = column.get, key_of(column.field)

    def test(row: Row) -> bool:
        value = get(row)
        return value is not None and bound is not None and compare(key(value), bound)

    return test


def membership(column: Column, values: list[Any], wanted: bool) -> Test:
    get, key = column.get, key_of(column.field)
    if len(values) == 1 and key is same:
        only = values[0]
        if wanted:
            return lambda row: bool(get(row) == only)
        return lambda row: bool(get(row) != only)
    among = frozenset(values)
    return lambda row: (key(get(row)) in among) is wanted


def candidates(condition: Condition | None, scope: Scope) -> list[Row] | None:
    """The only records that can meet the condition, when an index can tell; else None."""
    if isinstance(condition, Comparison):
        return looked_up(condition, scope)
    if condition is None or isinstance(condition, Not):
        return None
    found = [candidates(part, scope) for part in condition.parts]
    known = [rows for rows in found if rows is not None]
    if isinstance(condition, And):
        return min(known, key=len) if known else None
    if len(known) < len(found):
        return None
    return list({id(row): row for rows in known for row in rows}.values())


def looked_up(node: Comparison, scope: Scope) -> list[Row] | None:
    if node.operator not in EQUALITIES:
        return None
    column = scope.filterable(node.path, "filtered")
    if not column.direct:
        return None
    index = scope.table.index(column.field)
    values = dict.fromkeys(scope.value(column.field, v, node.path) for v in node.values)
    return [row for value in values for row in index.get(value, ())]
