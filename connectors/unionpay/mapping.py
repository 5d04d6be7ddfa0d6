"""From UnionPay's transactions to records, without I/O. What does not fit raises ValueError."""

from __future__ import annotations

import re
from datetime import datetime

from connectors import records
from connectors.beijing import utc_of_digits
from connectors.fitting import aside
from connectors.money import Money
from connectors.records import (
    Failure,
    InstalmentPlan,
    Kind,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    RefundStatus,
    Source,
)
from connectors.unionpay.ids import native_id
from connectors.unionpay.message import inner
from connectors.unionpay.order_number import OrderNumber
from connectors.unionpay.payloads import Transaction
from connectors.unionpay.words import CARD_TYPES, CNY, KINDS, PAYMENT_STATUS, REFUND_STATUS
from connectors.unionpay.years import nearest

LONGEST_AMOUNT = 12
_TYPE = re.compile(r"[0-9]{2}", re.ASCII)


def payment(source: Source, row: Transaction, number: OrderNumber) -> records.Payment | None:
    """None for what is no payment. The reply never tells of refunds, so they stay unknown."""
    if _kind(row) is not Kind.PAYMENT:
        return None
    amount = fen(row.txn_amt, row.currency_code)
    status = _status(row)
    return records.Payment(
        source=source,
        native_id=native_id(row.order_id, row.txn_time),
        created_at=utc_of_digits(row.txn_time),
        custom_fields={"queryId": row.query_id} if row.query_id else None,
        provider=Provider.UNIONPAY,
        channel=_channel(row),
        status=status,
        provider_status=row.orig_resp_code,
        amount=amount,
        captured=_captured(status, amount),
        reference=number.of(row.order_id, row.req_reserved),
        paid_at=aside(lambda: traced_at(row)) if status is PaymentStatus.SUCCEEDED else None,
        method=PaymentMethod(brand="unionpay"),
        instalments=aside(lambda: _instalments(row)),
        failure=_failure(status, row),
    )


def refund(source: Source, row: Transaction) -> records.Refund | None:
    """A refund or a reversal, which is a transaction of its own; None for what is neither."""
    if _kind(row) is not Kind.REFUND:
        return None
    status = REFUND_STATUS.get(row.orig_resp_code, RefundStatus.UNKNOWN)
    return records.Refund(
        source=source,
        native_id=native_id(row.order_id, row.txn_time),
        created_at=utc_of_digits(row.txn_time),
        custom_fields={"queryId": row.query_id} if row.query_id else None,
        status=status,
        provider_status=row.orig_resp_code,
        amount=fen(row.txn_amt, row.currency_code),
        settled_at=aside(lambda: traced_at(row)) if status is RefundStatus.SUCCEEDED else None,
        reference=row.order_id,
        payment_id=_refunded(row),
    )


def _kind(row: Transaction) -> Kind | None:
    """None for a type of transaction that is neither; what is no type could be either."""
    if not _TYPE.fullmatch(row.txn_type):
        raise ValueError("a type of transaction is two digits")
    return KINDS.get(row.txn_type)


def fen(text: str, currency: str = CNY) -> Money:
    """`1050` is 10.50 yuan."""
    if currency != CNY:
        raise ValueError("a currency other than 156")
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_AMOUNT):
        raise ValueError("an amount is digits, in fen")
    return Money(int(text), "CNY")


def traced_at(row: Transaction) -> datetime | None:
    """When UnionPay did it, by its own clock."""
    sent = utc_of_digits(row.txn_time)
    return nearest(row.trace_time, sent) if row.trace_time else None


def _status(row: Transaction) -> PaymentStatus:
    return PAYMENT_STATUS.get((row.txn_type, row.orig_resp_code or ""), PaymentStatus.UNKNOWN)


def _captured(status: PaymentStatus, amount: Money) -> Money | None:
    if status is PaymentStatus.UNKNOWN:
        return None
    return amount if status is PaymentStatus.SUCCEEDED else Money(0, amount.currency)


def _channel(row: Transaction) -> PaymentChannel:
    """Both fields come only to merchants who have the right to them."""
    if row.qr_no:
        return PaymentChannel.QR
    return CARD_TYPES.get(row.pay_card_type, PaymentChannel.UNKNOWN)


def _instalments(row: Transaction) -> InstalmentPlan | None:
    if not row.instal_trans_info:
        return None
    count = inner(row.instal_trans_info).get("numberOfInstallments")
    return InstalmentPlan(count=int(count), interval="month") if count else None


def _failure(status: PaymentStatus, row: Transaction) -> Failure | None:
    code = row.orig_resp_code
    return Failure(code=code) if code and status is PaymentStatus.FAILED else None


def _refunded(row: Transaction) -> str | None:
    """The payment's native id where the reply tells it, else its queryId."""
    if row.orig_order_id and row.orig_txn_time:
        return native_id(row.orig_order_id, row.orig_txn_time)
    return row.orig_qry_id or None
