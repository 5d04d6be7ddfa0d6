"""One page of records: what is asked of a connector and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from connectors.errors import SourceError
from connectors.filters import Filter
from connectors.records import Record

T = TypeVar("T")
R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
F = TypeVar("F", bound=Filter)

Keyed = Mapping[str, T | SourceError]
"""Answers by key. A missing key is not an error; a key's own failure is its value."""


class SortField(Enum):
    CREATED_AT = "created_at"
    PLACED_AT = "placed_at"
    NAME = "name"
    TOTAL = "total"


class Sort(msgspec.Struct, frozen=True):
    field: SortField = SortField.CREATED_AT
    descending: bool = True


NEWEST_FIRST = Sort()


class PageQuery(msgspec.Struct, Generic[F], frozen=True):
    """`first` rows after the row that `after` names, in `sort` order, within `filter`.

    `after` is a `Row.after` that the same connector gave for the same filter and sort.
    A connector narrows by as much of the filter as its vendor can; it may return rows that the
    filter refuses (the caller checks each again) but never leaves out one that it accepts.
    """

    first: int
    filter: F
    after: str | None = None
    sort: Sort = NEWEST_FIRST


class Row(msgspec.Struct, Generic[R], frozen=True):
    """A record and the token from which the next page resumes strictly after it.

    A row whose payload does not fit is its Malformed error: it takes its place, it is not lost.
    """

    record: R | SourceError
    after: str


class Page(msgspec.Struct, Generic[R], frozen=True):
    """`more` says whether rows follow the last one; `total` only where counting is free."""

    rows: tuple[Row[R], ...]
    more: bool = False
    total: int | None = None


class BadCursor(ValueError):
    """An `after` token that this connector did not make."""
