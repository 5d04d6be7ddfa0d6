"""SOQL from text to rows, over a handful of records written out here."""

# Every "SQL" here is SOQL, sent to a simulator that only reads.
# ruff: noqa: S608

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from sandbox.salesforce.call import ENCODER
from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.ids import canonical, checksum
from sandbox.salesforce.query import plan
from sandbox.salesforce.soql import parse
from sandbox.salesforce.syntax import And, Comparison, Not, Or, Path
from sandbox.salesforce.table import Database

BASE = "/services/data/v65.0"
Row = dict[str, Any]


def native(prefix: str, number: int) -> str:
    id15 = f"{prefix}RO{number:08d}Aq"
    return id15 + checksum(id15)


def system(at: str) -> Row:
    return {"IsDeleted": False, "CreatedDate": at, "LastModifiedDate": at, "SystemModstamp": at}


def account(number: int, name: str, **values: Any) -> Row:
    columns = ("AccountNumber", "Phone", "Industry", "Type", "Tier__c", "Email__c")
    return {
        "Id": native("001", number),
        "Name": name,
        **dict.fromkeys(columns),
        "CurrencyIsoCode": "EUR",
        "Stripe_EU_Customer__c": None,
        "Stripe_US_Customer__c": None,
        **system("2026-01-01T00:00:00.000+0000"),
        **values,
    }


def order(
    number: int, account_number: int | None, total: str | None, at: str, **values: Any
) -> Row:
    return {
        "Id": native("801", number),
        "OrderNumber": f"SO-{number}",
        "AccountId": None if account_number is None else native("001", account_number),
        "EffectiveDate": at[:10],
        "Status": "Activated",
        "StatusCode": "Activated",
        "TotalAmount": None if total is None else Decimal(total),
        "CurrencyIsoCode": "EUR",
        "Payment_Status__c": None,
        "Paid_Amount__c": None,
        "Refunded_Amount__c": None,
        "Stripe_EU_Payment__c": None,
        "Stripe_US_Payment__c": None,
        "BillToContactId": None,
        "PoNumber": None,
        "OrderReferenceNumber": None,
        "Description": "long text",
        **system(f"{at}.000+0000"),
        **values,
    }


def item(number: int, order_number: int, product: int | None, quantity: str) -> Row:
    return {
        "Id": native("802", number),
        "OrderId": native("801", order_number),
        "OrderItemNumber": f"{number:010d}",
        "Product2Id": None if product is None else native("01t", product),
        "Quantity": Decimal(quantity),
        "UnitPrice": Decimal("2.5"),
        "TotalPrice": Decimal("5.0"),
        "CurrencyIsoCode": "EUR",
        **system("2026-01-01T00:00:00.000+0000"),
    }


def product(number: int, name: str) -> Row:
    at = system("2026-01-01T00:00:00.000+0000")
    return {"Id": native("01t", number), "Name": name, "ProductCode": f"P{number}", **at}


@pytest.fixture
def database() -> Database:
    return Database(
        {
            "Account": [
                account(1, "Acme", Industry="Energy", Tier__c="GOLD"),
                account(2, "O'Brien \\ Co", Industry="Retail"),
                account(3, "acme 100% pure"),
            ],
            "Order": [
                order(1, 1, "100.0", "2026-03-01T10:00:00"),
                order(2, 1, "1234.5", "2026-03-02T10:00:00", StatusCode="Draft"),
                order(3, 2, None, "2026-03-02T10:00:00", Payment_Status__c="paid"),
                order(4, None, "12.345", "2026-03-04T10:00:00", IsDeleted=False),
                order(5, 2, "7.0", "2026-03-05T10:00:00", IsDeleted=True),
            ],
            "OrderItem": [item(1, 1, 1, "2.0"), item(2, 1, None, "0.5"), item(3, 3, 2, "1.0")],
            "Product2": [product(1, "Lamp"), product(2, "Chair")],
        }
    )


def run(database: Database, soql: str, deleted: bool = False) -> Row:
    made = plan(database, soql, BASE, deleted)
    answer: Row = json.loads(ENCODER.encode(made.whole(made.rows())))
    return answer


def numbers(database: Database, condition: str) -> list[str]:
    found = run(database, f"SELECT OrderNumber FROM Order {condition}")["records"]
    return [row["OrderNumber"].removeprefix("SO-") for row in found]


def refused(database: Database, soql: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        run(database, soql)
    return caught.value


A1, O1, O2 = native("001", 1), native("801", 1), native("801", 2)

CONDITIONS = [
    ("", "1 2 3 4"),
    ("WHERE OrderNumber = 'so-2'", "2"),
    ("WHERE OrderNumber != 'SO-2'", "1 3 4"),
    ("WHERE ordernumber <> 'SO-2'", "1 3 4"),
    (f"WHERE Id = '{O1}'", "1"),
    (f"WHERE Id = '{O1[:15]}'", "1"),
    (f"WHERE Id IN ('{O2[:15]}', '{O1}', '{O1[:15]}')", "2 1"),
    (f"WHERE Id NOT IN ('{O2}')", "1 3 4"),
    (f"WHERE Id = '{O1.swapcase()[:15]}'", ""),
    (f"WHERE AccountId = '{A1}'", "1 2"),
    ("WHERE AccountId = null", "4"),
    ("WHERE AccountId != NULL", "1 2 3"),
    ("WHERE Account.Name = 'ACME'", "1 2"),
    ("WHERE Account.Name LIKE 'o%'", "3"),
    ("WHERE Account.Industry = null", "4"),
    ("WHERE TotalAmount > 100", "2"),
    ("WHERE TotalAmount >= 100.00", "1 2"),
    ("WHERE TotalAmount < 100", "4"),
    ("WHERE TotalAmount = 12.345", "4"),
    ("WHERE TotalAmount = null", "3"),
    ("WHERE TotalAmount IN (100, 1234.50)", "1 2"),
    ("WHERE CreatedDate = 2026-03-02T10:00:00Z", "2 3"),
    ("WHERE CreatedDate > 2026-03-02T12:00:00+02:00", "4"),
    ("WHERE CreatedDate < 2026-03-02T10:00:00.001+0000", "1 2 3"),
    ("WHERE EffectiveDate = 2026-03-04", "4"),
    ("WHERE EffectiveDate <= 2026-03-02", "1 2 3"),
    ("WHERE IsDeleted = false", "1 2 3 4"),
    ("WHERE Payment_Status__c = ''", "1 2 4"),
    ("WHERE Payment_Status__c LIKE 'p_id'", "3"),
    ("WHERE NOT StatusCode = 'Draft'", "1 3 4"),
    ("WHERE NOT (StatusCode = 'Draft' OR TotalAmount = null)", "1 4"),
    ("WHERE StatusCode = 'Activated' AND NOT TotalAmount = 100", "3 4"),
    (
        "WHERE (StatusCode = 'Draft' OR TotalAmount = 100) AND CreatedDate > 2026-03-02T00:00:00Z",
        "2",
    ),
    ("WHERE OrderNumber = 'SO-1' OR OrderNumber IN ('SO-1','SO-3')", "1 3"),
    ("ORDER BY OrderNumber DESC", "4 3 2 1"),
    ("ORDER BY TotalAmount", "3 4 1 2"),
    ("ORDER BY TotalAmount ASC NULLS LAST", "4 1 2 3"),
    ("ORDER BY TotalAmount DESC", "3 2 1 4"),
    ("ORDER BY TotalAmount DESC NULLS LAST", "2 1 4 3"),
    ("ORDER BY TotalAmount DESC NULLS FIRST", "3 2 1 4"),
    ("ORDER BY CreatedDate DESC, Id DESC", "4 3 2 1"),
    ("ORDER BY CreatedDate DESC, Id ASC LIMIT 2", "4 2"),
    ("ORDER BY Account.Name NULLS LAST, OrderNumber DESC", "2 1 3 4"),
    ("ORDER BY OrderNumber LIMIT 2 OFFSET 1", "2 3"),
    ("LIMIT 0", ""),
    ("WHERE OrderNumber = 'SO-1' ORDER BY Id LIMIT 5 OFFSET 1", ""),
    (
        "WHERE CreatedDate < 2026-03-02T10:00:00Z OR (CreatedDate = 2026-03-02T10:00:00Z AND "
        f"Id < '{native('801', 3)}') ORDER BY CreatedDate DESC, Id DESC LIMIT 5",
        "2 1",
    ),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_rows_that_meet_a_condition(database: Database, condition: str, expected: str) -> None:
    assert numbers(database, condition) == expected.split()


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        (r"'O\'Brien \\ Co'", [2]),
        (r"'acme 100% pure'", [3]),
        (r"'Acme'", [1]),
        (r"'none'", []),
    ],
)
def test_escapes_in_literals(database: Database, literal: str, expected: list[int]) -> None:
    records = run(database, f"SELECT Id FROM Account WHERE Name = {literal}")["records"]
    assert [row["Id"] for row in records] == [native("001", n) for n in expected]


def test_like_takes_percent_and_underscore_for_any_text_unless_escaped(database: Database) -> None:
    def like(literal: str) -> int:
        size: int = run(database, f"SELECT COUNT() FROM Account WHERE Name LIKE {literal}")[
            "totalSize"
        ]
        return size

    assert like("'acme%'") == 2
    assert like(r"'%100\%%'") == 1
    assert like(r"'%\_%'") == 0
    assert like(r"'O\'Br_en%'") == 1


def test_a_record_has_attributes_and_exact_names_in_the_order_asked(database: Database) -> None:
    [row] = run(database, "select TOTALAMOUNT, id, account.NAME from order LIMIT 1")["records"]
    assert list(row) == ["attributes", "TotalAmount", "Id", "Account"]
    assert row["attributes"] == {"type": "Order", "url": f"{BASE}/sobjects/Order/{O1}"}
    assert row["Account"] == {
        "attributes": {"type": "Account", "url": f"{BASE}/sobjects/Account/{A1}"},
        "Name": "Acme",
    }


def test_numbers_are_printed_exactly(database: Database) -> None:
    made = plan(database, "SELECT TotalAmount FROM Order ORDER BY OrderNumber", BASE)
    text = ENCODER.encode([row["TotalAmount"] for row in made.rendered(made.rows())])
    assert text == b"[100.0,1234.5,null,12.345]"


def test_a_missing_parent_is_null_and_two_levels_of_parents_work(database: Database) -> None:
    rows = run(
        database, "SELECT Product2.Name, Order.Account.Name, Product2.ProductCode FROM OrderItem"
    )
    first, second, third = rows["records"]
    assert (first["Product2"]["Name"], first["Product2"]["ProductCode"]) == ("Lamp", "P1")
    assert second["Product2"] is None
    assert third["Order"]["Account"]["Name"] == "O'Brien \\ Co"


def test_child_subqueries_nest_and_are_null_when_empty(database: Database) -> None:
    soql = (
        "SELECT Name, (SELECT OrderNumber, (SELECT Quantity FROM OrderItems ORDER BY Quantity) "
        "FROM Orders WHERE StatusCode = 'Activated' ORDER BY OrderNumber DESC LIMIT 1) FROM Account"
    )
    acme, brien, pure = run(database, soql)["records"]
    assert acme["Orders"]["totalSize"] == 1
    assert acme["Orders"]["done"] is True
    items = acme["Orders"]["records"][0]["OrderItems"]["records"]
    assert [row["Quantity"] for row in items] == [0.5, 2.0]
    assert [row["OrderNumber"] for row in brien["Orders"]["records"]] == ["SO-3"]
    assert pure["Orders"] is None


def test_count_has_a_size_and_no_records(database: Database) -> None:
    answer = run(database, "SELECT COUNT() FROM Order WHERE AccountId != null")
    assert answer == {"totalSize": 3, "done": True, "records": []}


def test_deleted_records_only_show_when_asked_for(database: Database) -> None:
    assert run(database, "SELECT Id FROM Order")["totalSize"] == 4
    assert run(database, "SELECT Id FROM Order", deleted=True)["totalSize"] == 5


def test_alias_and_own_name_before_a_field(database: Database) -> None:
    aliased = run(database, "SELECT o.Id, o.Account.Name FROM Order o WHERE o.OrderNumber = 'SO-1'")
    named = run(
        database, "SELECT Order.Id, Account.Name FROM Order WHERE Order.OrderNumber = 'SO-1'"
    )
    assert aliased == named
    assert aliased["records"][0]["Account"]["Name"] == "Acme"


def test_the_tree_of_a_condition() -> None:
    where = parse("SELECT Id FROM Order WHERE (A = 1 OR B = 'x') AND NOT C IN (null)").where
    assert isinstance(where, And)
    either, negated = where.parts
    assert isinstance(either, Or)
    assert isinstance(negated, Not)
    assert isinstance(negated.part, Comparison)
    assert negated.part.path == Path(("C",), 54)
    assert negated.part.operator == "IN"


MALFORMED = [
    ("SELECT Id FRM Order", "Column:11", "unexpected token: 'FRM'"),
    ("SELECT Id FROM Order WHERE", "Column:27", "unexpected token: '<EOF>'"),
    ("SELECT Id, FROM Order", "Column:12", "unexpected token: 'FROM'"),
    ("SELECT Id FROM Order WHERE Id = 'x' AND Id = 'y' OR Id = 'z'", "Column:50", "'OR'"),
    ("SELECT Id FROM Order WHERE Id ~ 'x'", "Column:31", "'~'"),
    ("SELECT Id FROM Order WHERE Name = 'it's'", "Column:40", "no viable character"),
    (r"SELECT Id FROM Order WHERE Name = 'a\zb'", "Column:35", "Illegal character sequence '\\z'"),
    ("SELECT Id FROM Order WHERE CreatedDate > 2026-01-02T03:04:05 00:00", "Column:42", "2026"),
    ("SELECT Id FROM Order WHERE EffectiveDate > 2026-13-01", "Column:44", "Invalid date"),
    ("SELECT Id FROM Order WHERE Id IN ()", "Column:35", "unexpected"),
    ("SELECT Id FROM Order ORDER BY Id LIMIT x", "Column:40", "'x'"),
    ("SELECT Id\nFROM Order\nWHERE Id", "Row:3:Column:9", "<EOF>"),
    ("DELETE FROM Order", "Column:1", "'DELETE'"),
    ("", "Column:1", "<EOF>"),
]


@pytest.mark.parametrize(("soql", "place", "text"), MALFORMED)
def test_malformed_queries_say_where(database: Database, soql: str, place: str, text: str) -> None:
    error = refused(database, soql)
    assert (error.status, error.code) == (400, "MALFORMED_QUERY")
    assert place in error.message
    assert text in error.message


REFUSED = [
    ("SELECT Foo__c FROM Account", "INVALID_FIELD", "No such column 'Foo__c' on entity 'Account'."),
    ("SELECT Id FROM Order WHERE Account.Foo = 1", "INVALID_FIELD", "on entity 'Account'"),
    ("SELECT Owner.Name FROM Order", "INVALID_FIELD", "Didn't understand relationship 'Owner'"),
    ("SELECT Id, ID FROM Order", "INVALID_FIELD", "duplicate field selected: Id"),
    ("SELECT Id FROM Orders", "INVALID_TYPE", "sObject type 'Orders' is not supported."),
    ("SELECT (SELECT Id FROM Foos) FROM Order", "INVALID_TYPE", "relationship 'Foos' in FROM part"),
    ("SELECT Id FROM Order WHERE CreatedDate > '2026-01-02'", "INVALID_FIELD", "type dateTime"),
    ("SELECT Id FROM Order WHERE TotalAmount = '5'", "INVALID_FIELD", "type double"),
    ("SELECT Id FROM Order WHERE OrderNumber = 5", "INVALID_FIELD", "should be enclosed in quotes"),
    ("SELECT Id FROM Order WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
    ("SELECT Id FROM Order ORDER BY Description", "INVALID_FIELD", "can not be sorted"),
    ("SELECT Id FROM Order WHERE Id = 'SO-1'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
    ("SELECT Id FROM Order LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
]


@pytest.mark.parametrize(("soql", "code", "text"), REFUSED)
def test_refused_queries_say_why(database: Database, soql: str, code: str, text: str) -> None:
    error = refused(database, soql)
    assert (error.status, error.code) == (400, code)
    assert text in error.message


def test_an_unknown_column_is_pointed_at(database: Database) -> None:
    message = refused(database, "SELECT Foo__c FROM Account").message
    head = "\nSELECT Foo__c FROM Account\n       ^\nERROR at Row:1:Column:8\nNo such column"
    assert message.startswith(head)


def test_hidden_fields_do_not_exist_for_the_user(database: Database) -> None:
    soql = "SELECT Id FROM Order WHERE Payment_Status__c = 'paid'"
    assert run(database, soql)["totalSize"] == 1
    database.hidden.add(("Order", "Payment_Status__c"))
    assert refused(database, soql).code == "INVALID_FIELD"
    database.hidden.add(("Order", "AccountId"))
    assert "relationship 'Account'" in refused(database, "SELECT Account.Name FROM Order").message
    database.hidden.add(("Order", "*"))
    assert refused(database, "SELECT Id FROM Order").code == "INVALID_TYPE"


def test_limits_on_the_length_of_statements_and_literals(database: Database) -> None:
    fits = "SELECT Id FROM Account WHERE Name = '{}'"
    assert run(database, fits.format("x" * 4_000))["totalSize"] == 0
    assert refused(database, fits.format("x" * 4_001)).code == "MALFORMED_QUERY"
    assert refused(database, fits.format("x") + " " * 100_000).code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("short", "full"),
    [("003RO0000035WQg", "003RO0000035WQgYAM"), ("00D000000000062", "00D000000000062EAA")],
)
def test_the_case_checksum_of_ids(short: str, full: str) -> None:
    assert canonical(short) == full
    assert canonical(full) == full
    assert canonical("SO-1") is None


def test_five_thousand_orders_are_searched_by_keys_and_by_key_set() -> None:
    stamps = [f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T{n % 24:02d}:00:00" for n in range(5_000)]
    database = Database({"Order": [order(n, n % 900, "5.0", at) for n, at in enumerate(stamps)]})
    ids = ",".join(f"'{native('001', n)}'" for n in range(200))
    keyed = f"SELECT Id, OrderNumber, TotalAmount FROM Order WHERE AccountId IN ({ids})"
    paged = (
        "SELECT Id, OrderNumber, TotalAmount FROM Order WHERE CreatedDate < 2026-06-15T00:00:00Z "
        f"OR (CreatedDate = 2026-06-15T00:00:00Z AND Id < '{O1}') "
        "ORDER BY CreatedDate DESC, Id DESC LIMIT 200"
    )
    assert run(database, keyed)["totalSize"] == sum(n % 900 < 200 for n in range(5_000))
    assert run(database, paged)["totalSize"] == 200
