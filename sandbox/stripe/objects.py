"""Customers, payment intents and payment methods of the world as Stripe shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.stripe.ids import derived
from sandbox.world import Customer, Payment

Object = dict[str, Any]
ADDRESS: Object = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
# The world's word to Stripe's; UNKNOWN is a word that no published list has.
STATUSES = {
    "PENDING": "processing",
    "REQUIRES_ACTION": "requires_action",
    "AUTHORIZED": "requires_capture",
    "SUCCEEDED": "succeeded",
    "FAILED": "requires_payment_method",
    "CANCELED": "canceled",
    "UNKNOWN": "settling_externally",
}
DECLINE_MESSAGES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


def unix(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp())


def customer_object(native_id: str, created: int, **given: Any) -> Object:
    return {
        "id": native_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": derived("", native_id, "invoice", length=8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    } | given


def world_customer(customer: Customer, native_id: str) -> Object:
    return customer_object(
        native_id,
        unix(customer.created_at),
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
    )


def intent_object(native_id: str, created: int, amount: int, currency: str, **given: Any) -> Object:
    """A payment intent before anything happened to it."""
    return {
        "id": native_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": derived(f"{native_id}_secret_", native_id, length=25),
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency.lower(),
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    } | given


def world_intent(payment: Payment, customer: str | None) -> Object:
    intent = intent_object(
        payment.native_id,
        unix(payment.created_at),
        payment.amount,
        payment.currency,
        amount_received=payment.captured,
        customer=customer,
        description=f"Order {payment.reference}" if payment.reference else None,
        metadata={"order_id": payment.reference} if payment.reference else {},
        payment_method=derived("pm_1", payment.native_id, length=23),
        payment_method_types=[payment.method],
        status=STATUSES[payment.status],
    )
    return intent | happened(payment, intent)


def happened(payment: Payment, intent: Object) -> Object:
    """The fields that only one status sets."""
    match payment.status:
        case "AUTHORIZED":
            return {"capture_method": "manual", "amount_capturable": payment.amount}
        case "CANCELED":
            at, expired = intent["created"] + 3_600, bool(payment.refunds)
            reason = "automatic" if expired else "requested_by_customer"
            return {"canceled_at": at, "cancellation_reason": reason}
        case "SUCCEEDED" if payment.captured < payment.amount:
            return {"capture_method": "manual"}
        case "REQUIRES_ACTION":
            return {"next_action": redirect(payment.native_id)}
        case "PENDING":
            notice = {"approval_requested": None, "completes_at": None}
            return {"processing": {"type": "card", "card": {"customer_notification": notice}}}
        case _:
            return {}


def redirect(native_id: str) -> Object:
    url = f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={native_id}"
    return {"type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": url}}


def payment_error(code: str, charge: str, method: Object) -> Object:
    """`last_payment_error`, and the body of a 402."""
    decline = {"insufficient_funds": "insufficient_funds"}.get(code, "generic_decline")
    shown = "card_declined" if code == "insufficient_funds" else code
    return {
        "advice_code": "try_again_later",
        "charge": charge,
        "code": shown,
        "decline_code": decline if shown == "card_declined" else None,
        "doc_url": "https://stripe.com/docs/error-codes/" + shown.replace("_", "-"),
        "message": DECLINE_MESSAGES[code],
        "network_advice_code": None,
        "network_decline_code": None,
        "payment_method": method,
        "type": "card_error",
    }


def payment_method_object(intent: Object, method: str, billing: Object) -> Object:
    details = card_details(intent["id"]) if method == "card" else {}
    card = {**details, "display_brand": "visa", "generated_from": None, "networks": None}
    return {
        "id": intent["payment_method"],
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing,
        method: card if method == "card" else details,
        "created": intent["created"],
        "customer": intent["customer"],
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": method,
    }


def card_details(seed: str) -> Object:
    """What a payment method and a charge both say of the card."""
    return {
        "brand": "visa",
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 8,
        "exp_year": 2030,
        "fingerprint": derived("", seed, "card", length=16),
        "funding": "credit",
        "last4": "4242",
        "regulated_status": "unregulated",
        "wallet": None,
    }


def billing_details(customer: Object | None) -> Object:
    known = customer or {}
    return {
        "address": dict(ADDRESS),
        "email": known.get("email"),
        "name": known.get("name"),
        "phone": known.get("phone"),
        "tax_id": None,
    }
