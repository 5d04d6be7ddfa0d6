"""Names and numbers as Jiandaoyun gives them; all follow from the seed of the run."""

from __future__ import annotations

import hashlib
import random

from sandbox.world import Account

ACCOUNT = "jiandaoyun"


def digest(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def hex_id(*parts: object) -> str:
    """An id of an application, a form, a record or a line: 24 hexadecimal digits."""
    return digest(*parts)[:24]


def widget_id(*parts: object) -> str:
    """An id of a field, which ends in the milliseconds at which it was made."""
    return f"_widget_{1_500_000_000_000 + int(digest(*parts)[:12], 16) % 200_000_000_000}"


def api_key(*parts: object) -> str:
    return digest("key", *parts)[:32]


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """What the company itself numbers its records with: `_id` cannot be asked for in batches."""
    if kind == "customer":
        return f"KH{index + 1:06}"
    if kind == "order":
        return f"DD-{index + 1:06}"
    return "".join(rng.choices("0123456789abcdef", k=24))
