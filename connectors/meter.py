"""Counts the calls that are made to vendors for one request, retries included.

Tasks take the meter over from whoever starts them, so whatever a request sets going is counted to
it, and nothing needs to be passed through connectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Meter:
    """Of one request."""

    def __init__(self) -> None:
        self.calls = 0


_METER: ContextVar[Meter | None] = ContextVar("tillgate_meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Counts the calls of what is run inside."""
    meter = Meter()
    token = _METER.set(meter)
    try:
        yield meter
    finally:
        _METER.reset(token)


def count_call() -> None:
    if (meter := _METER.get()) is not None:
        meter.calls += 1
