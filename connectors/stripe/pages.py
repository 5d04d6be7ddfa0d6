"""Pages of records from lists and searches, each row with the token to resume after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from connectors.errors import NotFound, SourceError
from connectors.paging import BadCursor, Page, PageQuery, Row
from connectors.records import Record
from connectors.stripe.api import MOST, Api, Batch, Read, Resource
from connectors.stripe.cursor import list_place, list_token, search_place, search_token
from connectors.stripe.errors import CursorRejected, SearchUnavailable
from connectors.stripe.search import Plan

T = TypeVar("T")
R = TypeVar("R")
Rec = TypeVar("Rec", bound=Record)
Make = Callable[[list[T]], Awaitable[list[R | SourceError]]]
"""Records of objects, one for each in the same order."""
Found = tuple[Sequence[Read[T]], list[str], bool]
"""Rows, their tokens, and whether more follow."""


async def each(rows: Sequence[Read[T]], make: Make[T, R]) -> list[R | SourceError]:
    """Records of the rows that fit, made together; the others keep their error and place."""
    made = iter(await make([r.object for r in rows if not isinstance(r.object, SourceError)]))
    return [r.object if isinstance(r.object, SourceError) else next(made) for r in rows]


def whole(made: Sequence[R | SourceError]) -> tuple[R, ...]:
    """All of them; a list that lacks one would look complete, so its error is raised."""
    for record in made:
        if isinstance(record, SourceError):
            raise record
    return tuple(record for record in made if not isinstance(record, SourceError))


async def page(
    api: Api, kind: Resource[T], plan: Plan, query: PageQuery[Any], make: Make[T, Rec]
) -> Page[Rec]:
    """One page of what the plan finds. NotFound where the plan names what does not exist.

    A row that makes no record (NotFound) is left out; a page of such rows is read past.
    """
    asked = query
    while True:
        try:
            rows, tokens, more = await _found(api, kind, plan, asked)
        except CursorRejected:
            raise BadCursor("the row to resume after is gone") from None
        made = await each(rows, make)
        placed = zip(made, tokens, strict=True)
        shown = tuple(Row(one, after) for one, after in placed if not isinstance(one, NotFound))
        if shown or not more:
            return Page(shown[: query.first], more or len(shown) > query.first)
        asked = msgspec.structs.replace(query, after=tokens[-1], first=MOST)


async def _found(api: Api, kind: Resource[T], plan: Plan, query: PageQuery[Any]) -> Found[T]:
    """By search where the plan has one; by the plan's list where the account has no search."""
    if plan.query is not None and api.searchable:
        try:
            return await _search_page(api, kind, plan, query)
        except SearchUnavailable:
            """The list serves instead."""
    return await _list_page(api, kind, plan, query)


async def _list_page(api: Api, kind: Resource[T], plan: Plan, query: PageQuery[Any]) -> Found[T]:
    after = () if query.after is None else (("starting_after", list_place(query.after)),)
    batch = await api.listed(kind, (*plan.params, *after), min(query.first, MOST))
    return batch.rows, [list_token(row.id) for row in batch.rows], batch.more


async def _search_page(api: Api, kind: Resource[T], plan: Plan, query: PageQuery[Any]) -> Found[T]:
    """The page of the row to resume after is asked for whole, for it may have been cut before."""
    text = plan.query or ""
    at, through = ("", "") if query.after is None else search_place(query.after)
    batch = await api.searched(kind, text, at, MOST if through else min(query.first, MOST))
    rows = _past(batch, through) if through else batch.rows
    if not rows and batch.more:
        at = batch.next_page or ""
        batch = await api.searched(kind, text, at, min(query.first, MOST))
        rows = batch.rows
    shown = rows[: query.first]
    tokens = [search_token(at, row.id) for row in shown]
    if tokens and batch.more and len(shown) == len(rows):
        tokens[-1] = search_token(batch.next_page or "", "")
    return shown, tokens, batch.more or len(shown) < len(rows)


def _past(batch: Batch[T], native_id: str) -> Sequence[Read[T]]:
    ids = [row.id for row in batch.rows]
    if native_id not in ids:
        raise BadCursor("the row to resume after is not on its page any more")
    return batch.rows[ids.index(native_id) + 1 :]
