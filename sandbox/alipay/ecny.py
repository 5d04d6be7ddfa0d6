"""MYbank's digital yuan: `mybank.ecny.trade.query` and `mybank.ecny.bizflow.batchquery`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sandbox.alipay.books import bad, moment, number
from sandbox.alipay.keys import MERCHANT, WALLET_NO
from sandbox.alipay.naming import BEIJING, beijing
from sandbox.alipay.store import Movement, Shop
from sandbox.alipay.trades import trade_of, yuan
from sandbox.behaviour import MARK, has_odd_row

MOST = 100


def trade_query(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    if content.get("merchant_id") != MERCHANT:
        raise bad()
    trade = trade_of(shop, content)
    payment = trade.payment
    closed = payment.refunded >= payment.captured
    return {
        "trade_no": payment.native_id,
        "out_trade_no": trade.out_trade_no,
        "total_amount": yuan(payment.amount),
        "trade_status": "TRADE_CLOSED" if closed else "TRADE_SUCCESS",
        "gmt_payment": beijing(payment.created_at),
        "buyer_wallet_id": f"0022*****{payment.native_id[-4:]}",
        "buyer_wallet_name": "*三",
    }


def flows(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    """A cursor is the place of the next flow."""
    if content.get("account_no") != WALLET_NO or not content.get("request_no"):
        raise bad()
    start, end = moment(content, "gmt_start"), moment(content, "gmt_end")
    size = number(content, "page_size", MOST, 1, MOST)
    place = number(content, "next_cursor", 0, 0, 10**9)
    # Digital yuan costs nothing.
    found = [flow(m) for m in shop.between(start, end) if m.type != "收费"]
    found = sorted([*found, *transfers(start, end)], key=lambda told: told["biz_date"])
    if has_odd_row() and (paid := [told for told in found if told["flow_no"].startswith("P")]):
        found.insert(1, paid[0] | {"flow_no": MARK, "biz_date": ""})
    told: dict[str, Any] = {"page_size": str(size)}
    if place + size < len(found):
        told["next_cursor"] = str(place + size)
    return told | {"data_list": found[place : place + size]}


def transfers(start: datetime, end: datetime) -> list[dict[str, str]]:
    """On the first of each month something is put into the wallet, and an hour later taken out:
    flows that are of no trade.
    """
    found = []
    noon = start.astimezone(BEIJING).replace(day=1, hour=12, minute=0, second=0)
    while noon < end:
        for at, back in ((noon, False), (noon + timedelta(hours=1), True)):
            if start <= at < end:
                found.append(transfer(at, back))
        noon = (noon + timedelta(days=31)).replace(day=1)
    return found


def transfer(at: datetime, back: bool) -> dict[str, str]:
    bank = "6222*****0001"
    return {
        "flow_no": f"T{at:%Y%m%d%H}",
        "biz_no": f"{at:%Y%m%d%H}9999990000000001",
        "biz_date": beijing(at),
        "amount": "100.00",
        "order_status": "SUCCESS",
        "payer_account_no": WALLET_NO if back else bank,
        "payee_account_no": bank if back else WALLET_NO,
    }


def flow(movement: Movement) -> dict[str, str]:
    native_id = movement.trade.payment.native_id
    back = movement.refund
    other = f"0022*****{native_id[-4:]}"
    return {
        "flow_no": back.native_id.rpartition("-")[2] if back else f"P{native_id[-15:]}",
        "biz_no": native_id,
        "biz_date": beijing(movement.at),
        "amount": yuan(abs(movement.amount)),
        "order_status": "SUCCESS",
        "payer_account_no": WALLET_NO if back else other,
        "payee_account_no": other if back else WALLET_NO,
    }
