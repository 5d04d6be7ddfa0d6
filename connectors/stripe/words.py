"""Stripe's words and ours. A word that is not here is UNKNOWN."""

from __future__ import annotations

from connectors.records import (
    DisputeStatus,
    OrderState,
    PaymentChannel,
    PaymentStatus,
    RefundStatus,
)

INTENT_STATUS = {
    "requires_payment_method": PaymentStatus.PENDING,  # FAILED once a payment error is noted
    "requires_confirmation": PaymentStatus.PENDING,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "processing": PaymentStatus.PENDING,
    "requires_capture": PaymentStatus.AUTHORIZED,
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.CANCELED,
}

CHARGE_STATUS: dict[tuple[str, bool | None], PaymentStatus] = {
    ("pending", True): PaymentStatus.PENDING,
    ("pending", False): PaymentStatus.PENDING,
    ("succeeded", True): PaymentStatus.SUCCEEDED,
    ("succeeded", False): PaymentStatus.AUTHORIZED,
    ("failed", True): PaymentStatus.FAILED,
    ("failed", False): PaymentStatus.FAILED,
}
"""By `(status, captured)` of a charge."""

SEARCHED_STATUS = {
    PaymentStatus.PENDING: ("requires_payment_method", "requires_confirmation", "processing"),
    PaymentStatus.REQUIRES_ACTION: ("requires_action",),
    PaymentStatus.AUTHORIZED: ("requires_capture",),
    PaymentStatus.SUCCEEDED: ("succeeded",),
    PaymentStatus.PARTIALLY_REFUNDED: ("succeeded",),
    PaymentStatus.REFUNDED: ("succeeded",),
    PaymentStatus.DISPUTED: ("succeeded",),
    PaymentStatus.FAILED: ("requires_payment_method",),
    PaymentStatus.CANCELED: ("canceled", "requires_capture"),
}
"""Every intent status that a payment of our status can have; UNKNOWN may be any word."""

REFUND_STATUS: dict[str | None, RefundStatus] = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}

EXPIRED = "expired_uncaptured_charge"
"""`reason` of a refund that is an authorization which nobody captured in time."""

DISPUTE_STATUS = {
    "warning_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "appeal_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "warning_under_review": DisputeStatus.UNDER_REVIEW,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "appeal_under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "warning_closed": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
}

HOLDS = frozenset(DisputeStatus) - {DisputeStatus.WON, DisputeStatus.CLOSED}
"""A dispute in one of these makes its payment DISPUTED; so does one we do not understand."""

SESSION_STATE: dict[tuple[str | None, str | None], OrderState] = {
    ("open", None): OrderState.PENDING_PAYMENT,
    ("complete", "paid"): OrderState.PAID,
    ("complete", "no_payment_required"): OrderState.PAID,
    ("complete", "unpaid"): OrderState.PENDING_PAYMENT,
    ("expired", None): OrderState.CANCELED,
}
"""By `(status, payment_status)` of a session; None stands for any payment status."""

LISTED_STATE = {OrderState.PAID: "complete", OrderState.CANCELED: "expired"}
"""States that one session status covers wholly."""

WIRE_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Decimals on the wire where they differ from ISO 4217 (https://docs.stripe.com/currencies)."""

_TYPES = {
    PaymentChannel.CARD: "card card_present interac_present kr_card",
    PaymentChannel.WALLET: """alipay amazon_pay cashapp grabpay kakao_pay link mb_way mobilepay
        naver_pay payco paypal paypay revolut_pay samsung_pay satispay wechat wechat_pay""",
    PaymentChannel.BANK: """ach_credit_transfer ach_debit acss_debit au_becs_debit bacs_debit
        bancontact bizum blik customer_balance eps fpx giropay ideal multibanco nz_bank_account
        p24 pay_by_bank payto pix sepa_credit_transfer sepa_debit sofort swish twint upi
        us_bank_account""",
    PaymentChannel.QR: "paynow promptpay",
    PaymentChannel.PAY_LATER: """affirm afterpay_clearpay alma billie klarna scalapay sequra
        sunbit zip""",
    PaymentChannel.CASH: "boleto konbini oxxo",
}

CHANNELS: dict[str | None, PaymentChannel] = {
    word: channel for channel, words in _TYPES.items() for word in words.split()
}
"""By `payment_method_details.type` (https://docs.stripe.com/api/charges/object)."""
