"""Values of rows as text, number, money and time; what does not fit says why and not what."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.mapping import FieldMap
from connectors.money import Money
from connectors.values import (
    MISSING,
    Misfit,
    at,
    moment,
    money,
    number,
    price,
    quantity,
    shape,
    text,
)

EUROPEAN = FieldMap(field="x", thousands=".", decimal=",")
COMMAS = FieldMap(field="x", thousands=",")
PLAIN = FieldMap(field="x")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("FBillNo", ["XSDD001"]),
        ("FCustId.FNumber", ["CUST0001"]),
        ("phone.phone", ["13800000000"]),
        ("lines[].qty", [2, 3]),
        ("lines[].tags[]", ["a", "b"]),
        ("tags", [["x", "y"]]),
        ("tags[]", ["x", "y"]),
        ("empty", []),
        ("space", []),
        ("nothing", []),
        ("FBillNo.deeper", []),
        ("lines.qty", []),
        ("zero", [0]),
    ],
)
def test_a_path_leads_to_what_is_not_empty(path: str, found: list[Any]) -> None:
    row = {
        "FBillNo": "XSDD001",
        "FCustId.FNumber": "CUST0001",
        "phone": {"verified": True, "phone": "13800000000"},
        "lines": [{"qty": 2, "tags": ["a", "b"]}, {"qty": 3, "tags": None}],
        "tags": ["x", "y"],
        "empty": "",
        "space": " ",
        "nothing": None,
        "zero": 0,
    }
    assert at(row, path) == found


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("王伟", "王伟"),
        (12, "12"),
        (Decimal("1E+3"), "1000"),
        (Decimal("123.0"), "123"),
        (Decimal("123.50"), "123.50"),
        (Decimal("-0.0"), "0"),
        (True, "true"),
        (["a", 1], "a;1"),
        ([Decimal("7.0"), "8.0"], "7;8.0"),
    ],
)
def test_text(value: Any, written: str) -> None:
    assert text(value) == written


@pytest.mark.parametrize(
    ("value", "written", "currency", "amount"),
    [
        ("0.0125", PLAIN, "CNY", "0.0125"),
        ("12.5", PLAIN, "CNY", "12.50"),
        (Decimal("113.0000000000"), PLAIN, "CNY", "113.00"),
        (Decimal("1E+3"), PLAIN, "JPY", "1000"),
        ("0.5", PLAIN, "JPY", "0.5"),
        ("1.5", FieldMap(field="x", unit="minor"), "EUR", "0.015"),
        (Decimal("100.29999999999998"), PLAIN, "CNY", "100.30"),
        (0, PLAIN, "KWD", "0.000"),
        ("0.00000002", PLAIN, "USD", "0.00000002"),
        ("-0.0125", PLAIN, "CNY", "-0.0125"),
    ],
)
def test_a_price_has_at_least_the_decimals_of_its_currency(
    value: Any, written: FieldMap, currency: str, amount: str
) -> None:
    found = price(value, written, currency)
    assert (f"{found.amount:f}", found.currency) == (amount, currency)


@pytest.mark.parametrize("value", ["1" * 30 + ".123456789", Decimal("1E+999999"), Decimal("1E-99")])
def test_a_price_of_too_many_digits_is_refused(value: Any) -> None:
    with pytest.raises(Misfit, match="too many digits"):
        price(value, PLAIN, "CNY")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("2.9999999999999996", "3"),
        ("0.30000000000000004", "0.3"),
        ("0.012500000000000001", "0.0125"),
        ("1234.5600000000002", "1234.56"),
        ("2.5", "2.5"),
        ("1130.0000000000", "1130"),
        ("0.3333333333333333", "0.3333333333333333"),
        ("100000000000.0001", "100000000000.0001"),
        ("1.0000000001", "1.0000000001"),
        ("1000000000000000001", "1000000000000000001"),
    ],
)
def test_quantities_without_binary_noise(value: str, meant: str) -> None:
    assert quantity(Decimal(value), PLAIN) == Decimal(meant)
    assert quantity("-" + value, PLAIN) == -Decimal(meant)


@pytest.mark.parametrize(
    ("value", "written", "amount"),
    [
        ("1,234,567.89", COMMAS, "1234567.89"),
        ("12,3456.78", COMMAS, "123456.78"),
        ("1.234,50", EUROPEAN, "1234.50"),
        (" 12.5 ", PLAIN, "12.5"),
        ("-3", PLAIN, "-3"),
        (Decimal("1130.0000000000"), PLAIN, "1130.0000000000"),
        (7, COMMAS, "7"),
    ],
)
def test_numbers_as_people_write_them(value: Any, written: FieldMap, amount: str) -> None:
    assert number(value, written) == Decimal(amount)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1,234.50", PLAIN),
        ("1,23.50", COMMAS),
        ("1.234.50", PLAIN),
        ("1234.50", EUROPEAN),
        ("¥12", PLAIN),
        ("1e5", PLAIN),
        ("١٢", PLAIN),
        ("NaN", PLAIN),
        (Decimal("NaN"), PLAIN),
        (True, PLAIN),
        ([], PLAIN),
        ("0x10", PLAIN),
        ("12,345,6", COMMAS),
        ("0,500", COMMAS),
        (",123", COMMAS),
        ("1234,567", COMMAS),
        ("12,345,6789", COMMAS),
        ("0,1234", COMMAS),
        (MISSING, PLAIN),
    ],
)
def test_what_is_no_number_is_refused(value: Any, written: FieldMap) -> None:
    with pytest.raises(Misfit):
        number(value, written)


@pytest.mark.parametrize(
    ("value", "written", "currency", "minor"),
    [
        ("12.50", PLAIN, "CNY", 1250),
        (500, PLAIN, "JPY", 500),
        ("1.250", PLAIN, "KWD", 1250),
        (1250, FieldMap(field="x", unit="minor"), "EUR", 1250),
        (1250, FieldMap(field="x", unit="minor"), "KWD", 1250),
        (Decimal("100.29999999999998"), PLAIN, "CNY", 10030),
        ("1234.5600000000002", PLAIN, "CNY", 123456),
        ("-0.30000000000000004", PLAIN, "EUR", -30),
        (Decimal("499.99999999999994"), PLAIN, "JPY", 500),
        (Decimal("1250.0000000000002"), FieldMap(field="x", unit="minor"), "EUR", 1250),
        ("92233720368547758.07", PLAIN, "EUR", 2**63 - 1),
    ],
)
def test_money_in_its_own_unit(value: Any, written: FieldMap, currency: str, minor: int) -> None:
    assert money(value, written, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("value", "written", "currency", "why"),
    [
        ("12.505", PLAIN, "CNY", "more decimals than its currency"),
        ("0.5", PLAIN, "JPY", "more decimals than its currency"),
        ("0.01000001", PLAIN, "EUR", "more decimals than its currency"),
        ("12345678901234567890123456789.125", PLAIN, "EUR", "more decimals"),
        ("12.5", FieldMap(field="x", unit="minor"), "EUR", "more decimals"),
        ("1", PLAIN, "RMB", "not one of ISO 4217"),
        ("1" + "0" * 20, PLAIN, "EUR", "too large"),
        (Decimal("1E+999999"), PLAIN, "EUR", "too large"),
        (Decimal("1" * 99), PLAIN, "EUR", "too large"),
    ],
)
def test_money_that_does_not_fit_is_not_rounded(
    value: Any, written: FieldMap, currency: str, why: str
) -> None:
    with pytest.raises(Misfit, match=why):
        money(value, written, currency)


@pytest.mark.parametrize(
    ("value", "zone", "utc"),
    [
        ("2026-03-01T00:00:00", "Asia/Shanghai", datetime(2026, 2, 28, 16, tzinfo=UTC)),
        ("2026-03-01 08:30:00", "Asia/Shanghai", datetime(2026, 3, 1, 0, 30, tzinfo=UTC)),
        ("2026-03-01", "Asia/Shanghai", datetime(2026, 2, 28, 16, tzinfo=UTC)),
        ("2026-03-01", None, datetime(2026, 3, 1, tzinfo=UTC)),
        ("2017-10-20T22:41:51.430Z", None, datetime(2017, 10, 20, 22, 41, 51, 430_000, tzinfo=UTC)),
        ("2026-01-02T03:04:05.000+0000", None, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1_654_876_800_000, None, datetime(2022, 6, 10, 16, tzinfo=UTC)),
        (Decimal("1653696000000.0"), None, datetime(2022, 5, 28, tzinfo=UTC)),
        ("1653696000000", None, datetime(2022, 5, 28, tzinfo=UTC)),
        ("1653696000000.0", "Asia/Shanghai", datetime(2022, 5, 28, tzinfo=UTC)),
        ("2026-01-01T00:00:00.0000000Z", None, datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00.999999999Z", None, datetime(2026, 1, 1, 0, 0, 0, 999_999, UTC)),
    ],
)
def test_times_are_aware_utc(value: Any, zone: str | None, utc: datetime) -> None:
    assert moment(value, zone) == utc


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("2026-03-01 08:30:00", "without a zone"),
        ("yesterday", "not a time"),
        ("2026-13-01", "not a time"),
        (True, "not a time"),
        (10**20, "not a time"),
        ({}, "not a time"),
        ("0001-01-01T00:00:00+14:00", "not a time"),
        ("2026-03-01" + " " * 150, "not a time"),
        ("9653696000000", "not a time"),
        ("1653696000000.5", "not a time"),
        ("165369600000", "not a time"),
        (Decimal("NaN"), "not a time"),
        (Decimal("1E+999999"), "not a time"),
        (MISSING, "does not exist"),
    ],
)
def test_what_is_no_time_is_refused(value: Any, why: str) -> None:
    with pytest.raises(Misfit, match=why):
        moment(value, None)


@pytest.mark.parametrize(
    ("value", "looks"),
    [
        ("SO-1001", "AA-9999"),
        ("王伟", "文文"),
        ("1,234.50 元", "9,999.99 文"),
        ("🎉\n", "**"),
        (Decimal("12.5"), "99.9"),
        ("a" * 30, "a" * 24 + "..."),
        ([1], "a list"),
        ({"a": 1}, "an object"),
    ],
)
def test_a_shape_tells_nothing_but_the_form(value: Any, looks: str) -> None:
    assert shape(value) == looks
