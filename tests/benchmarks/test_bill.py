"""The benchmark of the bill: no row lost, doubled or changed. Times are not tested."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from benchmarks.bill import SHORT, Bench, Line, Lost, as_table, check, half_written, measure
from benchmarks.bills.job import MIDNIGHT, Job, Offer
from benchmarks.bills.made import REFUND_EVERY, made
from benchmarks.bills.stores import postgresql, sqlite
from benchmarks.processes import CannotMeasure
from connectors.ledger import Entry
from connectors.records import Kind
from connectors.references import ReferencePattern
from connectors.wechatpay.bill import Cover, entries
from connectors.wechatpay.mapping import Rules
from connectors.wechatpay.packed import opened
from resolvers.index.spool import PART
from resolvers.index.store import Index, Progress
from resolvers.store import open_store

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="memory is read from Linux's /proc"
)
ROWS = 4 * PART
MERCHANT = "1900000109"
EARLY = 0.2
"""Killed in the second part of four, so that it is never too late."""
OPEN = {"SQLite": sqlite, "PostgreSQL": postgresql}


@pytest.fixture(scope="module", params=list(OPEN))
def lines(request: pytest.FixtureRequest) -> list[Line]:
    """Counts and checksums are compared on the way: Lost would have been raised."""
    return measure([OPEN[request.param]], ROWS, EARLY)


def test_every_reading_holds_what_the_bill_tells(lines: list[Line]) -> None:
    *whole, resumed = [line.written for line in lines]
    assert whole == [ROWS, ROWS, ROWS // SHORT]
    assert resumed in (ROWS - PART, ROWS - 2 * PART)


def test_every_reading_is_in_the_table(lines: list[Line]) -> None:
    table = as_table(lines)
    assert all(line.what in table and line.store in table for line in lines)


def test_the_bill_is_one_that_wechat_could_have_made(tmp_path: Path) -> None:
    bill = made(tmp_path / "bill.gz", 100, MERCHANT)
    text = gzip.decompress(Path(bill.path).read_bytes())
    assert (len(text), hashlib.sha1(text, usedforsecurity=False).hexdigest()) == (
        bill.size,
        bill.sha1,
    )
    assert text.startswith("\ufeff交易时间,".encode())
    assert all(word in text.decode() for word in ("牛奶,面包,鸡蛋", "☕", "２５０ｇ", "\r\n`2026-"))
    found = told(bill.path, bill.sha1)
    assert len({(entry.kind, entry.native_id) for entry in found}) == bill.contents.entries == 100
    assert sum(entry.kind is Kind.REFUND for entry in found) == 100 // REFUND_EVERY


def told(path: str, sha1: str) -> list[Entry]:
    """What the connector reads in a bill, totals and all."""
    rules = Rules("attach", ReferencePattern(), frozenset())
    cover = Cover(MERCHANT, MIDNIGHT, MIDNIGHT + timedelta(days=1))
    with open(path, "rb") as file:
        found = list(entries(opened(file, sha1), rules, cover))
    told = [row for row in found if isinstance(row, Entry)]
    assert found == told
    return told


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A bill of a hundred rows and an empty database for it."""
    bill = made(tmp_path / "bill.gz", 100, MERCHANT)
    with sqlite() as fresh:
        yield Bench(fresh).job(Offer(bill, {}))


def test_a_row_too_few_or_changed_is_noticed(job: Job) -> None:
    found = told(job.offer.bill.path, job.offer.bill.sha1)
    write(job, found[1:], Progress("", 100, 100))
    with pytest.raises(Lost, match="entries=99"):
        check(job)
    write(job, found, Progress("", 100, 100))
    check(job)
    write(job, [with_amount_of(found[0], found[1])], Progress("", 100, 100))
    with pytest.raises(Lost, match="entries=100"):
        check(job)


def test_what_a_killed_process_left_must_be_what_it_noted(job: Job) -> None:
    found = told(job.offer.bill.path, job.offer.bill.sha1)
    write(job, found[:50], Progress("", 50, 100))
    assert asyncio.run(half_written(job)) == 50
    write(job, found[50:60], Progress("", 50, 100))
    with pytest.raises(Lost, match="60 entries, but 50"):
        asyncio.run(half_written(job))
    write(job, found, Progress("", 100, 100))
    with pytest.raises(CannotMeasure, match="too late"):
        asyncio.run(half_written(job))


def write(job: Job, found: list[Entry], progress: Progress) -> None:
    async def write() -> None:
        async with open_store(job.store.url) as engine:
            await Index(engine).put_part("wechat_cn", "trade", found, progress)

    asyncio.run(write())


def with_amount_of(entry: Entry, other: Entry) -> Entry:
    """An entry with another one's amount."""
    return msgspec.structs.replace(entry, amount=other.amount)
