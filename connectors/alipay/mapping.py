"""From Alipay's objects to records, without I/O: one function per kind, words by table.

Raises Misfit for a value that cannot be what its field says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from connectors import records
from connectors.alipay import payloads
from connectors.alipay.amounts import (
    Misfit,
    currency_of,
    masked_account,
    masked_name,
    moment,
    part,
    whole,
)
from connectors.alipay.deductions import deductions
from connectors.alipay.words import CHANNELS, COMPLAINT_STATUS, DIGITAL, TRADE_STATUS
from connectors.errors import Malformed
from connectors.money import Money
from connectors.records import (
    DisputeStatus,
    InstalmentPlan,
    Payer,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    RefundStatus,
    Source,
)
from connectors.references import ReferencePattern

T = TypeVar("T")
PARTS = (
    "buyer_pay_amount",
    "receipt_amount",
    "point_amount",
    "discount_amount",
    "mdiscount_amount",
)
TAKEN = (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED)


def mapped(source: str, make: Callable[[], T]) -> T:
    """A record; Malformed, which names the field, where a value cannot be one."""
    try:
        return make()
    except Misfit as error:
        raise Malformed(source, str(error)) from None


def payment(source: Source, trade: payloads.Trade, pattern: ReferencePattern) -> records.Payment:
    """A trade. Alipay does not tell the refunds of one, except that nothing is left of it; nor
    when it was created, which is moments before it was paid: the one stands for the other.
    """
    currency = currency_of(trade.trans_currency)
    amount = whole("total_amount", trade.total_amount, currency)
    _check_parts(trade, amount)
    status = status_of(trade.trade_status, trade.send_pay_date)
    captured = taken(status, amount)
    fee = _fee(trade, currency)
    paid_at = moment("send_pay_date", trade.send_pay_date) if trade.send_pay_date else None
    return records.Payment(
        source=source,
        native_id=trade.trade_no,
        created_at=paid_at,
        provider=Provider.ALIPAY,
        channel=_channel(trade, currency),
        status=status,
        provider_status=trade.trade_status,
        amount=amount,
        captured=captured,
        refunded=amount if status is PaymentStatus.REFUNDED else None,
        fee=fee,
        net=_net(trade, captured, fee),
        reference=pattern.of(trade.out_trade_no),
        paid_at=paid_at,
        method=_method(trade),
        payer=payer(trade.buyer_logon_id, trade.buyer_user_name),
        instalments=_instalments(trade.hb_fq_pay_info),
        deductions=deductions(trade, currency),
    )


def refund(
    source: Source, row: payloads.Refund, native_id: str, currency: str
) -> records.Refund | None:
    """None for a refund that Alipay does not know, or of which it says nothing.

    It tells when the money went back, not when that was asked for; nor does it tell its currency,
    which is the trade's.
    """
    if row.refund_amount is None:
        if row.refund_status is not None:
            raise Misfit("refund_amount: missing")
        return None
    trade_no, _, request = native_id.partition("-")
    amount = whole("refund_amount", row.refund_amount, currency)
    total = part("total_amount", row.total_amount, currency) if row.total_amount else amount
    if amount.minor_units > total.minor_units:
        raise Misfit("refund_amount: more than the payment")
    settled = moment("gmt_refund_pay", row.gmt_refund_pay) if row.gmt_refund_pay else None
    return records.Refund(
        source=source,
        native_id=native_id,
        created_at=settled,
        status=_refund_status(row),
        provider_status=row.refund_status or row.error_code,
        amount=amount,
        reason=row.refund_reason or None,
        settled_at=settled,
        reference=request,
        payment_id=trade_no,
    )


def dispute(source: Source, row: payloads.Complaint) -> records.Dispute:
    """A complaint is over the whole trade."""
    if row.trade_amount is None:
        raise Misfit("trade_amount: missing")
    return records.Dispute(
        source=source,
        native_id=row.complain_event_id,
        created_at=moment("gmt_create", row.gmt_create),
        updated_at=moment("gmt_modified", row.gmt_modified) if row.gmt_modified else None,
        status=COMPLAINT_STATUS.get(row.status, DisputeStatus.UNKNOWN),
        amount=whole("trade_amount", row.trade_amount),
        reason=row.leaf_category_name,
        payment_id=row.trade_no,
    )


def status_of(word: str, paid: str | None) -> PaymentStatus:
    """A trade that closes unpaid is canceled; one that closes later was refunded to the end."""
    status = TRADE_STATUS.get(word, PaymentStatus.UNKNOWN)
    return PaymentStatus.REFUNDED if status is PaymentStatus.CANCELED and paid else status


def taken(status: PaymentStatus, amount: Money) -> Money | None:
    """What was captured: all or nothing, None where the status says nothing."""
    if status is PaymentStatus.UNKNOWN:
        return None
    return amount if status in TAKEN else Money(0, amount.currency)


def payer(account: str | None, name: str | None) -> Payer | None:
    """Who paid, masked; the ids `buyer_user_id` and `buyer_open_id` are not kept."""
    if not account and not name:
        return None
    return Payer(account=masked_account(account), name=masked_name(name))


def _check_parts(trade: payloads.Trade, amount: Money) -> None:
    """A part larger than the whole is in another unit."""
    for field in PARTS:
        minor = part(field, getattr(trade, field), amount.currency).minor_units
        if not 0 <= minor <= amount.minor_units:
            raise Misfit(f"{field}: less than nothing, or more than total_amount")


def _channel(trade: payloads.Trade, currency: str) -> PaymentChannel:
    """By the purse that most came from."""
    if trade.receipt_currency_type == DIGITAL:
        return PaymentChannel.ECNY
    if _instalments(trade.hb_fq_pay_info):
        return PaymentChannel.PAY_LATER
    bills = [bill for bill in trade.fund_bill_list or () if bill.fund_channel in CHANNELS]
    if not bills:
        return PaymentChannel.UNKNOWN
    largest = max(bills, key=lambda bill: part("fund_bill_list", bill.amount, currency).minor_units)
    return CHANNELS[largest.fund_channel]


def _method(trade: payloads.Trade) -> PaymentMethod:
    bank = next((bill.bank_code for bill in trade.fund_bill_list or () if bill.bank_code), None)
    digital = trade.receipt_currency_type == DIGITAL
    return PaymentMethod(brand=bank, wallet="ecny" if digital else "alipay")


def _instalments(plan: payloads.Instalments | None) -> InstalmentPlan | None:
    count = (plan and plan.user_install_num) or "0"
    if not (count.isascii() and count.isdigit()):
        raise Misfit("user_install_num: not a number")
    return InstalmentPlan(count=int(count), interval="month") if int(count) > 1 else None


def _fee(trade: payloads.Trade, currency: str) -> Money | None:
    """What the merchant paid; None where no fee is told."""
    fees = [
        part("charge_fee", charge.charge_fee, currency).minor_units
        for charge in trade.charge_info_list or ()
        if charge.is_rating_on_trade_receiver == "Y"
    ]
    return Money(sum(fees), currency) if fees else None


def _net(trade: payloads.Trade, captured: Money | None, fee: Money | None) -> Money | None:
    """What arrived: what was received, less the fee. None while either is unknown."""
    if not captured or not captured.minor_units or fee is None or trade.receipt_amount is None:
        return None
    received = part("receipt_amount", trade.receipt_amount, captured.currency)
    return Money(received.minor_units - fee.minor_units, captured.currency)


def _refund_status(row: payloads.Refund) -> RefundStatus:
    """Without a word it is not done yet; only one that was asked for later tells that it failed."""
    if row.refund_status is None:
        return RefundStatus.FAILED if row.error_code else RefundStatus.PENDING
    success = row.refund_status == "REFUND_SUCCESS"
    return RefundStatus.SUCCEEDED if success else RefundStatus.UNKNOWN
