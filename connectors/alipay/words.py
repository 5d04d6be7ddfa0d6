"""Alipay's words and ours. A word that is not here is UNKNOWN."""

from __future__ import annotations

from connectors.records import DisputeStatus, PaymentChannel, PaymentStatus, RefundStatus

TRADE_STATUS = {
    "WAIT_BUYER_PAY": PaymentStatus.PENDING,
    "TRADE_SUCCESS": PaymentStatus.SUCCEEDED,
    "TRADE_FINISHED": PaymentStatus.SUCCEEDED,  # and can no longer be refunded
    "TRADE_CLOSED": PaymentStatus.CANCELED,  # REFUNDED when it had been paid
}

REFUND_STATUS = {"REFUND_SUCCESS": RefundStatus.SUCCEEDED}

MOVED = "Y"
"""`fund_change` of a refund whose money moved."""

COMPLAINT_STATUS = {
    "MERCHANT_PROCESSING": DisputeStatus.NEEDS_RESPONSE,
    "MERCHANT_FEEDBACKED": DisputeStatus.UNDER_REVIEW,
    "PLATFORM_PROCESSING": DisputeStatus.UNDER_REVIEW,
    "PLATFORM_FINISH": DisputeStatus.CLOSED,
    "FINISHED": DisputeStatus.CLOSED,
    "CANCELLED": DisputeStatus.CLOSED,
    "CLOSED": DisputeStatus.CLOSED,
}

FLOW_STATUS = {
    "SUCCESS": RefundStatus.SUCCEEDED,
    "PROCESSING": RefundStatus.PENDING,
    "FAIL": RefundStatus.FAILED,
}
"""`order_status` of a flow of digital yuan; the words are not published."""

CHANNELS = {
    "ALIPAYACCOUNT": PaymentChannel.WALLET,
    "FINANCEACCOUNT": PaymentChannel.WALLET,  # 余额宝
    "PCARD": PaymentChannel.WALLET,  # prepaid card
    "MCARD": PaymentChannel.WALLET,  # the merchant's own stored value
    "BANKCARD": PaymentChannel.CARD,
    "PCREDIT": PaymentChannel.PAY_LATER,  # 花呗
}
"""By `fund_channel`. Points, coupons and discounts are deductions, not a way to pay."""

DIGITAL = "DC"
"""`receipt_currency_type` of what was received in digital yuan."""

PAYMENT, REFUND, FEE = "payment", "refund", "fee"
ROWS = {
    "交易": PAYMENT,
    "在线支付": PAYMENT,
    "退款": REFUND,
    "交易退款": REFUND,
    "收费": FEE,
    "服务费": FEE,
}
"""What a row of the account log is, by `type`, which Alipay does not promise to keep."""

CURRENCIES = frozenset(
    code
    for codes in (
        "CNY GBP HKD USD SGD JPY CAD AUD EUR NZD KRW THB CHF",
        "SEK DKK NOK MYR IDR PHP MUR ILS LKR RUB AED CZK ZAR",
    )
    for code in codes.split()
)
"""Those a trade can be priced in (`trans_currency`); it is CNY unless told."""
