"""A trade bill's table: columns by their header, rows as entries, and a footer that must agree.

#支付宝业务明细查询
支付宝交易号,商户订单号,业务类型,...,订单金额（元）,商家实收（元）,...,退款批次号/请求号,服务费（元）,...
2013112011001004330000121536	,20150320010101001	,交易	,...
#-----------------------------------------业务明细列表结束------------------------------------
#交易合计：1笔，商家实收共98.00元，商家优惠共2.00元
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from connectors.alipay.amounts import Misfit, moment, part, whole
from connectors.alipay.archive import Lines
from connectors.ledger import Entry
from connectors.money import Money
from connectors.records import Kind
from connectors.references import ReferencePattern

TRADE, REQUEST, ORDER, TYPE = "支付宝交易号", "退款批次号/请求号", "商户订单号", "业务类型"
FINISHED = "完成时间"
AMOUNT, RECEIVED, FEE = "订单金额（元）", "商家实收（元）", "服务费（元）"
COLUMNS = (TRADE, ORDER, TYPE, FINISHED, AMOUNT, RECEIVED, REQUEST, FEE)
PAID, REFUNDED = "交易", "退款"
END = "列表结束"
_TOTAL = re.compile(r"#(交易|退款)合计：([0-9]+)笔，商家实收共(-?[0-9]+\.[0-9]{2})元")
# Spaces, tabs and the marks that some exports put around numbers.
PADDING = " \t\ufeff"

Row = dict[str, str]


class Table:
    """One file of details: read it once. Raises Misfit with the line, and the column."""

    def __init__(self, pattern: ReferencePattern) -> None:
        self._pattern = pattern
        self._seen = {PAID: [0, 0], REFUNDED: [0, 0]}
        self._line = 0
        self._ended = False

    def entries(self, lines: Lines) -> Iterator[Entry]:
        """What the rows tell; the totals and the end are checked when they come."""
        rows = csv.reader(self._data(lines))
        try:
            header = self._header(rows)
            for cells in rows:
                row = self._row(header, cells)
                if (entry := self._entry(row)) is not None:
                    yield entry
        except csv.Error:
            raise Misfit(f"line {self._line} is not CSV") from None
        except Misfit as error:
            raise Misfit(f"line {self._line}, {error}") from None
        if not self._ended:
            raise Misfit(f"it breaks off after line {self._line}")

    def _data(self, lines: Lines) -> Iterator[str]:
        """Lines of the table; what begins with `#` is about it."""
        for self._line, line in lines:
            if line.startswith("#"):
                self._remark(line)
            elif line.strip(PADDING):
                yield line

    def _remark(self, line: str) -> None:
        self._ended = self._ended or END in line
        if found := _TOTAL.match(line):
            count, total = self._seen[found[1]]
            told = part(RECEIVED, found[3]).minor_units
            # Whether the total of refunds shows their sign is not published.
            if int(found[2]) != count or abs(told) != abs(total):
                raise Misfit(f"{found[1]}合计: the rows do not add up to it")

    def _header(self, rows: Iterator[list[str]]) -> list[str]:
        header = [cell.strip(PADDING) for cell in next(rows, [])]
        # A file without a table is an empty bill as long as it is whole.
        missing = [column for column in COLUMNS if column not in header]
        if missing and header:
            raise Misfit(f"{missing[0]}: there is no such column")
        return header

    def _row(self, header: list[str], cells: list[str]) -> Row:
        if len(cells) != len(header):
            raise Misfit("not as many cells as columns")
        return {name: cell.strip(PADDING) for name, cell in zip(header, cells, strict=True)}

    def _entry(self, row: Row) -> Entry | None:
        """Other business, such as transfers, is passed over."""
        if row[TYPE] not in self._seen:
            return None
        seen = self._seen[row[TYPE]]
        seen[0] += 1
        seen[1] += whole(RECEIVED, row[RECEIVED]).minor_units
        for column in (TRADE, ORDER):
            if not row[column]:
                raise Misfit(f"{column}: empty")
        return self._payment(row) if row[TYPE] == PAID else self._refund(row)

    def _payment(self, row: Row) -> Entry:
        fee = part(FEE, row[FEE])
        return Entry(
            kind=Kind.PAYMENT,
            native_id=row[TRADE],
            created_at=moment(FINISHED, row[FINISHED]),
            reference=self._pattern.of(row[ORDER]),
            amount=_positive(AMOUNT, whole(AMOUNT, row[AMOUNT])),
            fee=Money(-fee.minor_units, fee.currency) if fee.minor_units else None,
        )

    def _refund(self, row: Row) -> Entry:
        """Amounts of refunds are negative. One that was asked for without a number of its own
        has the order's.
        """
        amount = whole(AMOUNT, row[AMOUNT])
        request = row[REQUEST] or row[ORDER]
        return Entry(
            kind=Kind.REFUND,
            native_id=f"{row[TRADE]}-{request}",
            created_at=moment(FINISHED, row[FINISHED]),
            payment=row[TRADE],
            reference=request,
            amount=_positive(AMOUNT, Money(-amount.minor_units, amount.currency)),
        )


def _positive(column: str, amount: Money) -> Money:
    if amount.minor_units <= 0:
        raise Misfit(f"{column}: of the wrong sign")
    return amount
