"""WeChat Pay's JSON as far as it is read. Amounts are integers of fen; unknown fields are ignored.

What does not apply is left out, seldom null. Service providers' answers name the two merchants
`sp_mchid` and `sub_mchid`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from connectors.wechatpay.seal import Sealed

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with an offset, Beijing's."""


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """An object of WeChat Pay's."""


class Amount(Payload, frozen=True, kw_only=True):
    """`total` is the order's, `payer_total` what the payer paid of it."""

    total: int
    payer_total: int | None = None
    currency: str | None = None


class Payer(Payload, frozen=True, kw_only=True):
    """An openid is the payer as one app of the merchant knows them."""

    openid: str | None = None
    sp_openid: str | None = None
    sub_openid: str | None = None


class Promotion(Payload, frozen=True, kw_only=True):
    """A coupon, and who paid which part of it."""

    amount: int | None = None
    scope: str | None = None
    wechatpay_contribute: int | None = None
    merchant_contribute: int | None = None
    other_contribute: int | None = None


class Instalments(Payload, frozen=True, kw_only=True):
    selected_installment_number: int | None = None


class Transaction(Payload, frozen=True, kw_only=True):
    """https://pay.weixin.qq.com/doc/v3/merchant/4012791838; an unpaid one has little of it."""

    out_trade_no: str
    amount: Amount
    trade_state: str | None = None
    transaction_id: str | None = None
    trade_type: str | None = None
    bank_type: str | None = None
    attach: str | None = None
    success_time: Moment | None = None
    payer: Payer | None = None
    promotion_detail: list[Promotion] | None = None
    installment_info: Instalments | None = None
    mchid: str | None = None
    sp_mchid: str | None = None
    sub_mchid: str | None = None


class SubAmount(Payload, frozen=True, kw_only=True):
    total_amount: int
    payer_amount: int | None = None
    currency: str | None = None


class SubOrder(Payload, frozen=True, kw_only=True):
    """One merchant's part of a combined order: a transaction whose amount is spelt otherwise."""

    out_trade_no: str
    amount: SubAmount
    mchid: str | None = None
    trade_state: str | None = None
    transaction_id: str | None = None
    trade_type: str | None = None
    bank_type: str | None = None
    attach: str | None = None
    success_time: Moment | None = None
    promotion_detail: list[Promotion] | None = None
    sub_mchid: str | None = None


class Combination(Payload, frozen=True, kw_only=True):
    """https://pay.weixin.qq.com/doc/v3/merchant/4012557006"""

    combine_out_trade_no: str
    sub_orders: list[SubOrder] = []


class RefundAmount(Payload, frozen=True, kw_only=True):
    """`total` is the payment's, `refund` goes back."""

    refund: int
    total: int | None = None
    currency: str | None = None


class Refund(Payload, frozen=True, kw_only=True):
    """https://pay.weixin.qq.com/doc/v3/merchant/4012791863"""

    out_refund_no: str
    amount: RefundAmount
    refund_id: str | None = None
    out_trade_no: str | None = None
    status: str | None = None
    create_time: Moment | None = None
    success_time: Moment | None = None
    channel: str | None = None
    funds_account: str | None = None


class ComplainedOrder(Payload, frozen=True, kw_only=True):
    out_trade_no: str
    amount: int


class Complaint(Payload, frozen=True, kw_only=True):
    """https://pay.weixin.qq.com/doc/v3/merchant/4012691645; texts and telephones are not read."""

    complaint_id: str
    complaint_time: Moment | None = None
    complaint_state: str | None = None
    complaint_order_info: list[ComplainedOrder] = []
    problem_type: str | None = None


class Complaints(Payload, frozen=True, kw_only=True):
    """A page of complaints, each a `Complaint` that is decoded on its own."""

    data: list[msgspec.Raw] = []
    total_count: int = 0


class BillPlace(Payload, frozen=True, kw_only=True):
    """Where a bill lies for five minutes, and the SHA-1 of its text."""

    hash_value: str
    download_url: str


class CertificateEntry(Payload, frozen=True, kw_only=True):
    serial_no: str
    encrypt_certificate: Sealed


class Certificates(Payload, frozen=True, kw_only=True):
    """https://pay.weixin.qq.com/doc/v3/merchant/4012551764"""

    data: list[CertificateEntry]
