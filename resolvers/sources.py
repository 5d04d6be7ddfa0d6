"""The configured sources, and which of them can do what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from connectors.capabilities import Connector, capabilities
from connectors.paging import Sort
from connectors.records import Kind, PaymentChannel, Provider, Source, SourceKind
from connectors.vendor import Vendor
from resolvers.errors import BadFilter, BadId, NoSource

P = TypeVar("P")


async def _never() -> None:
    return None


async def _none() -> dict[str, int]:
    return {}


OWNERS = {
    Kind.CUSTOMER: "customers",
    Kind.ORDER: "orders",
    Kind.PAYMENT: "payments",
    Kind.REFUND: "refunds",
    Kind.DISPUTE: "disputes",
}
"""The capability that a source must have to own records of a kind."""
WAYS: Mapping[str, Mapping[str, str]] = {
    "customers": {"customers": "id"},
    "orders": {"orders_by_number": "number", "orders": "id"},
    "payments": {
        "payments_by_reference": "reference",
        "find_payments": "reference",
        "payments": "id",
    },
    "refunds": {"refunds": "id"},
}
"""How records can be asked for without a list, by what it takes of a source."""


class ConfiguredSource(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One account with its live connector. `deadline` in seconds bounds each lookup; `skew` tells
    how many seconds the vendor's clock was ahead of ours at its last answer, `books_read_at` when a
    book of it was last read, None for never; `incomplete_periods` returns how many rows were left
    out, by period."""

    source: Source
    vendor: Vendor
    connector: Connector
    deadline: float
    skew: Callable[[], float | None] = lambda: None
    books_read_at: Callable[[], Awaitable[datetime | None]] = _never
    incomplete_periods: Callable[[], Awaitable[Mapping[str, int]]] = _none

    @property
    def name(self) -> str:
        return self.source.name

    @cached_property
    def capabilities(self) -> tuple[str, ...]:
        """Found once: asking a protocol is slow, and asked for every parent of a join."""
        return capabilities(self.connector)

    def can(self, capability: str) -> bool:
        return capability in self.capabilities

    @cached_property
    def _narrowed(self) -> dict[frozenset[str], ConfiguredSource]:
        return {}

    def narrowed(self, withheld: frozenset[str]) -> ConfiguredSource:
        """The same source, not asked for these attributes of records; made once for each set."""
        if not self.can("narrowed"):
            return self
        if withheld not in self._narrowed:
            narrow: Any = self.connector
            connector = narrow.narrowed(withheld)
            self._narrowed[withheld] = msgspec.structs.replace(self, connector=connector)
        return self._narrowed[withheld]

    def may_hold(
        self,
        providers: Collection[Provider] | None = None,
        channels: Collection[PaymentChannel] | None = None,
    ) -> bool:
        """Whether it can have payments of these, as far as its vendor's declaration says."""
        own, ways = self.vendor.provider, self.vendor.channels
        if providers is not None and own is not None and own not in providers:
            return False
        return channels is None or not ways or not set(ways).isdisjoint(channels)

    def can_sort(self, kind: Kind, sort: Sort) -> bool:
        return self.vendor.can_sort(kind, sort)


class Address(msgspec.Struct, frozen=True):
    """A parsed id: `source:kind:native`, with the native id in its one spelling."""

    source: str
    kind: Kind
    native_id: str

    def __str__(self) -> str:
        return f"{self.source}:{self.kind.value}:{self.native_id}"


class Sources(Mapping[str, ConfiguredSource]):
    """All sources by name, in the order of the configuration."""

    def __init__(self, configured: Iterable[ConfiguredSource], *, is_whole: bool = True) -> None:
        self._by_name = {source.name: source for source in configured}
        self.is_whole = is_whole

    def within(self, names: Collection[str] | None) -> Sources:
        """These alone (None: all), for somebody who sees not all rows: whatever is not among them
        is as if it were not configured."""
        held = [s for s in self._by_name.values() if names is None or s.name in names]
        return Sources(held, is_whole=False)

    def narrowed(self, withheld: frozenset[str]) -> Sources:
        """All of them, not asked for these attributes of records."""
        narrow = [source.narrowed(withheld) for source in self._by_name.values()]
        return Sources(narrow, is_whole=self.is_whole)

    def __getitem__(self, name: str) -> ConfiguredSource:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def able(self, capability: str, kind: SourceKind | None = None) -> list[ConfiguredSource]:
        """Sources that can do it, of one kind or of any."""
        return [
            source
            for source in self._by_name.values()
            if source.can(capability) and (kind is None or source.source.kind is kind)
        ]

    def chosen(self, names: Iterable[str], capability: str) -> list[ConfiguredSource]:
        """The sources a client named; BadFilter for one that is unknown, and for one that cannot do
        it, with what it can."""
        chosen = []
        for name in dict.fromkeys(names):
            source = self._by_name.get(name)
            if source is None:
                raise BadFilter(f"no source is named {name[:64]!r}")
            if not source.can(capability):
                raise BadFilter(self._unable(source, capability))
            chosen.append(source)
        return chosen

    def _unable(self, source: ConfiguredSource, capability: str) -> str:
        what = capability.removesuffix("_page").removesuffix("s") + "s"
        ways = [way for method, way in WAYS.get(what, {}).items() if source.can(method)]
        others = ", ".join(other.name for other in self.able(capability))
        listed = f"; named can be {others}" if others else ""
        if not ways:
            return f"{source.name} holds no {what}{listed}"
        asked = " or ".join(dict.fromkeys(ways))
        return f"{source.name} has no list of {what}, it can only be asked by {asked}{listed}"

    def address_or_none(self, text: str, kind: Kind | None = None) -> Address | None:
        """As `address`; to somebody who sees not all, an id that no source can have is one of a
        record that does not exist: else it would tell which sources there are, and of whom."""
        try:
            return self.address(text, kind)
        except NoSource:
            if self.is_whole:
                raise
            return None

    def address(self, text: str, kind: Kind | None = None) -> Address:
        """The parts of an id. BadId if malformed, of an unknown source or of another kind."""
        parts = text.split(":", 2)
        if len(parts) != 3:
            raise BadId("an id has the form source:kind:native")
        name, kind_name, native_id = parts
        if kind_name not in _KINDS:
            raise BadId(f"an id's kind is one of {', '.join(_KINDS)}")
        found = _KINDS[kind_name]
        if kind is not None and found is not kind:
            raise BadId(f"this is an id of kind {found.value}, not {kind.value}")
        source = self._by_name.get(name)
        if source is None or not source.can(OWNERS[found]):
            raise NoSource(f"no source of {OWNERS[found]} has the name in this id")
        normal = source.vendor.normalise(found, native_id)
        if normal is None:
            raise NoSource(f"the last part is no {found.value} id of {source.vendor.label}")
        return Address(name, found, normal)


_KINDS: dict[str, Kind] = {kind.value: kind for kind in Kind}


def connector_method(source: ConfiguredSource, name: str) -> Any:
    """A batch method; the caller has checked the capability."""
    return getattr(source.connector, name)
