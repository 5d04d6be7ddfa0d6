"""The lists of U8 as `connectors.tables.Tables`.

Rows of a list are heads: they lack what stands inside a document, such as an order's lines. Asked
for by code, documents are read whole. The heads of other answers are completed, which is a call for
each; those of orders only when it is known which are shown (`YonyouTables.completed`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from connectors.capabilities import Probe
from connectors.errors import Malformed, Misconfigured, SourceError
from connectors.grouping import held
from connectors.mapping import OrderMap, all_paths
from connectors.metadata import Rows, Table
from connectors.paths import order_paths, paths_by_table
from connectors.tables import Found, Newest
from connectors.values import Misfit, moment
from connectors.windows import Windows
from connectors.yonyou.api import Api
from connectors.yonyou.describing import described
from connectors.yonyou.fields import names_in, states, telling, undocumented, unseen
from connectors.yonyou.lists import Lists, once
from connectors.yonyou.resources import (
    KNOWN,
    Listed,
    Params,
    Resource,
    is_code,
    leads_inside,
    listed,
)
from connectors.yonyou.settings import YonyouSettings

_DAY = timedelta(days=1)
_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_FEW = 20
"""Rows that a probe reads of a list."""
# Databases order texts by language; only of these do they agree with each other, and with us.
_ORDERED = re.compile(r"(.*[^0-9A-Z])?[0-9A-Z]+", re.DOTALL)


class YonyouTables:
    """See `connectors.tables.Tables`."""

    folds = False

    def __init__(self, api: Api, settings: YonyouSettings, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._lists = Lists(api, settings.most_pages)
        self._windows: dict[str, Windows] = {}
        self._clock = clock
        self._zone: tzinfo = ZoneInfo(settings.zone) if settings.zone is not None else UTC
        self._zone_name = settings.zone
        self._late = timedelta(days=settings.late_days)
        self._mapped = paths_by_table(settings.mapping)
        self._telling = telling(settings)
        self._states = states(settings)
        self._shown_later: set[tuple[str, tuple[str, ...]]] = set()
        self._refund_ids = _refund_ids(settings)

    def complete_later(self, orders: Sequence[OrderMap]) -> None:
        """Heads are enough where exactly these columns are asked for: the caller completes them."""
        self._shown_later |= {(one.table, order_paths(one)) for one in orders}

    async def probe(self) -> Probe:
        """A few rows of each list of the mapping: U8 grants lists one by one."""
        notes: list[str] = []
        for table, columns in self._mapped.items():
            one = listed(table)
            try:
                rows = (await self._api.page(one, (), 1, _FEW)).rows
            except Misconfigured as error:
                notes.append(error.detail)
                continue
            notes += [f"{table}.{note}" for note in self._doubts(one, columns, rows)]
        return Probe(notes=tuple(notes))

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        one = listed(table)
        self._check_asked(one, [field])
        if field == one.resource.code:
            found = await self._by_code(one, values, leads_inside(columns, one.resource))
        elif field in one.resource.filters:
            parameter = one.resource.filters[field]

            async def of(value: str) -> Rows:
                return await self._lists.whole(one, ((parameter, value),))

            found = await self._lists.cheaper(one, (), values, of)
        else:
            found = await self._searched(one, values)
        found = [(part, self._told(one, field, rows)) for part, rows in found]
        if (table, tuple(columns)) in self._shown_later:
            return found
        return await self._insides(one, columns, field, found)

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        """Heads only. A list that cannot be narrowed by date is read whole."""
        one = listed(table)
        self._check_asked(one, [by])
        if by not in one.resource.dates:
            rows = await self._lists.whole(one)
            return Newest(sorted(rows, key=lambda row: self._time(row, by), reverse=True), False)

        async def fetch(start: datetime, end: datetime) -> Rows:
            return await self._between(one, by, start, end)

        windows = self._windows.setdefault(
            table, Windows(_DAY, self._clock().astimezone(self._zone).utcoffset() or timedelta())
        )
        newest = await windows.newest(fetch, until or self._clock(), count)
        # What is dated ahead is in each stretch that has no end.
        return Newest(once(newest.rows), newest.more)

    async def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        """By date, `late_days` back: a voucher may be filled in, or entered, long after its date.
        Heads only."""
        one = listed(table)
        self._check_asked(one, self._refund_ids.get(table, ()))
        params: Params = ()
        if by in one.resource.dates:
            params = ((one.resource.dates[by][0], self._date(since - self._late)),)
        yield await self._lists.whole(one, params)

    async def completed(
        self, table: str, columns: Sequence[str], rows: Rows
    ) -> list[dict[str, Any] | SourceError]:
        """Each head with what stands inside its document, if a column asks for that."""
        one = listed(table)
        inner = one.resource.inner.keys()
        if not leads_inside(columns, one.resource) or all(inner <= row.keys() for row in rows):
            return list(rows)
        codes = [str(row.get(one.resource.code, "")) for row in rows]
        found = await self._by_code(one, list(dict.fromkeys(codes)), True)
        by_code = {part[0]: self._whole(one, answer) for part, answer in found}
        return [
            # The document's own word counts; what it leaves out is the head's.
            whole if isinstance(whole, SourceError) else row | whole
            for row, whole in zip(rows, map(by_code.__getitem__, codes), strict=True)
        ]

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        """Lists that are not granted are left out."""
        answer = []
        for table in tables or KNOWN:
            one = listed(table)
            try:
                rows = (await self._api.page(one, (), 1)).rows
                if rows and leads_inside(("entry[]",), one.resource) and one.resource.code:
                    code = str(rows[0].get(one.resource.code, ""))
                    rows = rows + [whole for whole in [await self._api.one(one, code)] if whole]
            except Misconfigured:
                continue
            answer.append(described(one, names_in(one.resource, rows)))
        return answer

    def _doubts(self, one: Listed, columns: Sequence[str], rows: Rows) -> list[str]:
        """Columns that may not be there, and why."""
        notes = [
            f"{column}: U8 documents no such field, and none of the rows read has it"
            for column in undocumented(one, columns)
            if unseen(rows, column)
        ]
        expected = self._telling.get(one.table, frozenset()) | self._states.get(
            one.table, frozenset()
        )
        documented = expected - set(undocumented(one, expected))
        notes += [
            f"{column}: none of the rows read has it, and each of them should"
            for column in sorted(documented)
            if rows and unseen(rows, column)
        ]
        return notes

    def _check_asked(self, one: Listed, fields: Sequence[str]) -> None:
        """Raises Misconfigured for a field that no list can be asked by."""
        for field in fields:
            if leads_inside([field], one.resource):
                raise Misconfigured(
                    self._api.source,
                    f"{one.table}: {field} stands inside its documents, and no list is asked by "
                    "that; map a field of the head",
                )

    def _told(self, one: Listed, field: str, rows: Rows | SourceError) -> Rows | SourceError:
        """The rows that were found by a field; a failure where none of them has it, unless it may
        be empty in all."""
        if isinstance(rows, SourceError) or not rows or not unseen(rows, field):
            return rows
        resource = one.resource
        found_by = field == resource.code or field in resource.filters
        if found_by or field in self._telling.get(one.table, ()) or undocumented(one, [field]):
            detail = f"{one.table} has no field {field}: none of the rows that it is asked by has"
            return Misconfigured(self._api.source, detail)
        return rows

    async def _insides(
        self, one: Listed, columns: Sequence[str], field: str, found: Found
    ) -> Found:
        """With what stands inside the documents of rows that hold one of the values."""
        if not leads_inside(columns, one.resource):
            return found
        keys: dict[int, set[str]] = {}
        heads: Rows = []
        for part, rows in found:
            for row in rows if not isinstance(rows, SourceError) else ():
                if own := held(row, field) & set(part):
                    keys[id(row)] = own
                    heads.append(row)
        outcomes = await self.completed(one.table, columns, heads)
        whole = {id(head): outcome for head, outcome in zip(heads, outcomes, strict=True)}
        answer: Found = []
        for part, rows in found:
            if isinstance(rows, SourceError):
                answer.append((part, rows))
                continue
            mine = [(keys[id(row)], whole[id(row)]) for row in rows if id(row) in whole]
            failed = {k: o for own, o in mine if isinstance(o, SourceError) for k in own}
            good = [o for _, o in mine if not isinstance(o, SourceError)]
            answer.append(([key for key in part if key not in failed], good))
            answer += [([key], error) for key, error in failed.items()]
        return answer

    async def _by_code(self, one: Listed, codes: Sequence[str], whole: bool) -> Found:
        """What cannot be a code is nothing's code, and is not sent."""
        sent = [code for code in codes if is_code(code)]
        strange: Found = [([code], []) for code in codes if not is_code(code)]

        async def document(code: str) -> Rows:
            found = await self._api.one(one, code)
            return [] if found is None else [_document(found, one.resource)]

        if whole or one.resource.span is None:
            return strange + await self._api.each(sent, document)
        begin, end = one.resource.span

        async def head(code: str) -> Rows:
            return await self._lists.whole(one, ((begin, code), (end, code)))

        alike = _alike(sent)
        others = [code for code in sent if code not in set(alike)]
        found = await self._api.each(others, head)
        if alike:
            span = ((begin, min(alike)), (end, max(alike)))
            found += await self._lists.cheaper(one, span, alike, head)
        return strange + found

    async def _searched(self, one: Listed, values: Sequence[str]) -> Found:
        """By a field that the API cannot filter by: the whole list, read once."""
        try:
            return [(values, await self._lists.whole(one))]
        except SourceError as error:
            return [(values, error)]

    async def _between(self, one: Listed, by: str, start: datetime, end: datetime) -> Rows:
        """Rows of [start, end). Dates are of whole days, and both ends are included; a time still
        to come leaves the end open, since vouchers may be dated ahead."""
        first, last = one.resource.dates[by]
        bounds: Params = ((first, self._date(start)),)
        ahead = end > self._clock()
        if not ahead:
            bounds += ((last, self._date(end - timedelta(seconds=1))),)
        rows = await self._lists.whole(one, bounds)
        times = [self._time(row, by, start) for row in rows]
        within = zip(rows, times, strict=True)
        return [row for row, time in within if start <= time and (ahead or time < end)]

    def _whole(self, one: Listed, answer: Rows | SourceError) -> dict[str, Any] | SourceError:
        if isinstance(answer, SourceError):
            return answer
        if len(answer) != 1:
            return Malformed(
                self._api.source, f"{one.table}: a listed document cannot be read by its code"
            )
        return answer[0]

    def _date(self, time: datetime) -> str:
        return time.astimezone(self._zone).date().isoformat()

    def _time(self, row: dict[str, Any], by: str, otherwise: datetime = _OLDEST) -> datetime:
        """A row without a readable time is kept: whoever shows it tells what is wrong."""
        try:
            return moment(row.get(by), self._zone_name)
        except Misfit:
            return otherwise


def _document(found: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """With a list for all that is inside, so that it is known to have been asked for."""
    return found | {name: found.get(name) or [] for name in resource.inner}


def _alike(codes: Sequence[str]) -> list[str]:
    """The most codes that every database orders as we do, whether as texts or as numbers: of one
    length, the same beginning, then digits and capital letters. Only such are asked as a range."""
    groups: dict[tuple[str, int], list[str]] = {}
    for code in codes:
        if (found := _ORDERED.fullmatch(code)) is not None:
            groups.setdefault((found[1] or "", len(code)), []).append(code)
    return max(groups.values(), key=len, default=[])


def _refund_ids(settings: YonyouSettings) -> dict[str, tuple[str, ...]]:
    """By table the fields whose ids are told when rows change."""
    mapping = settings.mapping
    declared = [(one.table, one.refund_ids) for one in mapping.orders]
    declared += [(one.table, one.refund_ids) for one in mapping.refunds]
    found: dict[str, tuple[str, ...]] = {}
    for table, ids in declared:
        found[table] = found.get(table, ()) + all_paths(*ids.values())
    return found
