"""What one request carries: its sources, its loaders and its deadline. Never shared, never kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Generic, TypeVar

import msgspec

from auth.access import Access
from auth.principal import Principal
from auth.rows import EVERY_ROW
from connectors.records import Record
from resolvers.deadline import Deadline
from resolvers.incomplete import Incomplete
from resolvers.links import LinkRules
from resolvers.loading import Loader, settled
from resolvers.lookups import Lookups
from resolvers.rows import Rows
from resolvers.sources import Sources

P = TypeVar("P", bound=Record)
V = TypeVar("V")

Batch = Callable[["Context", Sequence[Any], Any], Awaitable[Mapping[str, Any]]]


class Join(msgspec.Struct, Generic[P, V], frozen=True, kw_only=True):
    """How a field that leads to other records gets them, for all parents of a level at once.

    `batch(context, parents, arguments)` answers by parent id: the value, or the failure of that
    parent; a parent that is left out has `empty`. `calls` states the upstream calls for n parents
    in terms of the connector methods it uses; `methods` are those that n parents cost a vendor
    whose records it leads to; `parts` are the joins it is made of, and how many records of a parent
    these are usually asked for. `embedded` gives the value where the vendor already delivered it
    with the parent. A field's arguments belong to the loader, not to its keys.
    """

    name: str
    batch: Batch
    calls: str
    methods: tuple[str, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    embedded: Callable[[Any], Any] = lambda parent: None
    empty: Any = None


GRACE = 2.0
"""Seconds beyond the deadline in which an answer is put together from what has come."""


class Exhausted(msgspec.Struct, frozen=True):
    """The answer grew too large, or its time is over: nothing of it is given.

    No exception: what is under way ends by itself, quickly, because nothing more is put in.
    """

    code: str
    message: str


TOO_LARGE = Exhausted("ANSWER_TOO_LARGE", "The answer would be too large: ask for less.")
TOO_LATE = Exhausted("DEADLINE_EXCEEDED", "The answer took too long: ask for less.")


class Context:
    """`request_id` stands in every error and log line of the request. Without `access` nobody
    decides who sees what: there are no tokens, and only loopback is served. If somebody makes
    `shown` a list, every record that is put into the answer is noted there, maybe twice.
    `incomplete` are the sources that an answer lacks, with the path at which it does."""

    def __init__(
        self,
        sources: Sources,
        rules: LinkRules,
        *,
        request_id: str,
        seconds: float = 15.0,
        objects: int = 20_000,
        access: Access | None = None,
    ) -> None:
        self.access = access
        scope = access.rows if access is not None else EVERY_ROW
        self.sources = sources if scope.is_everything else sources.within(scope.sources)
        self.rules = rules if scope.sources is None else rules.within(self.sources)
        self.request_id = request_id
        self.deadline = Deadline(seconds)
        self.lookups = Lookups(self.sources, self.deadline)
        self._loaders: dict[Hashable, Loader[Any, Any]] = {}
        self._objects = objects
        self.exhausted: Exhausted | None = None
        self.shown: list[Record] | None = None
        self.incomplete: list[tuple[list[str | int], Incomplete]] = []
        self.rows = None if scope.is_everything else Rows(scope, self._raw())

    def close(self) -> None:
        """Forgets what was read. Loaders and this context hold each other, so that without it all
        records of a request stay in memory until the collector comes, which is rare."""
        self._loaders.clear()
        self.lookups.close()
        if self.rows is not None:
            self.rows.close()

    def withhold(self, attributes: frozenset[str]) -> None:
        """Sources are not asked for these attributes of records; said before any of them is."""
        if attributes:
            self.sources = self.sources.narrowed(attributes)
            self.lookups = Lookups(self.sources, self.deadline)
            if self.rows is not None:
                self.rows = Rows(self.rows.scope, self._raw())

    def _raw(self) -> Context:
        """The same reads, before rows are filtered: what tells whose a record is."""
        raw = copy(self)
        raw.rows = None
        raw._loaders = {}
        return raw

    @property
    def principal(self) -> Principal | None:
        """Who asks; None for nobody identified, or where nobody is told apart."""
        return self.access.principal if self.access is not None else None

    def spend(self, objects: int) -> bool:
        """Counts objects of the answer, however they were asked for: whether there may be more."""
        self._objects -= objects
        if self.exhausted is None:
            if self._objects < 0:
                self.exhausted = TOO_LARGE
            # After the deadline nothing is waited for; what is there may still be put together.
            elif self.deadline.is_past(GRACE):
                self.exhausted = TOO_LATE
        return self.exhausted is None

    def lacks(self, path: list[str | int], sources: Iterable[Incomplete]) -> None:
        """Notes that what stands at `path` was answered without these sources."""
        self.incomplete += ((path, source) for source in sources)

    def load(self, join: Join[P, V], parent: P, arguments: Hashable = None) -> Any:
        """The joined value if it is known already (raised, if it is a failure), else its future."""
        embedded = join.embedded(parent)
        if embedded is not None:
            return embedded
        future = self._loader(join, arguments).load(parent)
        # Shielded, because a field that is cancelled must not cancel its neighbours' value.
        return future.result() if future.done() else asyncio.shield(future)

    async def many(
        self, join: Join[P, V], parents: Sequence[P], arguments: Hashable = None
    ) -> dict[str, V | Exception]:
        """Joined values by parent id, for joins that are made of joins."""
        found: dict[str, Any] = {}
        futures: dict[str, asyncio.Future[Any]] = {}
        for parent in parents:
            embedded = join.embedded(parent)
            if embedded is not None:
                found[parent.id] = embedded
            else:
                futures[parent.id] = self._loader(join, arguments).load(parent)
        await settled(futures.values())
        for key, future in futures.items():
            found[key] = future.exception() or future.result()
        return found

    async def ready(self, loads: Iterable[tuple[Join[Any, Any], Any]]) -> None:
        """Fetches joins of parents together; `load` then has their values at once."""
        await settled(
            self._loader(join, None).load(parent)
            for join, parent in loads
            if join.embedded(parent) is None
        )

    def is_ready(self, join: Join[Any, Any], parent: Any) -> bool:
        return join.embedded(parent) is not None or self._loader(join, None).has(parent)

    def _loader(self, join: Join[Any, Any], arguments: Hashable) -> Loader[Any, Any]:
        identity = (join.name, arguments)
        if identity not in self._loaders:

            async def fetch(parents: list[Any]) -> list[Any]:
                found = await join.batch(self, parents, arguments)
                if self.rows is not None:
                    found = await self.rows.shown(found)
                return [found.get(parent.id, join.empty) for parent in parents]

            self._loaders[identity] = Loader(fetch, key=lambda parent: parent.id)
        return self._loaders[identity]
