"""Salesforce without a network: literal payloads, query text, tokens, settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import (
    Malformed,
)
from connectors.filters import CustomerFilter, MoneyRange, OrderFilter, TimeRange
from connectors.money import Money
from connectors.paging import BadCursor, Sort, SortField
from connectors.records import (
    CustomerKind,
    ExternalId,
    Kind,
    OrderState,
    Source,
    SourceKind,
)
from connectors.salesforce import mapping, narrowing, soql
from connectors.salesforce.ids import canonical, normalise
from connectors.salesforce.keyset import KeySet
from connectors.salesforce.paging import page_of
from connectors.salesforce.settings import LOGIN, SalesforceSettings
from connectors.secret import Secret
from sandbox.salesforce.tokens import tokens, unquoted

SOURCE = Source("crm", "salesforce", SourceKind.CRM)
ORDER_ID = "801000000000001AAA"
ACCOUNT_ID = "001000000000001AAA"


def settings(**changes: Any) -> SalesforceSettings:
    values: dict[str, Any] = {
        "vendor": "salesforce",
        "auth": "client_credentials",
        "client_id": "id",
        "client_secret": Secret("hush"),
        "order_fields": {"payment_status": "Pay__c", "refunded_amount": "Back__c"},
    }
    return SalesforceSettings(**{**values, **changes})


def row(**changes: Any) -> dict[str, Any]:
    return {
        "Id": ORDER_ID,
        "CreatedDate": "2026-01-02T03:04:05.000+0000",
        "LastModifiedDate": "2026-01-02T05:04:05.000+0200",
        "OrderNumber": "00000100",
        "Status": "Activated",
        "StatusCode": "Activated",
        "AccountId": "001000000000001",
        "EffectiveDate": "2026-01-02",
        "TotalAmount": Decimal("125.5"),
        "CurrencyIsoCode": "EUR",
        "Pay__c": None,
        "Back__c": None,
        **changes,
    }


def order(configured: SalesforceSettings | None = None, **changes: Any) -> Any:
    return mapping.order(row(**changes), configured or settings(), SOURCE)


def test_an_order_is_read() -> None:
    configured = settings(
        custom_fields={"order": ("Note__c",)}, order_payment_fields={"Stripe__c": "stripe_eu"}
    )
    found = order(configured, Note__c="hi", Stripe__c="pi_1")
    assert found.native_id == ORDER_ID
    assert found.customer_id == ACCOUNT_ID
    assert found.total == Money(12550, "EUR")
    assert found.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.updated_at.utcoffset() == timedelta(0)
    assert found.placed_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert found.recorded_status == "Activated"
    assert found.custom_fields == {"Note__c": "hi"}
    assert found.payment_ids == (ExternalId("stripe_eu", "pi_1", "Stripe__c"),)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1000.0", "EUR", 100000),
        ("1.2E+7", "JPY", 12000000),
        ("0.1", "EUR", 10),
        ("1.005", "KWD", 1005),
        ("9007199254740993.01", "EUR", 900719925474099301),
        ("5", "EUR", 500),
    ],
)
def test_numbers_never_pass_through_a_float(text: str, currency: str, minor: int) -> None:
    raw = msgspec.Raw(f'{{"TotalAmount":{text},"CurrencyIsoCode":"{currency}"}}'.encode())
    amounts = mapping.decode(raw)
    assert mapping.money(amounts, "TotalAmount", None) == Money(minor, currency)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"Id": None}, "Id"),
        ({"Id": "short"}, "Id"),
        ({"OrderNumber": None}, "OrderNumber"),
        ({"TotalAmount": Decimal("1.005")}, "TotalAmount"),
        ({"TotalAmount": "12"}, "TotalAmount"),
        ({"TotalAmount": True}, "TotalAmount"),
        ({"CurrencyIsoCode": "XXX"}, "CurrencyIsoCode"),
        ({"CurrencyIsoCode": None}, "CurrencyIsoCode"),
        ({"CreatedDate": "2026-01-02T03:04:05"}, "CreatedDate"),
        ({"CreatedDate": 5}, "CreatedDate"),
        ({"EffectiveDate": "someday"}, "EffectiveDate"),
        ({"AccountId": "oops"}, "AccountId"),
    ],
)
def test_a_row_that_does_not_fit_names_its_field_only(changes: dict[str, Any], field: str) -> None:
    found = mapping.fitting(lambda r: mapping.order(r, settings(), SOURCE), row(**changes), "crm")
    assert isinstance(found, Malformed)
    assert found.detail == f"a row does not fit at {field}"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"Status": "Draft", "StatusCode": "Draft"}, "DRAFT"),
        ({"Status": "Canceled", "StatusCode": "Canceled", "Pay__c": "paid"}, "CANCELED"),
        ({"StatusCode": "Expired"}, "CANCELED"),
        ({"StatusCode": "Strange"}, "UNKNOWN"),
        ({"StatusCode": None}, "UNKNOWN"),
        ({}, "PENDING_PAYMENT"),
        ({"Pay__c": "Partial"}, "PARTIALLY_PAID"),
        ({"Pay__c": "paid"}, "PAID"),
        ({"Pay__c": "awaiting_oracle"}, "UNKNOWN"),
        ({"Pay__c": "paid", "Back__c": Decimal(0)}, "PAID"),
        ({"Pay__c": "paid", "Back__c": Decimal("0.01")}, "PARTIALLY_REFUNDED"),
        ({"Pay__c": "paid", "Back__c": Decimal("125.50")}, "REFUNDED"),
        ({"Pay__c": "paid", "Back__c": 5, "TotalAmount": None}, "PAID"),
        ({"Pay__c": None, "Back__c": 5}, "PENDING_PAYMENT"),
        ({"Status": "Shipped"}, "FULFILLED"),
        ({"Status": "shipped", "Back__c": 5}, "PARTIALLY_REFUNDED"),
        ({"Status": "On hold", "StatusCode": "Draft"}, "CANCELED"),
    ],
)
def test_the_state_of_an_order(changes: dict[str, Any], state: str) -> None:
    configured = settings(states={"Shipped": "FULFILLED", "on hold": "CANCELED"})
    assert order(configured, **changes).recorded_state is OrderState(state)


def test_an_activated_order_without_a_payment_field_is_unknown() -> None:
    assert order(settings(order_fields={})).recorded_state is OrderState.UNKNOWN
    partial = {key: value for key, value in row().items() if key != "Pay__c"}
    assert mapping.state(partial, settings()) is OrderState.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"IsClosed": False, "IsWon": False}, "DRAFT"),
        ({"IsClosed": True, "IsWon": False}, "CANCELED"),
        ({"IsClosed": True, "IsWon": True}, "PENDING_PAYMENT"),
        ({"IsClosed": True, "IsWon": True, "Pay__c": "paid"}, "PAID"),
        ({"IsClosed": False, "IsWon": False, "StageName": "Negotiation"}, "PENDING_PAYMENT"),
    ],
)
def test_the_state_of_an_opportunity(changes: dict[str, Any], state: str) -> None:
    configured = settings(order_object="Opportunity", states={"Negotiation": "PENDING_PAYMENT"})
    opportunity = row(Name="Deal", Amount=1, CloseDate="2026-01-02", **changes)
    found = mapping.order(opportunity, configured, SOURCE)
    assert (found.number, found.recorded_state.value) == ("Deal", state)


def test_a_customer_and_a_line_are_read() -> None:
    account = {
        "Id": ACCOUNT_ID,
        "Name": "Ada & Co",
        "Phone": "1",
        "Type": "Person",
        "Industry": "Ships",
        "Cus__c": "cus_1",
    }
    configured = settings(customer_id_fields={"Cus__c": "stripe_eu"}, person_types=("Person",))
    found = mapping.customer(account, configured, SOURCE)
    assert (found.kind, found.industry, found.phones) == (CustomerKind.PERSON, "Ships", ("1",))
    assert found.external_ids == (ExternalId("stripe_eu", "cus_1", "Cus__c"),)
    assert mapping.customer(account, settings(), SOURCE).kind is CustomerKind.COMPANY
    item = {"Quantity": 2, "UnitPrice": Decimal("1.5"), "TotalPrice": 3, "CurrencyIsoCode": "EUR"}
    line = mapping.line({**item, "Product2": {"Name": "Tea", "ProductCode": "T"}}, settings())
    assert (line.sku, line.quantity, line.unit_price) == ("T", Decimal(2), Money(150, "EUR"))
    assert mapping.line({**item, "Product2": None}, settings()).sku is None
    with pytest.raises(mapping.Misfit):
        mapping.line({**item, "Quantity": None}, settings())


def test_ids_have_one_spelling() -> None:
    assert canonical("001000000000001") == ACCOUNT_ID
    full = canonical("0012o00002ABcDe")
    assert full is not None
    assert canonical(full.lower()) == canonical(full.upper()) == full
    assert normalise(Kind.CUSTOMER, full[:15]) == full
    assert normalise(Kind.ORDER, full) is None
    assert normalise(Kind.PAYMENT, full) is None
    for bad in ("", "001", ACCOUNT_ID[:-1] + "B", "001' OR 1=1 --", "é" * 15):
        assert normalise(Kind.CUSTOMER, bad) is None


@given(st.text())
def test_a_literal_means_exactly_its_text(text: str) -> None:
    (token, _) = tokens(soql.quote(text))
    assert token.kind == "string"
    assert unquoted(token.text) == text


def test_times_are_pushed_down_exactly_or_wider() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC)
    assert soql.within("T", TimeRange(gte=at, lt=at), dates=False) == [
        "T >= 2026-01-02T03:04:05.001Z",
        "T < 2026-01-02T03:04:05.001Z",
    ]
    assert soql.within("T", TimeRange(gt=at, lte=at), dates=True) == [
        "T > 2026-01-02",
        "T <= 2026-01-02",
    ]
    assert soql.within("T", TimeRange(gte=at, lt=at), dates=True) == [
        "T >= 2026-01-03",
        "T < 2026-01-03",
    ]
    midnight = datetime(2026, 1, 2, 1, tzinfo=timezone(timedelta(hours=1)))
    assert soql.within("T", TimeRange(gte=midnight, lt=midnight), dates=True) == [
        "T >= 2026-01-02",
        "T < 2026-01-02",
    ]
    far = TimeRange(gt=datetime.min.replace(tzinfo=UTC), lt=datetime.max.replace(tzinfo=UTC))
    assert soql.within("T", far, dates=True) == ["T > 1700-01-01", "T < 3999-12-31"]


def test_conditions_on_orders() -> None:
    def asked(**bounds: Any) -> list[str] | None:
        configured = settings(states={"Void": "CANCELED"})
        return narrowing.orders(OrderFilter(**bounds), configured, lambda field: True, dates=True)

    assert asked(total=MoneyRange("EUR", gte=1250)) == [
        "TotalAmount != null",
        "CurrencyIsoCode = 'EUR'",
        "TotalAmount >= 12.50",
    ]
    assert asked(total=MoneyRange("ZZZ")) is None
    assert asked(customer_ids=("nonsense",)) is None
    assert asked(customer_ids=("001000000000001",)) == [f"AccountId IN ('{ACCOUNT_ID}')"]
    assert asked(recorded_states=(OrderState.DRAFT,)) == ["StatusCode = 'Draft'"]
    assert asked(recorded_states=(OrderState.CANCELED,)) == [
        "(StatusCode IN ('Canceled','Expired') OR Status IN ('Void'))"
    ]
    assert asked(recorded_states=(OrderState.DRAFT, OrderState.PAID)) == []
    assert asked(numbers=()) is None
    customers = CustomerFilter(emails=("a'b",), names=("N",))
    assert narrowing.customers(customers, settings(), lambda field: True) == ["Name IN ('N')"]


def test_a_token_names_one_row_of_one_list() -> None:
    keys = KeySet(Sort(SortField.PLACED_AT), "EffectiveDate", "801")
    token = keys.token(row(), ORDER_ID)
    assert token is not None
    assert keys.after(token) == (
        "(EffectiveDate < 2026-01-02 OR (EffectiveDate = 2026-01-02 AND "
        f"Id < '{ORDER_ID}') OR EffectiveDate = null)"
    )
    empty = keys.token(row(EffectiveDate=None), ORDER_ID)
    assert keys.after(empty or "") == f"(EffectiveDate = null AND Id < '{ORDER_ID}')"
    for other in (
        KeySet(Sort(SortField.PLACED_AT, descending=False), "EffectiveDate", "801"),
        KeySet(Sort(), "CreatedDate", "801"),
        KeySet(Sort(SortField.PLACED_AT), "CloseDate", "006"),
    ):
        with pytest.raises(BadCursor):
            other.after(token)
    total = KeySet(Sort(SortField.TOTAL, descending=False), "TotalAmount", "801")
    exact = total.token(row(TotalAmount=Decimal("1.2E+7")), ORDER_ID)
    assert "TotalAmount > 12000000 OR" in total.after(exact or "")


@pytest.mark.parametrize("value", ["2026-01-02 OR Id != null", "x'", "1) OR (1=1", "", None])
def test_a_forged_token_does_not_reach_a_query(value: str | None) -> None:
    from base64 import urlsafe_b64encode

    def forged(*parts: Any) -> str:
        return urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")

    for field, api in (("total", "TotalAmount"), ("placed_at", "EffectiveDate")):
        keys = KeySet(Sort(SortField(field)), api, "801")
        if value is not None:
            with pytest.raises(BadCursor):
                keys.after(forged(f"{field}-", value, ORDER_ID))
        with pytest.raises(BadCursor):
            keys.after(forged(f"{field}-", None, "' OR Id != '"))


def test_a_page_keeps_bad_rows_in_their_place() -> None:
    keys = KeySet(Sort(), "CreatedDate", "801")
    second = row(Id="801000000000002", TotalAmount=Decimal("0.001"))
    rows = [row(), row(), second, row(Id=None), row(Id="801000000000003")]
    page = page_of(rows, 3, keys, lambda r: mapping.order(r, settings(), SOURCE), SOURCE)
    assert [isinstance(r.record, Malformed) for r in page.rows] == [False, True, True]
    assert page.more
    assert len({r.after for r in page.rows}) == 2
    with pytest.raises(Malformed):
        page_of([row(Id=None)], 3, keys, lambda r: mapping.order(r, settings(), SOURCE), SOURCE)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"client_secret": None}, "client_secret"),
        ({"auth": "jwt_bearer"}, "username"),
        ({"auth": "jwt_bearer", "username": "u"}, "private_key"),
        ({"api_version": "65"}, "api_version"),
        ({"currency": "EURO"}, "currency"),
        ({"customer_fields": {"mail": "Email__c"}}, "customer_fields"),
        ({"customer_fields": {"email": "Email__c FROM User"}}, "customer_fields"),
        ({"order_fields": {"number": "1st"}}, "order_fields"),
        ({"custom_fields": {"order": ("a.b",)}}, "custom_fields.order"),
        ({"customer_id_fields": {"a'b": "stripe"}}, "customer_id_fields"),
        ({"order_payment_fields": {"": "stripe"}}, "order_payment_fields"),
        ({"orders_relationship": "x)"}, "orders_relationship"),
        ({"states": {"Done": "FINISHED"}}, "states"),
        ({"payment_statuses": {"ok": "OK"}}, "payment_statuses"),
    ],
)
def test_settings_are_checked_when_they_load(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ValueError, match=rf"^{key}: "):
        settings(**changes)


@pytest.mark.parametrize(
    ("base_url", "audience"),
    [
        (None, LOGIN),
        ("https://test.salesforce.com/", "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:9/salesforce", LOGIN),
    ],
)
def test_the_audience_of_an_assertion(base_url: str | None, audience: str) -> None:
    assert settings(base_url=base_url).login_audience == audience
    assert settings(audience="https://other").login_audience == "https://other"


def test_settings_tell_no_secret() -> None:
    assert "hush" not in repr(settings())
