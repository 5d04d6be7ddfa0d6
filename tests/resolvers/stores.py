"""Databases for a test, opened as the composition root does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.link_store import LinkStore
from resolvers.store import open_store


@asynccontextmanager
async def open_links(url: str) -> AsyncIterator[LinkStore]:
    async with open_store(url) as engine:
        yield LinkStore(engine)
