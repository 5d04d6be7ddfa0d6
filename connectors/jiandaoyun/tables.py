"""Forms as the tables of a mapping: records by key, newest first, by time of change.

Upstream calls: 200 values of a text field are one question, each hundred rows of its answer a
call. A form's fields are read once, and again every five minutes or when a record does not fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.capabilities import Probe
from connectors.each import each
from connectors.errors import Malformed, SourceError
from connectors.jiandaoyun.api import PAGE, Api, FormName
from connectors.jiandaoyun.asking import ID, Part, Where, between, keyed, parts
from connectors.jiandaoyun.checking import notes_on
from connectors.jiandaoyun.describing import table_of
from connectors.jiandaoyun.errors import NoForm, Refused
from connectors.jiandaoyun.forms import Form, Forms
from connectors.jiandaoyun.settings import HEX_ID, JiandaoyunSettings
from connectors.jiandaoyun.shaping import Shape, asked_for
from connectors.metadata import Rows, Table
from connectors.tables import Found, Newest
from connectors.windows import Windows

INSTANT = timedelta(milliseconds=1)


class Question(msgspec.Struct, frozen=True):
    table: str
    columns: Sequence[str]
    where: Where


class JiandaoyunTables:
    """See `connectors.tables` for what each method promises. Texts are compared exactly."""

    folds = False

    def __init__(
        self, api: Api, forms: Forms, settings: JiandaoyunSettings, clock: Callable[[], datetime]
    ) -> None:
        self._api = api
        self._forms = forms
        self._mapping = settings.mapping
        self._ids_in_batches = settings.ids_in_batches
        self._select_fields = settings.select_fields
        self._clock = clock
        self._windows: dict[tuple[str, str], Windows] = {}

    async def probe(self) -> Probe:
        """One call for each form of the mapping, one more for each whose times people enter;
        without any form, one of the list of forms."""
        noted = await notes_on(self._mapping, self._forms, self._api, self._ids_in_batches)
        if noted is None:
            await self._api.forms(limit=1)
            return Probe(notes=("no form is mapped: there are no customers and no orders",))
        return Probe(notes=tuple(noted))

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        columns = list(dict.fromkeys((*columns, field)))
        form = await self._forms.form(table, columns)
        if keyed(self._api.source, form, field).key == ID and not self._ids_in_batches:
            return await self._by_id(table, columns, values)
        asked = parts(self._api.source, form, field, values)
        return list(await asyncio.gather(*(self._part(table, columns, part) for part in asked)))

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        now = self._clock()

        async def within(start: datetime, end: datetime) -> Rows:
            # Users date records ahead, and the vendor's clock may be: the first stretch has no end.
            last = None if until is None and end > now else end - INSTANT
            where = between(self._api.source, by, start, last)
            return await self._rows(Question(table, (*columns, by), where))

        windows = self._windows.setdefault((table, by), Windows(INSTANT))
        found = await windows.newest(within, until or now, count)
        rows = sorted(_once(found.rows), key=lambda row: str(row[by]), reverse=True)
        return Newest(rows, found.more)

    async def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        where = between(self._api.source, by, since, None)
        async for rows in self._pages(Question(table, (*columns, by), where)):
            yield rows

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        named = {form.entry_id: form.name for form in await self._all_forms()}
        wanted = [entry_id for entry_id in tables or named if entry_id in named]
        forms = await asyncio.gather(*(self._now(entry_id) for entry_id in wanted))
        singly = not self._ids_in_batches
        return [table_of(form, named[form.entry_id], singly) for form in forms if form is not None]

    async def _all_forms(self) -> list[FormName]:
        found = list(page := await self._api.forms())
        while len(page) >= PAGE:
            found += (page := await self._api.forms(skip=len(found)))
        return found

    async def _now(self, entry_id: str) -> Form | None:
        """The form as it is at this moment; None where it was deleted since it was listed."""
        try:
            return await self._forms.now(entry_id)
        except NoForm:
            return None

    async def _by_id(self, table: str, columns: Sequence[str], values: Sequence[str]) -> Found:
        """A call for each: the vendor documents no other way by `_id`."""

        async def one(data_id: str) -> Rows:
            if not HEX_ID.fullmatch(data_id):
                return []
            records = await self._api.record(table, data_id)
            return await self._shaped(await self._forms.form(table), records, columns)

        return await each(values, one)

    async def _part(
        self, table: str, columns: Sequence[str], part: Part
    ) -> tuple[Sequence[str], Rows | SourceError]:
        if part.where is None:
            return part.values, []
        try:
            return part.values, await self._rows(Question(table, columns, part.where))
        except SourceError as error:
            return part.values, error

    async def _rows(self, question: Question) -> Rows:
        return _once([row async for rows in self._pages(question) for row in rows])

    async def _pages(self, question: Question) -> AsyncIterator[Rows]:
        """To the end, which is a page that is not full."""
        after = ""
        while True:
            form, records = await self._page(question, after)
            yield await self._shaped(form, records, question.columns)
            if len(records) < PAGE:
                return
            last = records[-1]["_id"]
            if last <= after:
                raise Malformed(self._api.source, "a page that does not follow the one before")
            after = last

    async def _page(self, question: Question, after: str) -> tuple[Form, Rows]:
        """A form that was changed since it was read may refuse the question: then once more."""
        form = await self._forms.form(question.table, question.columns)
        try:
            return form, await self._ask(question, form, after)
        except Refused:
            form = await self._forms.after(question.table, form)
            return form, await self._ask(question, form, after)

    async def _ask(self, question: Question, form: Form, after: str) -> Rows:
        fields = asked_for(form, question.columns) if self._select_fields else None
        return await self._api.records(question.table, fields, question.where(form), after)

    async def _shaped(self, form: Form, records: Rows, columns: Sequence[str]) -> Rows:
        form = await self._forms.fitting(form, records)
        return list(map(Shape(form, columns).row, records))


def _once(rows: Rows) -> Rows:
    """Each record once, in the order in which they came."""
    return list({row["_id"]: row for row in rows}.values())
