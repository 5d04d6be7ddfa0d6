"""Checkout sessions: about one order in eight was paid, or not, through Stripe's own page.

Every second of them began a subscription: it names the invoice that was paid, not the payment. A
few sessions only set a card up and are no order's.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sandbox.stripe.ids import derived
from sandbox.stripe.objects import unix
from sandbox.world import Line, Order, Payment

Object = dict[str, Any]
ONE_IN = 8
LIFETIME = 86_400
SUBSCRIBED_EVERY = 2
SETUP_EVERY = 10  # customers
OPENED_BEFORE = 20  # seconds between the session and the intent it makes


def has_session(order: Order) -> bool:
    """One order in eight, by its number, and every order of nothing that was completed; without a
    known total there is nothing to check out."""
    if order.total == 0:
        return order.recorded_state in ("PAID", "FULFILLED")
    return int(order.number.rpartition("-")[2]) % ONE_IN == 1 and order.total is not None


def session_object(
    order: Order, payment: Payment | None, customer: str | None, email: str | None
) -> Object:
    """The session of an order; complete when its payment was made, else open or expired."""
    native_id = derived("cs_test_a1", order.number, length=56)
    status, paid = outcome(order, payment)
    created = unix(payment.created_at if payment else order.placed_at) - OPENED_BEFORE
    complete = status == "complete"
    subtotal = sum(price_of(line)[1] for line in order.lines)
    url = f"https://checkout.stripe.com/c/pay/{native_id}"
    return {
        "id": native_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": subtotal,
        "amount_total": order.total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": "https://shop.example/cancel",
        "client_reference_id": order.number,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": order.currency.lower(),
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "customer": customer,
        "customer_account": None,
        "customer_creation": "if_required",
        "customer_details": customer_details(email) if complete else None,
        "customer_email": None,
        "discounts": [],
        "expires_at": created + LIFETIME,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "mode": "payment",
        "origin_context": None,
        "payment_intent": payment.native_id if payment else None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": paid,
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": status,
        "submit_type": None,
        "subscription": None,
        "success_url": "https://shop.example/success",
        "total_details": {
            "amount_discount": subtotal - (order.total or 0),
            "amount_shipping": 0,
            "amount_tax": 0,
        },
        "ui_mode": "hosted_page",
        "url": url if status == "open" else None,
        "wallet_options": None,
    }


def is_subscription(order: Order) -> bool:
    return int(order.number.rpartition("-")[2]) // ONE_IN % SUBSCRIBED_EVERY == 0


def subscribed(order: Order) -> Object:
    """What such a session says otherwise than one that takes a single payment."""
    return {
        "mode": "subscription",
        "payment_intent": None,
        "invoice": derived("in_1", order.number, length=23),
        "subscription": derived("sub_1", order.number, length=23),
    }


def invoice_payment(invoice: str, payment: Payment) -> Object:
    """https://docs.stripe.com/api/invoice-payment/object"""
    created, paid = unix(payment.created_at), payment.status == "SUCCEEDED"
    return {
        "id": derived("inpay_1", invoice, length=23),
        "object": "invoice_payment",
        "amount_paid": payment.captured or None,
        "amount_requested": payment.amount,
        "created": created,
        "currency": payment.currency.lower(),
        "invoice": invoice,
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": payment.native_id},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": created if paid else None},
    }


def setup_session(customer: str, created: int) -> Object:
    """A session in which a customer only left a card for later."""
    native_id = derived("cs_test_a1", customer, "setup", length=56)
    bare = dict.fromkeys(("amount_subtotal", "amount_total", "client_reference_id", "currency"))
    return bare | {
        "id": native_id,
        "object": "checkout.session",
        "created": created,
        "customer": customer,
        "customer_details": None,
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "mode": "setup",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required",
        "setup_intent": derived("seti_1", customer, length=23),
        "status": "complete",
        "subscription": None,
        "url": None,
    }


def outcome(order: Order, payment: Payment | None) -> tuple[str, str]:
    """Status, and payment status: whether the money is there, or none is needed."""
    if order.total == 0:
        return "complete", "no_payment_required"
    if payment is not None and payment.status == "SUCCEEDED":
        return "complete", "paid"
    if payment is not None and payment.status == "PENDING":
        return "complete", "unpaid"  # an asynchronous method that has not settled
    return ("open" if int(order.native_id.encode()[-1]) % 2 else "expired"), "unpaid"


def customer_details(email: str | None) -> Object:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def line_items(order: Order, created: int) -> list[Object]:
    return [line_item(line, order.currency.lower(), created) for line in order.lines]


def price_of(line: Line) -> tuple[int, int]:
    """Pieces, and what all of them cost before a discount. Stripe counts whole pieces: a fractional
    quantity becomes one piece."""
    cost = int(Fraction(line.quantity) * line.unit_price)
    return (1 if "." in line.quantity else int(line.quantity)), cost


def line_item(line: Line, currency: str, created: int) -> Object:
    quantity, cost = price_of(line)
    return {
        "id": derived("li_1", line.native_id, length=23),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": cost - line.total,
        "amount_subtotal": cost,
        "amount_tax": 0,
        "amount_total": line.total,
        "currency": currency,
        "description": line.name,
        "metadata": {"sku": line.sku} if line.sku else {},
        "price": price_object(line, currency, created, cost // quantity),
        "quantity": quantity,
    }


def price_object(line: Line, currency: str, created: int, amount: int) -> Object:
    return {
        "id": derived("price_1", line.native_id, length=23),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": created,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": derived("prod_", line.sku or line.native_id, length=14),
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
