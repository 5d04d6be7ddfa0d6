"""PayPal's books: months and days of the transaction search, and of the disputes' changes.

A month that is over is one period; the days of the month that runs are periods until it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec

from connectors.currency import UnknownCurrency
from connectors.errors import Malformed, SourceError
from connectors.fitting import MISFITS, Unfit, mapped
from connectors.ledger import BadRow, Entry, Period, Told
from connectors.money import InexactAmount, Money
from connectors.paypal.fitting import money, positive, utc
from connectors.paypal.naming import Naming
from connectors.paypal.payloads import Amount, Dispute, Row, Transaction
from connectors.paypal.reports import Window
from connectors.paypal.words import AUTHORIZATION_CODE, PAYMENT_CODES, REFUND_CODE
from connectors.raw_rows import decoded
from connectors.records import Kind
from connectors.references import trimmed

TRANSACTIONS, DISPUTES = "transactions", "disputes"
DAY = timedelta(days=1)
LATE = timedelta(hours=1)
"""What changed may be listed so much later, at most: nobody says how soon disputes are."""
_ROW = msgspec.json.Decoder(Row)
T = TypeVar("T")


def periods(since: datetime, until: datetime, lag: timedelta) -> list[Period]:
    """Both books' periods, oldest first; transactions are told `lag` after they happened."""
    named = [*_months(TRANSACTIONS, since, until, lag), *_months(DISPUTES, since, until, LATE)]
    return sorted(named, key=lambda period: (period.start, period.name))


def entries_in(source: str, window: Window, naming: Naming) -> list[Told]:
    """The entries of one window, after its bad rows.

    A transaction id is not unique: what comes twice of one kind is one payment. An authorization
    that was captured in the same window is left out, because its captures are the payments.
    """
    part = f"transactions from {window.start:%Y-%m-%d %H:%M:%S}"
    bad: list[Told] = []
    told: dict[tuple[Kind, str], Entry] = {}
    captured: set[str | None] = set()
    for line, raw in enumerate(window.rows, 1):
        row = decoded(raw, _ROW, line, part)
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        entry = mapped(source, partial(_entry, row.transaction_info, naming))
        if isinstance(entry, SourceError):
            bad.append(BadRow.of(entry.detail, line, part))
        elif entry is not None:
            told[entry.kind, entry.native_id] = entry
        if _kind(row.transaction_info) is Kind.PAYMENT:
            captured.add(row.transaction_info.paypal_reference_id)
    return bad + [entry for entry in told.values() if entry.native_id not in captured]


def dispute_entries(source: str, rows: Iterable[Dispute | SourceError], page: int) -> list[Told]:
    """The entries of one page; a dispute that does not fit is a BadRow. Raises what kept one from
    being read at all.
    """
    made: list[Told] = []
    for line, row in enumerate(rows, 1):
        entry = row if isinstance(row, SourceError) else mapped(source, partial(_of_dispute, row))
        if isinstance(entry, Malformed):
            made.append(BadRow.of(entry.detail, line, f"page {page} of the disputes"))
        elif isinstance(entry, SourceError):
            raise entry
        else:
            made.append(entry)
    return made


def _of_dispute(row: Dispute) -> Entry:
    return Entry(
        kind=Kind.DISPUTE,
        native_id=row.dispute_id,
        created_at=utc(_there(row.create_time, "create_time")),
        payment=row.capture_id,
        amount=positive(row.dispute_amount),
    )


def _months(book: str, since: datetime, until: datetime, lag: timedelta) -> Iterator[Period]:
    told = until - lag
    start = since.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while start < told:
        end = (start + 31 * DAY).replace(day=1)
        if end <= told:
            days = (start + index * DAY for index in range((end - start).days))
            parts = tuple(f"{book} {day:%Y-%m-%d}" for day in days)
            yield Period(name=f"{book} {start:%Y-%m}", start=start, end=end, parts=parts)
        else:
            yield from _days(book, start, since, until, told)
        start = end


def _days(
    book: str, start: datetime, since: datetime, until: datetime, told: datetime
) -> Iterator[Period]:
    while start < told:
        end = start + DAY
        if end > since:
            name = f"{book} {start:%Y-%m-%d}"
            yield Period(name=name, start=start, end=min(end, until), final=end <= told)
        start = end


def _kind(row: Transaction) -> Kind | None:
    """What a row is to us: a payment received, or a refund made. The other way round it is what
    this account itself bought or got back.
    """
    code, amount = row.transaction_event_code, row.transaction_amount
    spent = None if amount is None else amount.value.startswith("-")
    if code == AUTHORIZATION_CODE or (code in PAYMENT_CODES and spent is not True):
        return Kind.PAYMENT
    return Kind.REFUND if code == REFUND_CODE and spent is not False else None


def _entry(row: Transaction, naming: Naming) -> Entry | None:
    kind = _kind(row)
    if kind is None:
        return None
    native_id = _there(row.transaction_id, "transaction_id")
    at = _there(row.transaction_initiation_date, "transaction_initiation_date")
    amount = _unsigned(row.transaction_amount, "transaction_amount")
    if kind is Kind.REFUND:
        payment = row.paypal_reference_id if row.paypal_reference_id_type == "TXN" else None
        return Entry(
            kind=kind,
            native_id=native_id,
            created_at=utc(at),
            payment=payment,
            reference=trimmed(row.invoice_id or "") or None,
            amount=amount,
        )
    return Entry(
        kind=kind,
        native_id=native_id,
        created_at=utc(at),
        reference=naming.reported(row),
        amount=amount,
        fee=_unsigned(row.fee_amount, "fee_amount") if row.fee_amount else None,
    )


def _there(value: T | None, column: str) -> T:
    if value is None:
        raise Unfit(f"{column}: missing")
    return value


def _unsigned(amount: Amount | None, column: str) -> Money:
    try:
        made = money(_there(amount, column))
    except (UnknownCurrency, InexactAmount) as error:
        raise Unfit(f"{column}: {MISFITS[type(error)]}") from None
    return Money(abs(made.minor_units), made.currency)
