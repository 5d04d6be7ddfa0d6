"""What a field asks of the sources, as data: what its upstream calls are planned by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.records import Kind


class Joined(msgspec.Struct, frozen=True):
    """Reads a join, by its name, for `each` records of every parent."""

    join: str
    each: int = 1


class Paged(msgspec.Struct, frozen=True):
    """A page of records, merged over sources."""

    kind: Kind


class ById(msgspec.Struct, frozen=True):
    """Records by their ids, of one kind or of any."""

    kind: Kind | None = None


class ByKey(msgspec.Struct, frozen=True):
    """One business key, looked for by these methods in every source that has them."""

    methods: tuple[str, ...]


class Probed(msgspec.Struct, frozen=True):
    """Every source, once."""


Read = Joined | Paged | ById | ByKey | Probed


class Asked(msgspec.Struct, frozen=True):
    """A read of so many parents at one place of an operation; `rows` is how many records are asked
    for with each, `arguments` those of the field."""

    read: Read
    parents: int
    rows: int = 1
    arguments: Mapping[str, Any] = {}


Place = tuple[Asked, ...]
"""What the fields of one selection ask: what they have in common is asked once."""
