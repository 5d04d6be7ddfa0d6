"""`alipay.trade.query` and `alipay.trade.fastpay.refund.query`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.alipay.naming import beijing
from sandbox.alipay.refusals import Refusal
from sandbox.alipay.store import Shop, Trade
from sandbox.world import Deduction, Payment

PURSES = {"balance": "ALIPAYACCOUNT", "card": "BANKCARD", "pay_later": "PCREDIT"}
PARTS = {"points": "POINT", "coupon": "COUPON", "promotion": "DISCOUNT"}
SUBJECTS = (
    "大乐透",
    "订单/茶具套装",
    "Desk lamp 🎁",
    "１２３号套餐",
    'Monitor 27"',
    '"27寸"显示器',
)


def yuan(minor: int) -> str:
    """Two decimals, always."""
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{minor // 100}.{minor % 100:02}"


def missing() -> Refusal:
    return Refusal("40004", "ACQ.TRADE_NOT_EXIST", "交易不存在", 404)


def trade_of(shop: Shop, content: dict[str, Any]) -> Trade:
    """`trade_no` comes before `out_trade_no`."""
    if not content.get("trade_no") and not content.get("out_trade_no"):
        raise Refusal("40004", "ACQ.INVALID_PARAMETER", "参数无效")
    if number := content.get("trade_no"):
        found = shop.trades.get(number)
    else:
        found = shop.by_number.get(content["out_trade_no"])
    if found is None:
        raise missing()
    return found


def subject_of(payment: Payment) -> str:
    return SUBJECTS[int(payment.native_id[-3:]) % len(SUBJECTS)]


def trade_query(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    trade = trade_of(shop, content)
    payment = trade.payment
    closed = payment.refunded >= payment.captured
    buyer = f"159****{payment.native_id[-4:]}"
    told: dict[str, Any] = {
        "trade_no": payment.native_id,
        "out_trade_no": trade.out_trade_no,
        "buyer_logon_id": buyer,
        "trade_status": "TRADE_CLOSED" if closed else "TRADE_SUCCESS",
        "total_amount": yuan(payment.amount),
        "buyer_pay_amount": yuan(buyer_paid(payment)),
        "invoice_amount": yuan(buyer_paid(payment)),
        "receipt_amount": yuan(trade.received),
        "point_amount": yuan(parts(payment, "points")),
        "discount_amount": yuan(parts(payment, "coupon", "promotion", funder="provider")),
        "send_pay_date": beijing(payment.created_at),
        "subject": subject_of(payment),
        "store_id": "NJ/S/001",
    }
    # Old applications are told one id of the buyer, new ones the other.
    name = ("buyer_user_id", "buyer_open_id")[int(payment.native_id[-1]) % 2]
    told[name] = f"2088{payment.native_id[-12:]}"
    if payment.method == "ecny":
        told["receipt_currency_type"] = "DC"
    return told | {
        option: value
        for option in content.get("query_options") or ()
        if option in OPTIONS and (value := OPTIONS[option](trade))
    }


def buyer_paid(payment: Payment) -> int:
    return payment.amount - sum(d.amount for d in payment.deductions)


def parts(payment: Payment, *kinds: str, funder: str | None = None) -> int:
    return sum(
        d.amount for d in payment.deductions if d.kind in kinds and funder in (None, d.funded_by)
    )


def funds(trade: Trade) -> list[dict[str, str]]:
    payment = trade.payment
    bills = [{"fund_channel": PARTS[d.kind], "amount": yuan(d.amount)} for d in payment.deductions]
    if payment.method in PURSES:
        purse = {
            "fund_channel": PURSES[payment.method],
            "amount": yuan(buyer_paid(payment)),
            "real_amount": yuan(buyer_paid(payment)),
        }
        if payment.method == "card":
            purse |= {"bank_code": "ICBC", "fund_type": "DEBIT_CARD"}
        bills.insert(0, purse)
    return bills


def voucher(deduction: Deduction) -> dict[str, str]:
    amount = yuan(deduction.amount)
    own = deduction.funded_by == "merchant"
    return {
        "id": "2015102600073002039000002D5O",
        "name": "满减券",
        "type": "ALIPAY_FIX_VOUCHER",
        "amount": amount,
        "merchant_contribute": amount if own else "0.00",
        "other_contribute": "0.00" if own else amount,
    }


def instalments(trade: Trade) -> dict[str, str] | None:
    count = trade.payment.instalments
    if count is None:
        return None
    return {"user_install_num": str(count), "fq_amount": yuan(buyer_paid(trade.payment))}


def charges(trade: Trade) -> list[dict[str, str]] | None:
    fee = trade.payment.fee
    if fee is None:
        return None
    return [
        {
            "charge_fee": yuan(fee),
            "original_charge_fee": yuan(fee),
            "charge_type": "trade",
            "is_rating_on_trade_receiver": "Y",
            "is_rating_on_switch": "N",
        }
    ]


OPTIONS: dict[str, Callable[[Trade], Any]] = {
    "fund_bill_list": funds,
    "voucher_detail_list": lambda t: [
        voucher(d) for d in t.payment.deductions if d.kind == "coupon"
    ],
    "mdiscount_amount": lambda t: yuan(parts(t.payment, "coupon", "promotion", funder="merchant")),
    "hb_fq_pay_info": instalments,
    "charge_info_list": charges,
}


def refund_query(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    """Of a refund that it does not know Alipay says success, and nothing else; of one that has not
    succeeded, no status.
    """
    trade = trade_of(shop, content)
    request = content.get("out_request_no")
    if not request:
        raise Refusal("40004", "ACQ.INVALID_PARAMETER", "参数无效")
    found = shop.refunds.get(f"{trade.payment.native_id}-{request}")
    if found is None:
        return {}
    told = {
        "trade_no": trade.payment.native_id,
        "out_trade_no": trade.out_trade_no,
        "out_request_no": request,
        "total_amount": yuan(trade.payment.amount),
        "refund_amount": yuan(found[1].amount),
        "refund_reason": "七天无理由/退货",
    }
    if found[1].status == "SUCCEEDED":
        told["refund_status"] = "REFUND_SUCCESS"
    if "gmt_refund_pay" in (content.get("query_options") or ()):
        told["gmt_refund_pay"] = beijing(found[1].created_at)
    return told
