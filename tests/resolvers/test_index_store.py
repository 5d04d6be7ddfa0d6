"""The index of references in a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from connectors.filters import MoneyRange, TimeRange
from connectors.ledger import BadRow, Entry
from connectors.money import Money
from connectors.records import Kind
from resolvers.index.slice import Slice
from resolvers.index.store import Index, Progress
from resolvers.store import StoreUnusable, open_store

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def paid(number: int, **more: Any) -> Entry:
    values: dict[str, Any] = {
        "created_at": NOON + timedelta(minutes=number),
        "amount": Money(100 * number, "CNY"),
        "reference": f"SO-{number}",
    }
    return Entry(kind=Kind.PAYMENT, native_id=f"p{number}", **{**values, **more})


def back(number: int, payment: str, **more: Any) -> Entry:
    return Entry(kind=Kind.REFUND, native_id=f"r{number}", created_at=NOON, payment=payment, **more)


@pytest.fixture
async def index(url: str) -> AsyncIterator[Index]:
    async with open_store(url) as engine:
        yield Index(engine)


async def ids(index: Index, **wanted: Any) -> list[str]:
    found = await index.slice("cn", Kind.PAYMENT, Slice(**{"first": 10, **wanted}))
    return [entry.native_id for entry in found]


async def test_an_entry_is_read_back_as_it_was_written(index: Index) -> None:
    entry = paid(1, alias="4200", fee=Money(1, "CNY"))
    await index.put("cn", [entry, back(1, "p1")], "bill 2026-01-01")
    assert await index.known("cn", Kind.PAYMENT, ["p1", "4200", "p9"]) == {
        "p1": entry,
        "4200": entry,
    }
    assert await index.referenced("cn", Kind.PAYMENT, ["SO-1", "SO-9"]) == {"SO-1": [entry]}
    assert await index.belonging("cn", Kind.REFUND, ["p1"]) == {"p1": [back(1, "p1")]}
    assert await index.known("eu", Kind.PAYMENT, ["p1"]) == {}
    assert await index.counts() == {("cn", Kind.PAYMENT): 1, ("cn", Kind.REFUND): 1}


async def test_what_one_book_leaves_out_another_does_not_unsay(index: Index) -> None:
    await index.put("cn", [paid(1, alias="4200", fee=Money(1, "CNY"))], "bill")
    await index.put("cn", [paid(1, reference=None, amount=None)], "log")
    (entry,) = (await index.known("cn", Kind.PAYMENT, ["p1"])).values()
    assert entry == paid(1, alias="4200", fee=Money(1, "CNY"))


async def test_what_a_lookup_learns_fills_in_and_replaces_nothing(index: Index) -> None:
    await index.put("cn", [paid(1, reference=None)], "bill")
    learned = paid(1, amount=Money(7, "CNY"), created_at=NOON)
    await index.put("cn", [learned], "lookup", replace=False)
    (entry,) = (await index.known("cn", Kind.PAYMENT, ["p1"])).values()
    assert entry == paid(1)


async def test_entries_can_be_forgotten(index: Index) -> None:
    await index.put("cn", [paid(1), paid(2), back(1, "p1")], "bill")
    assert await index.forget("cn", Kind.PAYMENT, ["p1", "p9"]) == 1
    assert await index.counts() == {("cn", Kind.PAYMENT): 1, ("cn", Kind.REFUND): 1}


async def test_a_file_is_written_whole_or_not_at_all(index: Index) -> None:
    def parts() -> Iterator[tuple[str, list[Entry]]]:
        yield "cn", [paid(1)]
        raise OSError("the disk")

    with pytest.raises(StoreUnusable):
        await index.put_file("import old.csv", parts())
    assert (await index.counts(), await index.synced_at("cn")) == ({}, None)
    await index.put_file("import old.csv", [("cn", [paid(1)]), ("cn", [paid(2)])])
    assert await index.counts() == {("cn", Kind.PAYMENT): 2}
    assert await index.synced_at("cn") is not None


async def test_writing_twice_writes_once(index: Index) -> None:
    entries = [paid(number) for number in range(20)]
    await asyncio.gather(*(index.put("cn", entries, "bill") for _ in range(4)))
    assert await index.counts() == {("cn", Kind.PAYMENT): 20}


async def test_two_payments_may_claim_one_order(index: Index) -> None:
    await index.put("cn", [paid(1), paid(2, reference="SO-1")], "bill")
    found = await index.referenced("cn", Kind.PAYMENT, ["SO-1"])
    assert [entry.native_id for entry in found["SO-1"]] == ["p1", "p2"]


async def test_a_page_is_newest_first_and_goes_on_behind_any_entry(index: Index) -> None:
    same = {"created_at": NOON}
    await index.put("cn", [paid(n, **same) for n in (1, 2, 3)] + [paid(9)], "bill")
    assert await ids(index) == ["p9", "p3", "p2", "p1"]
    assert await ids(index, first=2) == ["p9", "p3"]
    millis = int(NOON.timestamp()) * 1000
    assert await ids(index, after=(millis, "p3")) == ["p2", "p1"]
    assert await ids(index, after=(millis, "p1")) == []


@pytest.mark.parametrize(
    ("narrow", "found"),
    [
        ({"created_at": TimeRange(gte=NOON + timedelta(minutes=2))}, ["p3", "p2"]),
        ({"created_at": TimeRange(lte=NOON + timedelta(minutes=1))}, ["p1"]),
        ({"references": ("SO-2",)}, ["p2"]),
        ({"amount": MoneyRange("CNY", gte=200)}, ["p3", "p2"]),
        ({"amount": MoneyRange("CNY", gt=200, lt=400)}, ["p3"]),
        ({"amount": MoneyRange("EUR")}, []),
    ],
)
async def test_a_page_is_narrowed(index: Index, narrow: dict[str, Any], found: list[str]) -> None:
    await index.put("cn", [paid(1), paid(2), paid(3)], "bill")
    assert await ids(index, **narrow) == found


async def test_what_has_no_amount_or_reference_fits_any(index: Index) -> None:
    await index.put("cn", [paid(1, amount=None, reference=None)], "log")
    assert await ids(index, amount=MoneyRange("CNY", gte=5), references=("SO-7",)) == ["p1"]


async def test_a_part_and_its_progress_are_written_together(index: Index) -> None:
    half = Progress("d", 1, 2)
    await index.put_part("cn", "bill 1", [paid(1)], half)
    assert await index.progress("cn") == {"bill 1": half}
    whole = Progress("d", 2, 2, NOON)
    await index.put_part("cn", "bill 1", [paid(2)], whole)
    assert await index.progress("cn") == {"bill 1": whole}
    assert await index.progress("eu") == {}


async def test_bad_rows_of_a_period_are_kept_until_it_is_written_without_any(index: Index) -> None:
    rows = (BadRow(line=7, column="金额", reason="empty", part="file 1", is_totalled=False),)
    incomplete = Progress("d", 1, 1, NOON, 3, rows)
    await index.put_part("cn", "bill 1", [paid(1)], incomplete)
    await index.put_part("eu", "bill 1", [paid(1)], Progress("d", 1, 1, NOON))
    assert await index.progress("cn") == {"bill 1": incomplete}
    assert await index.incomplete() == {("cn", "bill 1"): incomplete}
    await index.put_part("cn", "bill 1", [paid(1)], Progress("d", 1, 1, NOON))
    assert await index.incomplete() == {}


async def test_thousands_of_keys_are_asked_for_at_once(index: Index) -> None:
    await index.put("cn", [paid(number) for number in range(1, 2501)], "bill")
    found = await index.known("cn", Kind.PAYMENT, [f"p{number}" for number in range(3000)])
    assert len(found) == 2500


async def test_what_is_too_long_for_a_reference_is_none(index: Index) -> None:
    await index.put("cn", [paid(1, reference="x" * 256, alias="y" * 255)], "bill")
    (entry,) = (await index.known("cn", Kind.PAYMENT, ["p1"])).values()
    assert (entry.reference, entry.alias) == (None, "y" * 255)


async def test_chinese_and_emoji_survive(index: Index) -> None:
    entry = paid(1, reference="订单－１０００１🧧", alias="０")
    await index.put("cn", [entry], "账单")
    assert await index.referenced("cn", Kind.PAYMENT, ["订单－１０００１🧧"]) == {
        "订单－１０００１🧧": [entry]
    }


async def test_a_database_from_before_there_were_migrations_is_taken_over(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "CREATE TABLE order_payment_link (order_id VARCHAR(400), payment_id VARCHAR(400),"
                " evidence VARCHAR(400) NOT NULL, created_at TIMESTAMP NOT NULL,"
                " PRIMARY KEY (order_id, payment_id))"
            )
        )
        await connection.execute(
            text("INSERT INTO order_payment_link VALUES ('o', 'p', 'by hand', '2026-01-01 00:00')")
        )
    await engine.dispose()
    async with open_store(url) as opened, opened.connect() as connection:
        rows = (await connection.execute(text("SELECT evidence FROM order_payment_link"))).all()
        assert [tuple(row) for row in rows] == [("by hand",)]
        assert (await connection.execute(text("SELECT * FROM reference_entry"))).all() == []


async def test_several_workers_may_open_a_new_database_at_once(url: str) -> None:
    async def opened() -> dict[Any, int]:
        async with open_store(url) as engine:
            return await Index(engine).counts()

    assert await asyncio.gather(*(opened() for _ in range(4))) == [{}] * 4


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql+aiomysql://x/y",
        "sqlite+aiosqlite:////nowhere/at/all.db",
        "sqlite+aiosqlite:////tmp",
    ],
)
async def test_a_database_that_cannot_be_opened_is_told(url: str) -> None:
    with pytest.raises(StoreUnusable):
        async with open_store(url):
            pass


async def test_an_index_that_breaks_is_told(tmp_path: Path) -> None:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/x.db") as engine:
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE reference_entry"))
        with pytest.raises(StoreUnusable):
            await Index(engine).known("cn", Kind.PAYMENT, ["p1"])
        with pytest.raises(StoreUnusable):
            await Index(engine).put("cn", [paid(1)], "bill")


async def test_a_store_of_a_newer_version_is_refused_by_that_reason(url: str) -> None:
    async with open_store(url) as engine, engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnusable, match=r"newer version: its tables are at '9999', .* '\d{4}'"):
        async with open_store(url):
            pass
