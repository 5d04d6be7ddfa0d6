"""HubSpot's search: the only way to records by a property that is not unique, and to the newest.

https://developers.hubspot.com/docs/api/crm/search: a body of 3,000 characters, 200 records a page,
10,000 in all. It is behind by some moments, so nothing that can be read otherwise is searched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.errors import Malformed, Rejected
from connectors.hubspot.api import Api
from connectors.hubspot.columns import pair_of
from connectors.hubspot.payloads import Object
from connectors.hubspot.reading import once
from connectors.hubspot.settings import ID

RATE = "search"
LIMIT = 200
MOST = 10_000
"""Of one search; nor do we read more of one moment."""
MOST_BYTES = 3000
MOST_VALUES = 100
"""Of one filter. HubSpot names no limit but that of the body."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = "9" * 19

Filter = dict[str, Any]
Groups = list[list[Filter]]
"""One group or another, all filters of a group."""


class Search:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def holding(
        self, table: str, names: Sequence[str], field: str, values: Sequence[str]
    ) -> list[Object]:
        """All records whose field holds one of the values, of which there are no more than fit."""
        found: list[Object] = []
        async for page in self._by_number(table, names, holds(field, values)):
            found += page
        return once(found)

    async def since(
        self, table: str, names: Sequence[str], by: str, since: datetime
    ) -> AsyncIterator[list[Object]]:
        groups = [[_filter(by, "GTE", str(_milliseconds(since)))]]
        async for page in self._by_number(table, names, groups):
            yield page

    async def newest(
        self, table: str, names: Sequence[str], by: str, until: datetime | None, count: int
    ) -> tuple[list[Object], bool]:
        """As `Tables.newest`: of one moment all records, or none of them.

        A next page begins with the last moment of the one before, whatever was told of it: records
        of one moment come in any order. Where they fill a page they are read by number, and so are
        those without a time, which come last. One whose time cannot be read stays at its place.
        """
        bound = None if until is None else _milliseconds(until)
        limit = min(LIMIT, count + 1)
        found: dict[str, Object] = {}
        while True:
            page = await self._api.search(
                table, body(_until(by, bound), names, by, "DESCENDING", limit), RATE
            )
            known = len(found)
            found |= {one.id: one for one in page.results}
            if page.after is None or not page.results:
                return list(found.values()), False
            if len(found) == known:
                raise self._repeats()
            times = [time for one in page.results if (time := one.time(by)) is not None]
            if all(one.value(by) is None for one in page.results):
                return await self._with_timeless(table, names, by, found), False
            if times:
                whole = _before(list(found.values()), by, times[-1])
                if len(whole) >= count:
                    return whole, True
                bound = _milliseconds(times[-1])
                if times[0] == times[-1] and limit == LIMIT:
                    found |= await self._of_moment(table, names, by, bound)
                    bound -= 1
            limit = LIMIT

    async def _with_timeless(
        self, table: str, names: Sequence[str], by: str, found: dict[str, Object]
    ) -> list[Object]:
        groups = [[_filter(by, "NOT_HAS_PROPERTY")]]
        async for page in self._by_number(table, names, groups):
            found |= {one.id: one for one in page}
            if len(found) > MOST:
                raise Rejected(self._api.source, "too many records without a time for a list")
        return list(found.values())

    async def _of_moment(
        self, table: str, names: Sequence[str], by: str, moment: int
    ) -> dict[str, Object]:
        """All records of one moment, in milliseconds."""
        group = [_filter(by, operator, str(moment)) for operator in ("GTE", "LTE")]
        found: dict[str, Object] = {}
        async for page in self._by_number(table, names, [group]):
            found |= {one.id: one for one in page}
            if len(found) > MOST:
                raise Rejected(self._api.source, "too many records of one moment for a list")
        return found

    async def _by_number(
        self, table: str, names: Sequence[str], groups: Groups
    ) -> AsyncIterator[list[Object]]:
        """Page by page to the end, however many there are: each begins after the last number."""
        last = "0"
        while True:
            onward = _filter(ID, "GT", last)
            asked = body([[*group, onward] for group in groups], names, ID, "ASCENDING", LIMIT)
            page = await self._api.search(table, asked, RATE)
            yield page.results
            if page.after is None or not page.results:
                return
            number = page.results[-1].id
            if not number.isdecimal() or int(number) <= int(last):
                raise self._repeats()
            last = number

    def _repeats(self) -> Malformed:
        return Malformed(self._api.source, "a page that repeats the one before")


def body(
    groups: Groups,
    names: Sequence[str],
    by: str,
    direction: str,
    limit: int,
) -> bytes:
    asked: dict[str, Any] = {
        "filterGroups": [{"filters": group} for group in groups],
        "sorts": [{"propertyName": by, "direction": direction}],
        "properties": list(names),
        "limit": limit,
    }
    return msgspec.json.encode(asked)


def holds(field: str, values: Sequence[str]) -> Groups:
    """Filters for one of the values; of two joined properties for every place where a value can
    be divided. HubSpot compares texts in small letters.
    """
    small = list(dict.fromkeys(value.lower() for value in values))
    pair = pair_of(field)
    if pair is None:
        return [[_among(field.removesuffix("[]"), small)]]
    first, second = pair
    words = [value.split(" ") for value in small]
    cuts = [(" ".join(w[:i]), " ".join(w[i:])) for w in words for i in range(1, len(w))]
    groups = [
        [_among(first, small), _filter(second, "NOT_HAS_PROPERTY")],
        [_among(second, small), _filter(first, "NOT_HAS_PROPERTY")],
    ]
    if cuts:
        sides = zip(*cuts, strict=True)
        groups.append([_among(name, side) for name, side in zip(pair, sides, strict=True)])
    return groups


def fitting(
    names: Sequence[str], field: str, values: Sequence[str]
) -> Iterator[tuple[list[str], bool]]:
    """The values in parts of which each fits one search, and whether it does: one that is too
    long by itself does not.
    """
    part: list[str] = []
    for value in values:
        if part and (len(part) == MOST_VALUES or not fits(names, field, [*part, value])):
            yield part, True
            part = []
        if not part and not fits(names, field, [value]):
            yield [value], False
        else:
            part.append(value)
    if part:
        yield part, True


def is_crowded(names: Sequence[str]) -> bool:
    """Whether the properties leave too little room for values: records are then searched for, and
    read afterwards."""
    return len(msgspec.json.encode(list(names))) > MOST_BYTES // 2


def fits(names: Sequence[str], field: str, values: Sequence[str]) -> bool:
    onward = _filter(ID, "GT", _LAST)
    groups = [[*group, onward] for group in holds(field, values)]
    return len(body(groups, names, ID, "ASCENDING", LIMIT)) <= MOST_BYTES


def _until(by: str, bound: int | None) -> Groups:
    """Records whose time is not after a bound, and those without one; all where there is none."""
    if bound is None:
        return []
    return [[_filter(by, "LTE", str(bound))], [_filter(by, "NOT_HAS_PROPERTY")]]


def _before(records: Sequence[Object], by: str, last: datetime) -> list[Object]:
    """The records that stand before the first one of the last moment."""
    cut = next((i for i, one in enumerate(records) if one.time(by) == last), len(records))
    return list(records[:cut])


def _milliseconds(moment: datetime) -> int:
    """Since 1970, as HubSpot's filters write times."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _among(name: str, values: Sequence[str]) -> Filter:
    return {**_filter(name, "IN"), "values": list(dict.fromkeys(values))}


def _filter(name: str, operator: str, value: str | None = None) -> Filter:
    told = {"propertyName": name, "operator": operator}
    return told if value is None else {**told, "value": value}
