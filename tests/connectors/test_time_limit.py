"""Limits that nest, and that do not count the time in which this process was busy."""

from __future__ import annotations

import asyncio

import pytest

from connectors.time_limit import BEAT, LATE, NESTED, Spent, TimeLimit, allotted, left, within

pytestmark = pytest.mark.anyio


def test_beats_in_time_use_up_the_seconds_that_were_given() -> None:
    spent = Spent(3 * BEAT)
    assert [spent.passed(BEAT) for _ in range(3)] == [False, False, True]


def test_a_beat_that_comes_late_counts_little_more_than_one() -> None:
    spent = Spent(10 * BEAT)
    assert not spent.passed(1000.0)
    assert spent.left == pytest.approx((10 - LATE) * BEAT)


def test_the_last_beat_is_as_short_as_what_is_left() -> None:
    spent = Spent(1.25 * BEAT)
    assert spent.beat == BEAT
    spent.passed(BEAT)
    assert spent.beat == pytest.approx(0.25 * BEAT)


async def test_what_never_ends_is_ended() -> None:
    with pytest.raises(TimeoutError):
        async with TimeLimit(0.01):
            await asyncio.Event().wait()


async def test_what_ends_in_time_is_left_alone() -> None:
    async with TimeLimit(60.0):
        await asyncio.sleep(0)
    assert left() is None


async def test_an_answer_that_lies_ready_while_this_process_is_busy_is_not_too_late() -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def busy() -> None:
        ends = loop.time() + 1.0
        while loop.time() < ends:
            continue
        loop.call_soon(loop.call_soon, answer.set_result, "ready")

    loop.call_soon(busy)
    async with TimeLimit(0.5):
        assert await answer == "ready"


async def test_an_inner_limit_ends_before_the_outer_one() -> None:
    async with TimeLimit(10.0), TimeLimit(60.0) as inner:
        assert 9.0 < inner.seconds <= 10.0 * NESTED


async def test_an_allotment_bounds_what_is_inside_and_ends_nothing_itself() -> None:
    with allotted(2.0):
        assert within(60.0) <= 2.0 * NESTED
        assert within(0.5) == 0.5
    assert within(60.0) == 60.0


async def test_tasks_take_the_limit_over() -> None:
    async def seconds() -> float:
        return within(60.0)

    async with TimeLimit(2.0):
        assert await asyncio.create_task(seconds()) <= 2.0
