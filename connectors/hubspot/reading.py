"""Records by their number or by a unique property: batches, each with its own failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from connectors.errors import SourceError
from connectors.hubspot.api import Api, Told
from connectors.hubspot.errors import part_error
from connectors.hubspot.payloads import Object

T = TypeVar("T")
BATCH = 100
"""Records of one call; what was found of them may be told in any order."""
ABSENT = "OBJECT_NOT_FOUND"

Part = tuple[Sequence[str], list[T] | SourceError]
"""Keys that were asked for together, with what they lead to or their failure."""


class Reading:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def records(
        self, table: str, names: Sequence[str], keys: Sequence[str], by: str = ""
    ) -> list[Part[Object]]:
        async def batch(keys: Sequence[str]) -> list[Part[Object]]:
            told = await self._api.read(table, names, keys, by)
            shown = (one.value(by) if by else one.id for one in told.found)
            # A property may be of any type: what is no text names no key.
            named = {value for value in shown if isinstance(value, str)}
            return sorted_out(self._api.source, keys, told, once(told.found), named)

        return await in_parts(keys, BATCH, batch)


async def in_parts(
    keys: Sequence[str], size: int, ask: Callable[[Sequence[str]], Awaitable[list[Part[T]]]]
) -> list[Part[T]]:
    """All parts at once; a part that fails is the failure of its own keys."""

    async def outcome(part: Sequence[str]) -> list[Part[T]]:
        try:
            return await ask(part)
        except SourceError as error:
            return [(part, error)]

    parts = [keys[start : start + size] for start in range(0, len(keys), size)]
    return [part for found in await asyncio.gather(*map(outcome, parts)) for part in found]


def sorted_out(
    source: str, keys: Sequence[str], told: Told[T], found: list[T], named: Collection[object]
) -> list[Part[T]]:
    """A batch whose failed keys are set apart. An error that names none of them is that of all; one
    that says that there is no such record is none. What does not fit is a failure of the keys that
    nothing else was told of, which are not `named`."""
    failed: dict[str, SourceError] = {}
    if told.unfit:
        failed = {key: told.unfit[0] for key in keys if key not in named}
    for error in told.errors:
        if error.category != ABSENT:
            why = part_error(source, error.category)
            failed.update(dict.fromkeys(error.ids & set(keys) or keys, why))
    good = [key for key in keys if key not in failed]
    parts: list[Part[T]] = [([key], error) for key, error in failed.items()]
    return [*parts, (good, found)] if good else parts


def once(records: Iterable[Object]) -> list[Object]:
    """Each record once, the oldest first: HubSpot tells them in any order."""
    every = {record.id: record for record in records}
    return sorted(every.values(), key=lambda record: age(record.id))


def age(number: str) -> tuple[int, str]:
    """Numbers are given in order; what is none comes last."""
    return (int(number), "") if number.isdecimal() else (10**20, number)
