"""The simulated Stripe, judged by the official SDK over real HTTP: keys, lists, objects."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe
from stripe import StripeClient

from sandbox.world import World
from tests.sandbox.conftest import Connect, error_of

INTENTS = "/stripe/v1/payment_intents"


def test_no_key_is_401(http: httpx.Client) -> None:
    answer = http.get(INTENTS)
    assert answer.status_code == 401
    assert error_of(answer)["type"] == "invalid_request_error"
    assert error_of(answer)["message"].startswith("You did not provide an API key.")


def test_a_wrong_key_is_401(connect: Connect) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided: sk_test_"):
        connect("sk_test_someone_elses_key_0000").v1.customers.list()


def test_basic_with_the_key_as_user(http: httpx.Client, keys: dict[str, str]) -> None:
    assert http.get(INTENTS, auth=(keys["stripe_us"], "")).status_code == 200


@pytest.mark.parametrize(
    "version", ["2026-10-28.endive", "2025-03-31.basil", "2024-06-20", "2022-11-15"]
)
def test_a_known_version_is_echoed(
    http: httpx.Client, bearer: dict[str, str], version: str
) -> None:
    answer = http.get(INTENTS, headers=bearer | {"Stripe-Version": version})
    assert (answer.status_code, answer.headers["Stripe-Version"]) == (200, version)


@pytest.mark.parametrize("version", ["latest", "2026-10-28", "2026-10-28.fig", "2027-01-01.endive"])
def test_an_unknown_version_is_400(
    http: httpx.Client, bearer: dict[str, str], version: str
) -> None:
    answer = http.get(INTENTS, headers=bearer | {"Stripe-Version": version})
    assert answer.status_code == 400
    assert error_of(answer)["message"] == f"Invalid Stripe API version: {version}"


def test_without_a_version_the_account_s_default_applies(
    http: httpx.Client, bearer: dict[str, str]
) -> None:
    answer = http.get(INTENTS, headers=bearer)
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
    assert answer.headers["Request-Id"].startswith("req_")


def test_account_and_balance(eu: StripeClient, us: StripeClient) -> None:
    assert us.v1.accounts.retrieve_current().id.startswith("acct_1")
    assert [entry.currency for entry in eu.v1.balance.retrieve().available] == [
        "eur",
        "gbp",
        "cny",
        "kwd",
    ]


def test_auto_paging_meets_every_payment_once(us: StripeClient, world: World) -> None:
    pages = us.v1.payment_intents.list({"limit": 7}).auto_paging_iter()
    ids = [intent.id for intent in pages]
    assert len(ids) == len(set(ids))
    assert set(ids) == {p.native_id for p in world.payments_of("stripe_us")}


def test_lists_are_newest_first(us: StripeClient) -> None:
    created = [intent.created for intent in us.v1.payment_intents.list({"limit": 100}).data]
    assert created == sorted(created, reverse=True)


def test_every_customer_refund_and_dispute_is_there(us: StripeClient, world: World) -> None:
    payments = world.payments_of("stripe_us")
    customers = {c.sources["stripe_us"] for c in world.customers if "stripe_us" in c.sources}
    assert {c.id for c in us.v1.customers.list({"limit": 3}).auto_paging_iter()} == customers
    refunds = {r.native_id for p in payments for r in p.refunds}
    assert {r.id for r in us.v1.refunds.list({"limit": 3}).auto_paging_iter()} == refunds
    disputes = {p.dispute.native_id for p in payments if p.dispute}
    assert {d.id for d in us.v1.disputes.list({"limit": 3}).auto_paging_iter()} == disputes


def test_ten_rows_unless_asked(us: StripeClient) -> None:
    page = us.v1.charges.list()
    assert len(page.data) == 10
    assert page.has_more is True
    assert page.url == "/v1/charges"


def test_ending_before_goes_back_one_page(us: StripeClient) -> None:
    ids = [intent.id for intent in us.v1.payment_intents.list({"limit": 30}).data]
    page = us.v1.payment_intents.list({"limit": 5, "ending_before": ids[20]})
    assert [intent.id for intent in page.data] == ids[15:20]
    assert page.has_more is True
    first = us.v1.payment_intents.list({"limit": 5, "ending_before": ids[3]})
    assert [intent.id for intent in first.data] == ids[:3]
    assert first.has_more is False


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"limit": 101}, "limit", "parameter_invalid_integer"),
        ({"limit": 0}, "limit", "parameter_invalid_integer"),
        ({"limit": "ten"}, "limit", "parameter_invalid_integer"),
        ({"starting_after": "pi_nobody"}, "starting_after", "resource_missing"),
        ({"customer": "cus_nobody"}, "customer", "resource_missing"),
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"metadata[order_id]": "SO-1001"}, "metadata", "parameter_unknown"),
        ({"ids[]": "pi_1"}, "ids", "parameter_unknown"),
        ({"created[since]": "1"}, "created[since]", "parameter_unknown"),
        ({"created": "today"}, "created", "parameter_invalid_integer"),
        ({"expand[]": "data.customer.a.b.c"}, "expand", None),
        ({"expand[]": "data.amount"}, "expand", None),
        ({"expand[]": "data.invoice"}, "expand", None),
        ({"expand[]": "customer"}, "expand", None),
    ],
)
def test_wrong_parameters_are_named(
    http: httpx.Client, bearer: dict[str, str], params: dict[str, Any], param: str, code: str | None
) -> None:
    answer = http.get(INTENTS, params=params, headers=bearer)
    assert answer.status_code == 400
    assert error_of(answer)["type"] == "invalid_request_error"
    assert error_of(answer)["param"] == param
    assert error_of(answer).get("code") == code


def test_both_cursors_at_once(eu: StripeClient, world: World) -> None:
    native_id = world.payments_of("stripe_eu")[0].native_id
    with pytest.raises(stripe.InvalidRequestError, match="Pass only one"):
        eu.v1.payment_intents.list({"starting_after": native_id, "ending_before": native_id})


def test_created_bounds(us: StripeClient, world: World) -> None:
    times = sorted(int(p.created_at.timestamp()) for p in world.payments_of("stripe_us"))
    low, high = times[10], times[20]
    cases: list[tuple[Any, list[int]]] = [
        ({"gte": low, "lte": high}, [t for t in times if low <= t <= high]),
        ({"gt": low, "lt": high}, [t for t in times if low < t < high]),
        (low, [t for t in times if t == low]),
    ]
    for bounds, expected in cases:
        page = us.v1.payment_intents.list({"created": bounds, "limit": 100})
        assert sorted(intent.created for intent in page.data) == expected


def test_filters_by_reference(us: StripeClient, world: World) -> None:
    payment = next(p for p in world.payments_of("stripe_us") if p.customer and len(p.refunds) > 1)
    customer = next(c for c in world.customers if c.key == payment.customer)
    theirs = us.v1.payment_intents.list({"customer": customer.sources["stripe_us"], "limit": 100})
    assert {i.id for i in theirs.data} == {
        p.native_id for p in world.payments_of("stripe_us") if p.customer == customer.key
    }
    refunds = us.v1.refunds.list({"payment_intent": payment.native_id})
    assert {r.id for r in refunds.data} == {r.native_id for r in payment.refunds}
    charges = us.v1.charges.list({"payment_intent": payment.native_id})
    assert [c.payment_intent for c in charges.data] == [payment.native_id]
    entries = us.v1.balance_transactions.list({"source": charges.data[0].id})
    assert [e.type for e in entries.data] == ["charge"]


def test_customers_by_email_are_exact(us: StripeClient) -> None:
    customer = next(c for c in us.v1.customers.list({"limit": 100}).data if c.email)
    email = customer.email or ""
    assert [c.id for c in us.v1.customers.list({"email": email}).data] == [customer.id]
    assert us.v1.customers.list({"email": email.upper()}).data == []


@pytest.mark.parametrize(
    ("path", "param", "message"),
    [
        ("payment_intents/pi_0", "intent", "No such payment_intent: 'pi_0'"),
        ("charges/ch_0", "id", "No such charge: 'ch_0'"),
        ("customers/cus_0", "id", "No such customer: 'cus_0'"),
        ("refunds/re_0", "refund", "No such refund: 're_0'"),
        ("checkout/sessions/cs_0/line_items", "session", "No such checkout.session: 'cs_0'"),
    ],
)
def test_a_missing_object_is_404(
    http: httpx.Client, bearer: dict[str, str], path: str, param: str, message: str
) -> None:
    answer = http.get(f"/stripe/v1/{path}", headers=bearer)
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "resource_missing"
    assert (error_of(answer)["param"], error_of(answer)["message"]) == (param, message)


def test_an_unknown_address_is_404(http: httpx.Client, bearer: dict[str, str]) -> None:
    answer = http.get("/stripe/v1/wishes", headers=bearer)
    assert answer.status_code == 404
    assert error_of(answer)["message"].startswith("Unrecognized request URL (GET: /v1/wishes).")


def test_accounts_do_not_see_each_other(eu: StripeClient, world: World) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        eu.v1.payment_intents.retrieve(world.payments_of("stripe_us")[0].native_id)


def test_expansion_replaces_ids(us: StripeClient, world: World) -> None:
    payment = next(
        p for p in world.payments_of("stripe_us") if p.customer and p.fee and len(p.refunds) > 1
    )
    paths = ["customer", "latest_charge.balance_transaction", "latest_charge.refunds"]
    intent = us.v1.payment_intents.retrieve(payment.native_id, {"expand": paths}).to_dict()
    charge = intent["latest_charge"]
    assert intent["customer"]["object"] == "customer"
    assert charge["balance_transaction"]["fee"] == payment.fee
    assert charge["balance_transaction"]["net"] == payment.captured - (payment.fee or 0)
    refunds = [r["id"] for r in charge["refunds"]["data"]]
    assert refunds == [r.native_id for r in reversed(payment.refunds)]
    plain = us.v1.payment_intents.retrieve(payment.native_id).to_dict()
    assert plain["latest_charge"] == charge["id"]


def test_refunds_are_in_a_charge_only_when_asked_for(us: StripeClient) -> None:
    assert "refunds" not in us.v1.charges.list({"limit": 1}).data[0].to_dict()
    asked = us.v1.charges.list({"limit": 1, "expand": ["data.refunds"]}).data[0].to_dict()
    assert asked["refunds"]["object"] == "list"


def test_four_levels(us: StripeClient, world: World) -> None:
    payment = next(
        p for p in world.payments_of("stripe_us") if p.refunded and p.status == "SUCCEEDED"
    )
    path = "latest_charge.refunds.data.balance_transaction"
    intent = us.v1.payment_intents.retrieve(payment.native_id, {"expand": [path]}).to_dict()
    entries = [r["balance_transaction"] for r in intent["latest_charge"]["refunds"]["data"]]
    assert sum(e["amount"] for e in entries if e) <= -payment.refunded
