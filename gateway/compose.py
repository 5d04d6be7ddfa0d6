"""The only composition root: from settings to everything that answers a query."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from auth.access import Policy
from auth.budget.bucket import Buckets, ProcessBuckets
from auth.budget.shared import SharedBuckets, connect
from auth.principal import Principal
from connectors.capabilities import capabilities
from connectors.records import Source
from connectors.registry import Registry
from connectors.tokens import TokenSource
from connectors.transport import Downloader, HttpTransport, Judge, worst_skew
from connectors.vendor import SourceSettings, Vendor, Wiring
from gateway.budget import Budgets
from gateway.settings import Settings
from gateway.trusted_documents import TrustedDocuments
from resolvers.context import Context
from resolvers.erasure import Erasure
from resolvers.index.connector import IndexedConnector
from resolvers.index.learning import Learner
from resolvers.index.store import Index
from resolvers.link_store import LinkStore
from resolvers.links import LinkRules, Pair
from resolvers.lost_tombstones import bind, given_up
from resolvers.sealed_secrets import SealedSecrets
from resolvers.sources import ConfiguredSource, Sources
from resolvers.store import Engine, StoreUnusable, guarded, open_store
from resolvers.tombstones import SECRET as TOMBSTONES
from resolvers.tombstones import Tombstones
from schema.build import build_schema
from schema.costs import Costs
from schema.documents import Documents
from schema.execution import Executor

log = logging.getLogger("tillgate.encryption")
CALL_SHARE = 0.95
"""Of a source's deadline, for one of its calls."""


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Everything alive in one process. Several may live in one process."""

    settings: Settings
    engine: Engine
    sources: Sources
    store: LinkStore
    index: Index
    learner: Learner
    tombstones: Tombstones
    rules: LinkRules
    executor: Executor
    budgets: Budgets
    trusted: TrustedDocuments
    policy: Policy | None = None

    @property
    def erasure(self) -> Erasure:
        """What is kept about somebody, in all stores at once."""
        return Erasure(self.engine, self.tombstones, (self.store, self.index))

    async def scrub_if_needed(self) -> None:
        """After a command that wrote references: a write may have taken away rows that turned out
        to belong to what was erased. The next erasure does it where another process reads on."""
        if self.index.has_taken_away:
            with suppress(StoreUnusable):
                await self.erasure.scrub()

    def context(self, request_id: str | None = None, principal: Principal | None = None) -> Context:
        """A context for one request; `principal` is who asks. Without a policy nobody is asked."""
        return Context(
            self.sources,
            self.rules,
            request_id=request_id or secrets.token_hex(8),
            access=self.policy.access(principal) if self.policy is not None else None,
            seconds=self.settings.server.deadline,
            objects=self.settings.limits.objects,
        )


@asynccontextmanager
async def open_gateway(settings: Settings, registry: Registry) -> AsyncIterator[Gateway]:
    """Opens the store and every source, and closes them in the end. Asks no source anything."""
    async with AsyncExitStack() as stack:
        password = settings.store.password
        engine = await stack.enter_async_context(
            open_store(settings.store.url, None if password is None else password.reveal())
        )
        tombstones = await open_tombstones(engine, settings)
        store = LinkStore(engine, tombstones=tombstones)
        index = Index(engine, tombstones, (store,))
        learner = Learner(index)
        stack.push_async_callback(learner.aclose)
        opening = Opening(registry, index, learner, stack)
        sources = Sources([opening.source(name, own) for name, own in settings.sources.items()])
        schema, auth = build_schema(), settings.auth
        documents = Documents(
            schema,
            settings.limits,
            introspection=settings.server.shows_schema,
            federation=settings.server.is_subgraph,
        )
        yield Gateway(
            settings=settings,
            engine=engine,
            sources=sources,
            store=store,
            index=index,
            learner=learner,
            tombstones=tombstones,
            rules=link_rules(settings, sources, store),
            executor=Executor(schema, documents),
            budgets=Budgets(Costs(schema), settings.budget, _buckets(settings, stack)),
            trusted=TrustedDocuments(settings.documents, documents),
            policy=None if auth is None else auth.policy.policy(auth.rows),
        )


def link_rules(settings: Settings, sources: Sources, store: LinkStore) -> LinkRules:
    """How orders and payments of these sources belong together."""
    pairs = settings.links.pairs
    told = None if pairs is None else [Pair(pair.orders, pair.payments) for pair in pairs]
    return LinkRules(sources, store, told)


async def open_tombstones(engine: Engine, settings: Settings) -> Tombstones:
    """What was erased; logs a warning for tombstones that were given up. Raises StoreUnusable for
    others that cannot be read: without [encryption], or of another secret."""
    sealer = settings.sealer
    secret = None if sealer is None else await _secret(engine, SealedSecrets(engine, sealer))
    tombstones = Tombstones(engine, secret)
    await tombstones.now_of(())
    if (lost := await lost_tombstones(engine)) is not None:
        log.warning(lost)
    return tombstones


async def _secret(engine: Engine, sealed: SealedSecrets) -> bytes:
    """Of the tombstones. Those of an earlier version are bound first: a secret that is made here
    is not theirs, also if the process ends before they are looked at."""
    with guarded():
        async with engine.connect() as connection:
            found = await sealed.find(connection, TOMBSTONES)
    await bind(engine, found)
    return found or await sealed.get(TOMBSTONES)


async def lost_tombstones(engine: Engine) -> str | None:
    """A sentence about those that were given up. Raises StoreUnusable."""
    with guarded():
        async with engine.connect() as connection:
            lost = await given_up(connection)
    if lost is None or lost.given_up is None:
        return None
    return (
        f"{lost.count} tombstones are of a lost secret since {lost.given_up:%Y-%m-%d}: what was"
        " erased with them may come back until it is erased again"
    )


def _buckets(settings: Settings, stack: AsyncExitStack) -> Buckets:
    """Shared by all workers where there is a Redis, which is asked nothing yet."""
    if settings.redis is None:
        return ProcessBuckets(time.monotonic)
    password = settings.redis.password
    redis = connect(settings.redis.url, None if password is None else password.reveal())
    stack.push_async_callback(redis.aclose)
    return SharedBuckets(redis, settings.budget.workers, time.monotonic)


class Opening:
    """Opens sources; what they hold open is closed with `stack`."""

    def __init__(
        self, registry: Registry, index: Index, learner: Learner, stack: AsyncExitStack
    ) -> None:
        self._registry = registry
        self._index = index
        self._learner = learner
        self._stack = stack

    def source(self, name: str, own: SourceSettings) -> ConfiguredSource:
        """One that tells its ledger and not its lists is made whole by the index."""
        vendor = self._registry[own.vendor]
        source = Source(name, vendor.name, vendor.kind)
        transports: list[HttpTransport] = []

        def open_transport(base_url: str, judge: Judge, tokens: TokenSource | None) -> Downloader:
            transports.append(self._transport(name, base_url, vendor, own, judge, tokens))
            return transports[-1]

        def skew() -> float | None:
            return worst_skew(transports)

        connector: Any = vendor.connect(
            Wiring(source, open_transport, lambda: datetime.now(UTC), skew), own
        )
        if "ledger" in capabilities(connector):
            connector = IndexedConnector(connector, source, self._index, self._learner)
        return ConfiguredSource(
            source=source,
            vendor=vendor,
            connector=connector,
            deadline=own.deadline,
            skew=skew,
            books_read_at=lambda: self._index.synced_at(name),
            incomplete_periods=lambda: self._incomplete(name),
        )

    async def _incomplete(self, name: str) -> dict[str, int]:
        found = await self._index.incomplete()
        return {period: read.bad for (source, period), read in found.items() if source == name}

    def _transport(
        self,
        name: str,
        base_url: str,
        vendor: Vendor,
        own: SourceSettings,
        judge: Judge,
        tokens: TokenSource | None,
    ) -> HttpTransport:
        limits = msgspec.structs.replace(
            vendor.limits,
            # A call ends before the lookup that it is a part of, so that what the other calls of
            # the lookup got is not lost with it.
            deadline=own.deadline * CALL_SHARE,
            concurrency=own.concurrency or vendor.limits.concurrency,
            rates={**vendor.limits.rates, **own.rates},
        )
        transport = HttpTransport(
            name, base_url, hosts=vendor.hosts, limits=limits, judge=judge, tokens=tokens
        )
        self._stack.push_async_callback(transport.aclose)
        return transport
