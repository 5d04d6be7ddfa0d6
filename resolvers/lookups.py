"""Batched reads of records by key: every key once per request, every failure a value, and every
record as it was read first (`resolvers.identity`).

A connector's exception never travels further than here: it becomes the value of each key of that
batch, so that one failing source nulls its own fields and nothing else.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import msgspec

from connectors.errors import Malformed, SourceError, TimedOut
from connectors.paging import BadCursor
from connectors.time_limit import TimeLimit
from resolvers.deadline import Deadline
from resolvers.identity import Identities
from resolvers.loading import Loader, settled
from resolvers.screening import Screen
from resolvers.sources import OWNERS, ConfiguredSource, Sources, connector_method

log = logging.getLogger("tillgate.lookups")
alerts = logging.getLogger("tillgate.alerts")


class Reads(msgspec.Struct):
    """Of one source: each may be several calls of its vendor. `seconds` is their sum."""

    count: int = 0
    seconds: float = 0.0


class Lookups:
    """The reads of one request, within its `deadline`. By source, `reads` counts what was read so
    far, and `cards` the texts that held card numbers."""

    def __init__(self, sources: Sources, deadline: Deadline) -> None:
        self._sources = sources
        self.deadline = deadline
        self._loaders: dict[Hashable, Loader[str, Any]] = {}
        self._identities = Identities()
        self.reads: dict[str, Reads] = {}
        self.cards: Counter[str] = Counter()

    async def many(
        self, source: str, method: str, keys: Iterable[str], *arguments: Hashable
    ) -> dict[str, Any]:
        """Values by key: a record (or whatever `method` answers) or a SourceError.

        A key that does not exist is left out. `arguments` follow the keys of the method and
        belong to the batch's identity, not to its keys. A record that is known already is not
        asked for by its id.
        """
        found: dict[str, Any] = self._known(source, method, keys := list(keys))
        loader = self._loader(self._sources[source], method, arguments)
        futures = {key: loader.load(key) for key in keys if key not in found}
        await settled(futures.values())
        for key, future in futures.items():
            error = future.exception()
            if error is not None and not isinstance(error, SourceError):
                raise error
            if (value := error or future.result()) is not None:
                found[key] = value
        return found

    def close(self) -> None:
        """Forgets what was read; the counts stay."""
        self._loaders.clear()
        self._identities.clear()

    async def once(self, source: ConfiguredSource, call: Callable[[], Any]) -> Any:
        """One call of a connector under the deadline; raises SourceError or BadCursor only."""
        self.deadline.check(source.name)
        began = time.monotonic()
        try:
            async with TimeLimit(min(source.deadline, self.deadline.level())):
                found = await call()
        except TimedOut as error:
            self.deadline.timed_out(error)
            raise
        except (SourceError, BadCursor):
            raise
        except TimeoutError:
            late = TimedOut(source.name, "no answer within the deadline")
            self.deadline.timed_out(late)
            raise late from None
        except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
            # A mapping that fails on a payload is a defect of ours, but no reason to lose the
            # other sources' data. The type says enough: a message could quote the payload.
            log.error("%s: %s while reading its answer", source.name, type(error).__name__)
            log.debug("where", exc_info=error)
            raise Malformed(source.name, "the answer could not be read") from None
        else:
            return self._identities(self._screened(source, found))
        finally:
            reads = self.reads.setdefault(source.name, Reads())
            reads.count += 1
            reads.seconds += time.monotonic() - began

    def _known(self, source: str, method: str, keys: Iterable[str]) -> dict[str, Any]:
        kind = BY_ID.get(method)
        if kind is None:
            return {}
        known = {key: self._identities.get(source, kind, key) for key in keys}
        return {key: record for key, record in known.items() if record is not None}

    def _screened(self, source: ConfiguredSource, found: Any) -> Any:
        """Without card numbers in its texts; that there were some is a security event."""
        screen = Screen()
        screened = screen(found)
        for place, count in screen.found.items():
            self.cards[source.name] += count
            fields = {"rule": "card_number", "source": source.name, "at": place, "count": count}
            alerts.warning("alert", extra={"fields": fields})
        return screened

    def _loader(
        self, source: ConfiguredSource, method: str, arguments: tuple[Hashable, ...]
    ) -> Loader[str, Any]:
        identity = (source.name, method, arguments)
        if identity not in self._loaders:

            async def fetch(keys: list[str]) -> list[Any]:
                return await self._fetch(source, method, keys, arguments)

            self._loaders[identity] = Loader(fetch)
        return self._loaders[identity]

    async def _fetch(
        self,
        source: ConfiguredSource,
        method: str,
        keys: list[str],
        arguments: tuple[Hashable, ...],
    ) -> list[Any]:
        call = connector_method(source, method)
        leading = arguments if method in SOURCE_FIRST else ()
        trailing = () if method in SOURCE_FIRST else arguments
        try:
            found: Mapping[str, Any] = await self.once(
                source, lambda: call(*leading, keys, *trailing)
            )
        except SourceError as error:
            return [error] * len(keys)
        for value in found.values():
            if isinstance(value, TimedOut):
                self.deadline.timed_out(value)
                break
        return [found.get(key) for key in keys]


BY_ID = {method: kind for kind, method in OWNERS.items()}
"""The kind of record that a method gives by its id."""

SOURCE_FIRST = frozenset({"customers_by_external_id", "orders_by_payment_id"})
"""Methods that take the other source's name before the keys."""
