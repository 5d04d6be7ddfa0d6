"""PayPal's words and ours. A word that is not here is UNKNOWN."""

from __future__ import annotations

from connectors.records import DisputeStatus, PaymentChannel, PaymentStatus, RefundStatus

CAPTURE_STATUS = {
    "PENDING": PaymentStatus.PENDING,
    "COMPLETED": PaymentStatus.SUCCEEDED,
    "PARTIALLY_REFUNDED": PaymentStatus.SUCCEEDED,
    "REFUNDED": PaymentStatus.SUCCEEDED,
    "DECLINED": PaymentStatus.FAILED,
    "FAILED": PaymentStatus.FAILED,
}
"""Before refunds are laid over it."""

HELD = frozenset({("PENDING", "BUYER_COMPLAINT"), ("PENDING", "CHARGEBACK")})
"""`(status, reason)` of money that was taken and that the buyer wants back."""

REFUNDED_WORDS = frozenset({"PARTIALLY_REFUNDED", "REFUNDED"})

AUTHORIZATION_STATUS = {
    "CREATED": PaymentStatus.AUTHORIZED,
    "PENDING": PaymentStatus.PENDING,
    "DENIED": PaymentStatus.FAILED,
    "EXPIRED": PaymentStatus.CANCELED,
    "VOIDED": PaymentStatus.CANCELED,
}

CAPTURED_WORDS = frozenset({"CAPTURED", "PARTIALLY_CAPTURED"})
"""Of an authorization that has become captures: they are the payments."""

ENDED_WORDS = frozenset({"VOIDED", "EXPIRED"})
"""Of an authorization that takes no more captures; a part may have been captured before."""

REFUND_STATUS = {
    "PENDING": RefundStatus.PENDING,
    "COMPLETED": RefundStatus.SUCCEEDED,
    "FAILED": RefundStatus.FAILED,
    "CANCELLED": RefundStatus.CANCELED,
}

DISPUTE_STATUS = {
    "OPEN": DisputeStatus.NEEDS_RESPONSE,
    "WAITING_FOR_SELLER_RESPONSE": DisputeStatus.NEEDS_RESPONSE,
    "WAITING_FOR_BUYER_RESPONSE": DisputeStatus.UNDER_REVIEW,
    "UNDER_REVIEW": DisputeStatus.UNDER_REVIEW,
    "OTHER": DisputeStatus.UNDER_REVIEW,
}
"""Of a dispute that is open. OTHER is open too, so it counts as one."""

OUTCOMES: dict[str | None, DisputeStatus] = {
    "RESOLVED_BUYER_FAVOUR": DisputeStatus.LOST,
    "ACCEPTED": DisputeStatus.LOST,
    "RESOLVED_SELLER_FAVOUR": DisputeStatus.WON,
    "DENIED": DisputeStatus.WON,
    "RESOLVED_WITH_PAYOUT": DisputeStatus.CLOSED,
    "CANCELED_BY_BUYER": DisputeStatus.CLOSED,
    "NONE": DisputeStatus.CLOSED,
}
"""How a dispute whose status is RESOLVED ended."""

_SOURCES = {
    PaymentChannel.CARD: "card",
    PaymentChannel.WALLET: "apple_pay google_pay paypal venmo",
    PaymentChannel.BANK: """bancontact blik boletobancario eps giropay ideal multibanco mybank
        p24 sofort swish trustly""",
    PaymentChannel.PAY_LATER: "pay_upon_invoice",
}
CHANNELS = {word: channel for channel, words in _SOURCES.items() for word in words.split()}
"""By the key of an order's `payment_source`."""

PAYMENT_CODES = frozenset(
    f"T00{number:02}" for number in (0, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 18, 19)
)
"""Event codes of a payment from one account to another; what the account receives is positive.

https://developer.paypal.com/docs/transaction-search/transaction-event-codes/. Left out of the
group: mass payments, postage, rebates, and money moved between a merchant's own accounts.
"""
AUTHORIZATION_CODE = "T1300"
REFUND_CODE = "T1107"
"""A refund by the merchant. A reversal by PayPal (T1106) or a bank (T1201) is no refund that can
be read: the dispute tells of it."""
