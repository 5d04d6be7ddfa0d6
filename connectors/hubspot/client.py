"""HubSpot's records as rows of tables: what `connectors.mapped` asks of every mapped system."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile

from connectors.capabilities import Probe
from connectors.errors import Misconfigured, Rejected, SourceError
from connectors.grouping import held
from connectors.hubspot.addresses import Addresses
from connectors.hubspot.api import Api
from connectors.hubspot.catalogue import Catalogue, Known
from connectors.hubspot.columns import Columns, columns_of, relation_of
from connectors.hubspot.description import described
from connectors.hubspot.errors import PARTLY, judge_for
from connectors.hubspot.payloads import Object
from connectors.hubspot.reading import Part, Reading
from connectors.hubspot.relations import Relations
from connectors.hubspot.searching import Search, fitting, is_crowded
from connectors.hubspot.settings import CONTACTS, ID, HubspotSettings
from connectors.mapped import MappedCrm
from connectors.metadata import Rows, Table
from connectors.paths import paths_by_table
from connectors.tables import Found, Newest
from connectors.tokens import StaticToken
from connectors.vendor import Wiring

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
GONE = frozenset({400, 404})
TIMES = frozenset({"datetime", "date"})

Related = Mapping[str, Mapping[str, tuple[str, ...] | SourceError] | None]
"""By table what each record is associated with there; None for what may not be read."""


def connect(wiring: Wiring, settings: HubspotSettings) -> MappedCrm:
    """A connector of one portal; the composition root closes its transport."""
    name = wiring.source.name
    tokens = StaticToken("authorization", settings.token, "Bearer ")
    transport = wiring.open(settings.address, judge_for(name), tokens)
    api = Api(name, transport, Addresses(settings.version))
    tables = HubspotTables(api, Catalogue(api, wiring.clock), settings)
    return MappedCrm(wiring.source, settings, tables)


class HubspotTables:
    """See `connectors.tables` for what each method promises."""

    def __init__(self, api: Api, catalogue: Catalogue, settings: HubspotSettings) -> None:
        self.folds = settings.folds
        self._api = api
        self._source = api.source
        self._catalogue = catalogue
        self._settings = settings
        self._reading = Reading(api)
        self._relations = Relations(api)
        self._search = Search(api)

    async def probe(self) -> Probe:
        """The properties of each mapped object, anew: they tell what is gone, and the headers how
        many calls are left."""
        tables, mapped = self._settings.tables, paths_by_table(self._settings.mapping)
        told = await asyncio.gather(*map(self._learned, tables))
        notes: list[str] = []
        headers: Mapping[str, str] = {}
        for table, answer in zip(tables, told, strict=True):
            if isinstance(answer, Misconfigured):
                notes.append(answer.detail)
                continue
            known, headers = answer
            columns = columns_of(table, mapped.get(table, ()), known)
            notes += [f"{table} has no field {path}" for path in sorted(columns.missing)]
        daily = "x-hubspot-ratelimit-daily"
        return Probe(_count(headers, f"{daily}-remaining"), _count(headers, daily), tuple(notes))

    async def matching(
        self, table: str, columns: Sequence[str], field: str, values: Sequence[str]
    ) -> Found:
        plan, known = await self._plan(table, columns, field)
        once = [value for value in dict.fromkeys(values) if value]
        found = await self._matching(plan, known, field, once)
        failed = [rows for _, rows in found if isinstance(rows, SourceError)]
        await self._check_still_there(table, field, failed)
        asked = {key for keys, _ in found for key in keys}
        none = [value for value in once if value not in asked]
        return [*found, (none, [])] if none else found

    async def newest(
        self, table: str, columns: Sequence[str], by: str, until: datetime | None, count: int
    ) -> Newest:
        plan, known = await self._plan(table, columns, by)
        self._check_time(table, by, known)
        try:
            names = _searchable(plan, by)
            found, more = await self._search.newest(table, names, by, until, count)
            records = await self._whole(plan, names, found)
        except SourceError as error:
            await self._check_still_there(table, by, [error])
            raise
        last = {one.id for one in takewhile(lambda one: one.value(by) is None, reversed(found))}
        timeless = sum(one.id in last for one in records)
        return Newest(await self._rows(plan, records), more, ordered=True, timeless=timeless)

    async def changed(
        self, table: str, columns: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[Rows]:
        plan, known = await self._plan(table, columns, by)
        self._check_time(table, by, known)
        names = _searchable(plan, by)
        async for found in self._search.since(table, names, by, since):
            yield await self._rows(plan, await self._whole(plan, names, found))

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]:
        return await described(self._api, self._catalogue, tables)

    async def _plan(self, table: str, columns: Sequence[str], field: str) -> tuple[Columns, Known]:
        known = await self._catalogue.of(table)
        plan = columns_of(table, (*columns, field), known)
        if field in plan.missing:
            raise Misconfigured(self._source, f"{table} has no field {field}")
        return plan, known

    async def _matching(
        self, plan: Columns, known: Known, field: str, values: Sequence[str]
    ) -> Found:
        if (origin := relation_of(field)) is not None:
            return await self._associated(plan, origin, _numbers(values))
        if field == ID:
            return await self._numbered(plan, _numbers(values))
        if field in known and (
            known[field].has_unique_value or self._settings.is_unique(plan.table, field)
        ):
            parts = await self._unique(plan, field, values)
        else:
            parts = await self._searched(plan, field, values)
        return await self._filled(plan, field, parts)

    async def _numbered(self, plan: Columns, ids: Sequence[str]) -> Found:
        """What the records are associated with is asked for at the same time; of a record that
        others were merged into, and that answers for one of them, in a call of its own."""
        parts, related = await asyncio.gather(
            self._reading.records(plan.table, plan.names, ids), self._related(plan, ids)
        )
        merged = _others(parts, ids)
        if merged and plan.targets:
            related = _joined(related, await self._related(plan, merged))
        return [one for keys, told in parts for one in _found(plan, ID, keys, told, related)]

    async def _associated(self, plan: Columns, origin: str, ids: Sequence[str]) -> Found:
        """Which records there are, then the records; each of `ids` is a part of its own."""
        led = await self._relations.of(origin, plan.table, ids)
        wanted = (led.get(key, ()) for key in ids)
        found = await self._numbered(plan, _each(wanted))
        rows: dict[str, list[dict[str, object]]] = {}
        failed: dict[str, SourceError] = {}
        for keys, told in found:
            if isinstance(told, SourceError):
                failed.update(dict.fromkeys(keys, told))
            else:
                rows |= {str(row[ID]): [row] for row in told}
        return [(([key]), _of_one(led.get(key, ()), rows, failed)) for key in ids]

    async def _unique(self, plan: Columns, field: str, values: Sequence[str]) -> list[Part[Object]]:
        if plan.table in CONTACTS and field == "email":
            # HubSpot keeps them in small letters; one that is no address would fail the others.
            small = [value.lower() for value in values if _EMAIL.fullmatch(value)]
            parts = await self._reading.records(
                plan.table, plan.names, list(dict.fromkeys(small)), field
            )
            return [(_spelled(keys, values), told) for keys, told in parts]
        return await self._reading.records(plan.table, plan.names, values, field)

    async def _searched(
        self, plan: Columns, field: str, values: Sequence[str]
    ) -> list[Part[Object]]:
        names = _searchable(plan, field)

        async def part(keys: Sequence[str], fit: bool) -> Part[Object]:
            if not fit:
                return keys, Rejected(self._source, "a value is too long for HubSpot's search")
            try:
                found = await self._search.holding(plan.table, names, field, keys)
                return keys, await self._whole(plan, names, found)
            except SourceError as error:
                return keys, error

        return await asyncio.gather(
            *(part(keys, fit) for keys, fit in fitting(names, field, values))
        )

    async def _whole(
        self, plan: Columns, names: Sequence[str], found: list[Object]
    ) -> list[Object]:
        """The records with all their properties, where the search told `names` alone."""
        if names == plan.names:
            return found
        records: list[Object] = []
        ids = [one.id for one in found]
        for _, told in await self._reading.records(plan.table, plan.names, ids):
            if isinstance(told, SourceError):
                raise told
            records += told
        places = {number: place for place, number in enumerate(ids)}
        return sorted(records, key=lambda one: places[one.id])

    async def _filled(self, plan: Columns, field: str, parts: Sequence[Part[Object]]) -> Found:
        found = [one for _, told in parts if not isinstance(told, SourceError) for one in told]
        related = await self._related(plan, list(dict.fromkeys(one.id for one in found)))
        return [one for keys, told in parts for one in _found(plan, field, keys, told, related)]

    async def _rows(self, plan: Columns, records: list[Object]) -> Rows:
        """Of a list: where a record's associations alone could not be told, it is without them."""
        related = await self._related(plan, [one.id for one in records])
        rows, failed = _rows_of(plan, records, related)
        errors = list(failed.values())
        for error in errors:
            if error.status != PARTLY or len(errors) == len(records):
                raise error
        return rows

    async def _related(self, plan: Columns, ids: Sequence[str]) -> Related:
        told = await asyncio.gather(
            *(self._relations.of(plan.table, target, ids) for target in plan.targets)
        )
        return {
            target: None if _unreadable(links.values()) else links
            for target, links in zip(plan.targets, told, strict=True)
        }

    async def _learned(self, table: str) -> tuple[Known, Mapping[str, str]] | Misconfigured:
        try:
            return await self._catalogue.learn(table)
        except Misconfigured as error:
            return error

    async def _check_still_there(
        self, table: str, field: str, errors: Sequence[SourceError]
    ) -> None:
        """A refusal may mean that the object type or the property was deleted since they were
        learned: Misconfigured then tells it."""
        if any(error.status in GONE for error in errors):
            await self._catalogue.learn(table)
            await self._plan(table, (), field)

    def _check_time(self, table: str, by: str, known: Known) -> None:
        if by not in known or known[by].type not in TIMES:
            raise Misconfigured(self._source, f"{table}.{by} is no field of times")


def _searchable(plan: Columns, field: str) -> tuple[str, ...]:
    """What a search is to tell of each record: all that is wanted, or as much as it takes."""
    return (field,) if is_crowded(plan.names) else plan.names


def _rows_of(
    plan: Columns, records: Sequence[Object], related: Related
) -> tuple[Rows, dict[str, SourceError]]:
    """The rows, and by number the failure of each record whose associations could not be told:
    its row is without them."""
    rows: Rows = []
    failed: dict[str, SourceError] = {}
    for record in records:
        own: dict[str, tuple[str, ...] | None] = {}
        for target, links in related.items():
            found = None if links is None else links.get(record.id, ())
            if isinstance(found, SourceError):
                failed[record.id] = found
                found = None
            own[target] = found
        rows.append(plan.row(record, own))
    return rows, failed


def _found(
    plan: Columns,
    field: str,
    keys: Sequence[str],
    told: list[Object] | SourceError,
    related: Related,
) -> Found:
    """A part; keys that lead to a record whose associations could not be told fail with it."""
    if isinstance(told, SourceError):
        return [(keys, told)]
    rows, failed = _rows_of(plan, told, related)
    broken: dict[str, SourceError] = {}
    for row in rows if failed else ():
        if (error := failed.get(row[ID])) is not None:
            broken |= dict.fromkeys(held(row, field) & set(keys), error)
    good = [key for key in keys if key not in broken]
    return [*(([key], error) for key, error in broken.items()), *([(good, rows)] if good else [])]


def _others(parts: Sequence[Part[Object]], ids: Sequence[str]) -> list[str]:
    """The numbers of the records that were told instead of the ones asked for."""
    told = (one.id for _, found in parts if not isinstance(found, SourceError) for one in found)
    return [number for number in dict.fromkeys(told) if number not in set(ids)]


def _joined(related: Related, more: Related) -> Related:
    return {
        target: None if links is None or (others := more[target]) is None else {**links, **others}
        for target, links in related.items()
    }


def _of_one(
    led: tuple[str, ...] | SourceError,
    rows: Mapping[str, Rows],
    failed: Mapping[str, SourceError],
) -> Rows | SourceError:
    if isinstance(led, SourceError):
        return led
    errors = [failed[key] for key in led if key in failed]
    return errors[0] if errors else [row for key in led for row in rows.get(key, ())]


def _each(several: Iterable[tuple[str, ...] | SourceError]) -> list[str]:
    """All of them, each once."""
    good = (keys for keys in several if not isinstance(keys, SourceError))
    return list(dict.fromkeys(key for keys in good for key in keys))


def _unreadable(told: Iterable[object]) -> bool:
    """There is no such association, or the token may not see it."""
    return any(isinstance(one, Misconfigured) for one in told)


def _numbers(values: Iterable[str]) -> list[str]:
    """Those that can be the number of a record at all."""
    return [value for value in values if _NUMBER.fullmatch(value)]


def _spelled(small: Sequence[str], values: Sequence[str]) -> list[str]:
    """The values as they were asked for."""
    return [value for value in values if value.lower() in set(small)]


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isdecimal() else None
