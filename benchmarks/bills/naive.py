"""A bill into the index as one writes it first: `python -m benchmarks.bills.naive` < job.

All of it into a list of dicts with `csv.DictReader`, then row by row through the plain driver.
Downloads, proves and sums up nothing: the file is already there.
"""

from __future__ import annotations

import csv
import gzip
from datetime import datetime
from decimal import Decimal
from typing import Any

import uvloop

from benchmarks.bills.job import SOURCE, Job, Run, Watch, given, told
from benchmarks.bills.stores import inserting

BETWEEN = "\x1f"
"""Stands for the separator, since a comma may be in a text as well."""


async def read(job: Job) -> Run:
    watch = Watch()
    rows = parsed(job.offer.bill.path)
    watch.read()
    async with inserting(job.store) as insert:
        for row in rows:
            await insert(values(row, f"trade {job.offer.bill.path}"))
    return watch.stop()


def parsed(path: str) -> list[dict[str, Any]]:
    """Every row by the names of its columns; the totals are cut off."""
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        columns = file.readline().rstrip("\r\n").split(",")
        lines = (line[1:].replace(",`", BETWEEN) for line in file if line.startswith("`"))
        rows = list(csv.DictReader(lines, columns, delimiter=BETWEEN, quoting=csv.QUOTE_NONE))
    return rows[:-1]


def values(row: dict[str, Any], origin: str) -> tuple[Any, ...]:
    """Of the columns of `benchmarks.bills.stores.COLUMNS`."""
    back = row["交易状态"] == "REFUND"
    return (
        SOURCE,
        "refund" if back else "payment",
        row["商户退款单号"] if back else row["商户订单号"],
        milliseconds(row["交易时间"]),
        row["微信退款单号"] if back else row["微信订单号"],
        row["商户订单号"] if back else None,
        row["商户退款单号"] if back else row["商户数据包"] or None,
        fen(row["申请退款金额"] if back else row["订单金额"]),
        None if back else fen(row["手续费"]),
        "CNY",
        origin,
    )


def milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+08:00").timestamp()) * 1000


def fen(yuan: str) -> int:
    return int(Decimal(yuan) * 100)


if __name__ == "__main__":
    told(uvloop.run(read(given())))
