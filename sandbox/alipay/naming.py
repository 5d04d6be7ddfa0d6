"""Ids as Alipay writes them: a trade's begins with its day in Beijing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone

from sandbox.world import Account

BEIJING = timezone(timedelta(hours=8))
WALLET = "ecny_cn"


def beijing(moment: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return moment.astimezone(BEIJING).strftime(form)


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """The part of an id that does not depend on time: digits for trades, and for refunds what
    merchants think of, which holds any punctuation.
    """
    noise = rng.randrange(10**6)
    if kind == "payment":
        return f"{'10002' if account.name == WALLET else '22001'}{index:09}{noise:06}"
    if kind == "refund":
        if account.name == WALLET:
            return f"F{index:09}{noise:06}"
        return (f"RF_{index:06}_{noise:06}", f"RF-{index:06}-{noise:06}")[index % 2]
    return f"2026{index:010}{noise:06}"


def full_id(kind: str, number: str, at: datetime, payment: str | None) -> str:
    """A refund is `trade_no-out_request_no`; a wallet's is a flow, known by its second."""
    if kind == "payment":
        return beijing(at, "%Y%m%d") + number
    if kind == "refund" and number.startswith("F"):
        return f"{payment}-{beijing(at, '%Y%m%d%H%M%S')}-{number}"
    return f"{payment}-{number}" if kind == "refund" else number
