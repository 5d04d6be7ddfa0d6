"""From Alipay's objects to records, without I/O: one function per kind, words by table.

Raises Misfit for a value that cannot be what its field says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
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
from connectors.alipay.errors import Unfit
from connectors.alipay.words import (
    CHANNELS,
    COMPLAINT_STATUS,
    DIGITAL,
    MOVED,
    REFUND_STATUS,
    TRADE_STATUS,
)
from connectors.fitting import aside
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
UNDER_WAY = timedelta(days=1)
"""How long a refund may be without a word of its outcome."""
TAKEN = (PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED)


def mapped(source: str, make: Callable[[], T]) -> T:
    """A record; Unfit, which names the field, where a value cannot be one."""
    try:
        return make()
    except Misfit as error:
        raise Unfit(source, str(error)) from None


def payment(source: Source, trade: payloads.Trade, pattern: ReferencePattern) -> records.Payment:
    """A trade. Alipay does not tell the refunds of one, except that nothing is left of it; nor
    when it was created, which is moments before it was paid: the one stands for the other.
    """
    currency = currency_of(trade.trans_currency)
    amount = whole("total_amount", trade.total_amount, currency)
    status = status_of(trade.trade_status, trade.send_pay_date)
    captured = taken(status, amount)
    fee = aside(lambda: _fee(trade, currency))
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
        net=aside(lambda: _net(trade, captured, fee)),
        reference=pattern.of(trade.out_trade_no),
        paid_at=paid_at,
        method=_method(trade),
        payer=payer(trade.buyer_logon_id, trade.buyer_user_name),
        instalments=_instalments(trade.hb_fq_pay_info),
        deductions=aside(lambda: deductions(trade, currency)) or (),
    )


def refund(
    source: Source,
    row: payloads.Refund,
    native_id: str,
    currency: str,
    now: datetime | None = None,
) -> records.Refund | None:
    """None for a refund that Alipay does not know, or of which it says nothing.

    It tells when the money went back, not when that was asked for; nor does it tell its currency,
    which is the trade's. `now` decides whether one without a status may still be under way.
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
    at = moment("gmt_refund_pay", row.gmt_refund_pay) if row.gmt_refund_pay else None
    status = _refund_status(row, None if at is None or now is None else now - at)
    return records.Refund(
        source=source,
        native_id=native_id,
        created_at=at,
        status=status,
        provider_status=row.refund_status or row.error_code,
        amount=amount,
        reason=row.refund_reason or None,
        settled_at=at if status is RefundStatus.SUCCEEDED else None,
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
        created_at=moment("gmt_create", row.gmt_create) if row.gmt_create else None,
        updated_at=moment("gmt_modified", row.gmt_modified) if row.gmt_modified else None,
        status=COMPLAINT_STATUS.get(row.status or "", DisputeStatus.UNKNOWN),
        amount=whole("trade_amount", row.trade_amount),
        reason=row.leaf_category_name,
        payment_id=row.trade_no,
    )


def status_of(word: str | None, paid: str | None) -> PaymentStatus:
    """A trade that closes unpaid is canceled; one that closes later was refunded to the end."""
    status = TRADE_STATUS.get(word or "", PaymentStatus.UNKNOWN)
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


def _channel(trade: payloads.Trade, currency: str) -> PaymentChannel:
    """By the purse that most came from."""
    if trade.receipt_currency_type == DIGITAL:
        return PaymentChannel.ECNY
    if _instalments(trade.hb_fq_pay_info):
        return PaymentChannel.PAY_LATER
    bills = [
        (CHANNELS[bill.fund_channel], bill)
        for bill in trade.fund_bill_list or ()
        if bill.fund_channel in CHANNELS
    ]
    if not bills:
        return PaymentChannel.UNKNOWN
    largest = aside(lambda: max(bills, key=lambda told: _minor(told[1], currency)))
    return largest[0] if largest else PaymentChannel.UNKNOWN


def _minor(bill: payloads.FundBill, currency: str) -> int:
    return part("fund_bill_list", bill.amount, currency).minor_units


def _method(trade: payloads.Trade) -> PaymentMethod:
    bank = next((bill.bank_code for bill in trade.fund_bill_list or () if bill.bank_code), None)
    digital = trade.receipt_currency_type == DIGITAL
    return PaymentMethod(brand=bank, wallet="ecny" if digital else "alipay")


def _instalments(plan: payloads.Instalments | None) -> InstalmentPlan | None:
    count = str((plan and plan.user_install_num) or "0")
    told = int(count) if count.isascii() and count.isdigit() else 0
    return InstalmentPlan(count=told, interval="month") if told > 1 else None


def _fee(trade: payloads.Trade, currency: str) -> Money | None:
    """What the merchant paid; None where no fee is told, or one of several is not."""
    rows = trade.charge_info_list or ()
    told = [row.charge_fee for row in rows if row.is_rating_on_trade_receiver == "Y"]
    if not told or not all(told):
        return None
    return Money(sum(part("charge_fee", fee, currency).minor_units for fee in told), currency)


def _net(trade: payloads.Trade, captured: Money | None, fee: Money | None) -> Money | None:
    """What arrived: what was received, less the fee. None while either is unknown, or where more
    was received than was paid.
    """
    if not captured or not captured.minor_units or fee is None or not trade.receipt_amount:
        return None
    received = part("receipt_amount", trade.receipt_amount, captured.currency)
    if not 0 <= received.minor_units <= captured.minor_units:
        return None
    return Money(received.minor_units - fee.minor_units, captured.currency)


def _refund_status(row: payloads.Refund, age: timedelta | None) -> RefundStatus:
    """By its word, else by whether money moved. Without either it is under way for a day at most,
    and what became of it is unknown after that.
    """
    if row.refund_status:
        return REFUND_STATUS.get(row.refund_status, RefundStatus.UNKNOWN)
    if row.error_code:
        return RefundStatus.FAILED
    if row.fund_change == MOVED:
        return RefundStatus.SUCCEEDED
    young = age is not None and age <= UNDER_WAY
    return RefundStatus.PENDING if young else RefundStatus.UNKNOWN
