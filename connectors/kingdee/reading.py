"""Rows of one kind of form, page by page, without the fields that the form does not have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.errors import Malformed, Misconfigured
from connectors.kingdee.api import Api, Query
from connectors.kingdee.conditions import both, from_key
from connectors.kingdee.errors import NoField
from connectors.kingdee.forms import Form
from connectors.metadata import Rows
from connectors.values import MISSING, Misfit, moment

Identity = tuple[Any, ...]
"""A bill's internal id, or a bill's and a line's."""
FRESH = timedelta(minutes=10)
"""How long a field that a form lacks is not asked for again."""


class Gone:
    """The fields that forms were found to lack: a query with one of them fails as a whole."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], datetime] = {}

    def add(self, form: str, fields: Iterable[str]) -> None:
        self._until |= dict.fromkeys(((form, one) for one in fields), self._clock() + FRESH)

    def forget(self) -> None:
        self._until.clear()

    def among(self, form: str, fields: Iterable[str]) -> set[str]:
        now = self._clock()
        return {one for one in fields if self._until.get((form, one), now) > now}


class Reader:
    """Bill queries of one source, each for at most `page` rows."""

    def __init__(self, source: str, api: Api, page: int, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._api = api
        self._page = page
        self.gone = Gone(clock)

    async def all(
        self, form: Form, columns: Sequence[str], where: str, needed: Sequence[str] = ()
    ) -> AsyncIterator[Rows]:
        """Every row that fulfils `where`, each once, ordered by key.

        The next page begins with the last bill of this one: its lines may go on. Only where a
        bill's lines fill a page are rows skipped by number, which is slow for the server.
        """
        order = ", ".join(f"{key} ASC" for key in form.keys)
        seen: set[Identity] = set()
        low: Any = None
        start = 0
        while True:
            more = from_key(form.key, low) if low is not None else None
            rows = await self.page(
                form, columns, both(where, more), order, start, self._page, needed
            )
            fresh = {identity(form, row) for row in rows} - seen
            if rows and start and not fresh:
                raise self._repeats(form)
            seen |= fresh
            yield [row for key, row in self._told(form, rows).items() if key in fresh]
            if len(rows) < self._page:
                return
            last = rows[-1][form.key]
            low, start = (last, 0) if last != low else (low, start + self._page)

    async def newest(
        self, form: Form, columns: Sequence[str], where: str, by: str, count: int
    ) -> tuple[Rows, bool]:
        """At least `count` rows, the newest first, whole moments only; whether there are more.

        The next page begins with the last row of this one, so that a bill of several rows shows.
        """
        order = ", ".join(f"{key} DESC" for key in (by, *form.keys))
        limit = min(self._page, count + 1)
        bills: dict[Identity, dict[str, Any]] = {}
        start = 0
        while True:
            told = await self.page(form, columns, where, order, start, limit, (by,))
            known = len(bills)
            bills |= self._told(form, told)
            if start and len(told) == limit and len(bills) == known:
                raise self._repeats(form)
            if len(told) < limit:
                return list(bills.values()), False
            last = next((row[by] for row in reversed(told) if _is_time(row[by])), None)
            rows = list(bills.values())
            whole = rows[: next((i for i, row in enumerate(rows) if row[by] == last), len(rows))]
            if last is not None and len(whole) >= count:
                return whole, True
            start, limit = start + max(1, limit - 1), self._page

    async def page(
        self,
        form: Form,
        columns: Sequence[str],
        where: str,
        order: str,
        start: int,
        limit: int,
        needed: Sequence[str] = (),
    ) -> Rows:
        """One page as the server has it. A column that the form lacks is MISSING in each row;
        where it is one of `needed` or a key, this raises Misconfigured."""
        fields = list(dict.fromkeys([*form.keys, *needed, *columns]))
        while True:
            gone = self.gone.among(form.id, fields)
            if lost := gone & {*form.keys, *needed}:
                raise self._lacks(form, min(lost))
            asked = [field for field in fields if field not in gone]
            query = Query(
                form=form.id, fields=asked, where=where, order=order, start=start, limit=limit
            )
            try:
                cells = await self._api.rows(query)
            except NoField as error:
                found = error.among(asked)
                if not found:
                    raise Misconfigured(
                        self._source, f"form {form.id} lacks a field of the mapping"
                    ) from None
                self.gone.add(form.id, found)
                continue
            blank = dict.fromkeys(gone, MISSING)
            return [{**self._row(form, asked, row), **blank} for row in cells]

    def _row(self, form: Form, fields: Sequence[str], cells: Sequence[Any]) -> dict[str, Any]:
        row = dict(zip(fields, cells, strict=True))
        return row | {field: None for field in form.numbers & row.keys() if row[field] in (0, "0")}

    def _told(self, form: Form, rows: Rows) -> dict[Identity, dict[str, Any]]:
        """The rows of one answer, one for each bill or for each line; a bill without lines has a
        row without one. A second row of the same says that a field of (other) lines is read: what
        is summed over such rows would be wrong, also where their cells are equal."""
        found: dict[Identity, dict[str, Any]] = {}
        for row in rows:
            if row[form.key] in (None, "") or not all(_is_plain(row[key]) for key in form.keys):
                raise Malformed(self._source, f"form {form.id}: a row has no {form.key}")
            if row[form.keys[-1]] in (None, "", " "):
                continue
            key = identity(form, row)
            if key in found:
                raise self._multiplied(form, found[key], row)
            found[key] = row
        return found

    def _multiplied(self, form: Form, one: dict[str, Any], other: dict[str, Any]) -> Misconfigured:
        """Names the field where the rows tell it."""
        field = next((name for name in one if one[name] != other[name]), "a field of the mapping")
        whose = "its lines" if form.entry_key is None else "other lines"
        return Misconfigured(
            self._source,
            f"form {form.table}: {field} is a field of {whose}; "
            f"the table of lines is named {form.id}.ENTRY",
        )

    def _repeats(self, form: Form) -> Malformed:
        return Malformed(self._source, f"form {form.id}: the server repeats a page")

    def _lacks(self, form: Form, field: str) -> Misconfigured:
        return Misconfigured(self._source, f"form {form.id} has no field {field}")


def _is_time(value: Any) -> bool:
    try:
        moment(value, "UTC")
    except Misfit:
        return False
    return True


def _is_plain(value: Any) -> bool:
    return not isinstance(value, dict | list)


def identity(form: Form, row: dict[str, Any]) -> Identity:
    """What is no id is told apart all the same; `_told` refuses it."""
    return tuple(row[key] if _is_plain(row[key]) else repr(row[key]) for key in form.keys)
