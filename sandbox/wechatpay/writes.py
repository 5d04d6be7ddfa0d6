"""Placing, closing and refunding, as far as tests need them."""

from __future__ import annotations

import re

from sandbox.wechatpay import views
from sandbox.wechatpay.desk import Call, Reply, Shop
from sandbox.wechatpay.errors import WeChatPayError, bad_parameter, no_order
from sandbox.world import Payment, Refund

NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")


def place(call: Call) -> Reply:
    """A native order: paid with a code that the payer scans. It stays unpaid."""
    number, total = call.content.get("out_trade_no"), call.content.get("amount", {}).get("total")
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        raise bad_parameter("/out_trade_no", "body", "missing or with other letters")
    if type(total) is not int or total < 1:
        raise bad_parameter("/amount/total", "body", "fen")
    if number in call.shop.store.payments:
        raise WeChatPayError(403, "OUT_TRADE_NO_USED", "商户订单号重复")
    now = call.shop.clock()
    made = Payment(number, "wechat_cn", total, "CNY", "PENDING", now)
    made.reference = call.content.get("attach")
    call.shop.store.order(made)
    return Reply({"code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"})


def close(call: Call) -> Reply:
    payment = call.shop.store.payments.get(call.number)
    if payment is None:
        raise no_order()
    if payment.captured:
        raise WeChatPayError(400, "ORDERPAID", "该订单已支付")
    payment.status = "CANCELED"
    return Reply(status=204)


def give_back(call: Call) -> Reply:
    """Refund; asking again with the same number and amount gives back once."""
    shop, number = call.shop, str(call.content.get("out_refund_no", ""))
    amount = call.content.get("amount", {})
    if not NUMBER.fullmatch(number):
        raise bad_parameter("/out_refund_no", "body", "missing or with other letters")
    payment = shop.store.payments.get(str(call.content.get("out_trade_no")))
    if payment is None:
        raise WeChatPayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    if amount.get("currency") != "CNY" or amount.get("total") != payment.amount:
        raise bad_parameter("/amount", "body", "not the payment's")
    known = shop.store.refunds.get(number)
    if known is None:
        known = payment, new_refund(shop, payment, number, amount.get("refund"))
    elif known[1].amount != amount.get("refund") or known[0] is not payment:
        raise WeChatPayError(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致")
    return Reply(views.refund(*known))


def new_refund(shop: Shop, payment: Payment, number: str, amount: object) -> Refund:
    gone = sum(refund.amount for refund in payment.refunds if refund.status != "CANCELED")
    if type(amount) is not int or amount < 1:
        raise bad_parameter("/amount/refund", "body", "fen")
    if amount + gone > payment.captured:
        raise WeChatPayError(403, "NOT_ENOUGH", "退款金额超过可退金额")
    refund = Refund(number, amount, "PENDING", shop.clock().replace(microsecond=0))
    shop.store.refund(payment, refund)
    return refund
