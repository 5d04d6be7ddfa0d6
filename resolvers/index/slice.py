"""A page of entries, as a query of SQL."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import ColumnElement, and_, or_

from connectors.filters import MoneyRange, TimeRange
from resolvers.index.entries import entry_table, stamp


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A page of entries, newest first, behind the place (created_at, native_id) `after`.

    None is "any". Entries without an amount fit every amount: the record itself will tell.
    """

    first: int
    after: tuple[int, str] | None = None
    created_at: TimeRange | None = None
    references: tuple[str, ...] | None = None
    payments: tuple[str, ...] | None = None
    amount: MoneyRange | None = None


def conditions(wanted: Slice) -> Iterable[ColumnElement[bool]]:
    c = entry_table.c
    if wanted.after is not None:
        when, native_id = wanted.after
        later = and_(c.created_at == when, c.native_id < native_id)
        yield or_(c.created_at < when, later)
    if (times := wanted.created_at) is not None:
        # Kept in whole milliseconds: a little more is read, and the record decides.
        for bound in filter(None, (times.gte, times.gt)):
            yield c.created_at >= stamp(bound)
        for bound in filter(None, (times.lte, times.lt)):
            yield c.created_at <= stamp(bound)
    if wanted.references is not None:
        yield or_(c.reference.in_(wanted.references), c.reference.is_(None))
    if wanted.payments is not None:
        yield c.payment.in_(wanted.payments)
    if (amount := wanted.amount) is not None:
        yield or_(c.amount.is_(None), and_(*_bounds(amount)))


def _bounds(amount: MoneyRange) -> Iterable[ColumnElement[bool]]:
    yield entry_table.c.currency == amount.currency
    column = entry_table.c.amount
    for bound, compare in (
        (amount.gte, column.__ge__),
        (amount.gt, column.__gt__),
        (amount.lte, column.__le__),
        (amount.lt, column.__lt__),
    ):
        if bound is not None:
            yield compare(bound)
