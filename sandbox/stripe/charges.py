"""Charges, refunds, disputes and the balance transactions they leave behind."""

from __future__ import annotations

from typing import Any

from sandbox.stripe.ids import derived
from sandbox.stripe.objects import DECLINE_MESSAGES, card_details, unix
from sandbox.world import Dispute, Refund

Object = dict[str, Any]
SETTLES_AFTER = 2 * 86_400
DISPUTE_FEES = {"usd": 1500, "eur": 2000, "gbp": 2000, "jpy": 1500, "cny": 10000, "kwd": 5000}
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
# What a charge's outcome says: type, network status, risk level, message.
OUTCOMES = {
    "succeeded": ("authorized", "approved_by_network", "normal", "Payment complete."),
    "pending": ("authorized", "approved_by_network", "normal", "Payment complete."),
    "failed": (
        "issuer_declined",
        "declined_by_network",
        "normal",
        "The bank did not return any further details with this decline.",
    ),
}


def charge_object(
    intent: Object,
    created: int,
    status: str,
    billing: Object,
    *,
    method: str = "card",
    attempt: int = 1,
    instalments: int | None = None,
    failure: str | None = None,
) -> Object:
    """One attempt to take an intent's money; `captured` follows from how it is captured."""
    taken = status != "failed" and intent["capture_method"] != "manual"
    prefix = "ch_3" if method == "card" else "py_3"
    native_id = derived(prefix, intent["id"], attempt, length=23)
    return {
        "id": native_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if taken else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": billing,
        "calculated_statement_descriptor": "SANDBOX",
        "captured": taken,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": failure and failure_code(failure),
        "failure_message": failure and DECLINE_MESSAGES[failure],
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": outcome(status, failure),
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": method_details(intent, method, instalments),
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{native_id}",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }


def failure_code(failure: str) -> str:
    return "card_declined" if failure == "insufficient_funds" else failure


def outcome(status: str, failure: str | None) -> Object:
    kind, network, risk, message = OUTCOMES[status]
    return {
        "advice_code": "try_again_later" if status == "failed" else None,
        "network_advice_code": None,
        "network_decline_code": "05" if status == "failed" else None,
        "network_status": network,
        "reason": failure and ("generic_decline" if failure == "card_declined" else failure),
        "risk_level": risk,
        "seller_message": message,
        "type": kind,
    }


def method_details(intent: Object, method: str, instalments: int | None) -> Object:
    seed = intent["id"]
    if method == "card":
        return {"card": charge_card(intent, instalments), "type": "card"}
    transaction = derived("", seed, "transaction", length=28)
    details: Object = {"fingerprint": derived("", seed, length=16), "transaction_id": transaction}
    more = {"buyer_id": derived("2088", seed, "buyer", length=12)} if method == "alipay" else {}
    return {method: details | more, "type": method}


def charge_card(intent: Object, instalments: int | None) -> Object:
    plan = {"count": instalments, "interval": "month", "type": "fixed_count"}
    return card_details(intent["id"]) | {
        "amount_authorized": intent["amount"],
        "authorization_code": derived("", intent["id"], "auth", length=6).upper(),
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": {"plan": plan} if instalments else None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": "visa",
        "network_token": {"used": False},
        "network_transaction_id": derived("", intent["id"], "network", length=15),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "three_d_secure": None,
        "transaction_link_id": None,
    }


def refund_object(charge: Object, native_id: str, created: int, amount: int) -> Object:
    """A refund that went through."""
    card = {
        "reference": derived("", native_id, "arn", length=12),
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    kind = charge["payment_method_details"]["type"]
    return {
        "id": native_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {"type": kind, kind: card if kind == "card" else {}},
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


RELEASED = {"status": "succeeded"}
"""What Stripe says of a release: only the charge, or the reason, tells it from a refund."""
REFUND_STATUSES = {
    "PENDING": {"status": "pending", "pending_reason": "processing"},
    "SUCCEEDED": {"status": "succeeded"},
    "FAILED": {"status": "failed", "failure_reason": "expired_or_canceled_card"},
    "CANCELED": {"status": "canceled"},
    "UNKNOWN": {"status": "settling_externally"},
}


def world_refund(charge: Object, refund: Refund) -> Object:
    made = refund_object(charge, refund.native_id, unix(refund.created_at), refund.amount)
    told = RELEASED if refund.release else REFUND_STATUSES[refund.status]
    return made | {"reason": refund.reason} | told


def world_dispute(charge: Object, dispute: Dispute) -> Object:
    inquiry = dispute.status.startswith("warning_")
    created = unix(dispute.created_at)
    due = unix(dispute.due_by) if dispute.due_by else None
    answered = dispute.status in ("won", "lost", "under_review")
    details = {
        "brand": "visa",
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": "visa",
        "network_reason_code": "10.4",
    }
    return {
        "id": dispute.native_id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due,
            "enhanced_eligibility": {},
            "has_evidence": answered,
            "past_due": False,
            "submission_count": int(answered),
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": details, "type": "card"},
        "reason": dispute.reason,
        "status": dispute.status,
    }


def balance_object(
    source: Object, kind: str, amount: int, fee: int = 0, category: str | None = None
) -> Object:
    """One movement of the balance; refunds and withdrawals are negative."""
    fees = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees" if kind in ("charge", "payment") else "Dispute fee",
        "type": "stripe_fee",
    }
    return {
        "id": derived("txn_3", source["id"], kind, amount, length=23),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": source["created"] + SETTLES_AFTER,
        "balance_type": "payments",
        "created": source["created"],
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [fees] if fee else [],
        "net": amount - fee,
        "reporting_category": category or kind,
        "source": source["id"],
        "status": "available",
        "type": kind,
    }
