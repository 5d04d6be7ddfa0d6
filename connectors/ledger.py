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


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the books that is read as a whole: one bill, one window of a log.

    `name` says what it is for good, such as `trade 2026-01-02`: what was read is remembered by it.
    It tells of what happened in [start, end), aware UTC. One that is not `final` may tell more
    later and is read again.
    """

    name: str
    start: datetime
    end: datetime
    final: bool = True
