"""The shape most joins have: each parent names one key in its own source."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from connectors.errors import SourceError
from connectors.records import Record
from resolvers.context import Context


async def by_own_source(
    context: Context, parents: Sequence[Any], method: str, key: Callable[[Any], str | None]
) -> dict[str, Any]:
    """Values by parent id, asking each parent's own source once for the keys of all its parents.

    A parent without a key, or whose source cannot do it, is left out.
    """
    asked: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for parent in parents:
        wanted = key(parent)
        if wanted is not None and context.sources[parent.source.name].can(method):
            asked[parent.source.name].append((parent.id, wanted))
    answers = await asyncio.gather(
        *(
            context.lookups.many(source, method, [k for _, k in pairs])
            for source, pairs in asked.items()
        )
    )
    return {
        parent: answer[wanted]
        for pairs, answer in zip(asked.values(), answers, strict=True)
        for parent, wanted in pairs
        if wanted in answer
    }


def own_id(parent: Record) -> str:
    return parent.native_id


def succeeded(found: dict[str, Any]) -> dict[str, Any]:
    """Those that are neither missing nor failed."""
    return {k: v for k, v in found.items() if v is not None and not isinstance(v, Exception)}


def failures(found: dict[str, Any]) -> dict[str, Exception]:
    return {k: v for k, v in found.items() if isinstance(v, Exception)}


def source_failures(values: Sequence[Any]) -> tuple[SourceError, ...]:
    """One failure per source. A failure of ours is raised."""
    for value in values:
        if not isinstance(value, SourceError):
            raise value
    return tuple({failure.source: failure for failure in values}.values())
