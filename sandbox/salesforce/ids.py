"""Salesforce record ids: 15 case-sensitive characters, or 18 with a checksum of their case."""

from __future__ import annotations

import hashlib
import random
import re
import string

from sandbox.world import Account

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
CHECKSUM = string.ascii_uppercase + "012345"
PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "Opportunity": "006",
    "OpportunityLineItem": "00k",
    "Order": "801",
    "OrderItem": "802",
    "Product2": "01t",
}
KINDS = {"customer": "Account", "order": "Order", "line": "OrderItem"}
SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?\Z")


def checksum(id15: str) -> str:
    """The three characters that carry the case of the fifteen before them."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, char in enumerate(id15[start : start + 5]) if char.isupper())
        suffix += CHECKSUM[bits]
    return suffix


def canonical(text: str) -> str | None:
    """The 18-character form of an id in either form; None when the text is not an id."""
    if not SHAPE.match(text):
        return None
    return text if len(text) == 18 else text + checksum(text)


def native_id(kind: str, account: Account, index: int, rng: random.Random) -> str:
    """A fresh id of the object that holds this kind of record."""
    id15 = PREFIXES[KINDS[kind]] + "".join(rng.choices(BASE62, k=12))
    return id15 + checksum(id15)


def sibling(object_name: str, native: str) -> str:
    """The id of the one record of another object that belongs to this record."""
    id15 = PREFIXES[object_name] + native[3:15]
    return id15 + checksum(id15)


def derived(object_name: str, text: str) -> str:
    """An id that follows from a text alone, for records that the world does not number."""
    digest = hashlib.sha256(text.encode()).digest()
    id15 = PREFIXES[object_name] + "".join(BASE62[byte % 62] for byte in digest[:12])
    return id15 + checksum(id15)
