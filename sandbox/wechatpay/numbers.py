"""The numbers of WeChat Pay and its merchant: the merchant's own, and WeChat's made from them."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime, timedelta, timezone

from sandbox.world import Account

BEIJING = timezone(timedelta(hours=8))
MARKS = "_-|*"  # what a merchant may put into a number besides letters and digits


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """The merchant's numbers of payments and refunds, one in eight with a mark in it."""
    serial = rng.randrange(10**6)
    mark = rng.choice(MARKS) if rng.randrange(8) == 0 else ""
    if kind == "payment":
        return f"P2026{index:06}{mark}{serial:06}"
    if kind == "refund":
        return f"R2026{index:06}{mark and '@'}{serial:06}"
    if kind == "dispute":
        return f"200000020260101{index:06}{serial:06}"
    raise ValueError(f"WeChat Pay has no {kind}")


def digits(count: int, *parts: object) -> str:
    """The same digits for the same parts."""
    seed = "\x1f".join(map(str, parts)).encode()
    return str(int.from_bytes(hashlib.sha256(seed).digest()))[-count:].rjust(count, "0")


def day(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y%m%d")


def transaction_id(number: str, paid_at: datetime) -> str:
    """28 digits: WeChat's own number of a payment."""
    return f"4200{digits(6, number)}{day(paid_at)}{digits(10, number, 'transaction')}"


def refund_id(number: str, at: datetime) -> str:
    """29 digits: WeChat's own number of a refund."""
    return f"50{digits(9, number)}{day(at)}{digits(10, number, 'refund')}"


def openid(number: str) -> str:
    return "oUpF8u" + hashlib.sha256(number.encode()).hexdigest()[:22]


def written(moment: datetime) -> str:
    """RFC 3339 in Beijing, to the second."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")
