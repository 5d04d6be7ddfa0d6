"""A trade bill's table: columns by their header, rows as entries, and a footer that must agree.

#支付宝业务明细查询
#起始日期：[2026年01月01日 00:00:00]   终止日期：[2026年01月02日 00:00:00]
支付宝交易号,商户订单号,业务类型,...,订单金额（元）,商家实收（元）,...,退款批次号/请求号,服务费（元）,...
2013112011001004330000121536	,20150320010101001	,交易	,...
#-----------------------------------------业务明细列表结束------------------------------------
#交易合计：1笔，商家实收共98.00元，商家优惠共2.00元
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import msgspec

from connectors.alipay.amounts import Misfit, moment, part, signed
from connectors.alipay.archive import Lines
from connectors.charset import DAMAGE
from connectors.ledger import BadRow, Entry, Told
from connectors.money import Money
from connectors.records import Kind
from connectors.references import ReferencePattern

TRADE, REQUEST, ORDER, TYPE = "支付宝交易号", "退款批次号/请求号", "商户订单号", "业务类型"
FINISHED = "完成时间"
AMOUNT, RECEIVED, FEE = "订单金额（元）", "商家实收（元）", "服务费（元）"
COLUMNS = (TRADE, ORDER, TYPE, FINISHED, AMOUNT, RECEIVED, REQUEST, FEE)
PAID, REFUNDED = "交易", "退款"
END = "列表结束"
NO_TEXT = "bytes that are no text"
_CLAIM = re.compile(r"#(交易|退款)合计")
# Whether the total of refunds calls them 退款 again, and shows their sign, is not published.
_TOTAL = re.compile(r"：([0-9]{1,15})笔，商家实收(?:退款)?共(-?[0-9]{1,15}\.[0-9]{2})元")
_BEGINS = re.compile(r"#起始日期：\[([0-9]{4})[年-]([0-9]{2})(?:[月-]([0-9]{2}))?")
_PADDED = re.compile(r'"[ \t]+(?=,|$)')
_NUMBER = re.compile(r"[0-9]{1,64}")
# Spaces, tabs and the marks that some exports put around numbers.
PADDING = " \t\ufeff"

Row = dict[str, str]


class Sum(msgspec.Struct):
    """What the rows of one business come to; `received` is in fen, and is not `is_known` where an
    amount cannot be read.
    """

    count: int = 0
    received: int = 0
    is_known: bool = True


class Table:
    """One file of details: read it once. Raises Misfit with the line, and the column, for what is
    wrong with the file; a row that cannot be read is a BadRow.

    `label` is the bill's day or month: `2026-01-02`, `2026-01`; `part` names the file.
    """

    def __init__(self, pattern: ReferencePattern, label: str, part: str = "") -> None:
        self._pattern = pattern
        self._label = label
        self._part = part
        self._seen = {PAID: Sum(), REFUNDED: Sum()}
        self._unplaced = 0
        self._totals: set[str] = set()
        self._line = 0
        self._ended = False

    def entries(self, lines: Lines) -> Iterator[Told]:
        """What the rows tell; the totals and the end are checked when they come."""
        rows = self._data(lines)
        try:
            header = self._header(next(rows, ""))
            for line in rows:
                if (told := self._told(header, line)) is not None:
                    yield told
        except Misfit as error:
            raise Misfit(f"line {self._line}, {error}") from None
        if not self._ended or self._is_short_of_totals():
            raise Misfit(f"it breaks off after line {self._line}")

    def _told(self, header: list[str], line: str) -> Told | None:
        try:
            row = _row(header, line)
            if DAMAGE in row[TYPE]:
                raise Misfit(f"{TYPE}: {NO_TEXT}")
        except Misfit as error:
            self._unplaced += 1
            return BadRow.of(str(error), self._line, self._part, is_totalled=False)
        # Other business, such as transfers, is passed over.
        if (seen := self._seen.get(row[TYPE])) is None:
            return None
        seen.count += 1
        try:
            seen.received += signed(RECEIVED, row[RECEIVED]).minor_units
        except Misfit as error:
            seen.is_known = False
            return BadRow.of(str(error), self._line, self._part, is_totalled=False)
        try:
            return self._entry(row)
        except Misfit as error:
            return BadRow.of(str(error), self._line, self._part)

    def _is_short_of_totals(self) -> bool:
        """Some bills have none; one that has any has one for each business with rows."""
        return bool(self._totals) and any(
            seen.count and business not in self._totals for business, seen in self._seen.items()
        )

    def _data(self, lines: Lines) -> Iterator[str]:
        """Lines of the table; what begins with `#` is about it."""
        for self._line, line in lines:
            if line.startswith("#"):
                self._remark(line)
            elif line.strip(PADDING):
                yield line

    def _remark(self, line: str) -> None:
        self._ended = self._ended or END in line
        if claim := _CLAIM.match(line):
            self._add_up(claim[1], _TOTAL.match(line, claim.end()))
        elif begins := _BEGINS.match(line):
            self._check_begins(begins)

    def _add_up(self, business: str, told: re.Match[str] | None) -> None:
        if told is None:
            raise Misfit(f"{business}合计: not a total")
        self._totals.add(business)
        seen = self._seen[business]
        # Each row whose business cannot be read counts in one of the totals, or in none.
        more = int(told[1]) - seen.count
        is_known = seen.is_known and not more
        if not 0 <= more <= self._unplaced or (
            is_known and abs(part(RECEIVED, told[2]).minor_units) != abs(seen.received)
        ):
            raise Misfit(f"{business}合计: the rows do not add up to it")
        self._unplaced -= more

    def _check_begins(self, told: re.Match[str]) -> None:
        """A month's bill begins on its first day, if it names one."""
        first = self._label if len(self._label) > 7 else f"{self._label}-01"
        if f"{told[1]}-{told[2]}-{told[3] or '01'}" != first:
            raise Misfit("起始日期: it is the bill of another time")

    def _header(self, line: str) -> list[str]:
        """A file without a table is an empty bill as long as it is whole."""
        header = [cell.strip(PADDING + '"') for cell in line.split(",")] if line else []
        missing = [column for column in COLUMNS if column not in header]
        if missing and header:
            raise Misfit(f"{missing[0]}: there is no such column")
        return header

    def _entry(self, row: Row) -> Entry:
        if not _NUMBER.fullmatch(row[TRADE]):
            raise Misfit(f"{TRADE}: not a number")
        if not row[ORDER]:
            raise Misfit(f"{ORDER}: empty")
        for column in (ORDER, REQUEST):
            if DAMAGE in row[column]:
                raise Misfit(f"{column}: {NO_TEXT}")
        return self._payment(row) if row[TYPE] == PAID else self._refund(row)

    def _payment(self, row: Row) -> Entry:
        fee = part(FEE, row[FEE])
        return Entry(
            kind=Kind.PAYMENT,
            native_id=row[TRADE],
            created_at=moment(FINISHED, row[FINISHED]),
            reference=self._pattern.of(row[ORDER]),
            amount=_positive(AMOUNT, signed(AMOUNT, row[AMOUNT])),
            fee=Money(-fee.minor_units, fee.currency) if fee.minor_units else None,
        )

    def _refund(self, row: Row) -> Entry:
        """Amounts of refunds are negative. One that was asked for without a number of its own
        has the order's.
        """
        amount = signed(AMOUNT, row[AMOUNT])
        request = row[REQUEST] or row[ORDER]
        return Entry(
            kind=Kind.REFUND,
            native_id=f"{row[TRADE]}-{request}",
            created_at=moment(FINISHED, row[FINISHED]),
            payment=row[TRADE],
            reference=request,
            amount=_positive(AMOUNT, Money(-amount.minor_units, amount.currency)),
        )


def _row(header: list[str], line: str) -> Row:
    cells = _cells(line, len(header))
    return {name: cell.strip(PADDING) for name, cell in zip(header, cells, strict=True)}


def _cells(line: str, count: int) -> list[str]:
    """Of one line, never of several: whether Alipay quotes a name that holds a quote is not
    published, and a quote that stands for itself must not swallow the rows up to the next one.
    """
    if '"' in line:
        try:
            (cells,) = csv.reader([_PADDED.sub('"', line)], strict=True)
        except csv.Error:
            cells = []
        if len(cells) == count:
            return cells
    cells = line.split(",")
    if len(cells) != count:
        raise Misfit("not as many cells as columns")
    return cells


def _positive(column: str, amount: Money) -> Money:
    if amount.minor_units <= 0:
        raise Misfit(f"{column}: of the wrong sign")
    return amount
