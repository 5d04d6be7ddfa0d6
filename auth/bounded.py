"""A mapping that forgets: what is too old, and what is too much."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Values that end at a time of the caller's clock; beyond `most` the least used goes. The least
    used that are over go with every new one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: K, now: float) -> V | None:
        found = self._held.get(key)
        if found is None:
            return None
        value, ends = found
        if ends <= now:
            del self._held[key]
            return None
        self._held.move_to_end(key)
        return value

    def put(self, key: K, value: V, now: float, ends: float) -> None:
        while self._held and next(iter(self._held.values()))[1] <= now:
            self._held.popitem(last=False)
        self._held[key] = (value, ends)
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def drop(self, key: K) -> None:
        self._held.pop(key, None)
