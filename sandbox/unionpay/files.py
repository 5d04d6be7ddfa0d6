"""Settlement files: fixed columns in bytes of GBK, in a zip, deflated once more, in base64."""

from __future__ import annotations

import io
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Iterable
from datetime import date

from sandbox.behaviour import MARK, has_odd_row
from sandbox.simulator import Answer
from sandbox.unionpay.ids import MERCHANT
from sandbox.unionpay.replies import Refusal, done
from sandbox.unionpay.transactions import Transaction, Transactions

COLUMNS = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1),
    *(21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98),
)
NAMES = ("银联商户", "云闪付·小店", "Ｃａｆé １２", "花店🌸")
AMOUNT = 6
"""The place of the amount, column 7."""
CODES = {"01": "S22", "04": "S30"}


def settlement_file(book: Transactions, asked: dict[str, str], day: date | None) -> Answer:
    """The file of a day; 98 where there is none, whatever the reason."""
    if day is None:
        raise Refusal("98")
    echoed = {k: asked[k] for k in ("bizType", "txnType", "txnSubType", "settleDate", "txnTime")}
    content = packed(day, book.by_day[day])
    name = f"{MERCHANT}_{day:%Y%m%d}.zip"
    return done({**echoed, "fileType": "00", "fileName": name, "fileContent": content})


def packed(day: date, rows: Iterable[Transaction]) -> str:
    """The zip of a day, with an empty file of corrections."""
    each = [line(row) for row in rows]
    if each and has_odd_row():
        each.insert(1, odd(each[0]))
    lines = b"".join(row + b"\r\n" for row in each)
    members = {f"INN{day:%y%m%d}88ZM_{MERCHANT}": lines, f"INN{day:%y%m%d}88ZME_{MERCHANT}": b""}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(
                zipfile.ZipInfo(name, (day.year, day.month, day.day, 9, 0, 0)), content
            )
    return b64encode(zlib.compress(target.getvalue())).decode()


def line(row: Transaction) -> bytes:
    """One row; texts are cut to their column, in bytes."""
    cells = [cell(row, number).encode("gb18030") for number in range(1, len(COLUMNS) + 1)]
    wide = zip(cells, COLUMNS, strict=True)
    return b" ".join(text[:width].ljust(width) for text, width in wide)


def odd(row: bytes) -> bytes:
    """With a mark where the amount should be."""
    start = sum(COLUMNS[:AMOUNT]) + AMOUNT
    width = COLUMNS[AMOUNT]
    return row[:start] + MARK.encode().rjust(width) + row[start + width :]


def cell(row: Transaction, number: int) -> str:
    return columns(row).get(number, "")


def columns(row: Transaction) -> dict[int, str]:
    """By UnionPay's number of the column."""
    refund = row.original is not None
    fee = row.fee or 0
    net = -row.amount if refund else row.amount - fee
    return {
        1: CODES[row.kind],
        2: "00010000",
        3: "00010000",
        4: row.trace,
        5: row.sent[4:],
        6: f"621226******{row.trace[-4:]}",
        7: f"{row.amount:012}",
        8: "5311",
        9: "07",
        10: row.query_id,
        12: row.order_id,
        13: "02",
        14: row.original.trace if row.original else "",
        15: row.original.sent[4:] if row.original else "",
        16: "" if row.fee is None else signed(-fee),
        17: signed(net),
        18: "0001",
        20: row.kind,
        21: "00" if refund else "03" if row.payment.instalments else "01",
        22: "000201",
        27: row.original.query_id if row.original else "",
        28: MERCHANT,
        31: NAMES[int(row.trace) % len(NAMES)],
        33: signed(net),
        35: row.reserved,
        36: signed(0),
        39: f"{row.payment.instalments:02}" if row.payment.instalments and not refund else "",
        41: row.original.order_id if row.original else "",
    }


def signed(amount: int) -> str:
    """C is the merchant's, D is to be paid by the merchant."""
    return f"{'D' if amount < 0 else 'C'}{abs(amount):012}"
