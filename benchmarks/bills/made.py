"""A trade bill of any length as WeChat Pay writes it, streamed to a file, and what it tells.

The lines are the sandbox's own: backticks, CRLF, a BOM, Chinese, emoji and full-width free text
with commas in it. What must be in the index afterwards is counted from the payments and refunds,
not from the text.
"""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from benchmarks.bills.job import MIDNIGHT, Bill, Contents
from sandbox.wechatpay import ACCOUNT
from sandbox.wechatpay.bills import COLUMNS, TOTALS, Line, line, written, yuan
from sandbox.wechatpay.numbers import native_id
from sandbox.wechatpay.views import discount
from sandbox.world import Deduction, Payment, Refund

LAST_SECOND = 24 * 60 * 60 - 1
REFUND_EVERY = 10
"""One line in so many is a refund, of the payment in the line before it."""
SEED = 7


def made(path: Path, rows: int, mchid: str) -> Bill:
    """A bill of that many lines."""
    contents, sums = Contents(), Sums()
    with gzip.open(path, "wb", compresslevel=1) as file:
        text = Hashed(file)
        text.write("\ufeff" + COLUMNS)
        for payment, refund in lines(rows):
            told = refund or payment
            contents.add("refund" if refund else "payment", told.native_id, told.amount)
            sums.add(payment, refund)
            text.write(written(line(payment, refund, mchid)))
        text.write(TOTALS)
        text.write(written(sums.totals(rows)))
    return Bill(str(path), rows, path.stat().st_size, text.size, text.sha1, contents)


def lines(rows: int) -> Iterator[Line]:
    """Payments over the day, and a refund after every so many of them."""
    rng = random.Random(SEED)  # noqa: S311 - test data
    payment = _payment(0, rows, rng)
    for index in range(rows):
        if index % REFUND_EVERY == REFUND_EVERY - 1:
            yield payment, _refund(index, payment, rng)
        else:
            payment = _payment(index, rows, rng)
            yield payment, None


def _payment(index: int, rows: int, rng: random.Random) -> Payment:
    """From 0.01 to 5,000 yuan; one in sixteen with a coupon, some with marks in their number."""
    amount = rng.randint(1, 500_000)
    coupon = [Deduction("coupon", amount // 10, "provider")] if index % 16 == 0 else []
    return Payment(
        native_id=native_id("payment", ACCOUNT, index, rng),
        source=ACCOUNT.name,
        amount=amount,
        currency="CNY",
        status="SUCCEEDED",
        created_at=MIDNIGHT + timedelta(seconds=index * LAST_SECOND // rows),
        captured=amount,
        fee=round(amount * 0.006),
        reference=f"SO-2026-{index}" if index % 50 else None,
        method=ACCOUNT.methods[index % len(ACCOUNT.methods)],
        deductions=coupon,
    )


def _refund(index: int, payment: Payment, rng: random.Random) -> Refund:
    """Of a part of the payment or of all of it."""
    number = native_id("refund", ACCOUNT, index, rng)
    amount = rng.randint(1, payment.amount)
    return Refund(number, amount, "SUCCEEDED", payment.created_at)


class Hashed:
    """Lines of a text on their way to a file."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self._hash = hashlib.sha1(usedforsecurity=False)
        self.size = 0

    @property
    def sha1(self) -> str:
        return self._hash.hexdigest()

    def write(self, text: str) -> None:
        content = f"{text}\r\n".encode()
        self._hash.update(content)
        self.size += self._file.write(content)


class Sums:
    """The totals at the end, in fen."""

    def __init__(self) -> None:
        self._settled = self._back = self._fees = self._ordered = 0

    def add(self, payment: Payment, refund: Refund | None) -> None:
        if refund is not None:
            self._back += refund.amount
            return
        self._settled += payment.amount - discount(payment)
        self._fees += payment.fee or 0
        self._ordered += payment.amount

    def totals(self, rows: int) -> list[str]:
        """Values in the order of `TOTALS`."""
        sums = (self._settled, self._back, 0, self._fees, self._ordered, self._back)
        return [f"{rows}.0", *map(yuan, sums)]
