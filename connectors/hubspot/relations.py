"""Which records are associated with which: a thousand of them a call, and more where one has many.

https://developers.hubspot.com/docs/api/crm/associations: the same pair is told once, with every
kind of association that it has.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.errors import Malformed, SourceError
from connectors.hubspot.api import Api
from connectors.hubspot.payloads import Link, Linked
from connectors.hubspot.reading import Part, age, in_parts, sorted_out

INPUTS = 1000


class Relations:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def of(
        self, origin: str, target: str, ids: Sequence[str]
    ) -> dict[str, tuple[str, ...] | SourceError]:
        """For each record of `origin` the numbers of its records in `target`: the primary one
        first, then the oldest. What has none has none here.
        """

        async def batch(part: Sequence[str]) -> list[Part[Linked]]:
            return await self._batch(origin, target, part)

        found: dict[str, dict[str, Link]] = {}
        failed: dict[str, SourceError] = {}
        for keys, told in await in_parts(ids, INPUTS, batch):
            if isinstance(told, SourceError):
                failed.update(dict.fromkeys(keys, told))
                continue
            for one in told:
                links = {str(link.to_object_id): link for link in one.to or ()}
                found.setdefault(one.origin.id, {}).update(links)
        return {**{key: _in_order(links) for key, links in found.items()}, **failed}

    async def _batch(self, origin: str, target: str, ids: Sequence[str]) -> list[Part[Linked]]:
        """To the end: a record with many associations is asked again for the rest of them."""
        parts: list[Part[Linked]] = []
        inputs = [{"id": key} for key in ids]
        seen: set[tuple[str, str]] = set()
        while inputs:
            told = await self._api.links(origin, target, inputs)
            keys = [one["id"] for one in inputs]
            named = {one.origin.id for one in told.found}
            parts += sorted_out(self._api.source, keys, told, told.found, named)
            onward = {(one.origin.id, one.after) for one in told.found if one.after is not None}
            if onward & seen:
                raise Malformed(self._api.source, "a page that repeats the one before")
            seen |= onward
            inputs = [{"id": key, "after": after} for key, after in sorted(onward)]
        return parts


def _in_order(links: dict[str, Link]) -> tuple[str, ...]:
    return tuple(sorted(links, key=lambda key: (not links[key].is_primary, age(key))))
