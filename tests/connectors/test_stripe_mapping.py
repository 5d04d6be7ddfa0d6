"""Stripe's objects, as its API reference shows them, and the records they become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.currency import UnknownCurrency
from connectors.money import InexactAmount, Money
from connectors.records import (
    CustomerKind,
    DisputeStatus,
    ExternalId,
    Failure,
    InstalmentPlan,
    Order,
    OrderState,
    Payment,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    RefundStatus,
    Source,
    SourceKind,
)
from connectors.stripe import mapping, payloads

SOURCE = Source("stripe_eu", "stripe", SourceKind.PAYMENTS)
AT = datetime(2026, 1, 1, tzinfo=UTC)
UNIX = 1767225600
KEY = "order_id"

CARD: dict[str, Any] = {"brand": "visa", "last4": "4242", "wallet": None, "installments": None}
BALANCE = {"id": "txn_1", "currency": "usd", "fee": 62, "net": 1037}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "amount": 100,
    "currency": "usd",
    "created": UNIX + 3600,
    "status": "succeeded",
    "reason": None,
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "metadata": {},
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "amount": 1099,
    "amount_captured": 1099,
    "amount_refunded": 0,
    "balance_transaction": BALANCE,
    "captured": True,
    "created": UNIX + 3,
    "currency": "usd",
    "customer": "cus_1",
    "disputed": False,
    "failure_code": None,
    "payment_intent": "pi_1",
    "payment_method_details": {"type": "card", "card": CARD},
    "refunded": False,
    "refunds": {"object": "list", "data": [], "has_more": False},
    "status": "succeeded",
}
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "amount": 1099,
    "amount_received": 1099,
    "currency": "usd",
    "status": "succeeded",
    "created": UNIX,
    "customer": "cus_1",
    "last_payment_error": None,
    "payment_method_types": ["card"],
    "metadata": {"order_id": "6735", "channel": "web"},
}
DISPUTE: dict[str, Any] = {
    "id": "dp_1",
    "amount": 1099,
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "created": UNIX + 9,
    "currency": "usd",
    "evidence_details": {"due_by": UNIX + 99},
    "reason": "fraudulent",
    "status": "needs_response",
}
SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "amount_total": 1099,
    "client_reference_id": "6735",
    "created": UNIX,
    "currency": "usd",
    "customer": None,
    "line_items": {
        "data": [
            {
                "id": "li_1",
                "amount_total": 1099,
                "currency": "usd",
                "description": "T-shirt",
                "quantity": 1,
                "price": {"currency": "usd", "unit_amount": 1099, "lookup_key": "SHIRT"},
            }
        ],
        "has_more": False,
    },
    "metadata": {},
    "payment_intent": "pi_1",
    "payment_status": "paid",
    "status": "complete",
}


def dispute(**changes: Any) -> payloads.Dispute:
    return msgspec.convert({**DISPUTE, **changes}, payloads.Dispute)


def paid(
    charge: dict[str, Any] | None = None,
    disputes: tuple[payloads.Dispute, ...] | None = (),
    **changes: Any,
) -> Payment:
    """The payment of the intent above with other values, and other values of its charge."""
    whole = {**INTENT, "latest_charge": {**CHARGE, **(charge or {})}, **changes}
    return mapping.payment(SOURCE, msgspec.convert(whole, payloads.Intent), disputes, KEY)


def refunds(*changes: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    rows = [{**REFUND, "id": f"re_{i}", **change} for i, change in enumerate(changes)]
    return {"object": "list", "data": rows, "has_more": has_more}


def ordered(invoiced: tuple[str, ...] | None = None, **changes: Any) -> Order:
    row = msgspec.convert({**SESSION, **changes}, payloads.Session)
    order = mapping.order(SOURCE, row, invoiced)
    assert order is not None
    return order


def test_a_plain_payment() -> None:
    payment = paid()
    assert (payment.native_id, payment.created_at) == ("pi_1", AT)
    assert (payment.status, payment.provider_status) == (PaymentStatus.SUCCEEDED, "succeeded")
    assert payment.amount == payment.captured == Money(1099, "USD")
    assert payment.refunded == Money(0, "USD")
    assert (payment.fee, payment.net) == (Money(62, "USD"), Money(1037, "USD"))
    assert (payment.reference, payment.custom_fields) == ("6735", {"channel": "web"})
    assert payment.paid_at == AT + timedelta(seconds=3)
    assert (payment.refunds, payment.disputes, payment.customer_id) == ((), (), "cus_1")


@pytest.mark.parametrize(
    ("wire", "currency", "minor"),
    [
        (1099, "usd", 1099),
        (500, "jpy", 500),
        (1500, "kwd", 1500),
        (50000, "isk", 500),
        (50000, "ugx", 500),
        (500, "mga", 50000),
        (500, "hrk", 500),
        (500, "byr", 500),
        (-100, "eur", -100),
    ],
)
def test_amounts_are_in_our_minor_units(wire: int, currency: str, minor: int) -> None:
    assert mapping.money(wire, currency) == Money(minor, currency.upper())


@pytest.mark.parametrize(
    ("wire", "currency", "error"),
    [
        (50001, "isk", InexactAmount),
        (2**63, "usd", InexactAmount),
        (1, "xxx", UnknownCurrency),
        (1, "", UnknownCurrency),
    ],
)
def test_amounts_that_cannot_be(wire: int, currency: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        mapping.money(wire, currency)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("requires_payment_method", PaymentStatus.PENDING),
        ("requires_confirmation", PaymentStatus.PENDING),
        ("requires_action", PaymentStatus.REQUIRES_ACTION),
        ("processing", PaymentStatus.PENDING),
        ("requires_capture", PaymentStatus.AUTHORIZED),
        ("canceled", PaymentStatus.CANCELED),
        ("partially_funded", PaymentStatus.UNKNOWN),
    ],
)
def test_a_status_without_a_charge(word: str, status: PaymentStatus) -> None:
    payment = paid(status=word, latest_charge=None, amount_received=0)
    assert (payment.status, payment.provider_status) == (status, word)
    assert (payment.captured, payment.paid_at) == (Money(0, "USD"), None)
    assert (payment.refunds, payment.disputes) == ((), ())
    assert payment.channel is PaymentChannel.CARD


def test_a_declined_payment_failed_with_the_banks_code() -> None:
    payment = paid(
        {"status": "failed", "captured": False, "amount_captured": 0},
        status="requires_payment_method",
        last_payment_error={"code": "card_declined", "decline_code": "insufficient_funds"},
    )
    assert payment.status is PaymentStatus.FAILED
    assert payment.failure == Failure(code="insufficient_funds")
    assert payment.captured == Money(0, "USD")


def test_a_pending_bank_debit_has_captured_nothing_yet() -> None:
    payment = paid({"status": "pending"}, status="processing")
    assert (payment.status, payment.captured) == (PaymentStatus.PENDING, Money(0, "USD"))


@pytest.mark.parametrize(
    ("rows", "status", "refunded"),
    [
        (({},), PaymentStatus.PARTIALLY_REFUNDED, 100),
        (({"amount": 1000}, {"amount": 99}), PaymentStatus.REFUNDED, 1099),
        (({"status": "pending"},), PaymentStatus.SUCCEEDED, 0),
        (({"status": "failed"}, {"status": "canceled"}), PaymentStatus.SUCCEEDED, 0),
    ],
)
def test_only_refunds_that_succeeded_count(
    rows: tuple[dict[str, Any], ...], status: PaymentStatus, refunded: int
) -> None:
    # Stripe counts pending ones in `amount_refunded`.
    payment = paid({"amount_refunded": 999, "refunds": refunds(*rows)})
    assert (payment.status, payment.refunded) == (status, Money(refunded, "USD"))
    assert [r.payment_id for r in payment.refunds or ()] == ["pi_1"] * len(rows)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "odd"},
        {"refunds": refunds({}, {"status": None})},
        {"refunds": refunds({"status": "odd"})},
    ],
)
def test_a_status_that_is_not_known_leaves_open_how_much_was_kept(changes: dict[str, Any]) -> None:
    payment = paid({"amount_refunded": 999, **changes})
    told = (payment.status, payment.captured, payment.refunded)
    assert told == (PaymentStatus.UNKNOWN, None, None)
    assert payment.amount == Money(1099, "USD")


@pytest.mark.parametrize("told", [None, refunds({}, has_more=True)])
def test_without_all_refunds_the_charge_tells_the_sum(told: Any) -> None:
    payment = paid({"amount_refunded": 300, "refunds": told})
    assert (payment.refunded, payment.refunds) == (Money(300, "USD"), None)


def test_an_authorisation_that_was_let_go_is_canceled() -> None:
    let_go = {"captured": False, "amount_captured": 0, "refunded": True, "amount_refunded": 1099}
    row = {"amount": 1099, "reason": "expired_uncaptured_charge"}
    payment = paid({**let_go, "refunds": refunds(row)}, status="requires_capture")
    assert (payment.status, payment.refunded) == (PaymentStatus.CANCELED, Money(0, "USD"))


RELEASE = {"balance_transaction": None}
MOVED = {"balance_transaction": "txn_2"}


@pytest.mark.parametrize(
    ("amounts", "rows", "status", "refunded", "words"),
    [
        ((20675, 20300, 375), [{"amount": 375, **RELEASE}], "SUCCEEDED", 0, ["CANCELED"]),
        ((1099, 100, 999), [{"amount": 999, **RELEASE}], "SUCCEEDED", 0, ["CANCELED"]),
        ((1099, 1000, 99), [], "SUCCEEDED", 0, []),
        (
            (1099, 1000, 199),
            [{"amount": 100, **MOVED}, {"amount": 99, **RELEASE}],
            "PARTIALLY_REFUNDED",
            100,
            ["SUCCEEDED", "CANCELED"],
        ),
        # A refund of as much as was let go is told from it by its movement.
        (
            (1000, 500, 1000),
            [{"amount": 500, **MOVED}, {"amount": 500, **RELEASE}],
            "REFUNDED",
            500,
            ["SUCCEEDED", "CANCELED"],
        ),
        # The release is counted and not listed.
        ((1099, 1000, 199), [{"amount": 100, **MOVED}], "PARTIALLY_REFUNDED", 100, ["SUCCEEDED"]),
        # More may still be captured: nothing was let go yet.
        ((1000, 300, 100), [{"amount": 100, **MOVED}], "PARTIALLY_REFUNDED", 100, ["SUCCEEDED"]),
    ],
)
def test_what_was_never_captured_is_no_refund(
    amounts: tuple[int, int, int],
    rows: list[dict[str, Any]],
    status: str,
    refunded: int,
    words: list[str],
) -> None:
    names = ("amount", "amount_captured", "amount_refunded")
    charge = dict(zip(names, amounts, strict=True))
    payment = paid({**charge, "refunds": refunds(*rows)}, amount=amounts[0])
    assert (payment.amount, payment.captured) == (
        Money(amounts[0], "USD"),
        Money(amounts[1], "USD"),
    )
    assert (payment.status.value, payment.refunded) == (status, Money(refunded, "USD"))
    assert [r.status.value for r in payment.refunds or ()] == words


def test_without_the_list_of_refunds_what_was_never_captured_is_not_counted() -> None:
    told = {"amount": 1099, "amount_captured": 1000, "amount_refunded": 199, "refunds": None}
    assert paid(told).refunded == Money(100, "USD")


def test_an_expired_authorization_gave_nothing_back() -> None:
    let_go = {"captured": False, "amount_captured": 0, "refunded": True, "amount_refunded": 1099}
    row = {"amount": 1099, "reason": "expired_uncaptured_charge"}
    payment = paid({**let_go, "refunds": refunds(row)}, status="canceled", amount_received=0)
    assert (payment.status, payment.refunded) == (PaymentStatus.CANCELED, Money(0, "USD"))
    assert [r.status for r in payment.refunds or ()] == [RefundStatus.CANCELED]


@pytest.mark.parametrize(
    ("row", "charge", "status"),
    [
        ({"reason": "expired_uncaptured_charge"}, "ch_1", RefundStatus.CANCELED),
        ({}, {**CHARGE, "captured": False, "amount_captured": 0}, RefundStatus.CANCELED),
        ({}, {**CHARGE, "amount_captured": 999, "amount_refunded": 100}, RefundStatus.CANCELED),
        ({}, {**CHARGE, "amount_refunded": 100}, RefundStatus.SUCCEEDED),
        ({}, "ch_1", RefundStatus.SUCCEEDED),
    ],
)
def test_a_refund_on_its_own_is_told_from_a_release(
    row: dict[str, Any], charge: Any, status: RefundStatus
) -> None:
    whole = msgspec.convert({**REFUND, **row, "charge": charge}, payloads.Refund)
    refund = mapping.refund(SOURCE, whole, KEY)
    assert (refund.status, refund.payment_id) == (status, "pi_1")


@pytest.mark.parametrize(
    ("word", "ours", "status"),
    [
        ("needs_response", DisputeStatus.NEEDS_RESPONSE, PaymentStatus.DISPUTED),
        ("warning_under_review", DisputeStatus.UNDER_REVIEW, PaymentStatus.DISPUTED),
        ("lost", DisputeStatus.LOST, PaymentStatus.DISPUTED),
        ("escalated", DisputeStatus.UNKNOWN, PaymentStatus.DISPUTED),
        ("won", DisputeStatus.WON, PaymentStatus.SUCCEEDED),
        ("warning_closed", DisputeStatus.CLOSED, PaymentStatus.SUCCEEDED),
    ],
)
def test_a_dispute_holds_its_payment_while_open_or_lost(
    word: str, ours: DisputeStatus, status: PaymentStatus
) -> None:
    payment = paid({"disputed": True}, (dispute(status=word),))
    assert payment.status is status
    assert [d.status for d in payment.disputes or ()] == [ours]


def test_disputes_that_were_not_asked_for_hold() -> None:
    payment = paid({"disputed": True}, None)
    assert (payment.status, payment.disputes) == (PaymentStatus.DISPUTED, None)


def test_a_won_dispute_leaves_the_refunds_to_decide() -> None:
    payment = paid({"disputed": True, "refunds": refunds({})}, (dispute(status="won"),))
    assert payment.status is PaymentStatus.PARTIALLY_REFUNDED


@pytest.mark.parametrize(("due_by", "ours"), [(UNIX, AT), (0, None), (None, None)])
def test_a_dispute_that_takes_no_answer_has_no_date(due_by: int | None, ours: Any) -> None:
    record = mapping.dispute(SOURCE, dispute(evidence_details={"due_by": due_by}))
    assert (record.due_by, record.payment_id, record.reason) == (ours, "pi_1", "fraudulent")


def test_instalments_and_wallet() -> None:
    plan = {"count": 6, "interval": "month", "type": "fixed_count"}
    card = {**CARD, "wallet": {"type": "apple_pay"}, "installments": {"plan": plan}}
    payment = paid({"payment_method_details": {"type": "card", "card": card}})
    assert payment.instalments == InstalmentPlan(count=6, interval="month")
    assert payment.method == PaymentMethod(brand="visa", last4="4242", wallet="apple_pay")
    assert payment.channel is PaymentChannel.CARD


@pytest.mark.parametrize(
    ("details", "channel", "method"),
    [
        ({"type": "alipay"}, PaymentChannel.WALLET, PaymentMethod(wallet="alipay")),
        (
            {"type": "sepa_debit", "sepa_debit": {"last4": "3000"}},
            PaymentChannel.BANK,
            PaymentMethod(last4="3000"),
        ),
        ({"type": "klarna", "klarna": {}}, PaymentChannel.PAY_LATER, PaymentMethod()),
        ({"type": "telepathy"}, PaymentChannel.UNKNOWN, PaymentMethod()),
        ({"type": "type"}, PaymentChannel.UNKNOWN, PaymentMethod()),
    ],
)
def test_channel_by_method(
    details: dict[str, Any], channel: PaymentChannel, method: PaymentMethod
) -> None:
    payment = paid({"payment_method_details": details})
    assert (payment.channel, payment.method) == (channel, method)


@pytest.mark.parametrize("balance", [None, "txn_1"])
def test_a_fee_that_is_not_known_yet(balance: str | None) -> None:
    payment = paid({"balance_transaction": balance})
    assert (payment.fee, payment.net, payment.status) == (None, None, PaymentStatus.SUCCEEDED)


@pytest.mark.parametrize(
    "missing",
    ["amount_received", "created", "customer", "payment_method_types", "metadata"],
)
def test_what_an_intent_does_not_tell_its_charge_tells(missing: str) -> None:
    whole = {**INTENT, "latest_charge": CHARGE}
    del whole[missing]
    payment = mapping.payment(SOURCE, msgspec.convert(whole, payloads.Intent), (), KEY)
    assert (payment.status, payment.captured) == (PaymentStatus.SUCCEEDED, Money(1099, "USD"))
    assert (payment.refunded, payment.created_at) == (
        Money(0, "USD"),
        None if missing == "created" else AT,
    )


@pytest.mark.parametrize(
    ("missing", "status", "captured"),
    [
        ("amount_captured", PaymentStatus.UNKNOWN, None),
        ("captured", PaymentStatus.UNKNOWN, None),
        ("status", PaymentStatus.UNKNOWN, None),
        ("disputed", PaymentStatus.UNKNOWN, Money(1099, "USD")),
        ("amount_refunded", PaymentStatus.SUCCEEDED, Money(1099, "USD")),
        ("refunded", PaymentStatus.SUCCEEDED, Money(1099, "USD")),
        ("refunds", PaymentStatus.SUCCEEDED, Money(1099, "USD")),
        ("created", PaymentStatus.SUCCEEDED, Money(1099, "USD")),
        ("balance_transaction", PaymentStatus.SUCCEEDED, Money(1099, "USD")),
        ("payment_method_details", PaymentStatus.SUCCEEDED, Money(1099, "USD")),
    ],
)
def test_what_a_charge_does_not_tell_is_unknown(
    missing: str, status: PaymentStatus, captured: Money | None
) -> None:
    payment = paid({missing: None})
    assert (payment.status, payment.captured) == (status, captured)
    assert payment.amount == Money(1099, "USD")


def test_a_success_without_a_charge_or_an_amount_received_is_unknown() -> None:
    payment = paid(latest_charge=None, amount_received=None)
    assert (payment.status, payment.captured) == (PaymentStatus.UNKNOWN, None)
    waiting = paid(latest_charge=None, amount_received=None, status="processing")
    assert (waiting.status, waiting.captured) == (PaymentStatus.PENDING, Money(0, "USD"))


def test_without_both_the_refunds_and_their_sum_nothing_is_known_of_them() -> None:
    payment = paid({"refunds": None, "amount_refunded": None})
    assert (payment.status, payment.refunded, payment.refunds) == (
        PaymentStatus.UNKNOWN,
        None,
        None,
    )


def test_refunds_in_another_currency_than_their_charge_are_not_added_up() -> None:
    payment = paid({"amount_refunded": 300, "refunds": refunds({"currency": "eur"})})
    assert (payment.refunded, payment.refunds) == (Money(300, "USD"), None)


@pytest.mark.parametrize("odd", [{"amount": None}, {"created": 10**15}])
def test_a_refund_that_cannot_be_read_leaves_its_payment_what_the_charge_tells(
    odd: dict[str, Any],
) -> None:
    payment = paid({"amount_refunded": 100, "refunds": refunds(odd)})
    assert (payment.refunded, payment.refunds) == (Money(100, "USD"), None)
    assert payment.status is PaymentStatus.PARTIALLY_REFUNDED


@pytest.mark.parametrize("missing", ["status", "created", "reason", "charge", "metadata"])
def test_what_a_refund_does_not_tell_is_unknown(missing: str) -> None:
    row = msgspec.convert({**REFUND, missing: None}, payloads.Refund)
    refund = mapping.refund(SOURCE, row, KEY)
    told = RefundStatus.UNKNOWN if missing == "status" else RefundStatus.SUCCEEDED
    assert (refund.amount, refund.status) == (Money(100, "USD"), told)


@pytest.mark.parametrize("missing", ["status", "created", "charge", "evidence_details"])
def test_what_a_dispute_does_not_tell_is_unknown(missing: str) -> None:
    record = mapping.dispute(SOURCE, dispute(**{missing: None}))
    assert (record.amount, record.payment_id) == (Money(1099, "USD"), "pi_1")


@pytest.mark.parametrize(
    "blank",
    [
        {"created": None},
        {"payment_status": None},
        {"line_items": None},
        {"line_items": {"data": None}},
        {"line_items": {"data": [{"id": "li_1", "price": {}}]}},
    ],
)
def test_what_a_session_does_not_tell_is_unknown(blank: dict[str, Any]) -> None:
    order = ordered(**blank)
    assert (order.native_id, order.total) == ("cs_test_1", Money(1099, "USD"))


def test_a_fee_in_no_currency_is_unknown() -> None:
    payment = paid({"balance_transaction": {**BALANCE, "currency": "xbt"}})
    assert (payment.fee, payment.net, payment.captured) == (None, None, Money(1099, "USD"))


def test_a_fee_is_in_the_currency_of_settlement() -> None:
    settled = {"balance_transaction": {**BALANCE, "currency": "eur"}}
    assert paid(settled).fee == Money(62, "EUR")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, PaymentStatus.SUCCEEDED),
        ({"captured": False, "amount_captured": 0}, PaymentStatus.AUTHORIZED),
        ({"captured": False, "amount_captured": 0, "refunded": True}, PaymentStatus.CANCELED),
        ({"status": "pending"}, PaymentStatus.PENDING),
        ({"status": "failed", "captured": False}, PaymentStatus.FAILED),
        ({"status": "odd"}, PaymentStatus.UNKNOWN),
    ],
)
def test_a_charge_without_an_intent(changes: dict[str, Any], status: PaymentStatus) -> None:
    whole = {**CHARGE, "payment_intent": None, "metadata": {"order_id": "6735"}, **changes}
    charge = msgspec.convert(whole, payloads.Charge)
    payment = mapping.payment(SOURCE, charge, (), KEY)
    assert (payment.native_id, payment.status, payment.reference) == ("ch_1", status, "6735")


def test_a_refund_tells_its_payment() -> None:
    whole = {**REFUND, "status": "requires_action", "metadata": {"order_id": "6735", "rma": "9"}}
    refund = mapping.refund(SOURCE, msgspec.convert(whole, payloads.Refund), KEY)
    assert (refund.status, refund.provider_status) == (RefundStatus.PENDING, "requires_action")
    assert (refund.payment_id, refund.payment) == ("pi_1", None)
    assert (refund.reference, refund.custom_fields) == ("6735", {"rma": "9"})


def test_a_refund_of_a_charge_without_an_intent() -> None:
    row = msgspec.convert({**REFUND, "payment_intent": None}, payloads.Refund)
    assert mapping.refund(SOURCE, row, KEY).payment_id == "ch_1"


def test_a_customer() -> None:
    whole = {"id": "cus_1", "created": UNIX, "business_name": "Nordwind AG", "phone": "+49301"}
    customer = mapping.customer(SOURCE, msgspec.convert(whole, payloads.Customer))
    assert customer is not None
    assert (customer.name, customer.kind) == ("Nordwind AG", CustomerKind.COMPANY)
    assert (customer.created_at, customer.phones, customer.email) == (AT, ("+49301",), None)


def test_a_deleted_customer_is_none() -> None:
    row = msgspec.convert({"id": "cus_1", "deleted": True}, payloads.Customer)
    assert mapping.customer(SOURCE, row) is None


@pytest.mark.parametrize(
    ("status", "payment_status", "state"),
    [
        ("open", "unpaid", OrderState.PENDING_PAYMENT),
        ("complete", "paid", OrderState.PAID),
        ("complete", "no_payment_required", OrderState.PAID),
        ("complete", "unpaid", OrderState.PENDING_PAYMENT),
        ("complete", "odd", OrderState.UNKNOWN),
        ("expired", "unpaid", OrderState.CANCELED),
        (None, "paid", OrderState.UNKNOWN),
    ],
)
def test_the_state_of_a_session(status: str | None, payment_status: str, state: OrderState) -> None:
    order = ordered(status=status, payment_status=payment_status)
    assert (order.recorded_state, order.recorded_status) == (state, status)


def test_a_session_is_an_order() -> None:
    order = ordered()
    assert (order.number, order.total, order.placed_at) == ("6735", Money(1099, "USD"), AT)
    assert order.payment_ids == (ExternalId("stripe_eu", "pi_1", "payment_intent"),)
    assert [(line.sku, line.unit_price) for line in order.lines or ()] == [
        ("SHIRT", Money(1099, "USD"))
    ]


SUBSCRIPTION = {"mode": "subscription", "payment_intent": None, "invoice": "in_1"}


def test_a_session_of_a_subscription_is_paid_by_the_payments_of_its_invoice() -> None:
    order = ordered(invoiced=("pi_1", "ch_2"), **SUBSCRIPTION)
    assert (order.recorded_state, order.misfits) == (OrderState.PAID, None)
    assert order.payment_ids == (
        ExternalId("stripe_eu", "pi_1", "invoice"),
        ExternalId("stripe_eu", "ch_2", "invoice"),
    )


@pytest.mark.parametrize(
    ("changes", "invoiced", "known"),
    [
        (SUBSCRIPTION, None, False),
        (SUBSCRIPTION, (), False),
        ({**SUBSCRIPTION, "payment_status": "unpaid"}, None, False),
        ({**SUBSCRIPTION, "payment_status": "unpaid"}, (), True),
        ({**SUBSCRIPTION, "payment_status": "no_payment_required"}, None, True),
        ({"payment_intent": None}, None, False),
        ({"payment_intent": None, "payment_status": "unpaid", "status": "open"}, None, True),
        ({}, None, True),
    ],
)
def test_a_paid_session_without_payments_says_that_they_are_unknown(
    changes: dict[str, Any], invoiced: tuple[str, ...] | None, known: bool
) -> None:
    assert (ordered(invoiced=invoiced, **changes).misfits is None) is known


def test_a_session_that_sets_a_card_up_is_no_order() -> None:
    row = msgspec.convert({**SESSION, "mode": "setup"}, payloads.Session)
    assert mapping.order(SOURCE, row) is None


@pytest.mark.parametrize(
    ("told", "price", "money"),
    [
        ({"currency": "usd", "unit_amount": None, "unit_amount_decimal": "1.25"}, "0.0125", None),
        ({"currency": "usd", "unit_amount": 5, "unit_amount_decimal": "5"}, "0.05", 5),
        ({"currency": "jpy", "unit_amount": None, "unit_amount_decimal": "0.5"}, "0.5", None),
        ({"currency": "isk", "unit_amount": 500, "unit_amount_decimal": "500"}, "5", 5),
        ({"currency": "usd", "unit_amount": None}, None, None),
        ({"currency": "usd", "unit_amount": None, "unit_amount_decimal": "x"}, None, None),
    ],
)
def test_a_price_in_parts_of_a_minor_unit(
    told: dict[str, Any], price: str | None, money: int | None
) -> None:
    item = {"id": "li_1", "amount_total": 10, "currency": "usd", "price": told}
    line = mapping.line(SOURCE, msgspec.convert(item, payloads.Item))
    assert (line.price and str(line.price.amount)) == price
    assert (line.unit_price and line.unit_price.minor_units) == money
    assert (line.misfit("unit_price") is None) is (price is None or money is not None)


def test_a_session_with_little_in_it() -> None:
    order = ordered(client_reference_id=None, amount_total=None, currency=None, payment_intent=None)
    assert (order.number, order.total, order.payment_ids) == ("cs_test_1", None, ())
    assert ordered(line_items={"data": [], "has_more": True}).lines is None
