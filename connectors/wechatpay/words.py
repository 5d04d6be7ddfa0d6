"""WeChat Pay's words and ours. A word that is not here is UNKNOWN."""

from __future__ import annotations

from connectors.records import DisputeStatus, PaymentChannel, PaymentStatus, RefundStatus

TRADE_STATE: dict[str | None, PaymentStatus] = {
    "NOTPAY": PaymentStatus.PENDING,
    "ACCEPT": PaymentStatus.PENDING,
    "USERPAYING": PaymentStatus.REQUIRES_ACTION,
    "SUCCESS": PaymentStatus.SUCCEEDED,
    "REFUND": PaymentStatus.UNKNOWN,
    "CLOSED": PaymentStatus.CANCELED,
    "REVOKED": PaymentStatus.CANCELED,
    "PAYERROR": PaymentStatus.FAILED,
}
"""REFUND says that some refund was asked for: how much went back is for the refunds to tell."""

TAKEN = frozenset({"SUCCESS", "REFUND"})
"""States in which the money was taken."""

REFUND_STATUS = {
    "PROCESSING": RefundStatus.PENDING,
    "SUCCESS": RefundStatus.SUCCEEDED,
    "CLOSED": RefundStatus.CANCELED,
    "ABNORMAL": RefundStatus.FAILED,  # the payer's account takes no money
}

COMPLAINT_STATE = {
    "PENDING": DisputeStatus.NEEDS_RESPONSE,
    "PROCESSING": DisputeStatus.UNDER_REVIEW,
    "PROCESSED": DisputeStatus.CLOSED,
}

BALANCES = frozenset({"CFT", "LQT"})
"""`bank_type` of money that lies with WeChat: 零钱 and 零钱通."""

NO_BANK = frozenset({None, "", "OTHERS"})

SCANNED = {"NATIVE": PaymentChannel.QR, "MICROPAY": PaymentChannel.QR}
"""By `trade_type`: where one code or the other is scanned, which counts when no bank is named."""

PROMOTION_KIND = {"GLOBAL": "coupon", "SINGLE": "promotion"}
"""By `scope`: a coupon for the whole order (全场券), or one for certain goods (单品优惠)."""
