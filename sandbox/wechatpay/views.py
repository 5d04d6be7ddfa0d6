"""Payments, refunds and complaints of the world as WeChat Pay shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.wechatpay.numbers import digits, openid, refund_id, transaction_id, written
from sandbox.world import Dispute, Payment, Refund

TRADE_STATES = {
    "PENDING": ("NOTPAY", "订单未支付"),
    "REQUIRES_ACTION": ("USERPAYING", "需要用户输入支付密码"),
    "SUCCEEDED": ("SUCCESS", "支付成功"),
    "FAILED": ("PAYERROR", "支付失败，请重新下单支付"),
    "CANCELED": ("CLOSED", "订单已关闭"),
    "UNKNOWN": ("FROZEN", "状态未知"),
}
REFUND_STATES = {
    "PENDING": "PROCESSING",
    "SUCCEEDED": "SUCCESS",
    "FAILED": "ABNORMAL",
    "CANCELED": "CLOSED",
}
COMPLAINT_STATES = {"needs_response": "PENDING", "warning_closed": "PROCESSED"}
PROBLEMS = {"fraudulent": "OTHERS", "product_not_received": "SERVICE_NOT_WORK"}
TRADE_TYPES = ("JSAPI", "NATIVE", "APP", "MWEB", "MICROPAY")
BANKS = ("CMB_CREDIT", "ICBC_DEBIT", "CCB_DEBIT", "CMC")
ACCOUNTS = {
    "balance": "支付用户零钱",
    "card": "招商银行信用卡0403",
    "ecny": "数字人民币钱包（尾号１２３４）",
}
FUNDERS = {"provider": "wechatpay_contribute", "merchant": "merchant_contribute"}


def chosen(options: tuple[str, ...], *parts: object) -> str:
    return options[int(digits(4, *parts)) % len(options)]


def trade_state(payment: Payment) -> tuple[str, str]:
    """A payment turns to REFUND with the first refund, whatever becomes of it."""
    if payment.refunds:
        return "REFUND", "转入退款"
    return TRADE_STATES[payment.status]


def trade_type(payment: Payment) -> str:
    return chosen(TRADE_TYPES, payment.native_id, "trade")


def bank_type(payment: Payment) -> str:
    if payment.method == "card":
        return chosen(BANKS, payment.native_id, "bank")
    return "ECNY" if payment.method == "ecny" else "CFT"


def discount(payment: Payment) -> int:
    return sum(deduction.amount for deduction in payment.deductions)


def transaction(payment: Payment, who: Mapping[str, str]) -> dict[str, Any]:
    """https://pay.weixin.qq.com/doc/v3/merchant/4012791838: an unpaid order has little of it.

    `who` are the members that name the merchant; others for a service provider's.
    """
    partner = "sp_mchid" in who
    state, told = trade_state(payment)
    row: dict[str, Any] = {
        "sp_appid" if partner else "appid": "wxd678efh567hg6787",
        **who,
        "out_trade_no": payment.native_id,
        "trade_state": state,
        "trade_state_desc": told,
        "promotion_detail": promotions(payment),
        "scene_info": {"device_id": ""},
    }
    if payment.reference is not None:
        row["attach"] = payment.reference
    if state not in ("SUCCESS", "REFUND"):
        return row | {"amount": {"total": payment.amount, "currency": "CNY"}, "payer": {}}
    return row | {
        "transaction_id": transaction_id(payment.native_id, payment.created_at),
        "trade_type": trade_type(payment),
        "bank_type": bank_type(payment),
        "success_time": written(payment.created_at),
        "payer": {"sp_openid" if partner else "openid": openid(payment.native_id)},
        "amount": {
            "total": payment.amount,
            "payer_total": payment.amount - discount(payment),
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }


def promotions(payment: Payment) -> list[dict[str, Any]]:
    return [
        {
            "coupon_id": digits(6, payment.native_id, index),
            "name": "满减券（测试）🎉",
            "scope": "GLOBAL" if deduction.kind == "coupon" else "SINGLE",
            "type": "NOCASH",
            "amount": deduction.amount,
            "stock_id": digits(6, deduction.kind),
            **dict.fromkeys((*FUNDERS.values(), "other_contribute"), 0),
            FUNDERS[deduction.funded_by]: deduction.amount,
            "currency": "CNY",
        }
        for index, deduction in enumerate(payment.deductions)
    ]


def sub_order(payment: Payment, mchid: str) -> dict[str, Any]:
    """The same as a part of a combined order, where the amount's members have other names."""
    row = transaction(payment, {"mchid": mchid})
    amount = row.pop("amount")
    kept = ("trade_type", "trade_state", "bank_type", "attach", "success_time", "transaction_id")
    return {name: row[name] for name in kept if name in row} | {
        "mchid": mchid,
        "out_trade_no": payment.native_id,
        "promotion_detail": row["promotion_detail"],
        "amount": {
            "total_amount": amount["total"],
            "payer_amount": amount.get("payer_total", 0),
            "currency": "CNY",
        },
    }


def refund(payment: Payment, row: Refund) -> dict[str, Any]:
    """https://pay.weixin.qq.com/doc/v3/merchant/4012791863"""
    share = discount(payment) * row.amount // payment.amount
    settled = {"success_time": written(row.created_at)} if row.status == "SUCCEEDED" else {}
    return {
        "refund_id": refund_id(row.native_id, row.created_at),
        "out_refund_no": row.native_id,
        "transaction_id": transaction_id(payment.native_id, payment.created_at),
        "out_trade_no": payment.native_id,
        "channel": "ORIGINAL",
        "user_received_account": ACCOUNTS[payment.method],
        "create_time": written(row.created_at),
        **settled,
        "status": REFUND_STATES[row.status],
        "funds_account": "ECNY_BASIC" if payment.method == "ecny" else "UNSETTLED",
        "amount": {
            "total": payment.amount,
            "refund": row.amount,
            "from": [],
            "payer_total": payment.amount - discount(payment),
            "payer_refund": row.amount - share,
            "settlement_refund": row.amount - share,
            "settlement_total": payment.amount - discount(payment),
            "discount_refund": share,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }


def complaint(payment: Payment, row: Dispute, mchid: str) -> dict[str, Any]:
    """https://pay.weixin.qq.com/doc/v3/merchant/4012691645"""
    return {
        "complaint_id": row.native_id,
        "complaint_time": written(row.created_at),
        "complaint_detail": "商家一直不发货，联系不上😡",
        "complaint_state": COMPLAINT_STATES[row.status],
        "complainted_mchid": mchid,
        "complaint_order_info": [
            {
                "transaction_id": transaction_id(payment.native_id, payment.created_at),
                "out_trade_no": payment.native_id,
                "amount": row.amount,
            }
        ],
        "complaint_full_refunded": False,
        "incoming_user_response": row.holds,
        "problem_description": "不满意商家服务",
        "user_complaint_times": 1,
        "problem_type": PROBLEMS.get(row.reason, "REFUND"),
    }
