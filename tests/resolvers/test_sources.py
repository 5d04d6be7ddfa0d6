"""Ids are checked before anybody is asked."""

from __future__ import annotations

import pytest

from connectors.records import Kind, Source, SourceKind
from connectors.salesforce.ids import normalise as salesforce_id
from resolvers.errors import BadFilter, BadId
from resolvers.sources import Address, Sources
from tests.resolvers.fakes import CRM, EU, US, FakeCrm, FakePayments, configured, sources_of

SF = Source("salesforce", "salesforce", SourceKind.CRM)
ANY = Source("any", "any", SourceKind.CRM)
SOURCES = Sources(
    [
        configured(CRM, FakeCrm()),
        configured(EU, FakePayments()),
        configured(SF, FakeCrm(), normalise=salesforce_id),
        configured(ANY, FakeCrm(), normalise=lambda kind, native_id: native_id),
    ]
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("crm:order:o1", Address("crm", Kind.ORDER, "o1")),
        ("eu:payment:pi_1.x-2", Address("eu", Kind.PAYMENT, "pi_1.x-2")),
        ("any:order:a:b::c", Address("any", Kind.ORDER, "a:b::c")),
        (
            "salesforce:customer:001Qy00000AbCdE",
            Address("salesforce", Kind.CUSTOMER, "001Qy00000AbCdEIAV"),
        ),
        (
            "salesforce:customer:001qy00000abcdeIAV",
            Address("salesforce", Kind.CUSTOMER, "001Qy00000AbCdEIAV"),
        ),
    ],
)
def test_an_id_has_one_spelling(text: str, address: Address) -> None:
    found = SOURCES.address(text)
    assert found == address
    assert SOURCES.address(str(found)) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "form source:kind:native"),
        ("o1", "form source:kind:native"),
        ("crm:order", "form source:kind:native"),
        ("crm:invoice:1", "kind is one of"),
        ("crm::1", "kind is one of"),
        ("crm:ORDER:1", "kind is one of"),
        ("crm:order:", "last part is no order id"),
        ("crm:order:../x", "last part"),
        ("crm:order:a b", "last part"),
        ("crm:order:a:b", "last part"),
        ("crm:order:" + "x" * 256, "last part"),
        ("none:order:1", "no source of orders"),
        (":order:1", "no source of orders"),
        ("CRM:order:1", "no source of orders"),
        ("eu:order:1", "no source of orders"),
        ("crm:payment:1", "no source of payments"),
        ("salesforce:customer:801Qy00000AbCdE", "last part"),
        ("salesforce:customer:001Qy00000AbCdEZZZ", "last part"),
        ("salesforce:customer:001Qy00000AbCd", "last part"),
    ],
)
def test_what_is_no_id_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(BadId, match=told) as refusal:
        SOURCES.address(text)
    assert refusal.value.code == "BAD_ID"


def test_an_id_of_another_kind_is_refused() -> None:
    assert SOURCES.address("crm:order:o1", Kind.ORDER).kind is Kind.ORDER
    with pytest.raises(BadId, match="id of kind order, not payment"):
        SOURCES.address("crm:order:o1", Kind.PAYMENT)


def test_sources_are_told_by_what_they_can_do() -> None:
    assert [s.name for s in SOURCES.able("orders")] == ["crm", "salesforce", "any"]
    assert [s.name for s in SOURCES.able("payments")] == ["eu"]
    assert SOURCES.able("payments", SourceKind.CRM) == []
    assert SOURCES.able("disputes") == []
    assert SOURCES["eu"].capabilities == (
        "payments",
        "payment_page",
        "payments_by_reference",
    )


def test_named_sources_are_chosen_in_the_order_of_their_names_once() -> None:
    assert [s.name for s in SOURCES.chosen(["any", "crm", "any"], "orders")] == ["any", "crm"]
    assert SOURCES.chosen([], "orders") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "no source is named 'none'"),
        ("", "no source is named ''"),
        ("eu", "eu holds no orders; named can be crm, salesforce, any"),
        ("x" * 1000, "no source is named 'xxx"),
    ],
)
def test_a_named_source_without_such_records_is_refused(name: str, message: str) -> None:
    with pytest.raises(BadFilter, match=message) as refusal:
        SOURCES.chosen(["crm", name], "orders")
    assert len(str(refusal.value)) < 120


def test_sources_keep_the_order_of_the_configuration() -> None:
    assert list(sources_of({US: FakePayments(), CRM: FakeCrm()})) == ["us", "crm"]
