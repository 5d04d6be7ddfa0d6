"""Beijing's times and the merchant's numbers, as Chinese providers write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from connectors.beijing import day_of, start_of, utc_of, utc_of_digits, written
from connectors.references import ReferencePattern

MORNING = datetime(2025, 12, 31, 16, 0, 5, tzinfo=UTC)


def test_a_time_without_a_zone_is_beijings() -> None:
    assert utc_of("2026-01-01 00:00:05") == MORNING
    assert utc_of("2026-01-01 00:00:05.000") == MORNING
    assert utc_of_digits("20260101000005") == MORNING
    assert written(MORNING) == "2026-01-01 00:00:05"


@pytest.mark.parametrize(
    "text", ["", "0001-01-01 00:00:00", "2026-13-01 00:00:00", "2026-01-01T00:00:00+08:00", "昨天"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        utc_of(text)


@pytest.mark.parametrize("digits", ["", "2026010100000", "20261301000000", "２０２６0101000000"])
def test_digits_that_are_no_time_are_refused(digits: str) -> None:
    with pytest.raises(ValueError):
        utc_of_digits(digits)


def test_a_day_begins_at_midnight_in_beijing() -> None:
    assert day_of(MORNING) == date(2026, 1, 1)
    assert start_of(date(2026, 1, 1)) == datetime(2025, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "text", "number"),
    [
        (None, "SO-1001", "SO-1001"),
        (None, "", None),
        (None, None, None),
        (r"(SO-\d+)(?:-\d+)?", "SO-1001-2", "SO-1001"),
        (r"(SO-\d+)(?:-\d+)?", "SO-1001", "SO-1001"),
        (r"(SO-\d+)(?:-\d+)?", "WEB-9", "WEB-9"),
        (r"(?:X(\d+))?.*", "nothing", "nothing"),
        (r"订单(\d+)号", "订单１０号", "１０"),
    ],
)
def test_the_orders_number_is_the_first_group(
    pattern: str | None, text: str | None, number: str | None
) -> None:
    assert ReferencePattern(pattern).of(text) == number


@pytest.mark.parametrize("pattern", ["(", "[", "SO-1"])
def test_a_pattern_that_cannot_be_used_is_told(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|regular expression"):
        ReferencePattern(pattern)
