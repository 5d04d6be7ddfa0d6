"""Rows of forms by the values they hold, by age and by change: what a mapped connector asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

from connectors.capabilities import Probe
from connectors.errors import Misconfigured, SourceError
from connectors.kingdee.api import Api
from connectors.kingdee.conditions import before, not_before, one_of
from connectors.kingdee.description import tables_of_form
from connectors.kingdee.forms import Form, Forms
from connectors.kingdee.reading import Reader
from connectors.kingdee.settings import KingdeeSettings
from connectors.metadata import Rows, Table
from connectors.paths import paths_by_table
from connectors.tables import Found, Newest

SECOND = timedelta(seconds=1)


class KingdeeTables:
    """See `connectors.tables.Tables`. One query per `chunk` values."""

    def __init__(
        self,
        source: str,
        settings: KingdeeSettings,
        api: Api,
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._settings = settings
        self._api = api
        self._forms = Forms(settings)
        self._reader = Reader(source, api, settings.page_size, clock)
        self.folds = settings.ignores_case

    async def probe(self) -> Probe:
        """A query for one row of each table, with all fields of the mapping."""
        self._reader.gone.forget()
        mapped = paths_by_table(self._settings.mapping)
        notes = await asyncio.gather(*(self._notes(*one) for one in mapped.items()))
        return Probe(notes=tuple(note for several in notes for note in several))

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        form, size = self._forms.of(table), self._settings.chunk
        parts = [values[start : start + size] for start in range(0, len(values), size)]

        async def rows(part: Sequence[str]) -> Rows | SourceError:
            where = one_of(field, part, number=field in form.numbers)
            if where is None:
                return []
            try:
                pages = self._reader.all(form, columns, where, (field,))
                return [row async for page in pages for row in page]
            except Misconfigured:
                raise
            except SourceError as error:
                return error

        return list(zip(parts, await asyncio.gather(*map(rows, parts)), strict=True))

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        form = self._forms.of(table)
        where = ""
        if until is not None:
            # Galaxy's clock has fractions of a second, and a query has not.
            where = before(by, until.replace(microsecond=0) + SECOND, self._settings.zone)
        rows, more = await self._reader.newest(form, columns, where, by, count)
        return Newest(rows, more, ordered=True)

    async def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        async for rows in self._reader.all(
            self._forms.of(table), columns, not_before(by, since, self._settings.zone), (by,)
        ):
            yield rows

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        """A call for each form: of those that are named, else of those that are mapped, since
        Galaxy does not list its forms."""
        wanted = tables or tuple(paths_by_table(self._settings.mapping))
        forms = {(form := self._forms.of(table)).id: form for table in wanted}
        found = await asyncio.gather(*map(self._described, forms.values()))
        return [one for several in found for one in several if _is_wanted(one.name, tables)]

    async def _described(self, form: Form) -> list[Table]:
        try:
            told = await self._api.business_info(form.id)
        except Misconfigured:
            return []
        return list(tables_of_form(form, told, self._settings.lcid))

    async def _notes(self, table: str, columns: Sequence[str]) -> list[str]:
        """What an operator should know of a table of the mapping."""
        form = self._forms.of(table)
        try:
            await self._reader.page(form, columns, "", f"{form.key} ASC", 0, 1)
        except Misconfigured as error:
            return [error.detail]
        gone = self._reader.gone.among(form.id, columns)
        return [f"form {form.id} has no field {field}" for field in sorted(gone)]


def _is_wanted(name: str, tables: Sequence[str]) -> bool:
    """A form that was named brings its entries with it."""
    return not tables or name in tables or name.partition(".")[0] in tables
