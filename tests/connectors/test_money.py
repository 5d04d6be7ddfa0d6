"""Amounts are exact or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.currency import CURRENT, MINOR_UNIT_DIGITS, UnknownCurrency, minor_unit_digits
from connectors.money import INT64_MAX, InexactAmount, Money

CURRENCIES = st.sampled_from(sorted(MINOR_UNIT_DIGITS))


@pytest.mark.parametrize(
    ("amount", "currency", "minor_units", "shown"),
    [
        ("125.50", "EUR", 12550, "125.50"),
        ("125.5", "EUR", 12550, "125.50"),
        ("-0.01", "EUR", -1, "-0.01"),
        ("0", "EUR", 0, "0.00"),
        ("500", "JPY", 500, "500"),
        ("500.00", "JPY", 500, "500"),
        ("1.500", "KWD", 1500, "1.500"),
        ("0.001", "KWD", 1, "0.001"),
        ("1.2345", "CLF", 12345, "1.2345"),
        ("1.25", "HRK", 125, "1.25"),
        ("15000", "BYR", 15000, "15000"),
        ("1E+3", "EUR", 100_000, "1000.00"),
        ("92233720368547758.07", "EUR", INT64_MAX, "92233720368547758.07"),
        ("-9223372036854775807", "JPY", -INT64_MAX, "-9223372036854775807"),
        ("1." + "0" * 40, "EUR", 100, "1.00"),
    ],
)
def test_major_units_become_minor_units_and_back(
    amount: str, currency: str, minor_units: int, shown: str
) -> None:
    money = Money.of(amount, currency)
    assert money == Money(minor_units, currency)
    assert str(money.amount) == shown


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "EUR"),
        ("1.5", "JPY"),
        ("0.0001", "KWD"),
        ("0.00001", "CLF"),
        ("12.3400000000000000000000000000001", "EUR"),
        ("0." + "0" * 100 + "1", "EUR"),
        ("92233720368547758.08", "EUR"),
        ("1E999999", "EUR"),
        ("1E-999999", "EUR"),
        ("1e99999999999999999999", "EUR"),
        ("9" * 5000, "JPY"),
        ("NaN", "EUR"),
        ("sNaN", "EUR"),
        ("Infinity", "EUR"),
        ("-inf", "JPY"),
        ("", "EUR"),
        ("12,50", "EUR"),
        ("twelve", "EUR"),
    ],
)
def test_what_a_currency_cannot_express_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(InexactAmount, match=currency) as refusal:
        Money.of(amount, currency)
    assert amount == "" or amount not in str(refusal.value)


@pytest.mark.parametrize("code", ["", "eur", "EURO", "XXX", "XTS", "BTC", "DEM", "E" * 1000])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency) as refusal:
        Money.of("1", code)
    assert len(str(refusal.value)) < 80
    with pytest.raises(UnknownCurrency):
        _ = Money(1, code).amount


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("HRK", 2), ("LTL", 2), ("ANG", 2), ("SLL", 2), ("STD", 2), ("ZWL", 2), ("MRO", 2),
        ("VEF", 2), ("BYR", 0), ("EEK", 2), ("CUC", 2), ("TRL", 0), ("MGF", 0),
    ],
)  # fmt: skip
def test_a_currency_that_was_withdrawn_is_known_and_not_in_use(code: str, digits: int) -> None:
    assert minor_unit_digits(code) == digits
    assert code not in CURRENT


def test_currencies_in_use_are_three_capitals_with_decimals() -> None:
    assert {"EUR", "JPY", "XCG", "ZWG", "SLE"} <= CURRENT < MINOR_UNIT_DIGITS.keys()


@given(st.integers(-INT64_MAX, INT64_MAX), CURRENCIES)
def test_an_amount_survives_the_round_trip(minor_units: int, currency: str) -> None:
    money = Money(minor_units, currency)
    assert Money.of(money.amount, currency) == money
    assert Money.of(str(money.amount), currency) == money
    assert -money.amount.as_tuple().exponent == MINOR_UNIT_DIGITS[currency]  # type: ignore[operator]


@given(st.decimals(allow_nan=False, allow_infinity=False), CURRENCIES)
def test_an_amount_is_exact_or_refused(amount: Decimal, currency: str) -> None:
    try:
        money = Money.of(amount, currency)
    except InexactAmount:
        return
    assert money.amount == amount


def test_amounts_are_compared_with_their_currency_and_have_no_order() -> None:
    assert Money(100, "EUR") != Money(100, "USD")
    with pytest.raises(TypeError):
        _ = Money(1, "EUR") < Money(2, "EUR")  # type: ignore[operator]
    with pytest.raises(AttributeError):
        Money(1, "EUR").minor_units = 2  # type: ignore[misc]
