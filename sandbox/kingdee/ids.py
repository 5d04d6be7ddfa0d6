"""Internal ids of Galaxy: 64-bit numbers, written in digits."""

from __future__ import annotations

import random

from sandbox.world import Account

FIRST = {"customer": 100_001, "order": 200_001, "line": 500_001}
HUGE = 2**53 + 1
HUGE_EVERY = 20
"""One order in so many has an id that a double cannot hold."""


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    if kind == "order" and index % HUGE_EVERY == HUGE_EVERY - 1:
        return str(HUGE + index)
    return str(FIRST[kind] + index)
