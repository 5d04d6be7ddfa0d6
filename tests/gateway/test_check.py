"""What `tillgate check` makes of a vendor's clock; the rest is tested from the command line."""

from __future__ import annotations

import pytest

from gateway.check import clock_notes


@pytest.mark.parametrize(
    ("skew", "notes"),
    [
        (None, []),
        (0.0, []),
        (-29.9, []),
        (31.2, ["its clock is 31 s ahead of ours: check the time of this machine"]),
        (-600.0, ["its clock is 600 s behind ours: check the time of this machine"]),
    ],
)
def test_a_clock_that_differs_is_told(skew: float | None, notes: list[str]) -> None:
    assert list(clock_notes(skew)) == notes
