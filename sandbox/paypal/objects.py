"""Orders, captures, authorizations and refunds as PayPal writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.paypal.ids import derived
from sandbox.world import Payment, Refund

Object = dict[str, Any]
# Links name PayPal's own host, whatever address was called.
API = "https://api.sandbox.paypal.com"
PAYER_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
WHOLE = frozenset({"JPY", "HUF", "TWD"})
AUTHORIZED = {"AUTHORIZED": "CREATED", "CANCELED": "VOIDED"}
CAPTURED = {"PENDING": "PENDING", "FAILED": "DECLINED", "UNKNOWN": "SETTLING_EXTERNALLY"}
REFUNDED = {
    "PENDING": "PENDING",
    "SUCCEEDED": "COMPLETED",
    "FAILED": "FAILED",
    "CANCELED": "CANCELLED",
    "UNKNOWN": "SETTLING_EXTERNALLY",
}
DECLINES = {
    "card_declined": "0500",
    "insufficient_funds": "5120",
    "expired_card": "5400",
    "processing_error": "9500",
}
NOTES = {"requested_by_customer": "退款 🎁 ＡＢＣ１２３", "duplicate": 'Charged twice, "sorry"'}
BUYERS = (("Ada", "Lovelace"), ("小明", "王"), ("Zoë 🎈", "O'Neill"), ("Ａｎｎａ", "Müller"))


def text(amount: int, currency: str) -> str:
    """Minor units as PayPal's decimal string."""
    if currency in WHOLE:
        return str(amount)
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02}"


def money(amount: int, currency: str) -> Object:
    return {"currency_code": currency, "value": text(amount, currency)}


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def link(rel: str, path: str, method: str = "GET") -> Object:
    return {"href": API + path, "rel": rel, "method": method}


def order_id(payment: Payment) -> str:
    return derived(payment.native_id, "order")


def invoice_id(payment: Payment) -> str:
    return "INV-" + derived(payment.native_id, "invoice", length=10)


def refund_invoice_id(payment: Payment, refund: Refund) -> str:
    """The refund's own number if it was given one, else the payment's."""
    own = derived(refund.native_id, length=10)
    return f"RF-{own}" if own[0] < "I" else invoice_id(payment)


def is_authorization(payment: Payment) -> bool:
    return payment.status in AUTHORIZED


def refunded(refunds: Sequence[Refund]) -> int:
    """Minor units that did go back."""
    return sum(r.amount for r in refunds if r.status == "SUCCEEDED")


def capture_status(payment: Payment, refunds: Sequence[Refund]) -> str:
    if payment.status != "SUCCEEDED":
        return CAPTURED[payment.status]
    back = refunded(refunds)
    if not back:
        return "COMPLETED"
    return "REFUNDED" if back >= payment.captured else "PARTIALLY_REFUNDED"


def shared(payment: Payment, status: str) -> Object:
    """What captures and authorizations both say."""
    made = {
        "id": payment.native_id,
        "status": status,
        "amount": money(payment.amount, payment.currency),
        "invoice_id": invoice_id(payment),
        "seller_protection": {"status": "ELIGIBLE", "dispute_categories": ["ITEM_NOT_RECEIVED"]},
        "create_time": stamp(payment.created_at),
        "update_time": stamp(payment.created_at),
    }
    if payment.reference is not None:
        made["custom_id"] = payment.reference
    return made | (by_card(payment) if payment.method == "card" else {})


def by_card(payment: Payment) -> Object:
    """What only a card network says."""
    code = DECLINES.get(payment.failure or "", "0000")
    network = {"id": derived(payment.native_id, "network", length=15), "network": "VISA"}
    return {
        "network_transaction_reference": network,
        "processor_response": {"avs_code": "Y", "cvv_code": "M", "response_code": code},
    }


def capture(payment: Payment, refunds: Sequence[Refund]) -> Object:
    """A capture as its order embeds it."""
    path = f"/v2/payments/captures/{payment.native_id}"
    links = [
        link("self", path),
        link("refund", f"{path}/refund", "POST"),
        link("up", f"/v2/checkout/orders/{order_id(payment)}"),
    ]
    made = shared(payment, capture_status(payment, refunds))
    made |= {"final_capture": True, "links": links}
    if payment.status == "SUCCEEDED":
        made["seller_receivable_breakdown"] = breakdown(payment)
    elif payment.status == "PENDING":
        made["status_details"] = {"reason": "ECHECK"}
    return made


def breakdown(payment: Payment) -> Object:
    gross = {"gross_amount": money(payment.amount, payment.currency)}
    if payment.fee is None:
        return gross
    net = payment.amount - payment.fee
    return gross | {
        "paypal_fee": money(payment.fee, payment.currency),
        "net_amount": money(net, payment.currency),
    }


def authorization(payment: Payment) -> Object:
    path = f"/v2/payments/authorizations/{payment.native_id}"
    return shared(payment, AUTHORIZED[payment.status]) | {
        "expiration_time": stamp(payment.created_at + timedelta(days=29)),
        "links": [link("self", path), link("capture", f"{path}/capture", "POST")],
    }


def alone(embedded: Object, payment: Payment) -> Object:
    """A capture or authorization asked for by its id says more."""
    related = {"related_ids": {"order_id": order_id(payment)}}
    return embedded | {"supplementary_data": related, "payee": {"merchant_id": "XXXXXXXXXXXXX"}}


def refund(payment: Payment, row: Refund, total: int) -> Object:
    """A refund; `total` is what of its payment had gone back by then."""
    gross = money(row.amount, payment.currency)
    made = {
        "id": row.native_id,
        "status": REFUNDED[row.status],
        "amount": gross,
        "invoice_id": refund_invoice_id(payment, row),
        "seller_payable_breakdown": {
            "gross_amount": gross,
            "paypal_fee": money(0, payment.currency),
            "net_amount": gross,
            "total_refunded_amount": money(total, payment.currency),
        },
        "create_time": stamp(row.created_at),
        "update_time": stamp(row.created_at),
        "links": [
            link("self", f"/v2/payments/refunds/{row.native_id}"),
            link("up", f"/v2/payments/captures/{payment.native_id}"),
        ],
    }
    if payment.reference is not None:
        made["custom_id"] = payment.reference
    if row.reason in NOTES:
        made["note_to_payer"] = NOTES[row.reason]
    if row.status == "PENDING":
        made["status_details"] = {"reason": "ECHECK"}
    return made


def refunds_of(payment: Payment, rows: Sequence[Refund]) -> list[Object]:
    return [refund(payment, row, refunded(rows[: index + 1])) for index, row in enumerate(rows)]


def order(payment: Payment, refunds: Sequence[Refund]) -> Object:
    """The order of one payment, with all that became of it."""
    held = is_authorization(payment)
    payments: Object = (
        {"authorizations": [authorization(payment)]}
        if held
        else {"captures": [capture(payment, refunds)]}
    )
    if refunds:
        payments["refunds"] = refunds_of(payment, refunds)
    unit = {
        "reference_id": "default",
        "amount": money(payment.amount, payment.currency),
        "payee": {"merchant_id": "XXXXXXXXXXXXX"},
        "invoice_id": invoice_id(payment),
        "payments": payments,
    }
    if payment.reference is not None:
        unit["custom_id"] = payment.reference
    return {
        "id": order_id(payment),
        "intent": "AUTHORIZE" if held else "CAPTURE",
        "status": "COMPLETED",
        "payment_source": payment_source(payment),
        "purchase_units": [unit],
        "create_time": stamp(payment.created_at - timedelta(seconds=70)),
        "update_time": stamp(payment.created_at),
        "links": [link("self", f"/v2/checkout/orders/{order_id(payment)}")],
    }


def payment_source(payment: Payment) -> Object:
    given, surname = buyer(payment)
    if payment.method == "card":
        name = f"{given} {surname}"
        return {"card": {"name": name, "last_digits": "4242", "brand": "VISA", "type": "CREDIT"}}
    account = {
        "email_address": "buyer@example.com",
        "account_id": payer_id(payment),
        "account_status": "VERIFIED",
        "name": {"given_name": given, "surname": surname},
        "address": {"country_code": "US"},
    }
    return {"paypal": account}


def payer_id(payment: Payment) -> str:
    return derived(payment.native_id, "payer", length=13, alphabet=PAYER_LETTERS)


def buyer(payment: Payment) -> tuple[str, str]:
    return BUYERS[int(derived(payment.native_id, "buyer", length=3), 36) % len(BUYERS)]
