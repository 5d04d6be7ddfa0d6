"""HubSpot's numbers: given in order, each object type its own."""

from __future__ import annotations

import random

from sandbox.world import Account

FIRST = {"customer": 501, "order": 9_000_000_000, "line": 4_000_000_000}
STEP = 13
COMPANY, ORDER, ORDER_LINE = 20_000_000_000, 40_000_000_000, 30_000_000_000


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """A contact, a deal or a line item of one."""
    return str(FIRST.get(kind, 1) + index * STEP + rng.randrange(STEP))


def sibling(number: str, offset: int) -> str:
    """Of the company of a contact, the order of a deal, or the order's line item of a deal's."""
    return str(int(number) + offset)
