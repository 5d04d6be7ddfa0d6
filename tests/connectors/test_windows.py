"""Newest rows from a vendor that only answers for a stretch of time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from connectors.metadata import Rows
from connectors.windows import OLDEST, Windows

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Told:
    """Rows at these moments; remembers what was asked."""

    def __init__(self, moments: list[datetime]) -> None:
        self.moments = moments
        self.asked: list[tuple[datetime, datetime]] = []

    async def __call__(self, start: datetime, end: datetime) -> Rows:
        self.asked.append((start, end))
        return [{"at": moment} for moment in self.moments if start <= moment < end]


async def test_windows_join_up_and_end_at_the_oldest_moment() -> None:
    told = Told([])
    found = await Windows().newest(told, NOW, 10)
    assert (found.rows, found.more) == ([], False)
    assert told.asked[-1][0] == OLDEST
    assert [end for _, end in told.asked[1:]] == [start for start, _ in told.asked[:-1]]
    assert len(told.asked) < 10


@pytest.mark.parametrize("seed", range(5))
async def test_at_least_as_many_as_asked_and_none_between_is_left_out(seed: int) -> None:
    rng = random.Random(seed)
    moments = [NOW - timedelta(seconds=rng.randrange(400 * 86_400)) for _ in range(500)]
    windows = Windows()
    for until in (NOW, NOW - timedelta(days=100), NOW - timedelta(days=399)):
        found = await windows.newest(Told(moments), until, 30)
        got = sorted((row["at"] for row in found.rows), reverse=True)
        older = sorted((m for m in moments if m <= until), reverse=True)
        assert len(got) >= min(30, len(older))
        known = [moment for moment in got if moment <= until]
        assert known == older[: len(known)]
        assert found.more is (len(known) < len(older)) or len(known) == len(older)


async def test_the_width_follows_the_density() -> None:
    dense = Told([NOW - timedelta(minutes=n) for n in range(100_000)])
    windows = Windows()
    await windows.newest(dense, NOW, 50)
    dense.asked.clear()
    for _ in range(8):
        found = await windows.newest(dense, NOW, 50)
    assert 50 <= len(found.rows) < 500


async def test_a_window_begins_and_ends_on_a_whole_day_of_the_vendor() -> None:
    told = Told([])
    windows = Windows(timedelta(days=1), timedelta(hours=8))
    await windows.newest(told, NOW, 1)
    assert told.asked[0][1] == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert {end.hour for _, end in told.asked} == {16}
