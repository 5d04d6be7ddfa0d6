"""Writes to the simulated Stripe: payments, refunds, idempotency and rate limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import stripe
from stripe import StripeClient

from sandbox.server import Server
from sandbox.simulator import Context
from sandbox.stripe import VENDOR
from sandbox.world import Payment, World
from tests.sandbox.conftest import VENDORS, Connect, HandClock, error_of

REFUND = "/stripe/v1/refunds"


def test_a_payment_and_its_refunds(eu: StripeClient) -> None:
    intent = eu.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "eur",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "metadata": {"order_id": "SO-1"},
        }
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    part = eu.v1.refunds.create({"payment_intent": intent.id, "amount": 300, "reason": "duplicate"})
    assert (part.status, part.amount, part.reason) == ("succeeded", 300, "duplicate")
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        eu.v1.refunds.create({"payment_intent": intent.id, "amount": 701})
    rest = eu.v1.refunds.create({"charge": str(intent.latest_charge)})
    assert rest.amount == 700
    charge = eu.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded") as caught:
        eu.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"


def test_a_written_payment_leads_the_list(eu: StripeClient) -> None:
    intent = eu.v1.payment_intents.create({"amount": 500, "currency": "gbp"})
    assert intent.status == "requires_payment_method"
    assert eu.v1.payment_intents.list({"limit": 1}).data[0].id == intent.id


def test_writes_leave_the_truth_alone(eu: StripeClient, http: httpx.Client, world: World) -> None:
    eu.v1.payment_intents.create({"amount": 500, "currency": "gbp"})
    assert http.get("/_sandbox/truth").json() == world.truth()


def test_a_declined_card_is_402(eu: StripeClient) -> None:
    with pytest.raises(stripe.CardError, match="Your card was declined") as caught:
        eu.v1.payment_intents.create(
            {
                "amount": 1000,
                "currency": "eur",
                "confirm": True,
                "payment_method": "pm_card_chargeDeclined",
            }
        )
    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")


def test_capture_and_cancel(eu: StripeClient) -> None:
    params: Any = {
        "amount": 1000,
        "currency": "eur",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "capture_method": "manual",
    }
    held = eu.v1.payment_intents.create(params)
    assert (held.status, held.amount_capturable) == ("requires_capture", 1000)
    taken = eu.v1.payment_intents.capture(held.id, {"amount_to_capture": 800})
    assert (taken.status, taken.amount_received) == ("succeeded", 800)
    with pytest.raises(stripe.InvalidRequestError, match="could not be captured") as caught:
        eu.v1.payment_intents.capture(held.id)
    assert caught.value.code == "payment_intent_unexpected_state"
    other = eu.v1.payment_intents.create(params)
    dropped = eu.v1.payment_intents.cancel(other.id, {"cancellation_reason": "abandoned"})
    assert (dropped.status, dropped.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        eu.v1.refunds.create({"payment_intent": other.id})


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"currency": "eur"}, "Missing required param: amount"),
        ({"amount": 1000}, "Missing required param: currency"),
        ({"amount": 0, "currency": "eur"}, "greater than or equal to 1"),
        ({"amount": 1005, "currency": "kwd"}, "divisible by 10"),
        ({"amount": 1, "currency": "eur", "colour": "red"}, "unknown parameter: colour"),
        ({"amount": 1, "currency": "eur", "customer": "cus_0"}, "No such customer"),
        ({"amount": 1, "currency": "eur", "confirm": True}, "missing a payment method"),
    ],
)
def test_wrong_payments_are_refused(eu: StripeClient, params: Any, match: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=match):
        eu.v1.payment_intents.create(params)


def refund(
    http: httpx.Client, bearer: dict[str, str], key: str, **params: object
) -> httpx.Response:
    return http.post(REFUND, data=params, headers=bearer | {"Idempotency-Key": key})


def test_a_refund_is_made_once_per_key(
    http: httpx.Client, bearer: dict[str, str], eu: StripeClient, paid: Iterator[Payment]
) -> None:
    native_id = next(paid).native_id
    first = refund(http, bearer, "once", payment_intent=native_id, amount=10)
    again = refund(http, bearer, "once", payment_intent=native_id, amount=10)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Idempotency-Key"] == "once"
    assert len(eu.v1.refunds.list({"payment_intent": native_id}).data) == 1


def test_a_key_with_other_parameters_is_refused(eu: StripeClient, paid: Iterator[Payment]) -> None:
    native_id = next(paid).native_id
    options: Any = {"idempotency_key": "mixed"}
    eu.v1.refunds.create({"payment_intent": native_id, "amount": 10}, options)
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as caught:
        eu.v1.refunds.create({"payment_intent": native_id, "amount": 20}, options)
    assert caught.value.http_status == 400


def test_a_refusal_after_the_work_began_is_kept(
    http: httpx.Client, bearer: dict[str, str], paid: Iterator[Payment]
) -> None:
    payment = next(paid)
    too_much = {"payment_intent": payment.native_id, "amount": payment.amount + 10}
    first = refund(http, bearer, "kept", **too_much)
    again = refund(http, bearer, "kept", **too_much)
    assert first.status_code == again.status_code == 400
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_failed_validation_is_not_kept(
    http: httpx.Client, bearer: dict[str, str], paid: Iterator[Payment]
) -> None:
    native_id = next(paid).native_id
    wrong = refund(http, bearer, "typo", payment_intent=native_id, amount="ten")
    right = refund(http, bearer, "typo", payment_intent=native_id, amount=10)
    assert (wrong.status_code, right.status_code) == (400, 200)
    assert "Idempotent-Replayed" not in right.headers


def test_a_key_is_forgotten_after_a_day(
    http: httpx.Client, bearer: dict[str, str], paid: Iterator[Payment], clock: HandClock
) -> None:
    native_id = next(paid).native_id
    first = refund(http, bearer, "day", payment_intent=native_id, amount=10)
    clock.forward(86_401)
    again = refund(http, bearer, "day", payment_intent=native_id, amount=10)
    assert first.json()["id"] != again.json()["id"]


def test_a_key_is_at_most_255_characters(
    http: httpx.Client, bearer: dict[str, str], paid: Iterator[Payment]
) -> None:
    native_id = next(paid).native_id
    assert refund(http, bearer, "k" * 256, payment_intent=native_id).status_code == 400


def test_two_requests_at_once_under_one_key(world: World) -> None:
    context = Context("http://stripe.test", rate_limits=False)
    key = VENDOR.credentials(context)["stripe_eu"]["key"]
    transport = httpx.ASGITransport(app=VENDOR.app(world, context))
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "both"}

    async def both() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url=context.origin) as client:
            calls = [
                client.post("/v1/customers", data={"name": "A"}, headers=headers) for _ in "ab"
            ]
            return list(await asyncio.gather(*calls))

    answers = sorted(asyncio.run(both()), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    assert error_of(answers[1])["code"] == "idempotency_key_in_use"


@pytest.fixture
def limited(world: World, clock: HandClock) -> Iterator[Server]:
    with Server(world, VENDORS, rate_limits=True, clock=clock) as running:
        yield running


def statuses(origin: str, path: str, key: str, count: int) -> list[int]:
    with httpx.Client(base_url=origin, headers={"Authorization": f"Bearer {key}"}) as client:
        return [client.get(path).status_code for _ in range(count)]


def test_a_hundred_reads_a_second(
    limited: Server, connect: Connect, keys: dict[str, str], clock: HandClock
) -> None:
    path, key = "/stripe/v1/balance", keys["stripe_eu"]
    assert statuses(limited.origin, path, key, 102) == [200] * 100 + [429] * 2
    with pytest.raises(stripe.RateLimitError) as caught:
        connect(key, limited.origin).v1.balance.retrieve()
    assert caught.value.headers is not None
    assert caught.value.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert "Retry-After" not in caught.value.headers
    assert statuses(limited.origin, path, keys["stripe_us"], 1) == [200]
    clock.forward(1)
    assert statuses(limited.origin, path, key, 1) == [200]


def test_twenty_searches_a_second(limited: Server, keys: dict[str, str]) -> None:
    path = "/stripe/v1/customers/search?" + urlencode({"query": 'name:"x"'})
    assert statuses(limited.origin, path, keys["stripe_eu"], 21) == [200] * 20 + [429]
