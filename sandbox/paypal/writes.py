"""Refunding a capture, once for each `PayPal-Request-Id`.

https://developer.paypal.com/docs/api/payments/v2/#captures_refund
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from sandbox.paypal import objects
from sandbox.paypal.errors import PaypalError, invalid, refused
from sandbox.paypal.ids import derived
from sandbox.paypal.objects import Object
from sandbox.paypal.store import Store
from sandbox.world import Payment, Refund


def refund(
    store: Store, capture_id: str, body: str, request_id: str, now: datetime
) -> tuple[int, Object]:
    """201 and the refund; 200 and the same refund when the request comes again."""
    if request_id in store.kept:
        text, answer = store.kept[request_id]
        if text != body:
            raise PaypalError("RESOURCE_CONFLICT")
        return 200, answer
    payment = store.captured(capture_id)
    amount = asked(payment, store, decoded(body))
    number = next(store.numbers)
    made = Refund(derived(capture_id, "refund", number), amount, "SUCCEEDED", now)
    store.add(payment, made)
    answer = store.refund(made.native_id)
    if request_id:
        store.kept[request_id] = (body, answer)
    return 201, answer


def decoded(body: str) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(body) if body else {}
    except msgspec.DecodeError:
        raise invalid("/", "MALFORMED_REQUEST_JSON") from None
    if not isinstance(content, dict):
        raise invalid("/", "MALFORMED_REQUEST_JSON")
    return content


def asked(payment: Payment, store: Store, content: dict[str, Any]) -> int:
    """Minor units to give back: all that is left, unless an amount is named."""
    if payment.status == "PENDING":
        raise refused("PENDING_CAPTURE")
    left = payment.captured - objects.refunded(store.refunds[payment.native_id])
    if left <= 0:
        raise refused("CAPTURE_FULLY_REFUNDED")
    if "amount" not in content:
        return left
    amount = parsed(payment, content["amount"])
    if amount > left:
        raise refused("REFUND_AMOUNT_EXCEEDED", "/amount/value")
    return amount


def parsed(payment: Payment, amount: Any) -> int:
    value, currency = amount.get("value"), amount.get("currency_code")
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,12}(\.\d+)?", value):
        raise invalid("/amount/value")
    if currency != payment.currency:
        raise refused("REFUND_CAPTURE_CURRENCY_MISMATCH", "/amount/currency_code")
    whole, _, decimals = value.partition(".")
    if currency in objects.WHOLE and decimals:
        raise refused("DECIMALS_NOT_SUPPORTED", "/amount/value")
    if len(decimals) > 2:
        raise refused("DECIMAL_PRECISION", "/amount/value")
    return int(whole) if currency in objects.WHOLE else int(whole + decimals.ljust(2, "0"))
