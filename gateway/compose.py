"""The only composition root: from settings to everything that answers a query."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import msgspec

from connectors.records import Source
from connectors.registry import Registry
from connectors.tokens import TokenSource
from connectors.transport import Downloader, HttpTransport, Judge, Limits
from connectors.vendor import SourceSettings, Wiring
from gateway.settings import Settings
from resolvers.context import Context
from resolvers.link_store import LinkStore, open_link_store
from resolvers.links import LinkRules, Pair
from resolvers.sources import ConfiguredSource, Sources
from schema.build import build_schema
from schema.documents import Documents
from schema.execution import Executor


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Everything alive in one process. Several may live in one process."""

    settings: Settings
    sources: Sources
    store: LinkStore
    rules: LinkRules
    executor: Executor

    def context(self, request_id: str | None = None) -> Context:
        """A context for one request."""
        return Context(
            self.sources,
            self.rules,
            request_id=request_id or secrets.token_hex(8),
            seconds=self.settings.server.deadline,
            objects=self.settings.limits.objects,
        )


@asynccontextmanager
async def open_gateway(settings: Settings, registry: Registry) -> AsyncIterator[Gateway]:
    """Opens the store and every source, and closes them in the end. Asks no source anything."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_link_store(settings.links.store))
        sources = Sources(
            [_open_source(name, own, registry, stack) for name, own in settings.sources.items()]
        )
        pairs = settings.links.pairs
        rules = LinkRules(
            sources,
            store,
            None if pairs is None else [Pair(pair.orders, pair.payments) for pair in pairs],
        )
        schema = build_schema()
        documents = Documents(
            schema,
            settings.limits,
            introspection=settings.server.shows_schema,
            federation=settings.server.is_subgraph,
        )
        yield Gateway(
            settings=settings,
            sources=sources,
            store=store,
            rules=rules,
            executor=Executor(schema, documents),
        )


def _open_source(
    name: str, own: SourceSettings, registry: Registry, stack: AsyncExitStack
) -> ConfiguredSource:
    vendor = registry[own.vendor]
    limits = msgspec.structs.replace(
        vendor.limits,
        deadline=own.deadline,
        concurrency=own.concurrency or vendor.limits.concurrency,
    )
    source = Source(name, vendor.name, vendor.kind)

    def open_transport(base_url: str, judge: Judge, tokens: TokenSource | None) -> Downloader:
        transport = _transport(name, base_url, vendor.hosts, limits, judge, tokens)
        stack.push_async_callback(transport.aclose)
        return transport

    connector = vendor.connect(Wiring(source, open_transport, lambda: datetime.now(UTC)), own)
    return ConfiguredSource(
        source=source, vendor=vendor, connector=connector, deadline=own.deadline
    )


def _transport(
    name: str,
    base_url: str,
    hosts: tuple[str, ...],
    limits: Limits,
    judge: Judge,
    tokens: TokenSource | None,
) -> HttpTransport:
    return HttpTransport(name, base_url, hosts=hosts, limits=limits, judge=judge, tokens=tokens)
