"""What an id leads to, with PayPal's answers written out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import pytest

from connectors.errors import (
    Malformed,
    Misconfigured,
    NotFound,
    Rejected,
    SourceError,
    Superseded,
)
from connectors.money import Money
from connectors.paypal import VENDOR
from connectors.paypal.errors import Forbidden, NotOurs
from connectors.paypal.settings import PaypalSettings
from connectors.records import PaymentStatus, Source
from connectors.secret import Secret
from connectors.transport import Request, Response
from connectors.vendor import Wiring

pytestmark = pytest.mark.anyio
ORDER, HELD, FIRST, SECOND = (f"{noun}0000000000" for noun in ("ORDER", "HELD", "FIRST", "SECOND"))
CAPTURES, AUTHORIZATIONS = "/v2/payments/captures/", "/v2/payments/authorizations/"
ORDERS, DISPUTES = "/v2/checkout/orders/", "/v1/customer/disputes"
Answers = Mapping[str, dict[str, Any] | SourceError]


def usd(value: str) -> dict[str, str]:
    return {"currency_code": "USD", "value": value}


def row(native_id: str, status: str = "COMPLETED", order: str | None = ORDER, **more: Any) -> Any:
    related = {"supplementary_data": {"related_ids": {"order_id": order}}} if order else {}
    made = {"id": native_id, "status": status, "amount": usd("10.00")}
    return {**made, "create_time": "2026-01-01T00:00:00Z", **related, **more}


def whole(*captures: Any, held: Any = (), refunds: Any = ()) -> Any:
    payments = {"captures": captures, "authorizations": held, "refunds": refunds}
    return {"id": ORDER, "purchase_units": [{"payments": payments}]}


class Script:
    """A transport that knows some addresses and nothing else."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def send(self, request: Request) -> Response:
        self.asked.append(request.path)
        answer = self.answers.get(request.path, NotFound("paypal", "there is no such object"))
        if isinstance(answer, SourceError):
            raise answer
        return Response(200, {}, msgspec.json.encode(answer))

    async def download(self, request: Request, sink: BinaryIO, most: int = 0) -> Response:
        raise AssertionError("PayPal has nothing to download")

    async def aclose(self) -> None:
        """Nothing is open."""


def connected_to(answers: Answers, **more: Any) -> tuple[Any, Script]:
    script = Script(answers)
    source = Source("paypal", "paypal", VENDOR.kind)
    wiring = Wiring(source, lambda *_: script, lambda: datetime(2026, 2, 1, tzinfo=UTC))
    own = PaypalSettings(vendor="paypal", client_id="A", client_secret=Secret("E"), **more)
    return VENDOR.connect(wiring, own), script


async def found(answers: Answers, asked: str, **more: Any) -> Any:
    connector, _ = connected_to(answers, **more)
    return (await connector.payments([asked])).get(asked)


async def test_a_captured_authorization_leads_to_its_capture() -> None:
    answers = {
        AUTHORIZATIONS + HELD: row(HELD, "CAPTURED"),
        ORDERS + ORDER: whole(row(FIRST), held=[row(HELD, "CAPTURED")]),
    }
    payment = await found(answers, HELD)
    assert (payment.native_id, payment.status) == (FIRST, PaymentStatus.SUCCEEDED)


@pytest.mark.parametrize(
    "answers",
    [
        {
            AUTHORIZATIONS + HELD: row(HELD, "PARTIALLY_CAPTURED"),
            ORDERS + ORDER: whole(row(FIRST), row(SECOND)),
        },
        {
            AUTHORIZATIONS + HELD: row(HELD, "CAPTURED"),
            ORDERS + ORDER: whole(held=[row(HELD, "CAPTURED")]),
        },
        {AUTHORIZATIONS + HELD: row(HELD, "CAPTURED")},
        {AUTHORIZATIONS + HELD: row(HELD, "CAPTURED", None)},
    ],
)
async def test_an_authorization_lives_on_as_its_captures(answers: Answers) -> None:
    """Several captures, or an order that does not say which: each is in the books by itself."""
    connector, _ = connected_to(answers)
    for told in (await connector.payments([HELD]), await connector.refunds_by_payment([HELD])):
        assert isinstance(told[HELD], Superseded)
        assert "lives on as its captures" in told[HELD].detail


@pytest.mark.parametrize(
    "order",
    [
        whole(row(FIRST), row(SECOND)),
        whole(held=[row(FIRST, "CREATED"), row(SECOND, "CREATED")]),
    ],
)
async def test_an_order_of_several_payments_does_not_say_which(order: Any) -> None:
    error = await found({ORDERS + ORDER: order}, ORDER)
    assert isinstance(error, Superseded)
    assert "name one of them" in error.detail


async def test_an_answer_about_something_else_is_malformed() -> None:
    dispute = {
        "dispute_id": "PP-D-2",
        "status": "OPEN",
        "create_time": "2026-01-01T00:00:00Z",
        "dispute_amount": usd("10.00"),
    }
    answers: Answers = {
        CAPTURES + FIRST: row(SECOND),
        AUTHORIZATIONS + HELD: row(FIRST, "CREATED"),
        ORDERS + ORDER: {**whole(row(FIRST)), "id": "ANOTHER0000000"},
        "/v2/payments/refunds/REFUND0000000": row("OTHER0000000"),
        f"{DISPUTES}/PP-D-1": dispute,
        CAPTURES + SECOND: row(SECOND, "REFUNDED"),
    }
    connector, _ = connected_to(answers)
    told = {
        **await connector.payments([FIRST, HELD, ORDER, SECOND]),
        **await connector.refunds(["REFUND0000000"]),
        **await connector.disputes(["PP-D-1"]),
    }
    assert len(told) == 6
    assert {type(error) for error in told.values()} == {Malformed}
    assert {error.detail for error in told.values()} == {"the answer is about another object"}


async def test_a_capture_that_stands_twice_is_one() -> None:
    payment = await found({ORDERS + ORDER: whole(row(FIRST), row(FIRST))}, ORDER)
    assert payment.native_id == FIRST


async def test_an_order_that_is_held_leads_to_its_authorization() -> None:
    payment = await found({ORDERS + ORDER: whole(held=[row(HELD, "CREATED")])}, ORDER)
    assert (payment.native_id, payment.status) == (HELD, PaymentStatus.AUTHORIZED)


@pytest.mark.parametrize("word", ["VOIDED", "EXPIRED"])
async def test_what_was_captured_before_an_authorization_ended_is_its_payment(word: str) -> None:
    part = row(FIRST, amount=usd("4.00"))
    held = row(HELD, word)
    answers = {AUTHORIZATIONS + HELD: held, ORDERS + ORDER: whole(part, held=[held])}
    connector, script = connected_to(answers)
    payment = (await connector.payments([HELD]))[HELD]
    assert (payment.native_id, payment.captured) == (FIRST, Money(400, "USD"))
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    "order", [whole(held=[row(HELD, "VOIDED")]), whole(row(FIRST), held=[row(HELD), row(SECOND)])]
)
async def test_an_authorization_that_ended_before_any_capture_is_canceled(order: Any) -> None:
    """What another authorization of the order became is not this one's."""
    payment = await found({AUTHORIZATIONS + HELD: row(HELD, "VOIDED"), ORDERS + ORDER: order}, HELD)
    assert (payment.native_id, payment.status) == (HELD, PaymentStatus.CANCELED)
    assert payment.captured == Money(0, "USD")


async def test_an_order_that_nobody_paid_has_no_payment() -> None:
    assert await found({ORDERS + ORDER: {"id": ORDER, "status": "APPROVED"}}, ORDER) is None
    assert await found({ORDERS + ORDER: whole(held=[row(HELD, "CAPTURED")])}, ORDER) is None


async def test_the_order_is_read_only_where_it_is_wanted() -> None:
    answers = {
        CAPTURES + FIRST: row(FIRST),
        CAPTURES + SECOND: row(SECOND, "REFUNDED"),
        ORDERS + ORDER: whole(row(FIRST), row(SECOND)),
    }
    connector, script = connected_to(answers)
    await connector.payments([FIRST])
    assert script.asked == [CAPTURES + FIRST]
    await connector.payments([SECOND])
    assert script.asked[1:] == [CAPTURES + SECOND, ORDERS + ORDER]
    connector, script = connected_to(answers, read_orders=True)
    await connector.payments([FIRST])
    assert script.asked == [CAPTURES + FIRST, ORDERS + ORDER]


@pytest.mark.parametrize("order", [ORDER, None])
async def test_without_its_order_a_refunded_payment_says_only_so(order: str | None) -> None:
    """The order is not named, or PayPal has forgotten it."""
    answers = {
        CAPTURES + FIRST: row(FIRST, "PARTIALLY_REFUNDED", order),
        CAPTURES + SECOND: row(SECOND, order=order),
    }
    payment = await found(answers, FIRST)
    assert payment.status is PaymentStatus.PARTIALLY_REFUNDED
    assert (payment.captured, payment.refunded) == (Money(1000, "USD"), None)
    connector, _ = connected_to(answers)
    refunds = await connector.refunds_by_payment([FIRST, SECOND])
    assert isinstance(refunds[FIRST], Rejected)
    assert refunds[SECOND] == ()


NAMELESS = row("REFUND0000000", "COMPLETED", None, amount=usd("4.00"), links=[])


@pytest.mark.parametrize(
    ("word", "order"),
    [
        # Refunded on PayPal's own pages, in all or in part.
        ("REFUNDED", whole(row(FIRST))),
        ("REFUNDED", whole(row(FIRST), refunds=[NAMELESS])),
        ("PARTIALLY_REFUNDED", whole(row(FIRST))),
        # Of two captures, and it does not say of which.
        ("PARTIALLY_REFUNDED", whole(row(FIRST), row(SECOND), refunds=[NAMELESS])),
        ("COMPLETED", whole(row(FIRST), row(SECOND), refunds=[NAMELESS])),
        ("COMPLETED", whole(row(SECOND), refunds=[NAMELESS])),
    ],
)
async def test_an_order_that_does_not_list_all_refunds_is_not_taken_for_all(
    word: str, order: Any
) -> None:
    answers = {CAPTURES + FIRST: row(FIRST, word), ORDERS + ORDER: order}
    connector, _ = connected_to(answers, read_orders=True)
    refunds = (await connector.refunds_by_payment([FIRST]))[FIRST]
    assert isinstance(refunds, Rejected)
    assert refunds.detail == "PayPal has no order that lists all refunds of this payment"
    payment = (await connector.payments([FIRST]))[FIRST]
    assert payment.refunds is None
    assert (
        payment.refunded
        == {
            "REFUNDED": Money(1000, "USD"),
            "PARTIALLY_REFUNDED": None,
            "COMPLETED": Money(0, "USD"),
        }[word]
    )


async def test_a_refund_of_the_only_capture_needs_no_name() -> None:
    answers = {
        CAPTURES + FIRST: row(FIRST, "PARTIALLY_REFUNDED"),
        ORDERS + ORDER: whole(row(FIRST), refunds=[NAMELESS]),
    }
    connector, _ = connected_to(answers)
    (refund,) = (await connector.refunds_by_payment([FIRST]))[FIRST]
    assert (refund.payment_id, refund.amount) == (FIRST, Money(400, "USD"))


async def test_an_authorization_has_no_refunds() -> None:
    connector, _ = connected_to({AUTHORIZATIONS + HELD: row(HELD, "CREATED")})
    assert await connector.refunds_by_payment([HELD]) == {HELD: ()}


async def test_one_key_that_does_not_fit_leaves_the_others_alone() -> None:
    refund = row("REFUND0000000", "COMPLETED", None, amount=usd("10.01"))
    answers = {
        CAPTURES + FIRST: row(FIRST, amount={"currency_code": "JPY", "value": "10.50"}),
        CAPTURES + SECOND: row(SECOND),
        CAPTURES + "BIG000000000": row("BIG000000000", "REFUNDED"),
        ORDERS + ORDER: whole(row("BIG000000000"), refunds=[refund]),
    }
    connector, _ = connected_to(answers)
    told = await connector.payments([FIRST, SECOND, "BIG000000000"])
    assert isinstance(told[FIRST], Malformed)
    assert told[SECOND].amount == Money(1000, "USD")
    assert told["BIG000000000"].detail == "a refund larger than its payment"


async def test_what_is_not_ours_is_an_error_of_its_key() -> None:
    answers: Answers = {
        CAPTURES + FIRST: NotOurs("paypal", "no", status=403),
        f"{DISPUTES}/PP-D-1": NotOurs("paypal", "no", status=403),
        f"{DISPUTES}/PP-D-2": Forbidden("paypal", "no", status=403),
    }
    connector, _ = connected_to(answers)
    assert isinstance((await connector.payments([FIRST]))[FIRST], NotOurs)
    disputes = await connector.disputes(["PP-D-1", "PP-D-2"])
    assert [type(error) for error in disputes.values()] == [NotOurs, Misconfigured]


async def test_a_dispute_that_fails_fails_its_payments_disputes() -> None:
    answers: Answers = {
        DISPUTES: {"items": [{"dispute_id": "PP-D-1"}]},
        f"{DISPUTES}/PP-D-1": Malformed("paypal", "broken"),
    }
    connector, _ = connected_to(answers)
    assert isinstance((await connector.disputes_by_payment([FIRST]))[FIRST], Malformed)


async def test_a_dispute_that_names_no_payment_is_of_the_one_that_was_asked() -> None:
    dispute = {
        "dispute_id": "PP-D-1",
        "status": "OPEN",
        "create_time": "2026-01-01T00:00:00Z",
        "dispute_amount": usd("10.00"),
    }
    answers: Answers = {
        DISPUTES: {"items": [{"dispute_id": "PP-D-1"}]},
        f"{DISPUTES}/PP-D-1": dispute,
    }
    connector, _ = connected_to(answers)
    (told,) = (await connector.disputes_by_payment([FIRST]))[FIRST]
    assert told.payment_id == FIRST
