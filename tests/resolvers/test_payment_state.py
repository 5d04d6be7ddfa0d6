"""What live payments say about an order, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import NotReady, Retryable, Undecided
from connectors.money import Money
from connectors.records import OrderState, Payment, PaymentStatus
from resolvers.payment_state import (
    AGREEMENT,
    OrderPaymentState,
    balance_due,
    captured,
    in_sync,
    payment_state,
    refunded,
)
from tests.resolvers.fakes import order, payment


def eur(minor_units: int) -> Money:
    return Money(minor_units, "EUR")


def paid(taken: int | None, back: int | None = None, **more: Any) -> Payment:
    """A payment of which so much was captured and went back."""
    amounts = {
        "captured": None if taken is None else eur(taken),
        "refunded": None if back is None else eur(back),
    }
    return payment("p1", **{**amounts, **more})


DISPUTED, UNKNOWN = PaymentStatus.DISPUTED, PaymentStatus.UNKNOWN
STATE = OrderPaymentState
CASES: list[tuple[int | None, list[Payment], OrderPaymentState]] = [
    (1000, [], STATE.UNPAID),
    (1000, [paid(None)], STATE.UNPAID),
    (1000, [paid(0)], STATE.UNPAID),
    (1000, [paid(0, 0)], STATE.UNPAID),
    (1000, [paid(999)], STATE.PARTIALLY_PAID),
    (1000, [paid(400), paid(599)], STATE.PARTIALLY_PAID),
    (1000, [paid(1000)], STATE.PAID),
    (1000, [paid(1000, 0)], STATE.PAID),
    (1000, [paid(400), paid(600)], STATE.PAID),
    (1000, [paid(None), paid(1000)], STATE.PAID),
    (1000, [paid(1001)], STATE.OVERPAID),
    (1000, [paid(1000), paid(1000)], STATE.OVERPAID),
    (1000, [paid(1000, 1)], STATE.PARTIALLY_REFUNDED),
    (1000, [paid(500, 1)], STATE.PARTIALLY_REFUNDED),
    (1000, [paid(1000), paid(1000, 1000)], STATE.PARTIALLY_REFUNDED),
    (1000, [paid(1000, 1000)], STATE.REFUNDED),
    (1000, [paid(500, 500)], STATE.REFUNDED),
    (1000, [paid(400, 400), paid(600, 600)], STATE.REFUNDED),
    (1000, [paid(1000, status=DISPUTED)], STATE.DISPUTED),
    (1000, [paid(1000, 1000), paid(1, status=DISPUTED)], STATE.DISPUTED),
    (None, [paid(1, status=DISPUTED)], STATE.DISPUTED),
    (1000, [paid(1000, status=UNKNOWN)], STATE.UNKNOWN),
    (1000, [paid(1000), paid(None, status=UNKNOWN)], STATE.UNKNOWN),
    (1000, [paid(1000, captured=Money(1000, "USD"))], STATE.UNKNOWN),
    (1000, [paid(1000), paid(0, captured=Money(1, "USD"))], STATE.UNKNOWN),
    (1000, [paid(1000), paid(0, captured=Money(0, "USD"))], STATE.PAID),
    (None, [paid(1000)], STATE.UNKNOWN),
    (None, [], STATE.UNKNOWN),
    (0, [], STATE.PAID),
    (0, [paid(None)], STATE.PAID),
    (0, [paid(0, captured=Money(0, "USD"))], STATE.PAID),
    (0, [paid(1)], STATE.OVERPAID),
    (0, [paid(1, 1)], STATE.REFUNDED),
    (0, [paid(0, captured=Money(1, "USD"))], STATE.UNKNOWN),
    (0, [paid(None, status=UNKNOWN)], STATE.UNKNOWN),
    (-1000, [], STATE.UNKNOWN),
    (-1000, [paid(1000)], STATE.UNKNOWN),
]


@pytest.mark.parametrize(("total", "payments", "state"), CASES)
def test_the_state_of_an_order(
    total: int | None, payments: list[Payment], state: OrderPaymentState
) -> None:
    asked = order("1", total=None if total is None else eur(total))
    assert payment_state(asked, payments) is state


@pytest.mark.parametrize(
    ("recorded", "live", "agrees"),
    [
        (OrderState.PAID, STATE.PAID, True),
        (OrderState.PAID, STATE.UNPAID, False),
        (OrderState.PAID, STATE.OVERPAID, False),
        (OrderState.PAID, STATE.DISPUTED, False),
        (OrderState.FULFILLED, STATE.PAID, True),
        (OrderState.DRAFT, STATE.UNPAID, True),
        (OrderState.PENDING_PAYMENT, STATE.PARTIALLY_PAID, False),
        (OrderState.CANCELED, STATE.REFUNDED, True),
        (OrderState.CANCELED, STATE.UNPAID, True),
        (OrderState.CANCELED, STATE.PAID, False),
        (OrderState.REFUNDED, STATE.PARTIALLY_REFUNDED, False),
        (OrderState.PAID, STATE.UNKNOWN, None),
        (OrderState.UNKNOWN, STATE.PAID, None),
        (OrderState.UNKNOWN, STATE.UNKNOWN, None),
    ],
)
def test_whether_the_crm_is_right(
    recorded: OrderState, live: OrderPaymentState, agrees: bool | None
) -> None:
    assert in_sync(order("1", total=eur(1000), recorded_state=recorded), live) is agrees


@pytest.mark.parametrize(
    ("recorded", "agrees"),
    [
        (OrderState.PAID, True),
        (OrderState.FULFILLED, True),
        (OrderState.DRAFT, True),
        (OrderState.CANCELED, True),
        (OrderState.PENDING_PAYMENT, False),
        (OrderState.REFUNDED, False),
        (OrderState.UNKNOWN, None),
    ],
)
def test_an_order_of_nothing_is_paid_and_awaits_no_payment(
    recorded: OrderState, agrees: bool | None
) -> None:
    free = order("1", total=eur(0), recorded_state=recorded)
    assert in_sync(free, payment_state(free, [])) is agrees


def test_a_draft_whose_nothing_was_overpaid_is_out_of_step() -> None:
    free = order("1", total=eur(0), recorded_state=OrderState.DRAFT)
    assert in_sync(free, payment_state(free, [paid(5)])) is False


def test_every_word_of_a_crm_is_judged_but_unknown() -> None:
    assert set(OrderState) - set(AGREEMENT) == {OrderState.UNKNOWN}


def test_sums_count_one_currency_and_skip_what_is_not_known() -> None:
    payments = [
        paid(1000, 10),
        paid(None, None),
        paid(0, captured=Money(5, "USD"), refunded=Money(3, "USD")),
    ]
    assert (captured(payments, "EUR"), refunded(payments, "EUR")) == (eur(1000), eur(10))
    assert (captured(payments, "USD"), refunded(payments, "USD")) == (
        Money(5, "USD"),
        Money(3, "USD"),
    )
    assert captured([], "JPY") == Money(0, "JPY")


@pytest.mark.parametrize(
    ("total", "taken", "due"), [(10, 0, 10), (10, 4, 6), (10, 10, 0), (9, 10, 0), (0, 0, 0)]
)
def test_what_is_still_due(total: int, taken: int, due: int) -> None:
    assert balance_due(eur(total), eur(taken)) == eur(due)


DOWN = Retryable("eu", "down")


def test_a_sum_that_a_payment_leaves_open_raises_why() -> None:
    undocumented = paid(None, status=UNKNOWN)
    for add in (captured, refunded):
        with pytest.raises(Undecided) as raised:
            add([paid(1000), undocumented], "EUR")
        assert raised.value.source == "eu"
    with pytest.raises(NotReady):
        refunded([paid(1000, status=PaymentStatus.PARTIALLY_REFUNDED)], "EUR")


def test_a_sum_raises_the_failure_of_the_call_that_would_have_told_it() -> None:
    failed = paid(1000, status=UNKNOWN, failed={"status": DOWN, "refunded": DOWN})
    assert captured([failed], "EUR") == eur(1000)
    with pytest.raises(Retryable) as raised:
        refunded([failed], "EUR")
    assert raised.value is DOWN


def test_a_state_raises_the_failure_that_leaves_it_open() -> None:
    failed = paid(1000, 0, status=UNKNOWN, failed={"status": DOWN})
    asked = order("1", total=eur(1000))
    with pytest.raises(Retryable):
        payment_state(asked, [failed])
    # A dispute decides, whatever the other payments are.
    assert payment_state(asked, [failed, paid(1, status=DISPUTED)]) is STATE.DISPUTED
