"""Our calls stay within a vendor's rate, and our retries within a share of the successes."""

from __future__ import annotations

import asyncio

import pytest

from connectors.pacing import Pace, RetryBudget

pytestmark = pytest.mark.anyio


class Clock:
    """Moves only when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def pace(self, per_second: float) -> Pace:
        return Pace(per_second, self, self.sleep)


async def test_no_second_has_more_turns_than_the_rate() -> None:
    clock = Clock()
    pace = clock.pace(3)
    turns: list[float] = []

    async def one() -> None:
        await pace.turn()
        turns.append(clock.now)

    await asyncio.gather(*(one() for _ in range(10)))
    assert turns == [100.0] * 3 + [101.0] * 3 + [102.0] * 3 + [103.0]


async def test_turns_are_given_in_the_order_they_were_asked_for() -> None:
    pace = Clock().pace(2)
    order: list[int] = []

    async def one(number: int) -> None:
        await pace.turn()
        order.append(number)

    await asyncio.gather(*map(one, range(9)))
    assert order == list(range(9))


async def test_the_window_slides() -> None:
    clock = Clock()
    pace = clock.pace(2)
    for pause in (0.0, 0.6, 0.0, 0.0):
        clock.now += pause
        await pace.turn()
    assert clock.now == pytest.approx(101.6)


async def test_a_cancelled_wait_takes_no_turn() -> None:
    now = [0.0]
    pace = Pace(1, lambda: now[0])
    await pace.turn()
    waiting = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    now[0] = 1.0
    async with asyncio.timeout(0.5):
        await pace.turn()


def test_ten_retries_are_granted_before_any_success() -> None:
    budget = RetryBudget()
    assert [budget.take() for _ in range(12)] == [True] * 10 + [False] * 2


def test_five_successes_earn_one_retry() -> None:
    budget = RetryBudget()
    while budget.take():
        pass
    for _ in range(4):
        budget.succeeded()
    assert not budget.take()
    for _ in range(2):
        budget.succeeded()
    assert [budget.take(), budget.take()] == [True, False]


def test_no_more_than_ten_retries_are_saved_up() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.succeeded()
    assert sum(budget.take() for _ in range(50)) == 10
