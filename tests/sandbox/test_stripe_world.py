"""The world as the simulated Stripe shows it: every payment, refund and session."""

from __future__ import annotations

from typing import Any

import pytest
from stripe import StripeClient

from sandbox.world import Payment, World
from tests.sandbox.conftest import Connect

STATUSES = {
    "PENDING": "processing",
    "REQUIRES_ACTION": "requires_action",
    "AUTHORIZED": "requires_capture",
    "SUCCEEDED": "succeeded",
    "FAILED": "requires_payment_method",
    "CANCELED": "canceled",
    "UNKNOWN": "settling_externally",
}


@pytest.mark.parametrize("account", ["stripe_eu", "stripe_us"])
def test_every_payment_is_shown_truly(
    connect: Connect, keys: dict[str, str], world: World, account: str
) -> None:
    paths = ["data.latest_charge.balance_transaction", "data.latest_charge.refunds"]
    pages = connect(keys[account]).v1.payment_intents.list({"limit": 100, "expand": paths})
    shown = {intent.id: intent.to_dict() for intent in pages.auto_paging_iter()}
    for payment in world.payments_of(account):
        intent = shown[payment.native_id]
        assert intent["status"] == STATUSES[payment.status]
        assert intent["amount"] == payment.amount
        assert intent["amount_received"] == payment.captured
        assert intent["currency"] == payment.currency.lower()
        assert intent["created"] == int(payment.created_at.timestamp())
        assert intent["metadata"].get("order_id") == payment.reference
        check_charge(payment, intent["latest_charge"])


def check_charge(payment: Payment, charge: dict[str, Any] | None) -> None:
    released = any(r.release for r in payment.refunds)
    if payment.status in ("REQUIRES_ACTION", "CANCELED", "UNKNOWN") and not released:
        assert charge is None
        return
    assert charge is not None
    counted = sum(
        r.amount for r in payment.refunds if r.release or r.status in ("SUCCEEDED", "PENDING")
    )
    assert charge["amount_refunded"] == counted
    assert charge["refunded"] == (counted == payment.amount)
    if released:
        assert charge["amount_captured"] == payment.captured == payment.amount - _let_go(payment)
        assert charge["captured"] is (payment.captured > 0)
    assert charge["disputed"] == (payment.dispute is not None)
    fee = charge["balance_transaction"] and charge["balance_transaction"]["fee"]
    assert fee == payment.fee
    assert {r["id"]: r["status"].upper() for r in charge["refunds"]["data"]} == {
        r.native_id: "SUCCEEDED" if r.release else r.status for r in payment.refunds
    }
    if payment.instalments:
        plan = charge["payment_method_details"]["card"]["installments"]["plan"]
        assert plan == {"count": payment.instalments, "interval": "month", "type": "fixed_count"}


def _let_go(payment: Payment) -> int:
    return sum(r.amount for r in payment.refunds if r.release)


def test_a_failed_payment_says_why(us: StripeClient, world: World) -> None:
    payment = next(p for p in world.payments_of("stripe_us") if p.status == "FAILED")
    intent = us.v1.payment_intents.retrieve(
        payment.native_id, {"expand": ["latest_charge"]}
    ).to_dict()
    assert intent["last_payment_error"]["type"] == "card_error"
    assert intent["latest_charge"]["status"] == "failed"
    assert intent["latest_charge"]["paid"] is False
    assert intent["latest_charge"]["failure_code"] == intent["last_payment_error"]["code"]


def test_a_second_try_leaves_two_charges(eu: StripeClient, us: StripeClient, world: World) -> None:
    payment = next(p for p in world.payments if p.failure and p.status == "SUCCEEDED")
    client = {"stripe_eu": eu, "stripe_us": us}[payment.source]
    charges = client.v1.charges.list({"payment_intent": payment.native_id}).data
    assert [c.status for c in charges] == ["succeeded", "failed"]
    intent = client.v1.payment_intents.retrieve(payment.native_id)
    assert intent.latest_charge == charges[0].id


def test_a_won_dispute_gives_the_money_back(
    eu: StripeClient, us: StripeClient, world: World
) -> None:
    payment = next(p for p in world.payments if p.dispute and p.dispute.status == "won")
    assert payment.dispute is not None
    client = {"stripe_eu": eu, "stripe_us": us}[payment.source]
    dispute = client.v1.disputes.retrieve(payment.dispute.native_id)
    assert [entry.amount for entry in dispute.balance_transactions] == [
        -payment.amount,
        payment.amount,
    ]
    assert dispute.payment_intent == payment.native_id


def test_yen_have_no_decimals_and_dinars_end_in_zero(eu: StripeClient, us: StripeClient) -> None:
    yen = us.v1.payment_intents.search({"query": 'currency:"jpy"', "limit": 100}).data
    dinars = eu.v1.payment_intents.search({"query": 'currency:"kwd"', "limit": 100}).data
    assert yen
    assert dinars
    assert {intent.amount % 10 for intent in dinars} == {0}
    assert any(intent.amount % 10 for intent in yen)


def test_checkout_sessions(us: StripeClient, world: World) -> None:
    orders = {order.number: order for order in world.orders}
    paths = ["data.line_items", "data.payment_intent"]
    sessions = us.v1.checkout.sessions.list({"limit": 100, "expand": paths})
    assert {s.status for s in sessions.data} >= {"complete"}
    for session in (s.to_dict() for s in sessions.auto_paging_iter()):
        if session["mode"] == "setup":
            continue
        order = orders[session["client_reference_id"]]
        assert session["amount_total"] == order.total
        assert sum(i["amount_total"] for i in session["line_items"]["data"]) == order.total
        free = session["payment_status"] == "no_payment_required"
        assert free is (order.total == 0)
        assert not free or session["payment_intent"] is None
        if session["mode"] == "subscription" and not free:
            listed = us.v1.invoice_payments.list({"invoice": session["invoice"]}).data
            assert [p.amount_requested for p in listed] == [order.total]
        elif session["status"] == "complete" and not free:
            assert session["payment_intent"]["amount"] == order.total


def test_sessions_by_payment_intent_and_status(us: StripeClient) -> None:
    complete = us.v1.checkout.sessions.list({"status": "complete", "limit": 100}).data
    session = next(one for one in complete if one.payment_intent is not None)
    found = us.v1.checkout.sessions.list({"payment_intent": str(session.payment_intent)})
    assert [s.id for s in found.data] == [session.id]
    items = us.v1.checkout.sessions.line_items.list(session.id, {"limit": 1})
    assert len(items.data) == 1
    assert items.has_more == (len(list(items.auto_paging_iter())) > 1)
