"""A payment's sums and state from refunds and disputes that its provider tells apart from it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import Malformed, TimedOut
from connectors.money import Money
from connectors.records import Deduction, DisputeStatus, Payment
from connectors.records import PaymentStatus as P
from connectors.records import RefundStatus as R
from resolvers.index.settling import settled
from tests.resolvers.channel import dispute, payment, refund, told, yuan

LATE = TimedOut("cn", "no answer")


def settle(base: Payment, refunds: Any = (), disputes: Any = (), **entry: Any) -> Payment:
    found = settled(base, told(base, **entry), refunds, disputes)
    assert isinstance(found, Payment)
    return found


@pytest.mark.parametrize(
    ("base", "refunds", "status", "back"),
    [
        (P.SUCCEEDED, [], P.SUCCEEDED, 0),
        (P.SUCCEEDED, [(300, R.SUCCEEDED)], P.PARTIALLY_REFUNDED, 300),
        (P.SUCCEEDED, [(300, R.SUCCEEDED), (700, R.SUCCEEDED)], P.REFUNDED, 1000),
        (P.SUCCEEDED, [(300, R.SUCCEEDED), (700, R.PENDING)], P.PARTIALLY_REFUNDED, 300),
        (P.SUCCEEDED, [(1000, R.FAILED), (1000, R.CANCELED)], P.SUCCEEDED, 0),
        # "Some refund exists": which ones decides, and while none is known nobody can say.
        (P.UNKNOWN, [(1000, R.SUCCEEDED)], P.REFUNDED, 1000),
        (P.UNKNOWN, [(1000, R.PENDING)], P.SUCCEEDED, 0),
        (P.UNKNOWN, [(1000, R.FAILED)], P.SUCCEEDED, 0),
        (P.UNKNOWN, [], P.UNKNOWN, None),
        # What became of a refund is not known: it may have gone back.
        (P.SUCCEEDED, [(300, R.UNKNOWN)], P.UNKNOWN, None),
        (P.SUCCEEDED, [(300, R.SUCCEEDED), (100, R.UNKNOWN)], P.UNKNOWN, None),
        # The provider says itself that all went back, whatever else is known.
        (P.REFUNDED, [(300, R.SUCCEEDED)], P.REFUNDED, None),
        (P.PARTIALLY_REFUNDED, [(300, R.SUCCEEDED)], P.PARTIALLY_REFUNDED, 300),
        (P.PARTIALLY_REFUNDED, [(300, R.FAILED)], P.PARTIALLY_REFUNDED, None),
        (P.AUTHORIZED, [], P.AUTHORIZED, None),
    ],
)
def test_known_refunds_are_summed(
    base: P, refunds: list[tuple[int, R]], status: P, back: int | None
) -> None:
    known = [refund(f"r{n}", fen, status=state) for n, (fen, state) in enumerate(refunds)]
    found = settle(payment("p1", status=base), known)
    assert found.status is status
    assert found.refunded == (None if back is None else yuan(back))


def test_without_money_taken_there_is_nothing_to_refund() -> None:
    found = settle(payment("p1", status=P.PENDING, captured=None))
    assert (found.status, found.refunds, found.refunded) == (P.PENDING, (), None)


@pytest.mark.parametrize("amount", [yuan(1001), yuan(-1), Money(5, "EUR")])
def test_refunds_that_cannot_be_right_make_the_state_unknown(amount: Money) -> None:
    found = settle(payment("p1"), [refund("r1", amount=amount)])
    assert (found.status, found.refunds, found.refunded) == (P.UNKNOWN, None, None)
    assert {type(failure) for failure in (found.failed or {}).values()} == {Malformed}


def test_refunds_that_cannot_be_read_make_the_state_unknown() -> None:
    found = settle(payment("p1"), LATE)
    assert (found.status, found.refunds, found.refunded) == (P.UNKNOWN, None, None)
    assert found.captured == yuan(1000)
    assert found.failed == {"status": LATE, "refunded": LATE}


def test_the_providers_own_word_stands_where_refunds_cannot_be_read() -> None:
    found = settle(payment("p1", status=P.PARTIALLY_REFUNDED), LATE)
    assert (found.status, found.failed) == (P.PARTIALLY_REFUNDED, {"refunded": LATE})


def test_an_open_dispute_decides_whatever_the_refunds_are() -> None:
    found = settle(payment("p1"), LATE, [dispute("d1", DisputeStatus.LOST)])
    assert (found.status, found.failed) == (P.DISPUTED, {"refunded": LATE})


@pytest.mark.parametrize(
    ("status", "held"),
    [
        (DisputeStatus.NEEDS_RESPONSE, True),
        (DisputeStatus.UNDER_REVIEW, True),
        (DisputeStatus.LOST, True),
        (DisputeStatus.WON, False),
        (DisputeStatus.CLOSED, False),
    ],
)
def test_an_open_or_lost_dispute_is_laid_over(status: DisputeStatus, held: bool) -> None:
    found = settle(payment("p1"), [refund("r1", 100)], [dispute("d1", status)])
    assert found.status is (P.DISPUTED if held else P.PARTIALLY_REFUNDED)
    assert found.disputes == (dispute("d1", status),)
    assert found.refunded == yuan(100)


def test_a_dispute_of_unknown_outcome_makes_the_state_unknown() -> None:
    assert settle(payment("p1"), (), [dispute("d1", DisputeStatus.UNKNOWN)]).status is P.UNKNOWN


def test_disputes_that_cannot_be_read_make_the_state_unknown() -> None:
    found = settle(payment("p1"), (), LATE)
    assert (found.status, found.failed) == (P.UNKNOWN, {"status": LATE})


def test_what_the_provider_tells_with_the_payment_is_not_touched() -> None:
    whole = payment("p1", status=P.REFUNDED, refunds=(), disputes=(), refunded=yuan(1000))
    assert settle(whole, [refund("r1")], [dispute("d1")]) == whole


def test_the_fee_of_the_books_completes_the_payment() -> None:
    found = settle(payment("p1"), fee=yuan(6))
    assert (found.fee, found.net) == (yuan(6), yuan(994))


def test_the_net_is_not_guessed_where_others_paid_a_part() -> None:
    coupon = Deduction(kind="coupon", amount=yuan(10))
    found = settle(payment("p1", deductions=(coupon,)), fee=yuan(6))
    assert (found.fee, found.net) == (yuan(6), None)


def test_the_providers_own_fee_stands() -> None:
    assert settle(payment("p1", fee=yuan(7)), fee=yuan(6)).fee == yuan(7)


@pytest.mark.parametrize("amount", [yuan(100_000), yuan(10), Money(1000, "EUR")])
def test_an_amount_that_the_books_tell_otherwise_is_malformed(amount: Money) -> None:
    """Yuan taken for fen, for instance."""
    entry = told(payment("p1"), amount=amount)
    assert isinstance(settled(payment("p1"), entry, (), ()), Malformed)
