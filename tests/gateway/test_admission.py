"""Operations beyond a bound wait for their turn, and beyond a second bound they are refused."""

from __future__ import annotations

import asyncio

import pytest

from gateway.admission import FIRST, LEAST, MORE, SLOW, Admission, Busy
from tests.waiting import met, turns


class Operations:
    """Operations that run until they are released, one after the other."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.started: list[int] = []
        self.refused: list[int] = []
        self._ends: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def begin(self, *numbers: int) -> None:
        for number in numbers:
            self._ends[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._run(number))
            await turns()

    async def end(self, *numbers: int) -> None:
        for number in numbers:
            self._ends[number].set()
            await self.tasks[number]
            await turns()

    async def _run(self, number: int) -> None:
        try:
            async with self.admission.turn():
                self.started.append(number)
                await self._ends[number].wait()
        except Busy:
            self.refused.append(number)


@pytest.mark.anyio
async def test_no_more_than_the_bound_run_and_the_others_wait_in_their_order() -> None:
    operations = Operations(Admission(running=2, waiting=10))
    await operations.begin(1, 2, 3, 4)
    assert operations.started == [1, 2]
    await operations.end(2)
    assert operations.started == [1, 2, 3]
    await operations.end(1, 3, 4)
    assert operations.started == [1, 2, 3, 4]
    assert operations.admission.running == 0


@pytest.mark.anyio
async def test_beyond_both_bounds_an_operation_is_refused_at_once() -> None:
    operations = Operations(Admission(running=1, waiting=1))
    await operations.begin(1, 2, 3)
    assert (operations.started, operations.refused) == ([1], [3])
    await operations.end(1, 2)
    assert operations.started == [1, 2]


@pytest.mark.anyio
async def test_an_operation_that_waited_too_long_is_refused_and_leaves_its_place() -> None:
    operations = Operations(Admission(running=1, waiting=1, patience=0.01))
    await operations.begin(1, 2)
    await met(lambda: operations.refused == [2])
    await operations.end(1)
    await operations.begin(3)
    assert operations.started == [1, 3]
    await operations.end(3)
    assert operations.admission.running == 0


@pytest.mark.anyio
async def test_a_client_that_leaves_while_it_waits_takes_no_turn() -> None:
    operations = Operations(Admission(running=1, waiting=5))
    await operations.begin(1, 2, 3)
    operations.tasks[2].cancel()
    await turns()
    await operations.end(1)
    assert operations.started == [1, 3]
    await operations.end(3)
    assert operations.admission.running == 0


@pytest.mark.anyio
async def test_a_turn_that_was_given_to_a_client_that_left_goes_to_the_next() -> None:
    operations = Operations(Admission(running=1, waiting=5))
    async with operations.admission.turn():
        await operations.begin(1, 2)
    # The first one has its turn and did not wake up yet.
    operations.tasks[1].cancel()
    await turns()
    assert operations.started == [2]
    await operations.end(2)
    assert operations.admission.running == 0


@pytest.mark.anyio
async def test_the_number_follows_the_lag_of_the_loop_within_its_bounds() -> None:
    admission = Admission(running=20, waiting=1000)
    assert admission.allowed == FIRST
    for _ in range(50):
        admission.adapt(2 * SLOW)
    assert admission.allowed == LEAST
    admission.adapt(0.0)
    assert admission.allowed == LEAST, "no operation waits"
    operations = Operations(admission)
    await operations.begin(*range(40))
    admission.adapt(0.0)
    assert admission.allowed >= LEAST + MORE
    for _ in range(50):
        admission.adapt(0.0)
    assert admission.allowed == 20
    for task in operations.tasks.values():
        task.cancel()
    await asyncio.gather(*operations.tasks.values(), return_exceptions=True)
    assert admission.running == 0
