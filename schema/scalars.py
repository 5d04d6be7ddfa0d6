"""The scalars beyond GraphQL's own. Each refuses what it cannot carry exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from connectors.currency import UnknownCurrency, minor_unit_digits
from connectors.money import INT64_MAX

BigInt = NewType("BigInt", int)
CurrencyCode = NewType("CurrencyCode", str)
JSON = NewType("JSON", object)

_DECIMAL = re.compile(r"-?[0-9]{1,38}(\.[0-9]{1,38})?")
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


def _write_time(value: object) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise GraphQLError("DateTime cannot represent this value")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_time(value: object) -> datetime:
    """RFC 3339 with a zone; a time without one is ambiguous and refused. Any number of decimals
    (section 5.6), cut to microseconds."""
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError("DateTime takes RFC 3339 with a zone, such as 2026-01-31T12:00:00Z")


def _write_decimal(value: object) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise GraphQLError("Decimal cannot represent this value")
    return f"{value:f}"


def _read_decimal(value: object) -> Decimal:
    """A string or an integer; a JSON number with a point was rounded before it came here."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT64_MAX:
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise GraphQLError('Decimal takes a string such as "12.50"')


def _write_bigint(value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > INT64_MAX:
        raise GraphQLError("BigInt cannot represent this value")
    return str(value)


def _read_bigint(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INT64_MAX:
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value, re.ASCII):
        number = int(value)
        if abs(number) <= INT64_MAX:
            return number
    raise GraphQLError("BigInt takes an integer of 64 bits, also as a string")


def _currency(value: object) -> str:
    if isinstance(value, str):
        try:
            minor_unit_digits(value)
        except UnknownCurrency:
            pass
        else:
            return value
    raise GraphQLError("CurrencyCode takes an ISO 4217 code in capitals, such as EUR")


def _same(value: Any) -> Any:
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        serialize=_write_time,
        parse_value=_read_time,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        description="A point in time, RFC 3339, always UTC: `2026-01-31T12:00:00Z`.",
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        serialize=_write_decimal,
        parse_value=_read_decimal,
        description='An exact decimal number as a string: `"125.50"`.',
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        serialize=_write_bigint,
        parse_value=_read_bigint,
        description='An integer of 64 bits as a string: `"12550"`.',
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        serialize=_currency,
        parse_value=_currency,
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        description="An ISO 4217 currency code: `EUR`.",
    ),
    JSON: strawberry.scalar(
        name="JSON",
        serialize=_same,
        parse_value=_same,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        description="Any JSON value; numbers keep their exact decimals.",
    ),
}
