"""What a vendor does seldom and may do: the fault in force is known to the code that answers, so
that an odd answer is signed as any other.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Literal

Behaviour = Literal["odd_row", "gbk"]
"""`odd_row`: each statement has one row more, which cannot be read and holds `MARK`. `gbk`: the
answer is in GBK, though UTF-8 was asked for.
"""
MARK = "ODDITY4711"
CURRENT: ContextVar[str | None] = ContextVar("behaviour", default=None)


def has_odd_row() -> bool:
    return CURRENT.get() == "odd_row"


def is_gbk() -> bool:
    return CURRENT.get() == "gbk"


def in_gbk(body: bytes) -> bytes:
    """UTF-8 as GBK; what is not UTF-8, such as a file or GBK itself, stays as it is."""
    try:
        return body.decode().encode("gb18030")
    except UnicodeDecodeError:
        return body
