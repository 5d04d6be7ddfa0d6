"""From WeChat Pay's objects to records, without I/O: one function per kind, words by table.

An amount or currency that does not fit raises ValueError, a time OverflowError: `MISFITS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal

import msgspec

from connectors import records
from connectors.deductions import within
from connectors.fitting import aside
from connectors.money import INT64_MAX, InexactAmount, Money
from connectors.records import (
    Deduction,
    DisputeStatus,
    Failure,
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
from connectors.wechatpay import payloads
from connectors.wechatpay.payloads import Complaint, Promotion, SubOrder, Transaction
from connectors.wechatpay.words import (
    BALANCES,
    COMPLAINT_STATE,
    NO_BANK,
    PROMOTION_KIND,
    REFUND_STATUS,
    SCANNED,
    TAKEN,
    TRADE_STATE,
)

YUAN = "CNY"
WALLET = "wechat_pay"
MISFITS = (ValueError, OverflowError)


class Rules(msgspec.Struct, frozen=True):
    """How one merchant uses WeChat Pay: see the settings of the same names."""

    reference: Literal["out_trade_no", "attach"]
    pattern: ReferencePattern
    ecny_bank_types: frozenset[str]

    def order_number(self, out_trade_no: str, attach: str | None) -> str | None:
        return self.pattern.of(out_trade_no if self.reference == "out_trade_no" else attach)


def money(fen: int, currency: str | None) -> Money:
    """WeChat Pay in mainland China takes yuan only; the currency may be left out."""
    if currency not in (None, YUAN):
        raise InexactAmount("a currency other than CNY")
    if not 0 <= fen <= INT64_MAX:
        raise InexactAmount("not an amount of fen")
    return Money(fen, YUAN)


def moment(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None


def payment(source: Source, row: Transaction, rules: Rules) -> records.Payment:
    """A payment without its refunds: of them WeChat only says whether any was asked for.

    Nor does it say when an unpaid order was made, so `created_at` is when it was paid.
    """
    amount = money(row.amount.total, row.amount.currency)
    status = TRADE_STATE.get(row.trade_state, PaymentStatus.UNKNOWN)
    taken, known = row.trade_state in TAKEN, row.trade_state in TRADE_STATE
    untouched = known and not taken
    return records.Payment(
        source=source,
        native_id=row.out_trade_no,
        created_at=moment(row.success_time),
        custom_fields=_others(row, rules),
        provider=Provider.WECHAT_PAY,
        channel=_channel(row, rules),
        status=status,
        provider_status=row.trade_state,
        amount=amount,
        captured=amount if taken else Money(0, YUAN) if untouched else None,
        refunded=Money(0, YUAN) if untouched else None,
        reference=rules.order_number(row.out_trade_no, row.attach),
        paid_at=moment(row.success_time) if taken else None,
        method=_method(row),
        payer=_payer(row.payer),
        instalments=_instalments(row),
        deductions=aside(lambda: _deductions(row)) or (),
        failure=_failure(row) if status is PaymentStatus.FAILED else None,
        refunds=() if untouched else None,
    )


def sub_payment(source: Source, number: str, row: SubOrder, rules: Rules) -> records.Payment:
    """A payment that was made with others as one combined order of this number."""
    amount = payloads.Amount(
        total=row.amount.total_amount,
        payer_total=row.amount.payer_amount,
        currency=row.amount.currency,
    )
    same = {name: getattr(row, name) for name in _SHARED}
    whole = payment(source, Transaction(amount=amount, **same), rules)
    return msgspec.structs.replace(whole, reference=rules.pattern.of(number))


_SHARED = frozenset(SubOrder.__struct_fields__) - {"amount"}


def refund(source: Source, row: payloads.Refund) -> records.Refund:
    amount = money(row.amount.refund, row.amount.currency)
    if row.amount.total is not None and row.amount.refund > row.amount.total:
        raise InexactAmount("a refund larger than its payment")
    facts = {"channel": row.channel, "funds_account": row.funds_account, "refund_id": row.refund_id}
    return records.Refund(
        source=source,
        native_id=row.out_refund_no,
        created_at=moment(row.create_time),
        custom_fields={name: value for name, value in facts.items() if value},
        status=REFUND_STATUS.get(row.status or "", RefundStatus.UNKNOWN),
        provider_status=row.status,
        amount=amount,
        settled_at=moment(row.success_time),
        reference=row.out_refund_no,
        payment_id=row.out_trade_no,
    )


def disputes(source: Source, row: Complaint) -> Iterator[records.Dispute]:
    """One for each payment that is complained of; the second one's id ends in `-2`, and so on."""
    for place, order in enumerate(row.complaint_order_info, start=1):
        yield records.Dispute(
            source=source,
            native_id=row.complaint_id if place == 1 else f"{row.complaint_id}-{place}",
            created_at=moment(row.complaint_time),
            status=COMPLAINT_STATE.get(row.complaint_state or "", DisputeStatus.UNKNOWN),
            amount=money(order.amount, None),
            reason=row.problem_type,
            payment_id=order.out_trade_no,
        )


def _channel(row: Transaction, rules: Rules) -> PaymentChannel:
    if row.bank_type in rules.ecny_bank_types:
        return PaymentChannel.ECNY
    if row.bank_type in BALANCES:
        return PaymentChannel.WALLET
    if row.bank_type in NO_BANK:
        return SCANNED.get(row.trade_type or "", PaymentChannel.UNKNOWN)
    return PaymentChannel.CARD


def _method(row: Transaction) -> PaymentMethod:
    return PaymentMethod(brand=None if row.bank_type in NO_BANK else row.bank_type, wallet=WALLET)


def _payer(payer: payloads.Payer | None) -> Payer | None:
    openid = payer and (payer.openid or payer.sub_openid or payer.sp_openid)
    return Payer(account=f"{openid[:3]}****{openid[-2:]}") if openid and len(openid) > 9 else None


def _instalments(row: Transaction) -> InstalmentPlan | None:
    plan = row.installment_info
    count = plan.selected_installment_number if plan else None
    return InstalmentPlan(count=count, interval="month") if count and count > 1 else None


def _deductions(row: Transaction) -> tuple[Deduction, ...]:
    """Coupons; together with what the payer paid they are not more than the order's amount."""
    found = [part for p in row.promotion_detail or () for part in _parts(p)]
    return within(found, row.amount.total - (row.amount.payer_total or 0))


def _parts(promotion: Promotion) -> Iterable[Deduction]:
    """A part for each who paid; one part without a payer where those do not add up."""
    kind = PROMOTION_KIND.get(promotion.scope or "", "coupon")
    shares = {
        "provider": promotion.wechatpay_contribute or 0,
        "merchant": promotion.merchant_contribute or 0,
        "other": promotion.other_contribute or 0,
    }
    if promotion.amount is not None and sum(shares.values()) != promotion.amount:
        return (Deduction(kind=kind, amount=money(promotion.amount, None)),)
    return tuple(
        Deduction(kind=kind, amount=money(share, None), funded_by=who)
        for who, share in shares.items()
        if share
    )


def _failure(row: Transaction) -> Failure | None:
    return Failure(code=row.trade_state) if row.trade_state else None


def _others(row: Transaction, rules: Rules) -> dict[str, str]:
    attach = row.attach if rules.reference != "attach" else None
    facts = {
        "transaction_id": row.transaction_id,
        "trade_type": row.trade_type,
        "attach": attach,
    }
    return {name: value for name, value in facts.items() if value}
