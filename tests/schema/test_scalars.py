"""What the scalars carry exactly, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLScalarType
from hypothesis import given
from hypothesis import strategies as st

from connectors.money import INT64_MAX
from schema.build import build_schema

TYPES = build_schema().executable.type_map
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def scalar(name: str) -> GraphQLScalarType:
    type_ = TYPES[name]
    assert isinstance(type_, GraphQLScalarType)
    return type_


def read(name: str, value: Any) -> Any:
    return scalar(name).parse_value(value)


def written(name: str, value: Any) -> Any:
    return scalar(name).serialize(value)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("DateTime", NOON, "2026-01-31T12:00:00Z"),
        ("DateTime", NOON.replace(microsecond=5), "2026-01-31T12:00:00.000005Z"),
        ("DateTime", NOON.astimezone(timezone(timedelta(hours=9))), "2026-01-31T12:00:00Z"),
        ("Decimal", Decimal("125.50"), "125.50"),
        ("Decimal", Decimal("1E+3"), "1000"),
        ("Decimal", Decimal("0.0000001"), "0.0000001"),
        ("BigInt", INT64_MAX, "9223372036854775807"),
        ("BigInt", -1, "-1"),
        ("CurrencyCode", "EUR", "EUR"),
        ("CurrencyCode", "HRK", "HRK"),
    ],
)
def test_values_are_written_exactly(name: str, value: Any, text: str) -> None:
    assert written(name, value) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DateTime", NOON.replace(tzinfo=None)),
        ("DateTime", "2026-01-31T12:00:00Z"),
        ("DateTime", 0),
        ("Decimal", 1.5),
        ("Decimal", "1.5"),
        ("Decimal", Decimal("NaN")),
        ("Decimal", Decimal("Infinity")),
        ("BigInt", INT64_MAX + 1),
        ("BigInt", -INT64_MAX - 1),
        ("BigInt", 1.0),
        ("BigInt", True),
        ("BigInt", "1"),
        ("CurrencyCode", "eur"),
        ("CurrencyCode", "XXX"),
        ("CurrencyCode", 978),
    ],
)
def test_what_would_not_be_exact_is_not_written(name: str, value: Any) -> None:
    with pytest.raises(GraphQLError) as refusal:
        written(name, value)
    assert name in refusal.value.message


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DateTime", "2026-01-31T12:00:00Z", NOON),
        ("DateTime", "2026-01-31t12:00:00z", NOON),
        ("DateTime", "2026-01-31T21:00:00+09:00", NOON),
        ("DateTime", "2026-01-31T12:00:00.000001Z", NOON.replace(microsecond=1)),
        ("DateTime", "2026-01-31T12:00:00.0000000Z", NOON),
        ("DateTime", "2026-01-31T12:00:00.0000019999Z", NOON.replace(microsecond=1)),
        ("Decimal", "125.50", Decimal("125.50")),
        ("Decimal", 12, Decimal(12)),
        ("Decimal", "-0.1", Decimal("-0.1")),
        ("BigInt", "9223372036854775807", INT64_MAX),
        ("BigInt", "-5", -5),
        ("BigInt", 7, 7),
        ("CurrencyCode", "JPY", "JPY"),
        ("CurrencyCode", "HRK", "HRK"),
    ],
)
def test_values_are_read_exactly(name: str, text: Any, value: Any) -> None:
    assert read(name, text) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DateTime", "2026-01-31T12:00:00"),
        ("DateTime", "2026-01-31"),
        ("DateTime", "2026-02-30T12:00:00Z"),
        ("DateTime", "2026-01-31T12:00:00.Z"),
        ("DateTime", "2026-01-31T25:00:00Z"),
        ("DateTime", "2026-01-31 12:00:00Z"),
        ("DateTime", "0001-01-01T00:00:00+23:59"),
        ("DateTime", "２０２６-01-31T12:00:00Z"),
        ("DateTime", 1769860800),
        ("DateTime", None),
        ("Decimal", 1.5),
        ("Decimal", True),
        ("Decimal", "NaN"),
        ("Decimal", "sNaN"),
        ("Decimal", "Infinity"),
        ("Decimal", "1,5"),
        ("Decimal", ""),
        ("Decimal", "1" * 41),
        ("Decimal", [1]),
        ("BigInt", INT64_MAX + 1),
        ("BigInt", "9223372036854775808"),
        ("BigInt", "1" * 5000),
        ("BigInt", "1.0"),
        ("BigInt", "１"),
        ("BigInt", 1.0),
        ("BigInt", False),
        ("CurrencyCode", "eur"),
        ("CurrencyCode", "EURO"),
        ("CurrencyCode", ""),
        ("CurrencyCode", ["EUR"]),
    ],
)
def test_what_is_not_exact_is_not_read(name: str, value: Any) -> None:
    with pytest.raises(GraphQLError) as refusal:
        read(name, value)
    assert name in refusal.value.message
    assert len(refusal.value.message) < 80


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_survives_the_round_trip(value: datetime) -> None:
    assert read("DateTime", written("DateTime", value)) == value


@given(st.integers(-INT64_MAX, INT64_MAX))
def test_an_integer_survives_the_round_trip(value: int) -> None:
    assert read("BigInt", written("BigInt", value)) == value


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20
    )
)
def test_a_decimal_survives_the_round_trip(value: Decimal) -> None:
    assert read("Decimal", written("Decimal", value)) == value
