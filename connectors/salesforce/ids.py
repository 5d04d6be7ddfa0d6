"""Record ids: 15 case-sensitive characters, or 18 with a checksum of their case.

Salesforce REST API guide, "Record ID"; both forms name the same record, so one spelling is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from connectors.records import Kind

_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?")
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
PREFIXES = {"Account": "001", "Contact": "003", "Order": "801", "Opportunity": "006"}
"""What ids of standard objects begin with; those of an organisation's own objects vary."""
_OTHERS = {Kind.CUSTOMER: ("801", "006"), Kind.ORDER: ("001", "003")}


def canonical(text: str) -> str | None:
    """The 18-character spelling of an id in either form and any case, None when it is not one."""
    if not _SHAPE.fullmatch(text):
        return None
    if len(text) == 15:
        return text + _checksum(text)
    restored = _in_case(text[:15], text[15:].upper())
    return restored + text[15:].upper() if _checksum(restored) == text[15:].upper() else None


def normalise(kind: Kind, native_id: str) -> str | None:
    """For `Vendor.normalise`: an id of a standard object of the other kind is not one of it."""
    full = canonical(native_id)
    return full if full and kind in _OTHERS and not full.startswith(_OTHERS[kind]) else None


def of_table(ids: Iterable[str], table: str) -> list[str]:
    """The ids that can be this table's, each once, in 18 characters."""
    full = dict.fromkeys(canonical(native_id) for native_id in ids)
    return [i for i in full if i is not None and i.startswith(PREFIXES.get(table, ""))]


def _checksum(id15: str) -> str:
    """Each of three characters tells which letters of five are capitals."""
    chunks = (id15[start : start + 5] for start in (0, 5, 10))
    return "".join(
        _CHECKSUM[sum(1 << i for i, char in enumerate(chunk) if char.isupper())] for chunk in chunks
    )


def _in_case(id15: str, checksum: str) -> str:
    """The case that the checksum tells: 18-character ids survive tools that change it."""
    bits = [_CHECKSUM.index(char) for char in checksum]
    return "".join(
        char.upper() if bits[i // 5] >> i % 5 & 1 else char.lower() for i, char in enumerate(id15)
    )
