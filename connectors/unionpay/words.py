"""UnionPay's codes and ours (open.unionpay.com, 应答码). A code that is not here is UNKNOWN."""

from __future__ import annotations

from connectors.records import Kind, PaymentChannel, PaymentStatus, RefundStatus

CNY = "156"
"""The number of the yuan, in which UnionPay settles with merchants in China."""

DONE = ("00", "A6")
"""A6 is a success with a defect: the money moved."""
PENDING = ("03", "04", "05")
"""No answer yet from the issuer: asked again, it becomes another."""
FAILED = (
    *("01", "02", "10", "11", "12", "13", "30", "31", "32", "33", "35", "36", "38", "39", "45"),
    *("60", "61", "62", "63", "64", "65", "66", "67", "68", "99"),
)
"""Neither 42 is here (paid, but too late) nor 06 (busy): they leave open where the money is."""

OUTCOME = {
    **dict.fromkeys(PENDING, PaymentStatus.PENDING),
    **dict.fromkeys(FAILED, PaymentStatus.FAILED),
}
PAYMENT_STATUS = {
    **{("01", code): PaymentStatus.SUCCEEDED for code in DONE},
    **{("03", code): PaymentStatus.SUCCEEDED for code in DONE},
    **{("02", code): PaymentStatus.AUTHORIZED for code in DONE},
    **{(kind, code): status for kind in ("01", "02", "03") for code, status in OUTCOME.items()},
}
"""By txnType (01 payment, 02 authorisation, 03 its capture) and origRespCode."""

REFUND_STATUS: dict[str | None, RefundStatus] = {
    **dict.fromkeys(DONE, RefundStatus.SUCCEEDED),
    **dict.fromkeys(PENDING, RefundStatus.PENDING),
    **dict.fromkeys(FAILED, RefundStatus.FAILED),
}
"""By origRespCode of a refund or a reversal."""

KINDS = {
    **dict.fromkeys(("01", "02", "03"), Kind.PAYMENT),
    # 04 refund, 31 reversal of a payment, 33 reversal of a capture. 32 lets an authorisation go:
    # no money comes back with it.
    **dict.fromkeys(("04", "31", "33"), Kind.REFUND),
}
"""By txnType."""

ROW_KINDS = {"S22": Kind.PAYMENT, "S56": Kind.PAYMENT, "S30": Kind.REFUND}
"""By the code of a settlement row: payment, capture, refund."""

CARD_TYPES: dict[str | None, PaymentChannel] = dict.fromkeys(
    ("01", "02", "03", "04", "05", "06"), PaymentChannel.CARD
)
"""By payCardType: debit, credit, quasi-credit, combined, prepaid; 00 is unknown."""
