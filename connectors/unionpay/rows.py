"""The rows of a settlement file: GBK, columns of fixed width in bytes, a space between them.

Column numbers are UnionPay's (平台接入接口规范 第3部分 文件接口, ZM). Only columns up to 35 are
read: what follows differs between versions of the file. A row that cannot be read is a BadRow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, islice

from connectors.beijing import BEIJING
from connectors.ledger import BadRow, Entry, Told
from connectors.money import Money
from connectors.records import Kind
from connectors.unionpay import ids
from connectors.unionpay.archive import LONGEST_LINE
from connectors.unionpay.mapping import fen
from connectors.unionpay.order_number import OrderNumber
from connectors.unionpay.words import KINDS, ROW_KINDS
from connectors.unionpay.years import nearest

WIDTHS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2),
    *(2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32),
)
STARTS = tuple(accumulate(WIDTHS, lambda at, width: at + width + 1, initial=0))
CODE, SENT, AMOUNT, QUERY_ID, ORDER_ID, FEE, TYPE, ORIGINAL, RESERVED = (
    1,
    5,
    7,
    10,
    12,
    16,
    20,
    27,
    35,
)
SHAPES = {
    CODE: re.compile(rb"[A-Z0-9]{3}"),
    SENT: re.compile(rb"[0-9]{10}"),
    AMOUNT: re.compile(rb"[0-9]{12}"),
    QUERY_ID: re.compile(rb"([0-9]{21})?"),
    ORDER_ID: re.compile(rb"[A-Za-z0-9]{0,32}"),
    FEE: re.compile(rb"([CD][0-9]{12})?"),
    TYPE: re.compile(rb"([0-9]{2})?"),
    ORIGINAL: re.compile(rb"([0-9]{21})?"),
    RESERVED: re.compile(rb".*", re.DOTALL),
}
NEEDED = STARTS[ORIGINAL]
"""Bytes that a row has at least: up to the queryId of the original."""
BATCH = 1000


class Misfit(ValueError):
    """What does not fit in a row: `column: reason`, or a reason alone; never what stands there."""


class Row:
    """One line; cells are stripped of their spaces."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        if len(raw) < NEEDED:
            raise Misfit("too short")
        if len(raw) >= LONGEST_LINE:
            raise Misfit("too long")

    def cell(self, column: int) -> str:
        """A cell of the shape that its column has; "" for none."""
        start = STARTS[column - 1]
        end = start + WIDTHS[column - 1]
        cell = self._raw[start:end].strip(b" ")
        parted = self._raw[end : end + 1] in (b" ", b"")
        try:
            if parted and SHAPES[column].fullmatch(cell):
                return cell.decode("gb18030")
        except UnicodeDecodeError:
            pass
        raise self.bad(column)

    def is_full(self, column: int) -> bool:
        """Whether a cell fills its column, and so may have been cut there."""
        start = STARTS[column - 1]
        return len(self._raw[start : start + WIDTHS[column - 1]].strip(b" ")) == WIDTHS[column - 1]

    def bad(self, column: int) -> Misfit:
        return Misfit(f"{column}: does not fit")


def batches(
    lines: Iterable[bytes], settled: datetime, number: OrderNumber, part: str = ""
) -> Iterator[Sequence[Told]]:
    """What a file tells whose day closed at `settled`, about a thousand rows at a time; `part`
    names the file.
    """
    found = _told(lines, settled, number, part)
    while batch := list(islice(found, BATCH)):
        yield batch


def _told(
    lines: Iterable[bytes], settled: datetime, number: OrderNumber, part: str
) -> Iterator[Told]:
    for index, line in enumerate(lines, 1):
        if raw := line.rstrip(b"\r\n"):
            try:
                entry = _entry(Row(raw), settled, number)
            except Misfit as error:
                yield BadRow.of(str(error), index, part)
            else:
                if entry is not None:
                    yield entry


def _entry(row: Row, settled: datetime, number: OrderNumber) -> Entry | None:
    """None for rows about neither a payment nor a refund, such as fees of their own."""
    code, kind_of = row.cell(CODE), row.cell(TYPE)
    kind = KINDS.get(kind_of) or ROW_KINDS.get(code)
    if kind is None:
        return None
    refund = kind is Kind.REFUND
    sent = _sent(row, settled)
    return Entry(
        kind=kind,
        native_id=_native_id(row, sent),
        created_at=sent,
        alias=row.cell(QUERY_ID) or None,
        payment=row.cell(ORIGINAL) or None if refund else None,
        reference=row.cell(ORDER_ID) or None if refund else _reference(row, number),
        amount=fen(row.cell(AMOUNT)),
        fee=_fee(row.cell(FEE)),
    )


def _sent(row: Row, settled: datetime) -> datetime:
    digits = row.cell(SENT)
    try:
        return nearest(digits, settled)
    except ValueError:
        raise row.bad(SENT) from None


def _native_id(row: Row, sent: datetime) -> str:
    """By order number, or by queryId where the row holds none."""
    if order_id := row.cell(ORDER_ID):
        return ids.native_id(order_id, f"{sent.astimezone(BEIJING):%Y%m%d%H%M%S}")
    if query_id := row.cell(QUERY_ID):
        return query_id
    raise row.bad(ORDER_ID)


def _reference(row: Row, number: OrderNumber) -> str | None:
    """What is passed through may be longer than its column: a full one does not say."""
    reserved = None if row.is_full(RESERVED) else row.cell(RESERVED)
    return number.of(row.cell(ORDER_ID) or None, reserved)


def _fee(cell: str) -> Money | None:
    """D is what the merchant pays, C what it gets back."""
    if not cell:
        return None
    fee = int(cell[1:])
    return Money(fee if cell[0] == "D" else -fee, "CNY")
