"""A call for each key, since no call takes several."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from connectors.errors import Misconfigured, RateLimited, SourceError, Unauthorized
from connectors.metadata import Rows
from connectors.tables import Found

ENDS = (Unauthorized, Misconfigured, RateLimited)
"""What the next call would meet with as well."""
Ask = Callable[[str], Awaitable[Rows]]


async def each(keys: Sequence[str], ask: Ask) -> Found:
    """All at once, each key with its own outcome; after a failure that all would share, calls that
    are still waiting are not made."""
    found: dict[str, Rows | SourceError] = {}
    ended: SourceError | None = None

    async def outcome(key: str) -> None:
        try:
            found[key] = await ask(key)
        except ENDS:
            raise
        except SourceError as error:
            found[key] = error

    try:
        async with asyncio.TaskGroup() as group:
            for key in dict.fromkeys(keys):
                group.create_task(outcome(key))
    except* ENDS as failures:
        (ended, *_) = (one for one in failures.exceptions if isinstance(one, SourceError))
    if ended is not None:
        found = {key: found.get(key, ended) for key in keys}
    return [([key], rows) for key, rows in found.items()]
