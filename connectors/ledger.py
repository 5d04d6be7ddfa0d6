"""What a vendor's books tell: which records exist, and the references that join them.

Entries hold references, times and amounts, never personal data. The records themselves are read
live by id; an entry's amount only serves to notice that the two do not agree.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from connectors.money import Money
from connectors.records import Kind


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One payment, refund or dispute that exists. None is "this book does not say".

    `native_id` is the id under which the connector reads the record; `alias` another id that the
    vendor uses for it. `payment` is the native id or the alias of a refund's or dispute's payment.
    `reference` is the merchant's own number: of the order for a payment, of the refund for a
    refund. `amount` is positive and what the record itself must say; `fee` what the provider kept.
    """

    kind: Kind
    native_id: str
    created_at: datetime
    alias: str | None = None
    payment: str | None = None
    reference: str | None = None
    amount: Money | None = None
    fee: Money | None = None


class BadRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a statement that cannot be read: it yields no entry, and the others stand.

    `line` counts from 1 within `part`, which names a file, page or window of the period; `column`
    is the vendor's name of the column or field. No field holds a value of the row. `is_totalled`
    is False where a sum at the statement's end cannot be checked because of this row.
    """

    line: int
    reason: str
    column: str = ""
    part: str = ""
    is_totalled: bool = True

    @classmethod
    def of(cls, misfit: str, line: int, part: str = "", *, is_totalled: bool = True) -> BadRow:
        """`misfit` is `column: reason`, or a reason alone."""
        column, _, reason = misfit.rpartition(": ")
        return cls(line=line, reason=reason, column=column, part=part, is_totalled=is_totalled)

    def __str__(self) -> str:
        part = f"{self.part}, " if self.part else ""
        column = f", column {self.column}" if self.column else ""
        totals = "" if self.is_totalled else " (sums of the statement not checked)"
        return f"{part}line {self.line}{column}: {self.reason}{totals}"


Told = Entry | BadRow
"""What a ledger makes of one row."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the books that is read as a whole: one bill, one window of a log.

    `name` says what it is for good, such as `trade 2026-01-02`: what was read is remembered by it.
    It tells of what happened in [start, end), aware UTC. One that is not `final` may tell more
    later and is read again. `parts` are the names under which parts of it may have been read
    before, such as the days of a month: once it is read, it stands for them.
    """

    name: str
    start: datetime
    end: datetime
    final: bool = True
    parts: tuple[str, ...] = ()
