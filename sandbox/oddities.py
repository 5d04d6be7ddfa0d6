"""One odd value in an answer: raw text at a JSON pointer, put there before the answer is signed.

A fault of kind `odd` changes what the vendor says, not how it says it. A simulator that signs its
answers passes the JSON that it signs through `as_meant`; of all others the body is changed on its
way out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
NOTHING: Any = object()
_HOLE = "\ue000here\ue000"
"""Stands in a document until raw text takes its place."""


@dataclass
class Oddity:
    """`put` is raw text, JSON or not, that replaces the value at `pointer`, where that is `value`,
    in JSON, if one is given; without a pointer it goes before the document. `claim` has the last
    word.

    `said` is the text as the vendor meant it, `done` whether it changed.
    """

    pointer: str | None
    put: str | None
    value: str | None
    claim: Callable[[], bool]
    said: str | None = None
    done: bool = False

    def changed(self, text: str) -> str:
        """The text with the odd value; as it is where it is no JSON or has nothing there."""
        self.said = text
        odd = self._odd(text, self.put) if self.put is not None else None
        self.done = odd is not None and self.claim()
        return odd if odd is not None and self.done else text

    def _odd(self, text: str, put: str) -> str | None:
        if self.pointer is None:
            return put + text
        wanted = NOTHING if self.value is None else _DECODER.decode(self.value)
        return spliced(text, self.pointer, put, wanted)


CURRENT: ContextVar[Oddity | None] = ContextVar("oddity", default=None)


def as_meant(text: str) -> str:
    """What is signed of `text`: a fault may want it otherwise."""
    oddity = CURRENT.get()
    return text if oddity is None else oddity.changed(text)


def shuffle(rows: list[Any], rng: Random) -> None:
    """Into an order that means nothing, of an answer that a fault hits always the same one: its
    pointer is to lead to the row that it was made for.
    """
    (rng if CURRENT.get() is None else Random(len(rows))).shuffle(rows)


def spliced(text: str, pointer: str, put: str, wanted: Any = NOTHING) -> str | None:
    """The JSON text with `put` at a pointer (RFC 6901), which leads on into JSON inside a text;
    None where there is no such place, or not the value that is `wanted` there.
    """
    try:
        document = _DECODER.decode(text)
        steps = [s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:]]
        return _written(_holed(document, steps, put, wanted), put)
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError):
        return None


def _holed(value: Any, steps: list[str], put: str, wanted: Any) -> Any:
    if not steps:
        if wanted is not NOTHING and value != wanted:
            raise LookupError("another value")
        return _HOLE
    if isinstance(value, str):
        return _written(_holed(_DECODER.decode(value), steps, put, wanted), put)
    step: Any = int(steps[0]) if isinstance(value, list) else steps[0]
    value[step] = _holed(value[step], steps[1:], put, wanted)
    return value


def _written(value: Any, put: str) -> str:
    return _ENCODER.encode(value).decode().replace(f'"{_HOLE}"', put)
