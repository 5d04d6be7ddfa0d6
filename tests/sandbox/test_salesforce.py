"""The simulated Salesforce over real HTTP, with simple-salesforce as the judge."""

# Every "SQL" here is SOQL, sent to a simulator that only reads.
# ruff: noqa: S608

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.login import SalesforceLogin
from starlette.types import ASGIApp

from sandbox import books
from sandbox.generate import generate
from sandbox.salesforce import VENDOR, Simulator, simulator_of
from sandbox.salesforce.ids import canonical, native_id
from sandbox.salesforce.recorded import read_back
from sandbox.salesforce.tables import build, double
from sandbox.server import Server
from sandbox.simulator import Context, Vendor
from sandbox.world import Account, World

Row = dict[str, Any]
SIZE = 500  # customers; five orders each, so that answers have several pages
DATA = "/salesforce/services/data/v65.0"


class Clock:
    """Wall time, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Rewriting(HTTPAdapter):
    """Sends what was meant for https://<any host> to the sandbox."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self.origin = origin

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(request.url or "")
        path = str(parts.path).removeprefix("/salesforce")
        query = f"?{parts.query}" if parts.query else ""
        request.url = f"{self.origin}/salesforce{path}{query}"
        return super().send(request, *args, **kwargs)


@dataclass
class Org:
    """A running sandbox with one organisation, and ways to speak to it."""

    server: Server
    simulator: Simulator
    clock: Clock
    session: requests.Session

    @property
    def credentials(self) -> dict[str, str]:
        return VENDOR.credentials(self.simulator.context)["salesforce"]

    @property
    def world(self) -> World:
        return self.server.world

    def client(self, token: str | None = None) -> Any:
        """simple-salesforce with a session that was opened for it; its types lead astray."""
        token = token or self.simulator.oauth.sessions.begin()
        return Salesforce(
            instance_url=self.server.origin,
            session_id=token,
            version="65.0",
            session=self.session,
        )

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.simulator.oauth.sessions.begin()}"}
        headers |= options.pop("headers", {})
        url = self.server.origin + path
        return self.session.request(method, url, headers=headers, timeout=30, **options)

    def token(self, **form: str) -> requests.Response:
        url = f"{self.server.origin}/salesforce/services/oauth2/token"
        return self.session.post(url, data=form, timeout=30)


def card_provider(kind: str, account: Account, index: int, rng: Any) -> str:
    return f"{kind}_{account.name}_{index}"


def other_vendor() -> Vendor:
    """Somebody who takes payments, so that a world can be generated; never called."""
    accounts = (
        Account("stripe_eu", "cards", "payments", ("EUR", "KWD")),
        Account("stripe_us", "cards", "payments", ("USD", "JPY")),
    )

    def app(world: World, context: Context) -> ASGIApp:
        raise AssertionError("not part of these tests")

    return Vendor("cards", accounts, card_provider, app, lambda context: {})


@pytest.fixture(scope="module")
def running() -> Iterator[Org]:
    seen: list[Context] = []

    def app(world: World, context: Context) -> ASGIApp:
        seen.append(context)
        return VENDOR.app(world, context)

    vendors = (dataclasses.replace(VENDOR, app=app),)
    world = generate(7, SIZE, vendors=(VENDOR, other_vendor()))
    clock = Clock()
    session = requests.Session()
    with session, Server(world, vendors, clock=clock) as server:
        session.mount("https://", Rewriting(server.origin))
        yield Org(server, simulator_of(seen[0]), clock, session)


@pytest.fixture
def org(running: Org) -> Iterator[Org]:
    yield running
    running.clock.ahead = timedelta(0)
    running.simulator.hidden.clear()
    running.simulator.daily_limit = 15_000
    running.simulator.session_seconds = 7_200


@pytest.fixture
def sf(org: Org) -> Any:
    return org.client()


# --- the records say what the world says ---------------------------------------------------------


def test_every_order_is_read_exactly_once_with_the_worlds_values(org: Org, sf: Any) -> None:
    calls = org.simulator.used
    answer = sf.query_all("SELECT Id, OrderNumber, CurrencyIsoCode, CreatedDate FROM Order")
    found = {row["OrderNumber"]: row for row in answer["records"]}
    assert answer["totalSize"] == len(answer["records"]) == len(found) == SIZE * 5
    assert org.simulator.used - calls == 2
    for order in org.world.orders:
        row = found[order.number]
        assert (row["Id"], row["CurrencyIsoCode"]) == (order.native_id, order.currency)
        assert row["CreatedDate"].endswith(".000+0000")
        assert datetime.fromisoformat(row["CreatedDate"]) == order.placed_at


def test_amounts_and_recorded_states_read_back(org: Org) -> None:
    tables = build(org.world)
    rows = {row["Id"]: row for row in tables["Order"]}
    lines = {row["Id"]: row for row in tables["OrderItem"]}
    states = set()
    for order in org.world.orders:
        row = rows[order.native_id]
        total = row["TotalAmount"]
        exponent = books.digits(order.currency)
        # Summed up of lines in doubles, and printed with all their digits.
        assert (None if total is None else round(total.scaleb(exponent), 6)) == order.total
        assert read_back(row) == order.recorded_state
        states.add(order.recorded_state)
        for line in order.lines:
            item = lines[line.native_id]
            assert item["TotalPrice"].scaleb(exponent) == line.total
            assert item["Quantity"] == Decimal(line.quantity)
    assert len(states) == 9
    totals = [row["TotalAmount"] for row in rows.values() if row["TotalAmount"] is not None]
    assert any(total.as_tuple().exponent < -9 for total in totals), "no sum with binary noise"


@pytest.mark.parametrize(
    ("number", "printed"),
    [("1234.50", "1234.5"), ("1000", "1000.0"), ("12.345", "12.345"), ("0", "0.0"),
     ("12000000", "1.2E+7"), ("12345678", "12345678.0"), ("-5.00", "-5.0")],
)  # fmt: skip
def test_numbers_are_printed_as_doubles_are(number: str, printed: str) -> None:
    assert str(double(Decimal(number))) == printed
    assert Decimal(printed) == Decimal(number)


def test_customers_are_accounts_and_people_are_contacts_too(org: Org, sf: Any) -> None:
    soql = "SELECT Id, Name, AccountNumber, Stripe_EU_Customer__c, Email__c, Tier__c FROM Account"
    accounts = {row["Id"]: row for row in sf.query_all(soql)["records"]}
    contacts = sf.query_all("SELECT AccountId, Account.Name, Name, Email FROM Contact")["records"]
    known = [c for c in org.world.customers if "salesforce" in c.sources]
    assert len(accounts) == len(known)
    for customer in known:
        row = accounts[customer.sources["salesforce"]]
        assert (row["AccountNumber"], row["Name"]) == (customer.key, customer.name)
        assert (row["Email__c"], row["Tier__c"]) == (customer.email, customer.tier)
        assert row["Stripe_EU_Customer__c"] == customer.sources.get("stripe_eu")
    assert len(contacts) == sum(c.kind == "PERSON" for c in known)
    assert all(row["Name"] == row["Account"]["Name"] for row in contacts)


def test_payment_fields_hold_the_payment_the_crm_knows(org: Org, sf: Any) -> None:
    soql = "SELECT Id, Stripe_EU_Payment__c, Stripe_US_Payment__c FROM Order"
    rows = {row["Id"]: row for row in sf.query_all(soql)["records"]}
    linked = [order for order in org.world.orders if order.payment_field]
    assert linked
    for order in linked:
        source, native = order.payment_field or ("", "")
        column = f"Stripe_{source[-2:].upper()}_Payment__c"
        assert rows[order.native_id][column] == native


def test_native_ids_have_their_prefix_and_checksum(org: Org) -> None:
    prefixes = {"Account": "001", "Contact": "003", "Order": "801", "OrderItem": "802",
                "Product2": "01t", "Opportunity": "006", "OpportunityLineItem": "00k"}  # fmt: skip
    for name, rows in build(org.world).items():
        ids = [row["Id"] for row in rows]
        assert rows
        assert len(set(ids)) == len(ids)
        assert all(i.startswith(prefixes[name]) and canonical(i[:15]) == i for i in ids)
    assert native_id is VENDOR.native_id


def test_opportunities_are_every_fifth_order(org: Org, sf: Any) -> None:
    soql = (
        "SELECT Name, StageName, IsClosed, IsWon, Amount, "
        "(SELECT Quantity, Product2.ProductCode FROM OpportunityLineItems) FROM Opportunity"
    )
    deals = sf.query_all(soql)["records"]
    orders = {order.number: order for order in org.world.orders}
    assert len(deals) == SIZE
    for deal in deals:
        lines = deal["OpportunityLineItems"]
        assert (lines["totalSize"] if lines else 0) == len(orders[deal["Name"]].lines)
        assert deal["IsWon"] == (deal["StageName"] == "Closed Won")


# --- logging in ----------------------------------------------------------------------------------


def test_jwt_login_with_the_clients_own_flow(org: Org) -> None:
    own = org.credentials
    token, instance = SalesforceLogin(
        username=own["username"],
        consumer_key=own["client_id"],
        privatekey=own["private_key"],
        session=org.session,
    )
    assert instance == f"{org.server.origin}/salesforce".removeprefix("http://")
    assert org.client(token).query("SELECT COUNT() FROM Account")["done"] is True


def test_client_credentials_login_with_the_clients_own_flow(org: Org) -> None:
    own = org.credentials
    token, _ = SalesforceLogin(
        domain="acme.my",
        consumer_key=own["client_id"],
        consumer_secret=own["client_secret"],
        session=org.session,
    )
    assert org.client(token).limits()["DailyApiRequests"]["Max"] == 15_000
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        SalesforceLogin(
            domain="acme.my",
            consumer_key=own["client_id"],
            consumer_secret="wrong",
            session=org.session,
        )


def test_the_token_answer_does_not_say_when_it_expires(org: Org) -> None:
    own = org.credentials
    answer = org.token(
        grant_type="client_credentials",
        client_id=own["client_id"],
        client_secret=own["client_secret"],
    )
    body = answer.json()
    assert answer.status_code == 200
    assert body["instance_url"] == own["base_url"] == f"{org.server.origin}/salesforce"
    assert set(body) == {"access_token", "scope", "instance_url", "id", "token_type", "issued_at",
                         "signature"}  # fmt: skip


BAD_CLAIMS = [
    ({"iss": "somebody"}, "invalid_client_id"),
    ({"sub": "nobody@example.com"}, "invalid_grant"),
    ({"aud": "https://example.com"}, "invalid_grant"),
    ({"exp": -10}, "invalid_grant"),
    ({"exp": 600}, "invalid_grant"),
]


def assertion(org: Org, key: Any = None, **changes: Any) -> str:
    own = org.credentials
    claims: Row = {"iss": own["client_id"], "sub": own["username"], "exp": 120}
    claims |= {"aud": org.server.origin + "/salesforce", **changes}
    claims["exp"] = int(time.time()) + claims["exp"]
    return jwt.encode(claims, key or own["private_key"], algorithm="RS256")


@pytest.mark.parametrize(("changes", "code"), BAD_CLAIMS)
def test_wrong_claims_are_refused(org: Org, changes: Row, code: str) -> None:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert org.token(grant_type=grant, assertion=assertion(org)).status_code == 200
    answer = org.token(grant_type=grant, assertion=assertion(org, **changes))
    assert (answer.status_code, answer.json()["error"]) == (400, code)


def test_wrong_signatures_and_grants_are_refused(org: Org) -> None:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    stranger = rsa.generate_private_key(65537, 2048)
    for forged in (assertion(org, stranger), assertion(org)[:-4] + "AAAA", "not.a.token", ""):
        answer = org.token(grant_type=grant, assertion=forged)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert org.token(grant_type="password").json()["error"] == "unsupported_grant_type"


def test_sessions_end_by_time_by_revocation_and_by_hand(org: Org) -> None:
    soql = "SELECT COUNT() FROM Account"
    aging = org.client()
    org.clock.ahead = timedelta(seconds=7_000)
    assert aging.query(soql)["done"] is True
    org.clock.ahead = timedelta(seconds=14_000)
    assert aging.query(soql)["done"] is True
    org.clock.ahead = timedelta(seconds=22_000)
    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        aging.query(soql)
    ended = org.client()
    org.simulator.expire_sessions()
    with pytest.raises(SalesforceExpiredSession, match="Session expired or invalid"):
        ended.query(soql)
    revoked = org.client()
    url = f"{org.server.origin}/salesforce/services/oauth2/revoke"
    data = {"token": revoked.session_id}
    assert org.session.post(url, data=data, timeout=30).status_code == 200
    with pytest.raises(SalesforceExpiredSession):
        revoked.query(soql)


# --- reading -------------------------------------------------------------------------------------


def test_pages_follow_each_other_verbatim_and_have_the_size_asked_for(org: Org) -> None:
    params = {"q": "SELECT Id FROM Order ORDER BY CreatedDate DESC, Id DESC"}
    headers = {"Sforce-Query-Options": "batchSize=700"}
    page = org.request("GET", f"{DATA}/query", params=params, headers=headers).json()
    ids, sizes = [row["Id"] for row in page["records"]], [len(page["records"])]
    while not page["done"]:
        assert page["nextRecordsUrl"].startswith("/services/data/v65.0/query/01g")
        page = org.request("GET", "/salesforce" + page["nextRecordsUrl"]).json()
        ids += [row["Id"] for row in page["records"]]
        sizes.append(len(page["records"]))
    assert sizes == [700, 700, 700, 400]
    newest = sorted(org.world.orders, key=lambda o: (o.placed_at, o.native_id), reverse=True)
    assert ids == [order.native_id for order in newest]


def test_the_eleventh_cursor_closes_the_oldest(sf: Any) -> None:
    first = sf.query("SELECT Id FROM Order")["nextRecordsUrl"]
    second = sf.query("SELECT Id FROM Order")["nextRecordsUrl"]
    for _ in range(9):
        sf.query("SELECT Id FROM Order")
    assert sf.query_more(second, identifier_is_url=True)["done"] is True
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_QUERY_LOCATOR"):
        sf.query_more(first, identifier_is_url=True)


def test_bad_queries_are_malformed_requests(sf: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        sf.query("SELECT Id FRM Order")
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_TYPE"):
        sf.query("SELECT Id FROM Invoice__c")
    with pytest.raises(SalesforceMalformedRequest, match="No such column 'Foo__c' on entity"):
        sf.query("SELECT Foo__c FROM Account")


def test_one_record_by_id_and_by_external_id(org: Org, sf: Any) -> None:
    order = next(
        o for o in org.world.orders if o.payment_field and o.payment_field[0] == "stripe_eu"
    )
    native = order.native_id
    assert sf.Order.get(native)["OrderNumber"] == order.number
    assert sf.Order.get(native[:15])["Id"] == native
    payment = order.payment_field[1] if order.payment_field else ""
    assert sf.Order.get_by_custom_id("Stripe_EU_Payment__c", payment)["Id"] == native
    some = org.request("GET", f"{DATA}/sobjects/order/{native}?fields=id,ordernumber").json()
    assert list(some) == ["attributes", "Id", "OrderNumber"]
    for bad in ("801000000000000AAA", "SO-1"):
        with pytest.raises(SalesforceResourceNotFound, match="NOT_FOUND"):
            sf.Order.get(bad)
    with pytest.raises(SalesforceResourceNotFound, match="external ID field"):
        sf.Order.get_by_custom_id("OrderNumber", order.number)


def test_an_external_id_that_two_records_have(org: Org, sf: Any) -> None:
    twins = [order.native_id for order in org.world.orders if not order.payment_field][:2]
    for native in twins:
        assert sf.Order.update(native, {"Stripe_US_Payment__c": "pi_twin"}) == 204
    with pytest.raises(SalesforceMoreThanOneRecord) as caught:
        sf.Order.get_by_custom_id("Stripe_US_Payment__c", "pi_twin")
    urls: Any = caught.value.content
    assert sorted(urls) == sorted(f"/services/data/v65.0/sobjects/Order/{twin}" for twin in twins)


def test_collections_keep_the_order_and_say_null_for_the_missing(org: Org, sf: Any) -> None:
    first, second = (order.native_id for order in org.world.orders[5:7])
    ids = [second, "801000000000000AAA", first[:15]]
    body = {"ids": ids, "fields": ["Id", "TotalAmount"]}
    posted: Any = sf.restful("composite/sobjects/Order", method="POST", json=body)
    assert [row and row["Id"] for row in posted] == [second, None, first]
    params = {"ids": ",".join(ids), "fields": "Id,TotalAmount"}
    assert sf.restful("composite/sobjects/Order", params=params) == posted
    body["ids"] = [first] * 2_001
    with pytest.raises(SalesforceMalformedRequest, match="EXCEEDED_ID_LIMIT"):
        sf.restful("composite/sobjects/Order", method="POST", json=body)


def test_a_composite_is_one_call_with_a_status_for_each_part(org: Org, sf: Any) -> None:
    base = "/services/data/v65.0"
    native = org.world.orders[0].native_id
    parts = [
        {"method": "GET", "url": f"{base}/query?q=SELECT+COUNT()+FROM+Order", "referenceId": "a"},
        {"method": "GET", "url": f"{base}/query?q=SELECT+Foo+FROM+Order", "referenceId": "b"},
        {"method": "GET", "url": f"{base}/sobjects/Order/{native}?fields=Id", "referenceId": "c"},
    ]
    calls = org.simulator.used
    body = {"allOrNone": False, "compositeRequest": parts}
    answer: Any = sf.restful("composite", method="POST", json=body)
    assert org.simulator.used == calls + 1
    by_name = {part["referenceId"]: part for part in answer["compositeResponse"]}
    assert [by_name[n]["httpStatusCode"] for n in "abc"] == [200, 400, 200]
    assert by_name["a"]["body"]["totalSize"] == SIZE * 5
    assert by_name["b"]["body"][0]["errorCode"] == "INVALID_FIELD"
    assert by_name["c"]["body"]["Id"] == native


@pytest.mark.parametrize(("path", "count"), [("limits", 26), ("query?q=SELECT+Id+FROM+Order", 6)])
def test_a_composite_has_its_limits(sf: Any, path: str, count: int) -> None:
    def send(size: int) -> Any:
        parts = [
            {"method": "GET", "url": f"/services/data/v65.0/{path}", "referenceId": f"r{n}"}
            for n in range(size)
        ]
        return sf.restful("composite", method="POST", json={"compositeRequest": parts})

    assert len(send(count - 1)["compositeResponse"]) == count - 1
    with pytest.raises(SalesforceMalformedRequest, match="LIMIT_EXCEEDED"):
        send(count)


def test_describe_and_hidden_fields(org: Org, sf: Any) -> None:
    described: Any = sf.Order.describe()
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["TotalAmount"]["type"] == "currency"
    assert fields["Payment_Status__c"]["updateable"] is True
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["OrderNumber"]["length"] > 0
    children = {c["relationshipName"]: c for c in described["childRelationships"]}
    assert (children["OrderItems"]["childSObject"], children["OrderItems"]["field"]) == (
        "OrderItem",
        "OrderId",
    )
    org.simulator.hidden.add(("Order", "Refunded_Amount__c"))
    described = sf.Order.describe()
    assert "Refunded_Amount__c" not in {field["name"] for field in described["fields"]}
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        sf.query("SELECT Id, Refunded_Amount__c FROM Order LIMIT 1")
    assert "Refunded_Amount__c" not in sf.Order.get(org.world.orders[0].native_id)
    with pytest.raises(SalesforceResourceNotFound):
        sf.Invoice__c.describe()
    names: Any = sf.describe()
    assert {s["name"] for s in names["sobjects"]} >= {
        "Account",
        "Order",
        "OrderItem",
        "Opportunity",
    }


# --- writing -------------------------------------------------------------------------------------


def test_an_update_is_seen_by_queries_and_by_the_truth(org: Org, sf: Any) -> None:
    order = next(o for o in org.world.orders if o.recorded_state == "PENDING_PAYMENT")
    assert sf.Order.update(order.native_id, {"Payment_Status__c": "paid"}) == 204
    soql = f"SELECT Payment_Status__c, SystemModstamp FROM Order WHERE Id = '{order.native_id}'"
    [row] = sf.query(soql)["records"]
    assert row["Payment_Status__c"] == "paid"
    assert datetime.fromisoformat(row["SystemModstamp"]) > order.placed_at
    assert order.recorded_state == "PAID"
    url = f"{org.server.origin}/_sandbox/truth"
    truth = org.session.get(url, timeout=30).json()["orders"]
    assert next(o for o in truth if o["number"] == order.number)["recordedState"] == "PAID"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"TotalAmount": 5}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Foo__c": 5}, "INVALID_FIELD"),
        ({"Paid_Amount__c": "much"}, "JSON_PARSER_ERROR"),
        ({"Payment_Status__c": "x" * 300}, "STRING_TOO_LONG"),
    ],
)
def test_updates_that_are_refused(org: Org, sf: Any, changes: Row, code: str) -> None:
    with pytest.raises(SalesforceMalformedRequest, match=code):
        sf.Order.update(org.world.orders[3].native_id, changes)


def test_a_precondition_that_no_longer_holds(org: Org, sf: Any) -> None:
    native = org.world.orders[8].native_id
    change = {"Description": "changed"}
    before = {"If-Unmodified-Since": "Tue, 10 Aug 2021 11:10:02 GMT"}
    after = {"If-Unmodified-Since": "Tue, 10 Aug 2032 11:10:02 GMT"}
    assert org.client().Order.update(native, change, headers=after) == 204
    with pytest.raises(SalesforceGeneralError) as caught:
        org.client().Order.update(native, change, headers=before)
    assert caught.value.status == 412


@pytest.mark.parametrize("all_or_none", [False, True])
def test_updating_many(org: Org, sf: Any, all_or_none: bool) -> None:
    good, bad = (o.native_id for o in org.world.orders[10:12])
    attributes, word = {"type": "Order"}, f"many {all_or_none}"
    records = [
        {"attributes": attributes, "id": good, "PoNumber": word},
        {"attributes": attributes, "id": bad, "TotalAmount": 1},
    ]
    body = {"allOrNone": all_or_none, "records": records}
    first, second = sf.restful("composite/sobjects", method="PATCH", json=body) or []
    assert first["success"] is not all_or_none
    assert second["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert (sf.Order.get(good)["PoNumber"] == word) is not all_or_none
    body["records"] = records * 101
    with pytest.raises(SalesforceMalformedRequest, match="EXCEEDED_ID_LIMIT"):
        sf.restful("composite/sobjects", method="PATCH", json=body)


def test_deleted_records_are_only_in_query_all(org: Org, sf: Any) -> None:
    item = org.world.orders[0].lines[0].native_id
    soql = f"SELECT Id, IsDeleted FROM OrderItem WHERE Id = '{item}'"
    assert sf.OrderItem.delete(item) == 204
    assert sf.query(soql)["totalSize"] == 0
    [row] = sf.query(soql, include_deleted=True)["records"]
    assert row["IsDeleted"] is True
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.OrderItem.get(item)


# --- limits and versions -------------------------------------------------------------------------


def test_every_data_answer_counts_and_the_day_has_a_limit(org: Org, sf: Any) -> None:
    used = org.simulator.used
    sf.query("SELECT COUNT() FROM Account")
    usage: Any = sf.api_usage["api-usage"]
    assert (usage.used, usage.total) == (used + 1, 15_000)
    org.simulator.daily_limit = used + 2
    sf.query("SELECT COUNT() FROM Account")
    with pytest.raises(SalesforceRefusedRequest, match="TotalRequests Limit exceeded"):
        sf.query("SELECT COUNT() FROM Account")


def test_versions(org: Org) -> None:
    root = f"{org.server.origin}/salesforce/services/data"
    listed = org.session.get(root + "/", timeout=30).json()
    assert [v["version"] for v in listed] == [f"{n}.0" for n in range(60, 68)]
    assert {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"} in listed
    assert {"label": "Winter '26", "url": "/services/data/v65.0", "version": "65.0"} in listed
    statuses = [
        org.request("GET", f"/salesforce/services/data/{version}/limits").status_code
        for version in ("v60.0", "v67.0", "v68.0", "v59.0", "v28.0", "latest")
    ]
    assert statuses == [200, 200, 404, 410, 410, 404]
    gone = org.request("GET", "/salesforce/services/data/v28.0/limits").json()
    assert gone[0]["errorCode"] == "UNSUPPORTED_API_VERSION"


def test_long_requests_pass_up_to_the_limit_of_the_service(org: Org) -> None:
    def status(literal: int, header: int = 0) -> int:
        soql = f"SELECT+Id+FROM+Account+WHERE+Name+IN+('{'x' * 2_000}','{'x' * 3_500}',"
        chunks = [min(3_900, literal - start) for start in range(0, literal, 3_900)]
        soql += ",".join(f"'{'y' * size}'" for size in chunks) + ")"
        headers = {"X-Padding": "p" * header}
        return org.request("GET", f"{DATA}/query?q={soql}", headers=headers).status_code

    assert status(10_000) == 200
    assert status(10_000, header=2_000) == 431
    assert status(11_000) == 414


def test_unknown_resources_and_methods(org: Org) -> None:
    assert org.request("GET", f"{DATA}/nothing").json()[0]["errorCode"] == "NOT_FOUND"
    assert org.request("PUT", f"{DATA}/query").status_code == 405
    broken = org.request("POST", f"{DATA}/composite", data="{")
    assert (broken.status_code, broken.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_injected_errors_have_the_vendors_form() -> None:
    for asked, status, code in (
        (429, 403, "REQUEST_LIMIT_EXCEEDED"),
        (500, 500, "UNKNOWN_EXCEPTION"),
        (503, 503, "SERVER_UNAVAILABLE"),
    ):
        answer = VENDOR.error(asked)
        assert (answer.status, json.loads(answer.body)[0]["errorCode"]) == (status, code)
