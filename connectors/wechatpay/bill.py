"""The trade bill of one day (交易账单), read as a stream.

https://pay.weixin.qq.com/doc/v3/merchant/4013071239: UTF-8, perhaps with a BOM, perhaps gzipped;
a line of column names, a line for each payment and each refund, a line of names of totals, the
totals. Each value has a backtick before it, so a comma inside a text is no separator. Amounts are
yuan, where the API counts fen; fees are written with five decimals. A refund is a line of its own
on the day it was asked for, and the payment's line stays SUCCESS. A line names the merchant who
placed the order, and the one it was placed for (0 where that is the same).

A text of the merchant may hold line breaks: what does not begin with a backtick goes on with the
row above. A row that cannot be read is a BadRow; it counts in the number of rows, and a sum that
it takes part in with an amount that cannot be read is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import BinaryIO

import msgspec

from connectors.beijing import utc_of
from connectors.charset import DAMAGE, UTF8, text_of
from connectors.ledger import BadRow, Entry, Told
from connectors.money import InexactAmount, Money
from connectors.records import Kind
from connectors.wechatpay.mapping import YUAN, Rules

LONGEST = 64 * 1024
"""Bytes of a line, at most."""
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")

TIME, STATE, CURRENCY, FEE = "交易时间", "交易状态", "货币种类", "手续费"
NUMBER, TRANSACTION, ATTACH, TOTAL = "商户订单号", "微信订单号", "商户数据包", "订单金额"
REFUND_NUMBER, REFUND_ID, REFUNDED = "商户退款单号", "微信退款单号", "申请退款金额"
MERCHANT, SUB_MERCHANT = "商户号", "特约商户号"
REQUIRED = frozenset(
    {TIME, STATE, CURRENCY, FEE, NUMBER, TRANSACTION, ATTACH, TOTAL, REFUND_NUMBER, REFUND_ID}
    | {REFUNDED, MERCHANT, SUB_MERCHANT}
)
NOTHING = "0.00"
"""Half of the amounts of a row, so that it is worth not to be added up."""
COUNT = "总交易单数"
SUMS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": FEE,
    "订单总金额": TOTAL,
    "申请退款总金额": REFUNDED,
}
"""Which total at the end is of which column."""
FEN = Decimal("0.01")


class BadBill(ValueError):
    """What is wrong, and where: the line and the column, never what stands there."""


class Misfit(ValueError):
    """What is wrong with one row: `column: reason`, or a reason alone; never what stands there."""


class Cover(msgspec.Struct, frozen=True):
    """Whose bill it is, and of which time: [start, end)."""

    merchant: str
    start: datetime
    end: datetime

    def check(self, row: Row, told: Entry) -> Entry:
        """What a row of it tells; BadBill for a row that belongs elsewhere."""
        if self.merchant not in (row.text(MERCHANT), row.text(SUB_MERCHANT)):
            raise BadBill(f"line {row.number}, column {MERCHANT}: another merchant")
        # Nobody says which of its two times a reversal's line has.
        if told.amount is not None and not self.start <= told.created_at < self.end:
            raise BadBill(f"line {row.number}, column {TIME}: another day")
        return told


def entries(text: BinaryIO, rules: Rules, cover: Cover, *, totals: bool = True) -> Iterator[Told]:
    """All that a bill tells. What is wrong at its end is told at its end: BadBill."""
    lines = _lines(text)
    columns = _columns(next(lines, (1, ""))[1])
    sums = Sums(columns)
    for number, line in _rows(lines):
        if not line.startswith("`"):
            sums.check(number, line, lines, exact=totals)
            return
        yield _told(number, columns, line, rules, cover, sums)
    raise BadBill("the bill ends before its totals")


def _told(
    number: int, columns: dict[str, int], line: str, rules: Rules, cover: Cover, sums: Sums
) -> Told:
    try:
        row = Row(number, columns, line)
    except Misfit as error:
        sums.miss()
        return BadRow.of(str(error), number, is_totalled=False)
    if (unknown := sums.add(row)) is not None:
        return BadRow.of(str(unknown), number, is_totalled=False)
    try:
        return cover.check(row, entry(row, rules))
    except Misfit as error:
        return BadRow.of(str(error), number)


def _rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Rows, each with the lines that a text in it goes on in; then the names of the totals."""
    row: tuple[int, str] | None = None
    for number, line in lines:
        is_row = line.startswith("`")
        if not is_row and COUNT not in line.split(","):
            if row is None or len(row[1]) > LONGEST:
                raise BadBill(f"line {number} is neither a payment nor the names of totals")
            row = row[0], f"{row[1]}\n{line}"
            continue
        if row is not None:
            yield row
        row = number, line
        if not is_row:
            break
    if row is not None:
        yield row


def _lines(text: BinaryIO) -> Iterator[tuple[int, str]]:
    number = 0
    while line := text.readline(LONGEST):
        number += 1
        if len(line) == LONGEST:
            raise BadBill(f"line {number} is longer than any can be")
        yield number, _text(line).removeprefix("\ufeff" if number == 1 else "").rstrip("\r\n")


def _text(line: bytes) -> str:
    """A value that is not in UTF-8 costs no other one: no letter of GB18030 holds a comma."""
    try:
        return line.decode(UTF8)
    except UnicodeDecodeError:
        return ",`".join(map(text_of, line.split(b",`")))


def _columns(line: str) -> dict[str, int]:
    columns = {name.strip(): place for place, name in enumerate(line.split(","))}
    for name in sorted(REQUIRED - columns.keys()):
        raise BadBill(f"line 1: there is no column {name}")
    return columns


def _values(line: str) -> list[str]:
    return line[1:].split(",`")


class Row:
    """One line by the names of its columns."""

    def __init__(self, number: int, columns: dict[str, int], line: str) -> None:
        self.number = number
        self._columns = columns
        self._values = _values(line)
        if len(self._values) != len(columns):
            raise Misfit("not a value for each column")

    def text(self, column: str) -> str:
        text = self._values[self._columns[column]].strip()
        if DAMAGE in text:
            raise Misfit(f"{column}: bytes that are no text")
        return text

    def amount(self, column: str) -> Decimal:
        """Yuan. What stands there is checked before Decimal, which reads digits of any script."""
        text = self.text(column)
        if not _AMOUNT.fullmatch(text):
            raise self.bad(column)
        return Decimal(text)

    def money(self, column: str) -> Money:
        if self.text(CURRENCY) != YUAN:
            raise self.bad(CURRENCY)
        try:
            return Money.of(self.amount(column), YUAN)
        except InexactAmount:
            raise self.bad(column) from None

    def fee(self) -> Money | None:
        """None for one finer than a fen, which no record can tell."""
        try:
            return Money.of(self.amount(FEE), YUAN)
        except InexactAmount:
            return None

    def time(self, column: str) -> datetime:
        try:
            return utc_of(self.text(column))
        except ValueError:
            raise self.bad(column) from None

    def id(self, column: str) -> str:
        text = self.text(column)
        if not _NUMBER.fullmatch(text):
            raise self.bad(column)
        return text

    def bad(self, column: str) -> Misfit:
        return Misfit(f"{column}: not as WeChat Pay writes it")


def entry(row: Row, rules: Rules) -> Entry:
    """A payment, or a refund; a line of a payment that was reversed (REVOKED) has no amount."""
    state = row.text(STATE)
    if state == "REFUND":
        return _refund(row)
    if state not in ("SUCCESS", "REVOKED"):
        raise row.bad(STATE)
    paid = state == "SUCCESS"
    return Entry(
        kind=Kind.PAYMENT,
        native_id=row.id(NUMBER),
        alias=row.id(TRANSACTION),
        created_at=row.time(TIME),
        reference=rules.order_number(row.text(NUMBER), row.text(ATTACH)),
        amount=row.money(TOTAL) if paid else None,
        fee=row.fee() if paid else None,
    )


def _refund(row: Row) -> Entry:
    return Entry(
        kind=Kind.REFUND,
        native_id=row.id(REFUND_NUMBER),
        alias=row.id(REFUND_ID),
        created_at=row.time(TIME),
        payment=row.id(NUMBER),
        reference=row.id(REFUND_NUMBER),
        amount=row.money(REFUNDED),
    )


class Sums:
    """What the rows come to, to be held against the totals."""

    def __init__(self, columns: dict[str, int]) -> None:
        self._count = 0
        self._sums = {name: Decimal(0) for name in SUMS.values() if name in columns}
        self._unknown: set[str] = set()

    def add(self, row: Row) -> Misfit | None:
        """What is wrong with one of its amounts, if anything."""
        self._count += 1
        wrong = None
        for column in self._sums:
            try:
                if row.text(column) != NOTHING:
                    self._sums[column] += row.amount(column)
            except Misfit as error:
                self._unknown.add(column)
                wrong = error
        return wrong

    def miss(self) -> None:
        """A row without its amounts."""
        self._count += 1
        self._unknown.update(self._sums)

    def check(
        self, number: int, names: str, lines: Iterator[tuple[int, str]], *, exact: bool
    ) -> None:
        """Of the two last lines; their number always counts, the sums where they are `exact` and
        all that they are of is known.
        """
        places = {name.strip(): place for place, name in enumerate(names.split(","))}
        if COUNT not in places:
            raise BadBill(f"line {number} is neither a payment nor the names of totals")
        below, line = next(lines, (number + 1, ""))
        try:
            totals = Row(below, places, line)
            count = totals.amount(COUNT)
            told = {name: totals.amount(name) for name in SUMS.keys() & places.keys() if exact}
        except Misfit as error:
            raise BadBill(f"line {below}, {error}") from None
        if count != self._count:
            raise BadBill(f"line {below}, {COUNT}: not the number of lines above")
        for name, total in told.items():
            column = SUMS[name]
            parts = self._sums.get(column, Decimal(0))
            if column not in self._unknown and not _comes_to(parts, total):
                raise BadBill(f"line {below}, {name}: not the sum of the lines above")
        for after, rest in lines:
            if rest.strip():
                raise BadBill(f"line {after}: something follows the totals")


def _comes_to(parts: Decimal, total: Decimal) -> bool:
    """Fees may be finer than a fen, and their total rounded to it."""
    return total in (parts, parts.quantize(FEN, ROUND_HALF_UP))
