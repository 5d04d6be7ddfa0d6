"""The simulated PayPal with the vendor's own SDK as its client, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import pytest
import requests
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from sandbox.generate import generate
from sandbox.paypal import VENDOR as PAYPAL
from sandbox.paypal import objects
from sandbox.server import Server as Sandbox
from sandbox.stripe import VENDOR as STRIPE
from sandbox.world import Payment, World
from tests.sandbox.conftest import PAPER, HandClock

REPRESENTATION = "return=representation"


@pytest.fixture(scope="module")
def world() -> World:
    return generate(7, 200, vendors=(PAPER, STRIPE, PAYPAL))


@pytest.fixture(scope="module")
def server(world: World, clock: HandClock) -> Iterator[Sandbox]:
    with Sandbox(world, (PAPER, STRIPE, PAYPAL), clock=clock) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(server: Sandbox) -> Iterator[PaypalServersdkClient]:
    """The SDK has its addresses in a table: this one leads to the simulator."""
    own = server.credentials["paypal"]

    class Local(Configuration):  # type: ignore[misc]
        environments: ClassVar[Any] = {Environment.SANDBOX: {Server.DEFAULT: own["base_url"]}}

    with requests.Session() as session:
        login = ClientCredentialsAuthCredentials(own["client_id"], own["client_secret"])
        config = Local(http_client_instance=session, client_credentials_auth_credentials=login)
        yield PaypalServersdkClient(config=config)


@pytest.fixture(scope="module")
def payments(world: World) -> list[Payment]:
    return world.payments_of("paypal")


@pytest.fixture(scope="module")
def http(server: Sandbox) -> Iterator[httpx.Client]:
    """With a good token."""
    own = server.credentials["paypal"]
    with httpx.Client(base_url=own["base_url"]) as client:
        pair = (own["client_id"], own["client_secret"])
        data = {"grant_type": "client_credentials"}
        token = client.post("/v1/oauth2/token", auth=pair, data=data).json()
        client.headers["authorization"] = f"Bearer {token['access_token']}"
        yield client


def whole(payments: list[Payment], currency: str = "USD") -> Iterator[Payment]:
    return (
        p
        for p in payments
        if p.status == "SUCCEEDED"
        and not p.refunds
        and p.currency == currency
        and p.dispute is None
    )


def issue(answer: httpx.Response) -> tuple[int, str, str | None]:
    body = answer.json()
    return answer.status_code, body["name"], (body["details"] or [{}])[0].get("issue")


def test_the_sdk_reads_every_capture(sdk: Any, payments: list[Payment]) -> None:
    captured = [p for p in payments if not objects.is_authorization(p)]
    assert len(captured) > 20
    for payment in captured[:25]:
        row = sdk.payments.get_captured_payment({"capture_id": payment.native_id}).body
        assert (row.id, row.amount.currency_code) == (payment.native_id, payment.currency)
        assert row.amount.value == objects.text(payment.amount, payment.currency)
        assert row.supplementary_data.related_ids.order_id == objects.order_id(payment)


def test_the_sdk_reads_authorizations_orders_and_refunds(sdk: Any, payments: list[Payment]) -> None:
    held = next(p for p in payments if p.status == "AUTHORIZED")
    row = sdk.payments.get_authorized_payment({"authorization_id": held.native_id}).body
    assert (row.status, row.amount.value) == ("CREATED", objects.text(held.amount, held.currency))
    for payment in [p for p in payments if p.refunds][:10]:
        order = sdk.orders.get_order({"id": objects.order_id(payment)}).body
        shown = order.purchase_units[0].payments.refunds
        assert [r.id for r in shown] == [r.native_id for r in payment.refunds]
        for refund in payment.refunds:
            one = sdk.payments.get_refund({"refund_id": refund.native_id}).body
            assert one.amount.value == objects.text(refund.amount, payment.currency)


def test_the_sdk_searches_transactions(sdk: Any, payments: list[Payment]) -> None:
    options = {
        "start_date": "2026-01-01T00:00:00Z",
        "end_date": "2026-01-31T23:59:59Z",
        "fields": "all",
        "page_size": 500,
        "balance_affecting_records_only": "N",
    }
    report = sdk.transaction_search.search_transactions(options).body
    told = {row.transaction_info.transaction_id for row in report.transaction_details}
    of_january = {
        p.native_id for p in payments if (p.created_at.year, p.created_at.month) == (2026, 1)
    }
    assert of_january
    assert of_january <= told
    assert report.total_items == len(report.transaction_details)


def test_the_sdk_refunds_once_for_each_request_id(sdk: Any, payments: list[Payment]) -> None:
    payment = next(whole(payments))
    options = {
        "capture_id": payment.native_id,
        "prefer": REPRESENTATION,
        "paypal_request_id": "once-1",
        "body": {"amount": {"currency_code": "USD", "value": "1.25"}},
    }
    first = sdk.payments.refund_captured_payment(options)
    again = sdk.payments.refund_captured_payment(options)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.body.id == again.body.id
    assert first.body.amount.value == "1.25"
    row = sdk.payments.get_captured_payment({"capture_id": payment.native_id}).body
    assert row.status == "PARTIALLY_REFUNDED"
    sdk.payments.refund_captured_payment({"capture_id": payment.native_id, "body": {}})
    row = sdk.payments.get_captured_payment({"capture_id": payment.native_id}).body
    assert row.status == "REFUNDED"


def test_the_sdk_understands_a_refusal(sdk: Any) -> None:
    with pytest.raises(ErrorException) as caught:
        sdk.payments.get_captured_payment({"capture_id": "0NONE000000000000"})
    assert caught.value.response_code == 404
    assert caught.value.name == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [
        ({"currency_code": "EUR", "value": "1.00"}, "REFUND_CAPTURE_CURRENCY_MISMATCH"),
        ({"currency_code": "USD", "value": "9999999.00"}, "REFUND_AMOUNT_EXCEEDED"),
        ({"currency_code": "USD", "value": "1.001"}, "DECIMAL_PRECISION"),
    ],
)
def test_a_refund_that_cannot_be_is_refused(
    http: httpx.Client, payments: list[Payment], amount: dict[str, str], refusal: str
) -> None:
    payment = list(whole(payments))[2]
    path = f"/v2/payments/captures/{payment.native_id}/refund"
    answer = http.post(path, json={"amount": amount})
    assert issue(answer) == (422, "UNPROCESSABLE_ENTITY", refusal)


def test_yen_have_no_decimals(http: httpx.Client, payments: list[Payment]) -> None:
    payment = next(whole(payments, "JPY"))
    path = f"/v2/payments/captures/{payment.native_id}/refund"
    wrong = {"amount": {"currency_code": "JPY", "value": "1.00"}}
    assert issue(http.post(path, json=wrong))[2] == "DECIMALS_NOT_SUPPORTED"
    right = {"amount": {"currency_code": "JPY", "value": "1"}}
    answer = http.post(path, json=right, headers={"prefer": REPRESENTATION})
    assert answer.json()["amount"] == right["amount"]


def test_what_is_not_json_is_refused(http: httpx.Client, payments: list[Payment]) -> None:
    path = f"/v2/payments/captures/{next(whole(payments)).native_id}/refund"
    json_type = {"content-type": "application/json"}
    assert http.post(path, content=b"{}").status_code == 415
    assert http.post(path, content=b"{", headers=json_type).status_code == 400
    assert http.post(path, content=b"[]", headers=json_type).status_code == 400
    pending = next(p for p in payments if p.status == "PENDING")
    answer = http.post(f"/v2/payments/captures/{pending.native_id}/refund", json={})
    assert issue(answer)[2] == "PENDING_CAPTURE"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"start_date": ""}, "start_date"),
        ({"end_date": "2026-01-31"}, "end_date"),
        ({"start_date": "2026-01-01T00:00:00"}, "start_date"),
        ({"start_date": "2026-01-32T00:00:00Z"}, "start_date"),
        ({"end_date": "2026-02-01T00:00:01Z"}, "end_date"),
        ({"end_date": "2025-12-31T00:00:00Z"}, "end_date"),
        ({"page_size": "501"}, "page_size"),
        ({"page_size": "0"}, "page_size"),
        ({"page": "0"}, "page"),
        ({"fields": "everything"}, "fields"),
    ],
)
def test_a_search_that_is_not_well_formed_is_refused(
    http: httpx.Client, changes: dict[str, str], name: str
) -> None:
    window = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-31T00:00:00Z"}
    answer = http.get("/v1/reporting/transactions", params=window | changes)
    assert issue(answer)[:2] == (400, "INVALID_REQUEST")
    assert answer.json()["details"][0]["field"] == name


def search(http: httpx.Client, **query: str) -> dict[str, Any]:
    window = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-31T23:59:59Z"}
    answer = http.get("/v1/reporting/transactions", params=window | query)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def infos(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [row["transaction_info"] for row in report["transaction_details"]]


def test_a_search_is_paged(http: httpx.Client) -> None:
    every = infos(search(http, page_size="500"))
    pages: list[dict[str, Any]] = []
    first = search(http, page_size="7")
    for number in range(1, first["total_pages"] + 1):
        pages += infos(search(http, page_size="7", page=str(number)))
    assert pages == every
    assert first["total_items"] == len(every)
    assert infos(search(http, page_size="7", page="999")) == []


def test_a_search_shows_what_moved_money_unless_asked_for_all(
    http: httpx.Client, payments: list[Payment]
) -> None:
    held = next(p.created_at for p in payments if p.status == "AUTHORIZED")
    days = {
        "start_date": objects.stamp(held - timedelta(days=15)),
        "end_date": objects.stamp(held + timedelta(days=1)),
        "page_size": "500",
    }
    usual = infos(search(http, **days))
    every = infos(search(http, **days, balance_affecting_records_only="N"))
    assert {row["transaction_status"] for row in usual} == {"S"}
    assert "T1300" in {row["transaction_event_code"] for row in every}
    assert len(usual) < len(every)
    (code,) = {
        row["transaction_event_code"] for row in infos(search(http, transaction_type="T1107"))
    }
    assert code == "T1107"


def test_who_paid_is_shown_when_it_is_asked_for(http: httpx.Client) -> None:
    plain = search(http)["transaction_details"][0]
    assert set(plain) == {"transaction_info"}
    row = search(http, fields="transaction_info,payer_info")["transaction_details"][0]
    assert row["payer_info"]["email_address"] == "buyer@example.com"


def test_a_search_lags(http: httpx.Client, clock: HandClock) -> None:
    """The clock stands at 2026-11-01: the data goes to three hours before."""
    late = {"start_date": "2026-10-31T22:00:00Z", "end_date": "2026-10-31T23:00:00Z"}
    answer = http.get("/v1/reporting/transactions", params=late)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Data for the given start date is not available."
    report = search(http, start_date="2026-10-31T20:00:00Z", end_date="2026-10-31T23:00:00Z")
    assert report["last_refreshed_datetime"] == "2026-10-31T21:00:00+0000"
    assert report["end_date"] == "2026-10-31T21:00:00+0000"


def test_too_many_rows_are_refused_with_their_number(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.paypal.reports.MOST_ITEMS", 3)
    window = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-31T23:59:59Z"}
    body = http.get("/v1/reporting/transactions", params=window).json()
    assert (body["name"], body["maximum_items"]) == ("RESULTSET_TOO_LARGE", 3)
    assert body["total_items"] > 3


def test_disputes_are_listed_newest_first_without_their_payments(
    http: httpx.Client, payments: list[Payment]
) -> None:
    disputed = [p.dispute.native_id for p in payments if p.dispute]
    rows: list[dict[str, Any]] = []
    query = {"page_size": "2"}
    while True:
        page = http.get("/v1/customer/disputes", params=query).json()
        rows += page["items"]
        onward = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not onward:
            break
        query["next_page_token"] = httpx.URL(onward[0]).params["next_page_token"]
    assert {row["dispute_id"] for row in rows} == set(disputed)
    times = [row["create_time"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert not any("disputed_transactions" in row for row in rows)


@pytest.mark.parametrize(
    "query",
    [
        {"page_size": "51"},
        {"next_page_token": "%%%"},
        {"next_page_token": "bm9uc2Vuc2U="},
        {"update_time_after": "yesterday"},
        {"start_time": "2026-01-01T00:00:00Z", "disputed_transaction_id": "X"},
    ],
)
def test_a_list_of_disputes_that_is_not_well_formed_is_refused(
    http: httpx.Client, query: dict[str, str]
) -> None:
    assert http.get("/v1/customer/disputes", params=query).status_code == 400


def test_disputes_are_found_by_state_and_by_when_they_were_made(
    http: httpx.Client, payments: list[Payment]
) -> None:
    made = sorted(p.dispute.created_at for p in payments if p.dispute)
    since = {"start_time": objects.stamp(made[1]), "page_size": "50"}
    assert len(http.get("/v1/customer/disputes", params=since).json()["items"]) == len(made) - 1
    states = {"dispute_state": "RESOLVED,APPEALABLE", "page_size": "50"}
    rows = http.get("/v1/customer/disputes", params=states).json()["items"]
    assert {row["status"] for row in rows} == {"RESOLVED"}


def test_a_token_ends(server: Sandbox, clock: HandClock) -> None:
    own = server.credentials["paypal"]
    url, pair = own["base_url"], (own["client_id"], own["client_secret"])
    data = {"grant_type": "client_credentials"}
    token = httpx.post(f"{url}/v1/oauth2/token", auth=pair, data=data).json()
    headers = {"authorization": f"Bearer {token['access_token']}"}
    assert token["expires_in"] == 32_400
    assert httpx.get(f"{url}/v1/customer/disputes", headers=headers).status_code == 200
    now = clock.now
    clock.forward(32_400)
    try:
        answer = httpx.get(f"{url}/v1/customer/disputes", headers=headers)
    finally:
        clock.now = now
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("auth", "data", "status", "error"),
    [
        (("nobody", "x"), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (None, {"grant_type": "client_credentials"}, 401, "invalid_client"),
        ("own", {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ("own", {}, 400, "unsupported_grant_type"),
    ],
)
def test_a_login_that_is_refused(
    server: Sandbox, auth: Any, data: dict[str, str], status: int, error: str
) -> None:
    own = server.credentials["paypal"]
    pair = (own["client_id"], own["client_secret"]) if auth == "own" else auth
    answer = httpx.post(f"{own['base_url']}/v1/oauth2/token", auth=pair, data=data)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_without_a_token_nothing_is_shown(server: Sandbox) -> None:
    url = server.credentials["paypal"]["base_url"]
    for headers in ({}, {"authorization": "Bearer A21AAwrong"}, {"authorization": "Basic !!"}):
        answer = httpx.get(f"{url}/v2/payments/captures/X", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/nothing", 404),
        ("PUT", "/v2/checkout/orders/X", 405),
        ("GET", "/v2/checkout/orders/X", 404),
        ("GET", "/v2/payments/refunds/X", 404),
        ("GET", "/v1/customer/disputes/X", 404),
    ],
)
def test_what_is_not_there(http: httpx.Client, method: str, path: str, status: int) -> None:
    assert http.request(method, path).status_code == status


def test_a_capture_is_no_authorization(http: httpx.Client, payments: list[Payment]) -> None:
    held = next(p.native_id for p in payments if p.status == "AUTHORIZED")
    paid = next(p.native_id for p in payments if p.status == "SUCCEEDED")
    assert http.get(f"/v2/payments/captures/{held}").status_code == 404
    assert http.get(f"/v2/payments/authorizations/{paid}").status_code == 404


def test_sums_add_up(http: httpx.Client, payments: list[Payment]) -> None:
    for payment in payments:
        if payment.status != "SUCCEEDED" or payment.fee is None:
            continue
        row = http.get(f"/v2/payments/captures/{payment.native_id}").json()
        sums = {k: v["value"] for k, v in row["seller_receivable_breakdown"].items()}
        net = payment.amount - payment.fee
        assert sums["gross_amount"] == row["amount"]["value"]
        assert sums["net_amount"] == objects.text(net, payment.currency)


def test_the_world_ends_before_the_clock(payments: list[Payment]) -> None:
    assert max(p.created_at for p in payments) <= datetime(2026, 10, 31, tzinfo=UTC)
