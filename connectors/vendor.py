"""How a vendor declares itself: all that the rest of the gateway knows about it, as data.

A vendor's folder exports one `VENDOR`. Its `Settings` are the keys of a `[sources.NAME]` table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from connectors.capabilities import Connector
from connectors.paging import NEWEST_FIRST, Sort
from connectors.records import Kind, PaymentChannel, Provider, Source, SourceKind
from connectors.tokens import TokenSource
from connectors.transport import Downloader, Judge, Limits

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,254}")


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys that every source has; a vendor's own settings extend it.

    `deadline` in seconds bounds each lookup; `base_url` replaces the vendor's public address;
    `concurrency` the number of calls at once that the vendor's declaration allows, `rates` its
    calls per second by name, for accounts that may call more often, or less.
    """

    vendor: str
    base_url: str | None = None
    deadline: Annotated[float, msgspec.Meta(gt=0, le=120)] = 5.0
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    rates: Mapping[str, Annotated[float, msgspec.Meta(gt=0, le=10_000)]] = {}


class CallCost(msgspec.Struct, frozen=True):
    """Upstream calls for n keys: `each` per `batch` keys (None: for all), and `extra` more. Where
    some keys are not found `absent` more are made, which no estimate counts.
    """

    batch: int | None = None
    extra: int = 0
    each: int = 1
    absent: int = 0

    def calls(self, keys: int) -> int:
        if not keys:
            return 0
        batches = 1 if self.batch is None else -(-keys // self.batch)
        return batches * self.each + self.extra


OpenTransport = Callable[[str, Judge, TokenSource | None], Downloader]
"""Opens connections: base URL, the vendor's verdict on answers, and who we are."""


FURTHEST = timedelta(days=1)
"""A date that is further from ours is no clock's."""


def _unknown() -> float | None:
    return None


class Wiring(msgspec.Struct, frozen=True):
    """What the composition root hands to a connector: nothing else reaches it.

    `skew` is by how many seconds the vendor's clock was ahead of ours at its last answer, None
    before the first. Ages, signatures and certificates are judged by `clock`; what is new or old
    in the vendor's data by `vendor_clock`.
    """

    source: Source
    open: OpenTransport
    clock: Callable[[], datetime]
    skew: Callable[[], float | None] = _unknown

    def vendor_clock(self) -> datetime:
        """The vendor's time by the `Date` of its last answer (RFC 9110 section 6.6.1), to a second;
        ours before the first answer, and where that date is more than a day away."""
        skew = timedelta(seconds=self.skew() or 0)
        return self.clock() + (skew if abs(skew) <= FURTHEST else timedelta())


def plain_id(kind: Kind, native_id: str) -> str | None:
    """Accepts what may stand in a URL path as it is; None is malformed."""
    return native_id if _PLAIN_ID.fullmatch(native_id) else None


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """`hosts` are the https hosts that may be called; `calls` the cost of each batch method.

    `normalise` turns a native id into its one spelling, or None when it cannot be one.
    `sorts` lists the orders in which the vendor can page each kind. `provider` is the one provider
    of all its payments and `channels` all that they can have, so that a filter for others asks it
    nothing; `currencies` all that it can be paid in. None and () say nothing.
    """

    name: str
    label: str
    kind: SourceKind
    hosts: tuple[str, ...]
    auth: tuple[str, ...]
    settings: type[SourceSettings]
    connect: Callable[[Wiring, Any], Connector]
    calls: Mapping[str, CallCost]
    limits: Limits = Limits()
    sorts: Mapping[Kind, tuple[Sort, ...]] = {}
    normalise: Callable[[Kind, str], str | None] = plain_id
    provider: Provider | None = None
    channels: tuple[PaymentChannel, ...] = ()
    currencies: tuple[str, ...] = ()

    def can_sort(self, kind: Kind, sort: Sort) -> bool:
        return sort in self.sorts.get(kind, (NEWEST_FIRST,))
