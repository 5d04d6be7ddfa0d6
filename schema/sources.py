"""`sources`: every configured account, asked live how it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import strawberry

from connectors.capabilities import Probe
from connectors.errors import SourceError
from resolvers.context import Context
from resolvers.roots import probe
from resolvers.sources import ConfiguredSource
from resolvers.store import StoreUnusable
from schema import enums
from schema.errors import code_of
from schema.node import RequestInfo

T = TypeVar("T")


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `SourceStatus` shows."""

    name: str
    vendor: str
    kind: enums.SourceKind
    healthy: bool
    problem: str | None
    latency_ms: int | None
    quota_left: int | None
    quota_total: int | None
    capabilities: list[str]
    books_read_at: datetime | None
    incomplete_periods: int | None


@strawberry.federation.type(description="One source and how it is right now.")
class SourceStatus:
    name: str = strawberry.federation.field(description="The name in the configuration.")
    vendor: str = strawberry.federation.field(description="The vendor.")
    kind: enums.SourceKind = strawberry.federation.field(description="What it is for.")
    healthy: bool = strawberry.federation.field(description="Whether it answered just now.")
    problem: str | None = strawberry.federation.field(
        description="The error code, where it did not answer as it should."
    )
    latency_ms: int | None = strawberry.federation.field(
        description="How long it took to answer, in milliseconds."
    )
    quota_left: int | None = strawberry.federation.field(
        description="Calls left in the vendor's window; null where the vendor does not say."
    )
    quota_total: int | None = strawberry.federation.field(
        description="Calls per window; null where the vendor does not say."
    )
    capabilities: list[str] = strawberry.federation.field(description="What it can do.")
    books_read_at: datetime | None = strawberry.federation.field(
        description="When the books of a source that cannot list were last read: what is newer"
        " there may be missing. Null for others, and for never."
    )
    incomplete_periods: int | None = strawberry.federation.field(
        description="How many bills and other periods of its books were read without some rows,"
        " because these cannot be read: what they hold may be missing. Null for sources that can"
        " list."
    )


async def status(context: Context, source: ConfiguredSource) -> Status:
    """One live call. A failure is part of the answer, not an error."""
    started = time.monotonic()
    answer: Probe | SourceError
    try:
        answer = await probe(context, source)
    except SourceError as error:
        answer = error
    healthy = isinstance(answer, Probe)
    incomplete = await _of_books(source, source.incomplete_periods)
    return Status(
        name=source.name,
        vendor=source.source.vendor,
        kind=source.source.kind,
        healthy=healthy,
        problem=None if isinstance(answer, Probe) else code_of(answer),
        latency_ms=int((time.monotonic() - started) * 1000) if healthy else None,
        quota_left=answer.quota_left if isinstance(answer, Probe) else None,
        quota_total=answer.quota_total if isinstance(answer, Probe) else None,
        capabilities=list(source.capabilities),
        books_read_at=await _of_books(source, source.books_read_at),
        incomplete_periods=None if incomplete is None else len(incomplete),
    )


async def _of_books(source: ConfiguredSource, read: Callable[[], Awaitable[T]]) -> T | None:
    try:
        return await read() if source.can("ledger") else None
    except StoreUnusable:
        return None


async def all_statuses(info: RequestInfo) -> Any:
    context = info.context
    return await asyncio.gather(*(status(context, s) for s in context.sources.values()))
