"""The vendor's time, as its last answer told it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.records import Source, SourceKind
from connectors.vendor import Wiring

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def unused(*_: Any) -> Any:
    raise AssertionError("nothing is opened")


@pytest.mark.parametrize(
    ("skew", "seconds"),
    [(None, 0), (-90.0, -90), (90.0, 90), (-86_400.0, -86_400), (86_401.0, 0), (-6.4e10, 0)],
)
def test_it_is_ours_with_the_skew_unless_that_is_no_clocks(
    skew: float | None, seconds: int
) -> None:
    source = Source("acme", "acme", SourceKind.PAYMENTS)
    wiring = Wiring(source, unused, lambda: NOW, lambda: skew)
    assert wiring.vendor_clock() == NOW + timedelta(seconds=seconds)
