"""The vocabularies of the graph, each value explained."""

from __future__ import annotations

from enum import Enum

import strawberry

from connectors.records import (
    CustomerKind,
    DisputeStatus,
    OrderState,
    PaymentChannel,
    PaymentStatus,
    Provider,
    RefundStatus,
    SourceKind,
)
from resolvers.incomplete import IncompleteReason
from resolvers.links import LinkRule
from resolvers.payment_state import OrderPaymentState

__all__ = [
    "CustomerKind",
    "CustomerSort",
    "DisputeStatus",
    "IncompleteReason",
    "LinkRule",
    "OrderPaymentState",
    "OrderSort",
    "OrderState",
    "PaymentChannel",
    "PaymentSort",
    "PaymentStatus",
    "Provider",
    "RefundSort",
    "RefundStatus",
    "SourceKind",
]


class CustomerSort(Enum):
    CREATED_AT_DESC = "CREATED_AT_DESC"
    CREATED_AT_ASC = "CREATED_AT_ASC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


class OrderSort(Enum):
    CREATED_AT_DESC = "CREATED_AT_DESC"
    CREATED_AT_ASC = "CREATED_AT_ASC"
    PLACED_AT_DESC = "PLACED_AT_DESC"
    PLACED_AT_ASC = "PLACED_AT_ASC"
    TOTAL_DESC = "TOTAL_DESC"
    TOTAL_ASC = "TOTAL_ASC"


class PaymentSort(Enum):
    CREATED_AT_DESC = "CREATED_AT_DESC"


class RefundSort(Enum):
    CREATED_AT_DESC = "CREATED_AT_DESC"


_UNKNOWN = "A word of the vendor that has no meaning here yet, or nothing was said."

DESCRIPTIONS: dict[type[Enum], tuple[str, dict[str, str]]] = {
    SourceKind: (
        "What a source is for.",
        {"CRM": "Holds customers and orders.", "PAYMENTS": "Takes and returns money."},
    ),
    CustomerKind: (
        "Whether a customer is a person.",
        {
            "PERSON": "A natural person.",
            "COMPANY": "A company or another organisation.",
            "UNKNOWN": _UNKNOWN,
        },
    ),
    OrderState: (
        "What the source of the order says happened to it.",
        {
            "DRAFT": "Not placed yet.",
            "PENDING_PAYMENT": "Placed, no payment recorded.",
            "PARTIALLY_PAID": "A part of the payment is recorded.",
            "PAID": "Recorded as paid.",
            "FULFILLED": "Recorded as paid and delivered.",
            "PARTIALLY_REFUNDED": "A part of the money is recorded as returned.",
            "REFUNDED": "All money is recorded as returned.",
            "CANCELED": "Called off or expired.",
            "UNKNOWN": _UNKNOWN,
        },
    ),
    OrderPaymentState: (
        "What the live payments and refunds of an order say. A doubt anywhere is UNKNOWN.",
        {
            "UNPAID": "No money was captured.",
            "PARTIALLY_PAID": "Less was captured than the order's total.",
            "PAID": "Exactly the order's total was captured.",
            "OVERPAID": "More was captured than the order's total.",
            "PARTIALLY_REFUNDED": "A part of what was captured went back.",
            "REFUNDED": "All that was captured went back.",
            "DISPUTED": "A payment is under an open or lost dispute.",
            "UNKNOWN": "A status or the total is unknown, or money was taken in another currency.",
        },
    ),
    PaymentStatus: (
        "The state of a payment, with its refunds and disputes laid over it.",
        {
            "PENDING": "Started, not finished.",
            "REQUIRES_ACTION": "Waits for the payer.",
            "AUTHORIZED": "Reserved, not captured.",
            "SUCCEEDED": "Captured.",
            "PARTIALLY_REFUNDED": "Captured, and a part went back.",
            "REFUNDED": "Captured, and all of it went back.",
            "FAILED": "The last attempt failed.",
            "CANCELED": "Called off, expired, or released before capture.",
            "DISPUTED": "Under an open or lost dispute.",
            "UNKNOWN": _UNKNOWN,
        },
    ),
    RefundStatus: (
        "The state of a refund.",
        {
            "PENDING": "On its way; not counted as refunded.",
            "SUCCEEDED": "The money went back.",
            "FAILED": "The money did not go back.",
            "CANCELED": "Called off.",
            "UNKNOWN": _UNKNOWN,
        },
    ),
    DisputeStatus: (
        "The state of a dispute.",
        {
            "NEEDS_RESPONSE": "The merchant must answer by `dueBy`.",
            "UNDER_REVIEW": "The bank decides.",
            "WON": "Decided for the merchant.",
            "LOST": "Decided for the payer.",
            "CLOSED": "Ended without a decision.",
            "UNKNOWN": _UNKNOWN,
        },
    ),
    Provider: (
        "Who took the payment.",
        {
            "STRIPE": "Stripe.",
            "PAYPAL": "PayPal.",
            "ALIPAY": "支付宝 Alipay.",
            "WECHAT_PAY": "微信支付 WeChat Pay.",
            "UNIONPAY": "银联 UnionPay.",
            "OTHER": "Another provider; see `source.vendor`.",
        },
    ),
    PaymentChannel: (
        "By which kind of means it was paid.",
        {
            "CARD": "A credit or debit card.",
            "WALLET": "A wallet that holds or hides the means, such as Alipay or Link.",
            "BANK": "A bank transfer or direct debit.",
            "QR": "A code that was scanned.",
            "ECNY": "数字人民币 digital RMB.",
            "PAY_LATER": "Someone else pays now, the payer later.",
            "CASH": "Cash, or a voucher paid in cash.",
            "UNKNOWN": _UNKNOWN,
        },
    ),
    IncompleteReason: (
        "Why a source takes no part in a list.",
        {
            "CANNOT_LIST": "It has no list of such records: it can be asked for one by its id, and"
            " for orders by number.",
        },
    ),
    LinkRule: (
        "Why two records of different sources belong together.",
        {
            "STORED": "An operator linked them.",
            "CRM_FIELD": "A field of the CRM's record holds the other's id.",
            "MERCHANT_REFERENCE": "The provider holds the order's number as its reference.",
            "OWN": "Both are in the same source.",
            "PAYER": "Paid under the provider's id of the customer.",
        },
    ),
    CustomerSort: (
        "The order of customers.",
        {
            "CREATED_AT_DESC": "Newest first.",
            "CREATED_AT_ASC": "Oldest first.",
            "NAME_ASC": "By name; CRM sources only.",
            "NAME_DESC": "By name, backwards; CRM sources only.",
        },
    ),
    OrderSort: (
        "The order of orders.",
        {
            "CREATED_AT_DESC": "Newest first.",
            "CREATED_AT_ASC": "Oldest first.",
            "PLACED_AT_DESC": "Last placed first; CRM sources only.",
            "PLACED_AT_ASC": "First placed first; CRM sources only.",
            "TOTAL_DESC": "Largest first, of the one currency that `filter.total` names; CRM"
            " sources only.",
            "TOTAL_ASC": "Smallest first, of the one currency that `filter.total` names; CRM"
            " sources only.",
        },
    ),
    PaymentSort: ("The order of payments.", {"CREATED_AT_DESC": "Newest first."}),
    RefundSort: ("The order of refunds.", {"CREATED_AT_DESC": "Newest first."}),
}


def register() -> None:
    """Makes the enums known to Strawberry, with their descriptions. May be called again."""
    for enum, (description, values) in DESCRIPTIONS.items():
        strawberry.enum(enum, description=description)
        for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
            value.description = values[value.name]


register()
