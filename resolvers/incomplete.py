"""Which sources took no part in a list although they hold such records: an incomplete list says so.

A source that fails is none of these: it takes part as an error. Another reason than having no list
(statements that were read in part, for instance) is a value of `IncompleteReason`, found where
`resolvers.roots.left_out` finds these.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from connectors.records import Kind, Source, SourceKind
from resolvers.sources import OWNERS, ConfiguredSource, Sources

PAGE_METHODS = {
    Kind.CUSTOMER: "customer_page",
    Kind.ORDER: "order_page",
    Kind.PAYMENT: "payment_page",
    Kind.REFUND: "refund_page",
}
DEFAULT_KIND = {Kind.CUSTOMER: SourceKind.CRM, Kind.ORDER: SourceKind.CRM}
"""Which sources answer when none is named: CRMs for what CRMs own, else every one that can."""


class IncompleteReason(Enum):
    """Why; a new reason needs its description in `schema.enums`."""

    CANNOT_LIST = "CANNOT_LIST"


class Incomplete(msgspec.Struct, frozen=True):
    source: Source
    reason: IncompleteReason


def unlisted(
    sources: Sources, kind: Kind, taking_part: Sequence[ConfiguredSource] = ()
) -> list[ConfiguredSource]:
    """Those that hold records of the kind, have no list of them and take no part otherwise."""
    others = {source.name for source in taking_part}
    return [
        source
        for source in sources.able(OWNERS[kind], DEFAULT_KIND.get(kind))
        if not source.can(PAGE_METHODS[kind]) and source.name not in others
    ]


def cannot_list(sources: Sequence[ConfiguredSource]) -> tuple[Incomplete, ...]:
    return tuple(Incomplete(one.source, IncompleteReason.CANNOT_LIST) for one in sources)
