"""The account log: every movement of the merchant's money, minutes after it happened.

https://opendocs.alipay.com/open/01inem. At most 31 days and 2,000 rows a page. A row's amount is
what reached or left the account, which discounts make less than the trade's or the refund's own:
so entries from here have no amount, but they have fees.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.alipay.amounts import Misfit, moment, part
from connectors.alipay.api import Api
from connectors.alipay.operations import ACCOUNT_LOG
from connectors.alipay.payloads import LogPage, LogRow
from connectors.alipay.periods import Rhythm
from connectors.alipay.words import FEE, PAYMENT, REFUND, ROWS
from connectors.beijing import written
from connectors.errors import Malformed, Retryable
from connectors.ledger import BadRow, Entry, Period, Told
from connectors.money import Money
from connectors.raw_rows import decoded
from connectors.records import Kind
from connectors.references import ReferencePattern

RHYTHM = Rhythm("account log", timedelta(hours=1), timedelta(hours=1))
PAGE = 2000
INCOME, EXPENSE = "收入", "支出"
_PAGE = msgspec.json.Decoder(LogPage)
_ROW = msgspec.json.Decoder(LogRow)

Entries = dict[tuple[Kind, str], Entry]


class AccountLog:
    """The log of one account."""

    rhythm = RHYTHM

    def __init__(self, api: Api, pattern: ReferencePattern, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._pattern = pattern
        self._clock = clock

    async def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]:
        """A page at a time, up to this second: rows that arrive later must not shift the pages."""
        ends = min(period.end, self._clock().replace(microsecond=0))
        read, number = 0, 1
        told: Entries = {}
        while True:
            page = await self._page(period.start, ends, number)
            rows, total = page.detail_list or [], _number(self._api.source, page.total_size)
            if rows:
                good, bad = _read(rows, read + 1)
                told, misfits = entries_of(good, self._pattern, told)
                yield [*told.values(), *bad, *misfits]
            read += len(rows)
            if read >= total:
                return
            if not rows:
                raise Retryable(self._api.source, "the account log changed while it was read")
            number += 1

    async def _page(self, start: datetime, end: datetime, number: int) -> LogPage:
        content = {
            "start_time": written(start),
            "end_time": written(end),
            "page_no": str(number),
            "page_size": str(PAGE),
        }
        return await self._api.ask(ACCOUNT_LOG, content, _PAGE)


def _read(rows: Sequence[msgspec.Raw], first: int) -> tuple[dict[int, LogRow], list[BadRow]]:
    """Rows by their line, and those that cannot be read; the first is line `first`."""
    every: dict[int, LogRow | BadRow] = {}
    for line, raw in enumerate(rows, first):
        row = decoded(raw, _ROW, line)
        every[line] = row
    good = {line: row for line, row in every.items() if isinstance(row, LogRow)}
    return good, [row for row in every.values() if isinstance(row, BadRow)]


def entries_of(
    rows: Mapping[int, LogRow], pattern: ReferencePattern, before: Entries
) -> tuple[Entries, list[BadRow]]:
    """Payments with their fees, and refunds; other movements are passed over. `rows` are by line;
    `before` is what the page before told: fees of its payments may follow on this one.

    A fee whose payment is on neither page is an entry that tells the fee alone, if it names the
    order: one that does not is for some other service, whose number is no trade's.
    """
    found: Entries = {}
    bad: list[BadRow] = []
    for line, row in sorted(rows.items(), key=lambda numbered: _kind(numbered[1]) == FEE):
        try:
            entry = _entry(row, pattern)
        except Misfit as error:
            bad.append(BadRow.of(str(error), line))
            continue
        if entry is None:
            continue
        key = (entry.kind, entry.native_id)
        known = found.get(key) or before.get(key)
        if known is not None:
            found[key] = _merged(known, entry)
        elif _kind(row) != FEE or row.merchant_order_no:
            found[key] = entry
    return found, bad


def _entry(row: LogRow, pattern: ReferencePattern) -> Entry | None:
    kind = _kind(row)
    if kind is None or not row.alipay_order_no:
        return None
    return _refund(row) if kind == REFUND else _payment(row, kind, pattern)


def _kind(row: LogRow) -> str | None:
    """By type, and only in the direction that fits it. What gives money back under a refund's
    number is a refund, whatever its type is called.
    """
    kind = ROWS.get(row.type)
    if row.direction == INCOME:
        return PAYMENT if kind == PAYMENT else None
    if kind == FEE:
        return FEE
    return REFUND if kind == REFUND or row.merchant_out_refund_no else None


def _payment(row: LogRow, kind: str, pattern: ReferencePattern) -> Entry:
    fee = part("trans_amount", row.trans_amount) if kind == FEE else None
    return Entry(
        kind=Kind.PAYMENT,
        native_id=row.alipay_order_no or "",
        created_at=moment("trans_dt", row.trans_dt),
        reference=pattern.of(row.merchant_order_no),
        fee=Money(abs(fee.minor_units), fee.currency) if fee else None,
    )


def _refund(row: LogRow) -> Entry:
    """A refund that was asked for without a number of its own has the order's."""
    request = row.merchant_out_refund_no or row.merchant_order_no
    if not request:
        raise Misfit("merchant_out_refund_no: missing")
    return Entry(
        kind=Kind.REFUND,
        native_id=f"{row.alipay_order_no}-{request}",
        created_at=moment("trans_dt", row.trans_dt),
        payment=row.alipay_order_no,
        reference=request,
    )


def _merged(known: Entry, more: Entry) -> Entry:
    return msgspec.structs.replace(
        known,
        created_at=min(known.created_at, more.created_at),
        reference=known.reference or more.reference,
        fee=_sum(known.fee, more.fee),
    )


def _sum(fee: Money | None, more: Money | None) -> Money | None:
    """A trade may be charged for more than one thing."""
    if fee is None or more is None:
        return fee or more
    return Money(fee.minor_units + more.minor_units, fee.currency)


def _number(source: str, text: str | int) -> int:
    if isinstance(text, str) and not (text.isascii() and text.isdigit()):
        raise Malformed(source, "total_size: not a number")
    return int(text)
