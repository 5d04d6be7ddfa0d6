"""Waiting for a condition, and never for a fixed time: a busy machine makes a test slower, not red.

This is the only place of the tests that sleeps (`tests/test_rooms.py` checks it).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PATIENCE = 120.0
"""Seconds until a condition counts as never met; the limit of a whole test is in pyproject.toml."""
PAUSE = 0.005


def until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; raises AssertionError if it does not in PATIENCE."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "the condition was not met"
        time.sleep(PAUSE)


async def met(condition: Callable[[], object]) -> None:
    """As `until`, in an event loop that goes on meanwhile."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "the condition was not met"
        await asyncio.sleep(PAUSE)


async def turns(count: int = 10) -> None:
    """Gives the event loop so many turns, for tasks that wait for nothing else."""
    for _ in range(count):
        await asyncio.sleep(0)
