"""What was made of documents, kept for the next request: the least used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
ROOM = 4_000_000


class Kept(Generic[K, V]):
    """Bounded by the total length of the documents' texts, in characters, and in number: what is
    made of a short text is much longer than it."""

    def __init__(self, most: int, room: int = ROOM) -> None:
        self._most = most
        self._room = room
        self._held: OrderedDict[K, tuple[int, V]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: K) -> V | None:
        if (found := self._held.get(key)) is None:
            return None
        self._held.move_to_end(key)
        return found[1]

    def put(self, key: K, length: int, value: V) -> None:
        """Of a key that is not there. One that is longer than the room is not kept."""
        self._held[key] = (length, value)
        self._length += length
        while self._length > self._room or len(self._held) > self._most:
            _, (dropped, _) = self._held.popitem(last=False)
            self._length -= dropped
