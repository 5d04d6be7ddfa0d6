"""The chain of one file: every line's HMAC-SHA256 covers the line and the hash before it.

`hash = HMAC(key of the file, prev || canonical(entry without hash))`. A plain hash could be made
anew by whoever edits the file; this one takes the key.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from auth.audit.canonical import canonical
from auth.audit.entry import Event

GENESIS = "0" * 64
"""What the first entry of a file follows."""
_decoder = msgspec.json.Decoder()


class Broken(ValueError):
    """Why a line is not the one that was written there."""


class Chain:
    """Where a file's chain is: `seq` and `hash` are those of its last entry."""

    def __init__(self, key: bytes, seq: int = 0, hash_: str = GENESIS) -> None:
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self.seq = seq
        self.hash = hash_

    def line(self, event: Event, ts: str, node: str) -> bytes:
        """The next line, with its end."""
        members = {**_members(event), "ts": ts, "node": node}
        members |= {"seq": self.seq + 1, "prev": self.hash}
        self.hash = members["hash"] = self._hash(members)
        self.seq += 1
        return canonical(members) + b"\n"

    def follow(self, line: bytes) -> dict[str, Any]:
        """The members of the next line of a file, without its end. Raises Broken."""
        members = self.own(line)
        if members.get("seq") != self.seq + 1:
            raise Broken(f"number {self.seq + 1} is expected, this is {members.get('seq')}")
        if members.get("prev") != self.hash:
            raise Broken("it does not follow the entry before it")
        self.seq, self.hash = members["seq"], members["hash"]
        return members

    def own(self, line: bytes) -> dict[str, Any]:
        """The members of any line of this file. Raises Broken."""
        try:
            members = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Broken("it is no JSON") from None
        if not isinstance(members, dict) or not isinstance(members.get("seq"), int):
            raise Broken("it is no entry")
        told = members.get("hash")
        unsigned = {name: value for name, value in members.items() if name != "hash"}
        right = self._hash(unsigned)
        if not isinstance(told, str) or not hmac.compare_digest(told.encode(), right.encode()):
            raise Broken("its hash is wrong: it was changed, or written with another key")
        if canonical(members) != line:
            raise Broken("it is not written as we write")
        return members

    def _hash(self, members: dict[str, Any]) -> str:
        keyed = self._keyed.copy()
        keyed.update(str(members.get("prev")).encode() + canonical(members))
        return keyed.hexdigest()


def _members(event: Event) -> dict[str, Any]:
    """What the line says of an event: not what is at its default."""
    members: dict[str, Any] = msgspec.to_builtins(event)
    return members
