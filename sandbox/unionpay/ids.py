"""UnionPay's numbers: the merchant, order numbers, queryIds and trace numbers."""

from __future__ import annotations

import hashlib
import random
import string
from datetime import UTC, datetime, timedelta, timezone

from sandbox.world import Account

ACCOUNT = "unionpay_cn"
MERCHANT = "777290058110048"
BEIJING = timezone(timedelta(hours=8))
LETTERS = string.ascii_uppercase + string.digits
PREFIXES = {"payment": "P", "refund": "R"}


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """An order number of 18 letters and digits: no dash, no underscore."""
    return f"{PREFIXES[kind]}{index:06}" + "".join(rng.choices(LETTERS, k=11))


def full_id(kind: str, number: str, at: datetime, payment: str | None) -> str:
    """An order number is unique for a day only: the moment it was sent completes it."""
    return f"{number}-{sent(at)}"


def sent(at: datetime) -> str:
    """`yyyyMMddHHmmss` in Beijing."""
    return at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def moment(digits: str) -> datetime:
    """The other way round; ValueError where it is no time."""
    if len(digits) != 14 or not digits.isdecimal():
        raise ValueError("14 digits")
    local = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    return local.astimezone(UTC)


def trace(native: str) -> str:
    """Six digits, the same for the same transaction."""
    return f"{int.from_bytes(hashlib.sha256(native.encode()).digest()[:8]) % 10**6:06}"


def query_id(native: str, at: datetime) -> str:
    """21 digits: the time without its century, and the trace number between two others."""
    tail = int.from_bytes(hashlib.sha256(b"q" + native.encode()).digest()[:8]) % 10
    return f"44{sent(at)[2:]}{trace(native)}{tail}"
