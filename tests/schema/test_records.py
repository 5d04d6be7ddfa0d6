"""A plain field of a type is an attribute of the record that it shows, and the other way round."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from graphql import GraphQLObjectType, default_field_resolver

from connectors import records
from connectors.money import Money
from connectors.price import Price
from resolvers.incomplete import Incomplete
from resolvers.links import Link
from resolvers.pages import Connection, Edge, PageInfo
from schema.build import build_schema
from schema.customer import Totals
from schema.sources import Status

BUILT = build_schema()
SCHEMA = BUILT.executable
SHOWN: dict[str, type[Any]] = {
    "Customer": records.Customer,
    "Order": records.Order,
    "OrderLine": records.OrderLine,
    "Payment": records.Payment,
    "PaymentMethod": records.PaymentMethod,
    "Payer": records.Payer,
    "InstalmentPlan": records.InstalmentPlan,
    "Deduction": records.Deduction,
    "Failure": records.Failure,
    "Refund": records.Refund,
    "Dispute": records.Dispute,
    "Source": records.Source,
    "Money": Money,
    "Price": Price,
    "PaymentLink": Link,
    "CustomerLink": Link,
    "CustomerTotal": Totals,
    "SourceStatus": Status,
    "PageInfo": PageInfo,
    "IncompleteSource": Incomplete,
    **{f"{name}Connection": Connection for name in ("Customer", "Order", "Payment", "Refund")},
    **{f"{name}Edge": Edge for name in ("Customer", "Order", "Payment", "Refund")},
}
NOT_SHOWN = {
    "Customer": {"external_ids", "misfits", "failed", "more_emails"},
    "Order": {"customer_id", "payment_ids", "misfits", "failed"},
    "OrderLine": {"source", "misfits"},
    "Payment": {"customer_id", "misfits", "failed"},
    "Refund": {"payment_id", "misfits", "failed"},
    "Dispute": {"payment_id", "misfits", "failed"},
    "PageInfo": {"first", "last"},
    "Price": {"money"},
    "PaymentLink": {"record"},
    "CustomerLink": {"record"},
    **{f"{name}Edge": {"ask", "positions"} for name in ("Customer", "Order", "Payment", "Refund")},
}
"""What leads to a relation, or is how something is found: a client is shown where it leads. Misfits
are shown as errors at their fields."""


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def object_type(name: str) -> GraphQLObjectType:
    type_ = SCHEMA.type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    return type_


def plain(name: str) -> set[str]:
    """The fields without a resolver, in snake case."""
    definition = BUILT.get_type_by_name(name)
    fields: Any = definition.fields  # type: ignore[union-attr]
    return {field.python_name for field in fields if field.base_resolver is None}


def attributes(record: type[Any]) -> set[str]:
    stored = {field.name for field in msgspec.structs.fields(record)}
    derived = {
        name
        for class_ in record.__mro__
        for name, value in vars(class_).items()
        if isinstance(value, property)
    }
    return stored | derived


def test_every_type_shows_something_known() -> None:
    objects = {
        name
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("_")
    }
    assert objects - {"Query"} == set(SHOWN)


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_plain_field_is_an_attribute_of_the_record(name: str) -> None:
    assert plain(name) - attributes(SHOWN[name]) == set()


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_an_attribute_of_the_record_is_a_field(name: str) -> None:
    fields = {snake(field) for field in object_type(name).fields}
    assert attributes(SHOWN[name]) - fields == NOT_SHOWN.get(name, set())


def test_a_plain_field_is_read_by_attribute() -> None:
    resolver = object_type("Money").fields["minorUnits"].resolve
    assert resolver is None or resolver is not default_field_resolver
