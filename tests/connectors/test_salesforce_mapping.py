"""Salesforce without a network: literal payloads, query text, tokens, settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Malformed
from connectors.filters import CustomerFilter, MoneyRange, OrderFilter, TimeRange
from connectors.grouping import Given
from connectors.mapper import Mapper
from connectors.mapping import CustomerMap, LineMap, OrderMap, fields_of
from connectors.money import Money
from connectors.paging import BadCursor, Sort, SortField
from connectors.records import (
    Customer,
    CustomerKind,
    ExternalId,
    Kind,
    Order,
    OrderState,
    Source,
    SourceKind,
)
from connectors.salesforce import narrowing, soql
from connectors.salesforce.ids import canonical, normalise, of_table
from connectors.salesforce.keyset import KeySet, Place, places_of, token_of
from connectors.salesforce.merging import merged, placed
from connectors.salesforce.narrowing import Knowledge
from connectors.salesforce.presets import TYPES
from connectors.salesforce.reading import decode
from connectors.salesforce.settings import LOGIN, SalesforceSettings
from connectors.secret import Secret
from connectors.values import MISSING, Misfit
from sandbox.salesforce.tokens import tokens, unquoted

SOURCE = Source("crm", "salesforce", SourceKind.CRM)
ORDER_ID = "801000000000001AAA"
ACCOUNT_ID = "001000000000001AAA"
STATUS = [
    {
        "field": "Status",
        "words": {"Shipped": "FULFILLED", "on hold": "CANCELED"},
        "otherwise": "NEXT",
    },
    {
        "field": "StatusCode",
        "words": {
            "Draft": "DRAFT",
            "Activated": "NEXT",
            "Canceled": "CANCELED",
            "Expired": "CANCELED",
        },
        "empty": "UNKNOWN",
    },
    {
        "field": "Pay__c",
        "words": {"partial": "PARTIALLY_PAID", "paid": "PAID"},
        "empty": "PENDING_PAYMENT",
    },
]
ORDERS: dict[str, Any] = {"status": STATUS, "refunded_amount": "Back__c"}


def settings(**changes: Any) -> SalesforceSettings:
    values: dict[str, Any] = {
        "vendor": "salesforce",
        "auth": "client_credentials",
        "client_id": "id",
        "client_secret": Secret("hush"),
        "orders": [ORDERS],
    }
    return msgspec.convert({**values, **changes}, SalesforceSettings)


def row(**changes: Any) -> dict[str, Any]:
    return {
        "Id": ORDER_ID,
        "CreatedDate": "2026-01-02T03:04:05.000+0000",
        "LastModifiedDate": "2026-01-02T05:04:05.000+0200",
        "OrderNumber": "00000100",
        "Status": "Activated",
        "StatusCode": "Activated",
        "AccountId": ACCOUNT_ID,
        "EffectiveDate": "2026-01-02",
        "TotalAmount": Decimal("125.5"),
        "CurrencyIsoCode": "EUR",
        "Pay__c": None,
        "Back__c": None,
        **changes,
    }


def order(configured: SalesforceSettings | None = None, **changes: Any) -> Order:
    own = configured or settings()
    return Mapper(SOURCE, own).order(row(**changes), own.mapping.orders[0])


def customer(configured: SalesforceSettings, account: dict[str, Any]) -> Customer:
    return Mapper(SOURCE, configured).customer(account, configured.mapping.customers[0])


def test_an_order_is_read() -> None:
    orders = {**ORDERS, "custom": ["Note__c"], "payment_ids": {"stripe_eu": "Stripe__c"}}
    found = order(settings(orders=[orders]), Note__c="hi", Stripe__c="pi_1")
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
    assert found.misfits is None


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1000.0", "EUR", 100000),
        ("1.2E+7", "JPY", 12000000),
        ("0.1", "EUR", 10),
        ("1.005", "KWD", 1005),
        ("9007199254740993.01", "EUR", 900719925474099301),
        ("5", "EUR", 500),
        ("100.29999999999998", "EUR", 10030),
        ("1234.5600000000002", "CNY", 123456),
    ],
)
def test_numbers_never_pass_through_a_float(text: str, currency: str, minor: int) -> None:
    raw = msgspec.Raw(f'{{"TotalAmount":{text},"CurrencyIsoCode":"{currency}"}}'.encode())
    assert order(**decode(raw)).total == Money(minor, currency)


@pytest.mark.parametrize(
    ("changes", "attribute", "field"),
    [
        ({"TotalAmount": Decimal("1.005")}, "total", "TotalAmount"),
        ({"TotalAmount": "a lot"}, "total", "TotalAmount"),
        ({"TotalAmount": True}, "total", "TotalAmount"),
        ({"CurrencyIsoCode": "XXX"}, "total", "CurrencyIsoCode"),
        ({"CurrencyIsoCode": None}, "total", "CurrencyIsoCode"),
        ({"CreatedDate": "2026-01-02T03:04:05"}, "created_at", "CreatedDate"),
        ({"CreatedDate": True}, "created_at", "CreatedDate"),
        ({"EffectiveDate": "someday"}, "placed_at", "EffectiveDate"),
        ({"TotalAmount": MISSING}, "total", "TotalAmount"),
        ({"Status": MISSING}, "recorded_status", "Status"),
        ({"AccountId": MISSING}, "customer", "AccountId"),
    ],
)
def test_a_value_that_does_not_fit_is_told_at_its_field(
    changes: dict[str, Any], attribute: str, field: str
) -> None:
    found = order(**changes)
    assert found.misfits is not None
    assert found.misfits[attribute].startswith(f"{field}: ")
    assert found.number == "00000100"


@pytest.mark.parametrize(
    ("changes", "field"), [({"Id": None}, "Id"), ({"OrderNumber": None}, "OrderNumber")]
)
def test_a_row_without_id_or_number_is_no_order(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Misfit, match=rf"^{field}: "):
        order(**changes)


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
        ({"Pay__c": MISSING}, "UNKNOWN"),
        ({"Pay__c": "paid", "Back__c": Decimal(0)}, "PAID"),
        ({"Pay__c": "paid", "Back__c": Decimal("0.01")}, "PARTIALLY_REFUNDED"),
        ({"Pay__c": "paid", "Back__c": Decimal("125.50")}, "REFUNDED"),
        ({"Pay__c": "paid", "Back__c": 5, "TotalAmount": None}, "UNKNOWN"),
        ({"Pay__c": "paid", "Back__c": MISSING}, "UNKNOWN"),
        ({"Pay__c": None, "Back__c": 5}, "PENDING_PAYMENT"),
        ({"Status": "Shipped"}, "FULFILLED"),
        ({"Status": "shipped", "Back__c": 5}, "PARTIALLY_REFUNDED"),
        ({"Status": "On hold", "StatusCode": "Draft"}, "CANCELED"),
    ],
)
def test_the_state_of_an_order(changes: dict[str, Any], state: str) -> None:
    assert order(**changes).recorded_state is OrderState(state)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "UNKNOWN"),
        ({"StatusCode": "Draft"}, "DRAFT"),
        ({"StatusCode": "Expired"}, "CANCELED"),
        ({"StatusCode": None}, "UNKNOWN"),
    ],
)
def test_the_preset_knows_the_codes_and_nothing_of_money(
    changes: dict[str, Any], state: str
) -> None:
    assert order(settings(orders=[]), **changes).recorded_state is OrderState(state)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"IsClosed": False, "IsWon": False}, "DRAFT"),
        ({"IsClosed": True, "IsWon": False}, "CANCELED"),
        ({"IsClosed": True, "IsWon": True}, "UNKNOWN"),
    ],
)
def test_the_state_of_an_opportunity(changes: dict[str, Any], state: str) -> None:
    own = settings(orders=[{"table": "Opportunity"}])
    deal = row(Name="Deal", Amount=1, StageName="Any", CloseDate="2026-01-02", **changes)
    found = Mapper(SOURCE, own).order(deal, own.mapping.orders[0])
    assert (found.number, found.total, found.recorded_status) == ("Deal", Money(100, "EUR"), "Any")
    assert found.recorded_state is OrderState(state)


def test_a_customer_and_a_line_are_read() -> None:
    account = {
        "Id": ACCOUNT_ID,
        "Name": "Ada & Co",
        "Phone": "1",
        "Type": "Person",
        "Industry": "Ships",
        "Cus__c": "cus_1",
    }
    kind = {"field": "Type", "words": {"Person": "PERSON"}, "otherwise": "COMPANY"}
    own = settings(customers=[{"external_ids": {"stripe_eu": "Cus__c"}, "kind": kind}])
    found = customer(own, account)
    assert (found.kind, found.industry, found.phones) == (CustomerKind.PERSON, "Ships", ("1",))
    assert found.external_ids == (ExternalId("stripe_eu", "cus_1", "Cus__c"),)
    assert customer(settings(), account).kind is CustomerKind.COMPANY
    contact = {"Id": "003000000000001AAA", "Name": "Ada", "Email": "a@b.example", "Phone": "1",
               "MobilePhone": "2"}  # fmt: skip
    person = customer(settings(customers=[{"table": "Contact"}]), contact)
    assert (person.kind, person.email, person.phones) == (
        CustomerKind.PERSON,
        "a@b.example",
        ("1", "2"),
    )


def test_a_line_is_read() -> None:
    lines = settings().mapping.orders[0].lines
    assert isinstance(lines, LineMap)
    item = {"Quantity": 2, "UnitPrice": Decimal("1.5"), "TotalPrice": 3, "CurrencyIsoCode": "EUR"}
    mapper = Mapper(SOURCE, settings())
    line = mapper.line({**item, "Product2": {"Name": "Tea", "ProductCode": "T"}}, lines)
    assert (line.sku, line.quantity, line.unit_price) == ("T", Decimal(2), Money(150, "EUR"))
    assert mapper.line({**item, "Product2": None}, lines).sku is None


def test_what_is_configured_is_laid_over_the_object_it_names() -> None:
    own = settings(
        customers=[
            {"table": "Account", "tier": "Tier__c"},
            {"table": "Contact"},
            {"table": "Lead", "name": "Name"},
        ],
        orders=[
            {"table": "Order", "lines": {"name": "Description"}},
            {"table": "Invoice__c", "number": "Name", "total": "Sum__c"},
        ],
    )
    assert [(c.table, c.id, c.created_at) for c in own.mapping.customers] == [
        ("Account", "Id", "CreatedDate"),
        ("Contact", "Id", "CreatedDate"),
        ("Lead", "Id", "CreatedDate"),
    ]
    orders, invoices = own.mapping.orders
    assert isinstance(orders.lines, LineMap)
    assert (orders.lines.table, orders.lines.name) == ("OrderItem", "Description")
    assert (invoices.id, invoices.status, invoices.lines) == ("Id", (), None)
    alone = settings(customers=[{"table": "Contact"}], orders=[{"table": "Opportunity"}])
    assert alone.mapping.orders[0].customer == "ContactId"
    assert settings(customers=[], orders=[]).mapping.customers[0].table == "Account"


@pytest.mark.parametrize(
    ("total", "configured", "said"),
    [
        ("TotalAmount", None, (None, "CurrencyIsoCode")),
        ("TotalAmount", "EUR", (None, None)),
        ({"field": "Sum__c", "currency": "USD"}, None, ("USD", None)),
        ({"field": "Sum__c", "currency_field": "Cur__c"}, None, (None, "Cur__c")),
        ({"field": "Sum__c", "currency_field": "Cur__c"}, "EUR", (None, "Cur__c")),
    ],
)
def test_amounts_are_in_the_currency_of_their_row(
    total: Any, configured: str | None, said: tuple[str | None, str | None]
) -> None:
    own = settings(orders=[{"total": total}], currency=configured)
    (declared,) = fields_of(own.mapping.orders[0].total)
    assert (declared.currency, declared.currency_field) == said


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
    own = canonical("a01000000000001")
    assert own is not None
    assert normalise(Kind.ORDER, own) == normalise(Kind.CUSTOMER, own) == own
    assert of_table([full[:15], own, "nonsense", full], "Account") == [full]
    assert of_table([full, own], "Invoice__c") == [full, own]


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


def test_dates_are_compared_by_the_clock_of_their_zone() -> None:
    """2026-01-02 there begins at 16:00 the day before in UTC."""
    at = datetime(2026, 1, 1, 16, tzinfo=UTC)
    assert soql.within("D", TimeRange(gte=at, lt=at), dates=True, zone="Asia/Shanghai") == [
        "D >= 2026-01-02",
        "D < 2026-01-02",
    ]
    assert soql.within("T", TimeRange(gte=at), dates=False, zone="Asia/Shanghai") == [
        "T >= 2026-01-01T16:00:00.000Z"
    ]


def asked(declared: dict[str, Any] | None = None, own: Any = None, **bounds: Any) -> Any:
    configured = settings(orders=[{**ORDERS, **(declared or {})}], **(own or {}))
    one = configured.mapping.orders[0]
    types = {**TYPES, "Minor__c": "double", "Text__c": "string", "When__c": "date"}
    knows = Knowledge(configured, lambda field: field != "Hidden__c", types)
    wanted = OrderFilter(**bounds)
    assert set(narrowing.typed(wanted, one)) <= {*types, "Hidden__c"}
    return narrowing.orders(wanted, one, knows)


def test_conditions_on_orders() -> None:
    assert asked(total=MoneyRange("EUR", gte=1250)) == [
        "TotalAmount != null",
        "CurrencyIsoCode IN ('EUR')",
        "TotalAmount >= 12.495",
    ]
    assert asked(total=MoneyRange("ZZZ")) is None
    assert asked(own={"currency": "EUR"}, total=MoneyRange("USD")) is None
    minor = {"total": {"field": "Minor__c", "unit": "minor", "currency": "EUR"}}
    assert asked(minor, total=MoneyRange("EUR", lt=1250)) == [
        "Minor__c != null",
        "Minor__c < 1250",
    ]
    assert asked(minor, total=MoneyRange("EUR", gt=0, lte=1250))[1:] == [
        "Minor__c > 0",
        "Minor__c <= 1250.5",
    ]
    words = {"currencies": {"Yuan": "CNY", "CNH": "HKD"}}
    assert asked(own=words, total=MoneyRange("CNY"))[1] == (
        "CurrencyIsoCode IN ('CNY','Yuan','RMB','人民币')"
    )
    own = {"total": {"field": "TotalAmount", "currency_field": "Cur__c"}}
    assert asked(own, own={"currency": "EUR"}, total=MoneyRange("EUR"))[1] == (
        "(Cur__c IN ('EUR') OR Cur__c = null)"
    )
    assert asked(customer_ids=("nonsense",)) is None
    assert asked(customer_ids=("001000000000001",)) == [f"AccountId IN ('{ACCOUNT_ID}')"]
    assert asked({"number": ["OrderNumber", "PoNumber"]}, numbers=("a'b",)) == [
        "(OrderNumber IN ('a\\'b') OR PoNumber IN ('a\\'b'))"
    ]
    assert asked(numbers=()) is None


@pytest.mark.parametrize(
    ("declared", "bounds"),
    [
        ({"total": "Text__c"}, {"total": MoneyRange("EUR", gte=1)}),
        ({"total": "Hidden__c"}, {"total": MoneyRange("EUR", gte=1)}),
        ({"total": ["TotalAmount", "Minor__c"]}, {"total": MoneyRange("EUR", gte=1)}),
        ({"placed_at": "Text__c"}, {"placed_at": TimeRange(gte=datetime(2026, 1, 1, tzinfo=UTC))}),
        ({"number": ["OrderNumber", "Hidden__c"]}, {"numbers": ("1",)}),
    ],
)
def test_what_cannot_be_said_exactly_is_not_said(
    declared: dict[str, Any], bounds: dict[str, Any]
) -> None:
    assert asked(declared, **bounds) == []


@pytest.mark.parametrize(
    ("declared", "states", "condition"),
    [
        ({}, "DRAFT", ["StatusCode IN ('Draft')"]),
        (
            {},
            "CANCELED",
            ["(Status IN ('on hold') OR StatusCode IN ('Canceled','Expired'))"],
        ),
        ({}, "DRAFT PAID", []),
        ({}, "UNKNOWN", []),
        ({"table": "Opportunity", "status": []}, "DRAFT", ["IsClosed = FALSE"]),
        (
            {"table": "Opportunity", "status": []},
            "CANCELED",
            ["(IsClosed = TRUE AND IsWon = FALSE)"],
        ),
        ({"closed": {"field": "Done__c", "unpaid": "CANCELED"}}, "CANCELED", []),
        ({"status": [{"field": "Hidden__c", "words": {"x": "DRAFT"}}]}, "DRAFT", []),
        (
            {"status": [{"field": "Text__c", "words": {"x": "PAID"}, "otherwise": "DRAFT"}]},
            "DRAFT",
            ["Text__c NOT IN ('x')"],
        ),
        (
            {"status": [{"field": "Text__c", "words": {"x": "PAID"}, "empty": "DRAFT"}]},
            "DRAFT",
            ["Text__c = null"],
        ),
    ],
)
def test_conditions_on_states(declared: dict[str, Any], states: str, condition: list[str]) -> None:
    assert asked(declared, recorded_states=tuple(map(OrderState, states.split()))) == condition


def test_conditions_on_customers() -> None:
    own = settings(customers=[{"email": ["Email__c", "Mail2__c"]}])
    knows = Knowledge(own, lambda field: True, {})
    (declared,) = own.mapping.customers
    wanted = CustomerFilter(emails=("a@b.example",), names=("N",))
    assert narrowing.customers(wanted, declared, knows) == [
        "(Email__c IN ('a@b.example') OR Mail2__c IN ('a@b.example'))",
        "Name IN ('N')",
    ]
    bare = CustomerMap(table="Lead", id="Id", created_at="CreatedDate")
    assert narrowing.customers(wanted, bare, knows) == []


def resumed(keys: KeySet, token: str) -> str:
    (place,) = places_of(token, [keys])
    assert place is not None
    return keys.after(place)


def token(keys: KeySet, **changes: Any) -> str:
    place = keys.place(row(**changes))
    assert place is not None
    return token_of([place])


def test_a_token_names_one_row_of_one_list() -> None:
    keys = KeySet(Sort(SortField.PLACED_AT), "Order", "EffectiveDate")
    assert resumed(keys, token(keys)) == (
        "(EffectiveDate < 2026-01-02 OR (EffectiveDate = 2026-01-02 AND "
        f"Id < '{ORDER_ID}') OR EffectiveDate = null)"
    )
    empty = token(keys, EffectiveDate=None)
    assert resumed(keys, empty) == f"(EffectiveDate = null AND Id < '{ORDER_ID}')"
    for other in (
        KeySet(Sort(SortField.PLACED_AT, descending=False), "Order", "EffectiveDate"),
        KeySet(Sort(), "Order", "CreatedDate"),
        KeySet(Sort(SortField.PLACED_AT), "Opportunity", "CloseDate"),
    ):
        with pytest.raises(BadCursor):
            places_of(token(keys), [other])
    with pytest.raises(BadCursor):
        places_of(token(keys), [keys, keys])
    total = KeySet(Sort(SortField.TOTAL, descending=False), "Order", "TotalAmount")
    exact = token(total, TotalAmount=Decimal("1.2E+7"))
    assert "TotalAmount > 12000000 OR" in resumed(total, exact)


@pytest.mark.parametrize("value", ["2026-01-02 OR Id != null", "x'", "1) OR (1=1", "", None])
def test_a_forged_token_does_not_reach_a_query(value: str | None) -> None:
    for field, api in (("total", "TotalAmount"), ("placed_at", "EffectiveDate")):
        keys = KeySet(Sort(SortField(field)), "Order", api)
        if value is not None:
            with pytest.raises(BadCursor):
                places_of(token_of([Place(f"{field}-Order", value, ORDER_ID)]), [keys])
        with pytest.raises(BadCursor):
            places_of(token_of([Place(f"{field}-Order", None, "' OR Id != '")]), [keys])
        with pytest.raises(BadCursor):
            places_of(token_of([None]), [keys])


def test_a_page_keeps_bad_rows_in_their_place() -> None:
    keys = KeySet(Sort(), "Order", "CreatedDate")
    (declared,) = settings().mapping.orders

    def given(*rows: dict[str, Any]) -> list[Given[OrderMap]]:
        return [Given(one, declared) for one in rows]

    last = row(Id="801000000000003")
    rows = given(row(), row(Id=None), row(CreatedDate=None), last)
    found = merged([placed("crm", rows, keys)], [keys], [None], 3)
    assert [one.row["Id"] for one in found.given] == [ORDER_ID, None, ORDER_ID]
    assert found.more
    # After a null place in the midst of dates, a page would begin behind all of them.
    assert set(found.tokens) == {token_of([keys.place(row())])}
    with pytest.raises(Malformed):
        placed("crm", given(row(Id=None)), keys)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"client_secret": None}, "client_secret"),
        ({"auth": "jwt_bearer"}, "username"),
        ({"auth": "jwt_bearer", "username": "u"}, "private_key"),
        ({"api_version": "65"}, "api_version"),
        ({"currency": "EURO"}, "currency"),
        ({"zone": "Beijing"}, "zone"),
        ({"customers": [{"email": "Email__c FROM User"}]}, r"customers\[0\]"),
        ({"customers": [{"kind": {"field": "a'b"}}]}, r"customers\[0\]"),
        ({"customers": [{"table": "Account)"}]}, r"customers\[0\]\.table"),
        ({"customers": [{"id": "Key__c"}]}, r"customers\[0\]\.id"),
        ({"customers": [{"external_ids": {"stripe": "a'b"}}]}, r"customers\[0\]"),
        ({"orders": [{"number": "1st"}]}, r"orders\[0\]"),
        ({"orders": [{"custom": ["a."]}]}, r"orders\[0\]"),
        ({"orders": [{"custom": ["items[].x"]}]}, r"orders\[0\]"),
        ({"orders": [{"payment_ids": {"stripe": "x)"}}]}, r"orders\[0\]"),
        ({"orders": [{"total": {"field": "T__c", "currency_field": "a b"}}]}, r"orders\[0\]"),
        ({"orders": [{"lines": {"sku": "a-b"}}]}, r"orders\[0\]\.lines"),
        ({"customers": [{}, {"table": "Contact"}]}, r"customers\[0\]\.table"),
        ({"orders": [{"table": "Invoice__c"}]}, r"orders\[0\]\.number"),
        (
            {
                "orders": [
                    {
                        "table": "Invoice__c",
                        "number": "Name",
                        "lines": {"path": "Lines__r[]", "quantity": "Quantity__c"},
                    }
                ]
            },
            r"orders\[0\]\.lines\.path",
        ),
        ({"orders": [{"status": [{"field": "S", "words": {"Done": "FINISHED"}}]}]}, "words"),
        (
            {"receipts": [{"table": "Pay__c", "order": "Order__c;", "amount": "A__c"}]},
            r"receipts\[0\]",
        ),
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
