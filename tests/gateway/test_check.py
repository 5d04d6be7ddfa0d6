"""What `tillgate check` makes of a vendor's clock; the rest is tested from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.check import book_notes, clock_notes, incomplete_notes

NOW = datetime(2026, 6, 10, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("synced", "notes"),
    [
        (None, ["its books were never read: run tillgate index sync"]),
        (NOW - timedelta(hours=47), []),
        (
            NOW - timedelta(days=9),
            ["its books were last read on 2026-06-01: run tillgate index sync"],
        ),
    ],
)
def test_books_that_are_old_or_were_never_read_are_told(
    synced: datetime | None, notes: list[str]
) -> None:
    assert list(book_notes(synced, NOW)) == notes


@pytest.mark.parametrize(
    ("periods", "notes"),
    [
        ({}, []),
        (
            {"trade 2026-01-02": 2},
            ["rows left out of its books: 2, in trade 2026-01-02: tillgate index show lists them"],
        ),
        (
            {f"trade 2026-01-0{day}": 1 for day in range(1, 5)},
            [
                "rows left out of its books: 4, in trade 2026-01-01, trade 2026-01-02,"
                " trade 2026-01-03, ...: tillgate index show lists them"
            ],
        ),
    ],
)
def test_rows_that_were_left_out_are_noted(periods: dict[str, int], notes: list[str]) -> None:
    assert list(incomplete_notes(periods)) == notes
