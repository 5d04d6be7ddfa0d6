"""Whatever order statements, imports, lookups, links and erasures come in, nothing erased stays."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from connectors.ledger import Entry
from connectors.records import Kind
from resolvers.erasure import Erasure
from resolvers.index.coverage import Covered
from resolvers.index.store import Index, Progress
from resolvers.link_store import LinkStore, StoredLink
from resolvers.store import open_store
from resolvers.tombstones import Tombstones
from tests.resolvers.killed_sync import NOON

pytestmark = pytest.mark.anyio
SECRET = bytes(range(32))
TABLES = ("reference_entry", "order_payment_link", "tombstone", "ledger_period", "ledger_coverage")


def entry(kind: Kind, native_id: str, **more: Any) -> Entry:
    return Entry(kind=kind, native_id=native_id, created_at=NOON, **more)


THEIRS = (
    entry(Kind.PAYMENT, "p1", alias="a1"),
    entry(Kind.PAYMENT, "p1", reference="SO-1"),
    entry(Kind.PAYMENT, "p1", alias="a1", reference="SO-1"),
    entry(Kind.REFUND, "r1", payment="a1"),
    entry(Kind.REFUND, "r1"),
    entry(Kind.REFUND, "r2", payment="p1"),
    entry(Kind.DISPUTE, "d1", payment="a1"),
)
"""One payment with what belongs to it; each book says a part of it."""
OTHERS = (
    entry(Kind.PAYMENT, "p2", alias="a2", reference="SO-2"),
    entry(Kind.REFUND, "r3", payment="a2"),
)
LINKS = (
    StoredLink("crm:order:o1", "cn:payment:p1", "x", NOON),
    StoredLink("crm:order:o1", "cn:payment:a1", "x", NOON),
)
ROADS = ("part", "learned", "file", "link", "erase", "broken off")
FACTS = st.lists(st.sampled_from((*THEIRS, *OTHERS)), min_size=1, max_size=4)
STEPS = st.lists(st.tuples(st.sampled_from(ROADS), FACTS), min_size=1, max_size=7)
BEGUN = st.sampled_from(("cn:reference:SO-1", "cn:payment:p1", "cn:payment:a1"))


class Process:
    """One that has the store open."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.tombstones = Tombstones(engine, SECRET)
        self.links = LinkStore(engine, tombstones=self.tombstones)
        self.index = Index(engine, self.tombstones, (self.links,))
        self.erasure = Erasure(engine, self.tombstones, (self.links, self.index))

    async def go(self, road: str, facts: Sequence[Entry], name: str) -> None:
        if road == "part":
            await self.index.put_part("cn", f"bill {len(facts)}", facts, Progress("d", 1, 1))
        elif road == "learned":
            await self.index.put("cn", facts, "lookup", replace=False)
        elif road == "file":
            await self.index.put_file("old.csv", [("cn", [fact]) for fact in facts])
        elif road == "link":
            await self.links.add(LINKS)
        elif road == "erase":
            await self.erasure.erase({name, "crm:order:o1"}, datetime(2026, 1, 2, tzinfo=UTC))
        else:
            await self._break_off(facts)

    async def _break_off(self, facts: Sequence[Entry]) -> None:
        """As a process that is killed before it commits."""

        class Killed(Exception):
            pass

        class Dying(Index):
            async def _note(self, *_: object) -> None:
                raise Killed

        dying = Dying(self.index._engine, self.tombstones, (self.links,))
        with pytest.raises(Killed):
            await dying.put_file("old.csv", [("cn", facts)])


async def emptied(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for table in TABLES:
            await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608


async def standing(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT native_id FROM reference_entry"))
        links = await connection.execute(text("SELECT payment_id FROM order_payment_link"))
        return {row[0] for row in rows} | {row[0] for row in links}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, name=BEGUN)
async def test_no_order_of_events_leaves_anything_of_them(
    url: str, steps: list[tuple[str, list[Entry]]], name: str
) -> None:
    """After an erasure, once their statements were read to the end, by either of two processes."""
    async with open_store(url) as engine, open_store(url) as another:
        await emptied(engine)
        processes = (Process(engine), Process(another))
        for number, (road, facts) in enumerate(steps):
            await processes[number % 2].go(road, facts, name)
        await processes[0].go("erase", (), name)
        await processes[1].go("part", (*THEIRS, *OTHERS), name)
        assert await standing(engine) == {"p2", "r3"}


async def test_a_sync_that_was_killed_leaves_nothing_and_is_known_to_be_unfinished(
    url: str,
) -> None:
    async with open_store(url) as engine:
        process = Process(engine)
        await process.erasure.erase({"cn:reference:SO-9"}, NOON)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.resolvers.killed_sync", url, stdout=-1
        )
        assert child.stdout is not None
        assert await child.stdout.readline() == b"written\n"
        child.kill()
        assert await child.wait() == -signal.SIGKILL
        assert await process.index.coverage.of("cn") == Covered(unfinished=NOON)
        assert await standing(engine) == {"r9"}
        paid = entry(Kind.PAYMENT, "p9", alias="4209", reference="SO-9")
        await process.index.put_part("cn", "bill", [paid], Progress("d", 2, 2, NOON))
        assert await standing(engine) == set()
