"""Alipay's JSON as far as it is read. Unknown fields are ignored; what is missing is None.

Amounts are decimal text in yuan, times text in Beijing without a zone.
"""

from __future__ import annotations

import msgspec


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """An object of Alipay's."""


class FundBill(Payload, frozen=True, kw_only=True):
    """How much came from one purse of the buyer."""

    fund_channel: str | None = None
    amount: str | None = None
    bank_code: str | None = None


class Voucher(Payload, frozen=True, kw_only=True):
    """A coupon, and who paid for it."""

    amount: str | None = None
    merchant_contribute: str | None = None
    other_contribute: str | None = None


class Instalments(Payload, frozen=True, kw_only=True):
    """花呗分期."""

    user_install_num: str | int | None = None


class Charge(Payload, frozen=True, kw_only=True):
    """A fee; the receiver of the money pays it where `is_rating_on_trade_receiver` is `Y`."""

    charge_fee: str | None = None
    is_rating_on_trade_receiver: str | None = None


class Trade(Payload, frozen=True, kw_only=True):
    """`alipay.trade.query`."""

    trade_no: str
    total_amount: str
    out_trade_no: str | None = None
    trade_status: str | None = None
    trans_currency: str | None = None
    buyer_pay_amount: str | None = None
    receipt_amount: str | None = None
    point_amount: str | None = None
    discount_amount: str | None = None
    mdiscount_amount: str | None = None
    receipt_currency_type: str | None = None
    send_pay_date: str | None = None
    buyer_logon_id: str | None = None
    buyer_user_name: str | None = None
    fund_bill_list: list[FundBill] | None = None
    voucher_detail_list: list[Voucher] | None = None
    charge_info_list: list[Charge] | None = None
    hb_fq_pay_info: Instalments | None = None


class Refund(Payload, frozen=True, kw_only=True):
    """`alipay.trade.fastpay.refund.query`: without a refund, success and nothing in it.

    `fund_change` is `Y` where money moved.
    """

    trade_no: str | None = None
    out_request_no: str | None = None
    refund_status: str | None = None
    fund_change: str | None = None
    error_code: str | None = None
    total_amount: str | None = None
    refund_amount: str | None = None
    refund_reason: str | None = None
    gmt_refund_pay: str | None = None


class Complaint(Payload, frozen=True, kw_only=True):
    """A row of `alipay.merchant.tradecomplain.batchquery`; the detail also has the amount."""

    complain_event_id: str
    status: str | None = None
    trade_no: str | None = None
    gmt_create: str | None = None
    gmt_modified: str | None = None
    leaf_category_name: str | None = None
    trade_amount: str | None = None


class Complaints(Payload, frozen=True, kw_only=True):
    """A page of complaints, each a `Complaint` that is decoded on its own."""

    total_page_num: int = 0
    trade_complain_infos: list[msgspec.Raw] | None = None


class LogRow(Payload, frozen=True, kw_only=True):
    """A movement of the merchant's account; `direction` is 收入 or 支出."""

    type: str
    direction: str
    trans_amount: str
    trans_dt: str
    alipay_order_no: str | None = None
    merchant_order_no: str | None = None
    merchant_out_refund_no: str | None = None


class LogPage(Payload, frozen=True, kw_only=True):
    """`alipay.data.bill.accountlog.query`; the list is left out when it is empty. Each row is a
    `LogRow` that is decoded on its own.
    """

    total_size: str | int = 0
    detail_list: list[msgspec.Raw] | None = None


class BillAddress(Payload, frozen=True, kw_only=True):
    """Where a bill is to be fetched within 30 seconds."""

    bill_download_url: str | None = None
    bill_file_code: str | None = None


class WalletTrade(Payload, frozen=True, kw_only=True):
    """`mybank.ecny.trade.query`."""

    trade_no: str
    total_amount: str
    out_trade_no: str | None = None
    trade_status: str | None = None
    gmt_payment: str | None = None
    buyer_wallet_id: str | None = None
    buyer_wallet_name: str | None = None


class Flow(Payload, frozen=True, kw_only=True):
    """A movement of a wallet of digital yuan."""

    flow_no: str
    biz_no: str
    biz_date: str
    amount: str
    order_status: str | None = None
    payee_account_no: str | None = None
    payer_account_no: str | None = None


class Flows(Payload, frozen=True, kw_only=True):
    """`mybank.ecny.bizflow.batchquery`: each row is a `Flow` that is decoded on its own."""

    data_list: list[msgspec.Raw] | None = None
    next_cursor: str | None = None
