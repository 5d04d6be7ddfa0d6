"""Records by their number or by a unique property: batches, each with its own failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from connectors.errors import SourceError
from connectors.hubspot.api import Api
from connectors.hubspot.errors import part_error
from connectors.hubspot.payloads import Object, PartError

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
            return sorted_out(self._api.source, keys, once(told.results), told.errors)

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
    source: str, keys: Sequence[str], found: list[T], errors: Iterable[PartError]
) -> list[Part[T]]:
    """A batch whose failed keys are set apart. An error that names none of them is that of all; one
    that says that there is no such record is none."""
    failed: dict[str, SourceError] = {}
    for error in errors:
        if error.category != ABSENT:
            told = part_error(source, error.category)
            failed.update(dict.fromkeys(error.ids & set(keys) or keys, told))
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
