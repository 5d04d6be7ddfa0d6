"""What was erased is gone, and no road brings it back; in real databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.ledger import Entry
from connectors.money import Money
from connectors.records import ExternalId, Kind
from resolvers.erasure import Erasure
from resolvers.index.connector import IndexedConnector
from resolvers.index.learning import Learner
from resolvers.index.store import Index, Progress
from resolvers.index.sync import note_refunds, sync
from resolvers.link_store import LinkStore, StoredLink
from resolvers.sources import Sources
from resolvers.store import StoreUnusable, open_store
from resolvers.tombstones import Erased, Tombstones
from tests.resolvers.channel import CN, Channel, payment, refund
from tests.resolvers.fakes import CRM, Fake, configured, day

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = bytes(range(32))
THEIRS = frozenset(
    {"crm:customer:c1", "crm:order:o1", "cn:payment:p1", "cn:refund:r1", "cn:reference:SO-1"}
)


class Kept(msgspec.Struct, frozen=True):
    engine: AsyncEngine
    tombstones: Tombstones
    links: LinkStore
    index: Index

    async def erase(self, names: frozenset[str] = THEIRS) -> dict[str, int]:
        erasure = Erasure(self.engine, self.tombstones, (self.links, self.index))
        gone, every = await erasure.erase(names, NOON)
        assert every >= names
        return gone

    async def about(self, names: frozenset[str] = THEIRS) -> dict[str, list[Any]]:
        stores = (self.links, self.index)
        return {**await Erasure(self.engine, self.tombstones, stores).about(names)}


def opened(engine: AsyncEngine, secret: bytes | None = SECRET) -> Kept:
    tombstones = Tombstones(engine, secret)
    links = LinkStore(engine, tombstones=tombstones)
    return Kept(engine, tombstones, links, Index(engine, tombstones, (links,)))


@pytest.fixture
async def kept(url: str) -> AsyncIterator[Kept]:
    async with open_store(url) as engine:
        yield opened(engine)


@pytest.fixture
async def other(url: str, kept: Kept) -> AsyncIterator[Kept]:
    """As another process has the same store."""
    async with open_store(url) as engine:
        yield opened(engine)


def entry(kind: Kind, native_id: str, **more: Any) -> Entry:
    return Entry(kind=kind, native_id=native_id, created_at=NOON, **more)


PAID = entry(Kind.PAYMENT, "p1", alias="4200", reference="SO-1", amount=Money(100, "CNY"))
BACK = entry(Kind.REFUND, "r1", payment="4200")
UNNAMED = entry(Kind.REFUND, "r7", payment="4200")
"""One that the vendors did not tell of, known by its payment."""
CONTESTED = entry(Kind.DISPUTE, "d1", payment="p1")
OTHERS = entry(Kind.PAYMENT, "p2", reference="SO-2")
OTHERS_BACK = entry(Kind.REFUND, "r2", payment="p2")
LINK = StoredLink("crm:order:o1", "cn:payment:p1", "links.csv:2", NOON)
OTHERS_LINK = StoredLink("crm:order:o2", "cn:payment:p2", "links.csv:3", NOON)


async def fill(kept: Kept) -> None:
    await kept.index.put(
        "cn", [PAID, BACK, UNNAMED, CONTESTED, OTHERS, OTHERS_BACK], "bill 2026-01-01"
    )
    await kept.links.add([LINK, OTHERS_LINK])


async def left(kept: Kept) -> set[str]:
    """Everything that stands in the index, by its ids."""
    async with kept.engine.connect() as connection:
        rows = await connection.execute(text("SELECT native_id FROM reference_entry"))
        return {native_id for (native_id,) in rows}


async def test_all_that_is_about_them_is_told(kept: Kept) -> None:
    await fill(kept)
    found = await kept.about()
    assert [row["native_id"] for row in found["reference_entry"]] == ["d1", "p1", "r1", "r7"]
    assert found["reference_entry"][1]["origin"] == "bill 2026-01-01"
    assert found["order_payment_link"] == [msgspec.structs.asdict(LINK)]


async def test_it_is_gone_and_what_is_anothers_stays(kept: Kept) -> None:
    await fill(kept)
    gone = await kept.erase()
    assert (gone["reference_entry"], gone["order_payment_link"]) == (4, 1)
    # Five names were asked for; the rows told of 4200, d1 and r7.
    assert gone["tombstone"] == 8
    assert not any((await kept.about()).values())
    assert await left(kept) == {"p2", "r2"}
    assert await kept.links.all() == [OTHERS_LINK]
    assert sum((await kept.erase()).values()) == 0


async def test_links_go_that_name_what_only_another_store_knows(kept: Kept) -> None:
    """By the number of an order its payment is found, and by that its alias and its refunds."""
    await fill(kept)
    by_alias = StoredLink("crm:order:o7", "cn:payment:4200", "links.csv:4", NOON)
    await kept.links.add([by_alias])
    only = frozenset({"cn:reference:SO-1"})
    told = await kept.about(only)
    assert [row["order_id"] for row in told["order_payment_link"]] == [
        "crm:order:o1",
        "crm:order:o7",
    ]
    erasure = Erasure(kept.engine, kept.tombstones, (kept.links, kept.index))
    gone, every = await erasure.erase(only, NOON)
    assert (gone["order_payment_link"], gone["reference_entry"]) == (2, 4)
    assert every == {
        "cn:reference:SO-1",
        *(f"cn:payment:{name}" for name in ("p1", "4200")),
        *(f"cn:refund:{name}" for name in ("r1", "r7")),
        "cn:dispute:d1",
    }
    assert not any((await kept.about(every)).values())
    assert await kept.links.all() == [OTHERS_LINK]
    assert await left(kept) == {"p2", "r2"}


async def test_a_name_is_nowhere_in_the_tombstones(kept: Kept) -> None:
    await fill(kept)
    await kept.erase()
    async with kept.engine.connect() as connection:
        rows = await connection.execute(text("SELECT digest FROM tombstone"))
        assert {len(bytes(digest)) for (digest,) in rows} == {32}
    assert await kept.tombstones.standing(["cn:payment:p1", "cn:payment:p2"]) == [
        ("cn:payment:p1", NOON)
    ]
    stranger = Tombstones(kept.engine, bytes(32))
    with pytest.raises(StoreUnusable, match="tombstones of another secret"):
        await stranger.now_of(THEIRS)


@pytest.mark.parametrize(
    "back",
    [
        PAID,
        BACK,
        entry(Kind.PAYMENT, "4200"),
        entry(Kind.PAYMENT, "p9", alias="p1"),
        entry(Kind.PAYMENT, "never-seen", reference="SO-1"),
        entry(Kind.REFUND, "later", payment="p1"),
        entry(Kind.REFUND, "later", payment="4200"),
        entry(Kind.DISPUTE, "later", payment="4200"),
    ],
)
async def test_no_entry_that_is_theirs_is_written_again(
    kept: Kept, other: Kept, back: Entry
) -> None:
    await fill(kept)
    assert await kept.erase()
    for index in (kept.index, other.index):
        for replace in (True, False):
            assert await index.put("cn", [back, entry(Kind.PAYMENT, "p3")], "x", replace=replace)
        assert await index.put_part("cn", "bill", [back], Progress("d", 1, 1)) == 1
        assert await index.put_file("old.csv", [("cn", [back, OTHERS])]) == 1
    assert await left(kept) == {"p2", "r2", "p3"}
    # The same id in another source is another record.
    assert await kept.index.put("eu", [back], "x") == 0


ELSEWHERE = entry(Kind.PAYMENT, "p9", alias="4209", reference="SO-1")
THEN = (entry(Kind.REFUND, "r9", payment="4209"), entry(Kind.DISPUTE, "d9", payment="p9"))
AGAIN = (
    entry(Kind.PAYMENT, "p9"),
    entry(Kind.PAYMENT, "4209"),
    entry(Kind.REFUND, "r9"),
    entry(Kind.REFUND, "r10", payment="p9"),
)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["payment first", "refund first"])
async def test_a_payment_that_is_left_out_takes_along_what_is_of_it(
    kept: Kept, other: Kept, order: tuple[int, int]
) -> None:
    """In whichever order two statements tell of them, and with the link that an operator gave."""
    await kept.erase(frozenset({"cn:reference:SO-1"}))
    await kept.links.add([StoredLink("crm:order:o9", "cn:payment:4209", "x", NOON), OTHERS_LINK])
    # One that another book told of without its number.
    await kept.index.put("cn", [entry(Kind.PAYMENT, "p9"), OTHERS], "log")
    parts = ([ELSEWHERE], list(THEN))
    for index in order:
        await other.index.put_part("cn", f"bill {index}", parts[index], Progress("d", 1, 1))
    assert await left(kept) == {"p2"}
    assert await kept.links.all() == [OTHERS_LINK]
    assert await kept.index.put("cn", AGAIN, "lookup", replace=False) == len(AGAIN)
    assert await left(kept) == {"p2"}


async def test_a_file_leaves_out_what_a_later_part_of_it_says_is_theirs(kept: Kept) -> None:
    await kept.erase(frozenset({"cn:reference:SO-1"}))
    parts = [("cn", [*THEN, OTHERS]), ("cn", [ELSEWHERE, entry(Kind.PAYMENT, "p9")])]
    assert await kept.index.put_file("old.csv", parts) == 3
    assert await left(kept) == {"p2"}


async def test_writers_at_once_leave_no_refund_of_a_payment_that_is_left_out(
    kept: Kept, other: Kept
) -> None:
    await kept.erase(frozenset({"cn:reference:SO-1"}))
    await asyncio.gather(
        *(
            kept.index.put("cn", [entry(Kind.REFUND, f"r{n}", payment="4209")], "x")
            for n in range(8)
        ),
        other.index.put("cn", [ELSEWHERE], "bill"),
        *(
            kept.index.put("cn", [entry(Kind.REFUND, f"s{n}", payment="4209")], "x")
            for n in range(8)
        ),
    )
    assert await left(kept) == set()


async def test_marks_are_undone_with_the_write_that_made_them(kept: Kept) -> None:
    class Full(LinkStore):
        async def erase(self, *_: Any) -> int:
            raise OSError("the disk")

    await kept.erase(frozenset({"cn:reference:SO-1"}))
    await kept.index.put("cn", THEN, "bill")
    broken = Index(kept.engine, kept.tombstones, (Full(kept.engine),))
    with pytest.raises(StoreUnusable):
        await broken.put("cn", [ELSEWHERE], "bill")
    assert await kept.tombstones.now_of(["cn:payment:p9"]) == set()
    assert await left(kept) == {"r9", "d9"}
    await kept.index.put("cn", [ELSEWHERE], "bill")
    assert await left(kept) == set()


async def test_a_sync_does_not_bring_them_back_and_counts_without_them(kept: Kept) -> None:
    theirs = payment("p1", reference="SO-1")
    late = refund("late", payment_id="p1")
    channel = Channel(theirs, late, payment("p2", reference="SO-2"))
    await kept.erase()
    outcomes = await sync(kept.index, [configured(CN, channel)], day(0), day(3))
    assert sum(outcome.entries for outcome in outcomes) == 1
    assert await left(kept) == {"p2"}


async def test_refund_numbers_of_a_crm_do_not_bring_them_back(kept: Kept) -> None:
    class Crm(Fake):
        async def refund_numbers(self, since: datetime) -> AsyncIterator[list[ExternalId]]:
            yield [ExternalId("cn", "r1", "Refund__c"), ExternalId("cn", "r2", "Refund__c")]

    await kept.erase()
    channel = Channel(refund("r1", payment_id="p1"), refund("r2", payment_id="p2"))
    crm = configured(CRM, Crm())
    sources = Sources([crm, configured(CN, channel)])
    (outcome,) = await note_refunds(kept.index, sources, crm, day(0))
    assert outcome.entries == 1
    assert await left(kept) == {"r2"}


async def test_what_a_lookup_learns_does_not_bring_them_back(kept: Kept, other: Kept) -> None:
    """Also by a process that has been running since before the erasure."""
    learner = Learner(other.index)
    learner.learn([payment("p0")])
    await learner.aclose()
    await kept.erase()
    learner.learn([payment("p1", reference="SO-1"), payment("p2")])
    learner.correct(payment("p1"))
    await learner.aclose()
    assert await left(kept) == {"p0", "p2"}


async def test_links_do_not_come_back(kept: Kept, other: Kept) -> None:
    await fill(kept)
    await kept.erase()
    half = StoredLink("crm:order:o2", "cn:payment:p1", "x", NOON)
    new = StoredLink("crm:order:o3", "cn:payment:p3", "x", NOON)
    for links in (kept.links, other.links):
        assert await links.add([LINK, half, OTHERS_LINK]) == 0
        assert await links.erased([LINK, half, OTHERS_LINK, new]) == 2
    assert await other.links.add([new]) == 1
    assert await kept.links.all() == [OTHERS_LINK, new]


async def test_whoever_writes_at_the_same_time_brings_nothing_back(kept: Kept, other: Kept) -> None:
    await fill(kept)

    async def write(number: int) -> None:
        own = other if number % 2 else kept
        await own.index.put("cn", [PAID, BACK, OTHERS], "bill")
        await own.links.add([LINK])

    await asyncio.gather(*(write(n) for n in range(10)), kept.erase(), *map(write, range(10, 20)))
    assert not any((await kept.about()).values())
    assert await left(kept) == {"p2", "r2"}


async def test_two_who_erase_at_once_erase_all(kept: Kept, other: Kept) -> None:
    await fill(kept)
    theirs = frozenset({"cn:payment:p2", "cn:reference:SO-2", "crm:order:o2"})
    await asyncio.gather(kept.erase(), other.erase(theirs), other.erase(), kept.erase(theirs))
    assert await left(kept) == set()
    assert await kept.links.all() == []
    names = THEIRS | theirs
    assert await opened(kept.engine).tombstones.now_of(names) == names


async def test_refunds_of_an_erased_payment_are_not_said_to_be_none(kept: Kept) -> None:
    """Its sums would be wrong: what was given back is no longer known."""
    taken = payment("p1", refunds=None, disputes=())
    channel = Channel(taken, payment("p2", disputes=()), refund("r1", payment_id="p1"))
    await kept.index.put_part("cn", "bill", [OTHERS], Progress("d", 1, 1, NOON))
    learner = Learner(kept.index)
    connector = IndexedConnector(channel, CN, kept.index, learner)
    await kept.erase()
    found = await connector.payments(["p1", "p2"])
    assert (found["p1"].status.value, found["p1"].refunded) == ("UNKNOWN", None)
    assert found["p2"].status.value == "SUCCEEDED"
    refunds = await connector.refunds_by_payment(["p1", "p2"])
    assert isinstance(refunds["p1"], Erased)
    assert "erased at its subject's request" in str(refunds["p1"])
    assert refunds.get("p2", ()) == ()
    await learner.aclose()


async def test_whoever_runs_knows_it_at_once(kept: Kept, other: Kept) -> None:
    assert await other.index.erased("cn", Kind.PAYMENT, ["p1", "p2"]) == set()
    await kept.erase()
    assert await other.index.erased("cn", Kind.PAYMENT, ["p1", "p2"]) == {"p1"}


async def test_without_the_secret_nothing_is_erased_and_nothing_written_over_tombstones(
    kept: Kept, other: Kept
) -> None:
    blind = opened(other.engine, None)
    assert await blind.index.put("cn", [OTHERS], "bill") == 0
    assert await blind.links.add([OTHERS_LINK]) == 1
    with pytest.raises(StoreUnusable, match="nothing can be erased without"):
        await blind.erase()
    assert await left(kept) == {"p2"}
    await kept.erase()
    with pytest.raises(StoreUnusable, match=r"it has tombstones, and \[encryption\] is missing"):
        await blind.index.put("cn", [PAID], "bill")
    with pytest.raises(StoreUnusable, match="it has tombstones"):
        await blind.links.add([LINK])
    assert await left(kept) == {"p2"}


async def test_thousands_are_erased_at_once(kept: Kept) -> None:
    paid = [entry(Kind.PAYMENT, f"p{n}", reference=f"SO-{n}") for n in range(1500)]
    await kept.index.put("cn", [*paid, entry(Kind.PAYMENT, "q")], "bill")
    await kept.links.add(
        StoredLink(f"crm:order:o{n}", f"cn:payment:p{n}", "x", NOON) for n in range(1500)
    )
    gone = await kept.erase(frozenset(f"cn:payment:p{n}" for n in range(1500)))
    assert (gone["reference_entry"], gone["order_payment_link"]) == (1500, 1500)
    assert gone["tombstone"] == 1500
    assert await left(kept) == {"q"}


async def test_an_erasure_that_breaks_off_erases_nothing(kept: Kept) -> None:
    class Full(Tombstones):
        async def put(self, *_: Any) -> int:
            raise OSError("the disk")

    await fill(kept)
    full = Full(kept.engine, SECRET)
    with pytest.raises(StoreUnusable):
        await Erasure(kept.engine, full, (kept.links, kept.index)).erase(THEIRS, NOON)
    assert len(await left(kept)) == 6
    assert len(await kept.links.all()) == 2


async def test_no_byte_of_them_is_left_in_the_files(tmp_path: Path) -> None:
    """Of SQLite, whose files are ours: the database and its log, while others have it open."""
    file = tmp_path / "tillgate.db"
    url = f"sqlite+aiosqlite:///{file}"
    canaries = [f"canary-{n}".encode() for n in range(300)]
    names = frozenset(f"cn:payment:canary-{n}" for n in range(300))

    def lying() -> bytes:
        return b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))

    async with open_store(url) as engine, open_store(url) as another:
        kept, running = opened(engine), opened(another)
        await running.index.put("cn", [OTHERS], "bill")
        entries = [entry(Kind.PAYMENT, f"canary-{n}", reference=f"canary-{n}") for n in range(300)]
        await kept.index.put("cn", entries, "bill")
        await kept.index.put("cn", [entry(Kind.PAYMENT, f"o{n}") for n in range(2000)], "bill")
        await kept.links.add(
            StoredLink(f"crm:order:canary-{n}", f"cn:payment:canary-{n}", "canary-1.csv:1", NOON)
            for n in range(300)
        )
        assert all(canary in lying() for canary in canaries)
        await kept.erase(names)
        erasure = Erasure(engine, kept.tombstones, (kept.links, kept.index))
        await erasure.scrub()
        assert [canary for canary in canaries if canary in lying()] == []
        assert len(await left(running)) == 2001


async def test_a_log_that_somebody_reads_is_not_said_to_be_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.store.BUSY_SECONDS", 0)
    url = f"sqlite+aiosqlite:///{tmp_path}/tillgate.db"
    async with open_store(url) as engine, open_store(url) as another:
        kept = opened(engine)
        await fill(kept)
        async with another.connect() as reading:
            await reading.execute(text("BEGIN"))
            await reading.execute(text("SELECT * FROM reference_entry"))
            await kept.erase()
            with pytest.raises(StoreUnusable):
                await Erasure(engine, kept.tombstones, (kept.links, kept.index)).scrub()


async def test_a_scrub_of_postgresql_leaves_no_dead_rows(postgresql: str) -> None:
    async with open_store(postgresql) as engine:
        kept = opened(engine)
        await fill(kept)
        await kept.erase()
        await Erasure(engine, kept.tombstones, (kept.links, kept.index)).scrub()
        assert await left(kept) == {"p2", "r2"}
        async with engine.begin() as connection:
            for table in ("reference_entry", "order_payment_link", "tombstone"):
                await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
