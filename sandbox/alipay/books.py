"""Account log, balance, complaints, and the addresses of bills."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sandbox.alipay.naming import BEIJING, beijing
from sandbox.alipay.refusals import Refusal
from sandbox.alipay.store import Movement, Shop, Trade
from sandbox.alipay.trades import yuan
from sandbox.behaviour import MARK, has_odd_row
from sandbox.world import Dispute

LONGEST = timedelta(days=31)
COMPLAINTS_LONGEST = timedelta(days=366)
COMPLAINTS_MOST = 20
STATUSES = {"needs_response": "MERCHANT_PROCESSING", "warning_closed": "CLOSED"}


def bad(word: str = "INVALID_PARAMETER") -> Refusal:
    return Refusal("40004", word, "参数无效")


def moment(content: dict[str, Any], name: str) -> datetime:
    try:
        return datetime.strptime(str(content.get(name)), "%Y-%m-%d %H:%M:%S").replace(
            tzinfo=BEIJING
        )
    except ValueError:
        raise bad() from None


def number(content: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    text = str(content.get(name, default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise bad()
    return int(text)


def account_log(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    start, end = moment(content, "start_time"), moment(content, "end_time")
    if end - start > LONGEST:
        raise bad()
    page = number(content, "page_no", 1, 1, 10**6)
    size = number(content, "page_size", 2000, 1000, 2000)
    found = shop.between(start, end)
    rows = [log_row(movement) for movement in found]
    if rows and has_odd_row():
        rows.insert(1, rows[0] | {"alipay_order_no": MARK, "trans_dt": ""})
    shown = rows[(page - 1) * size : page * size]
    told: dict[str, Any] = {
        "page_no": str(page),
        "page_size": str(size),
        "total_size": str(len(rows)),
    }
    return told | ({"detail_list": shown} if shown else {})


def log_row(movement: Movement) -> dict[str, str]:
    row = {
        "account_log_id": f"{int(movement.at.timestamp()):012}{abs(movement.amount):08}",
        "alipay_order_no": movement.trade.payment.native_id,
        "merchant_order_no": movement.trade.out_trade_no,
        "trans_amount": yuan(movement.amount),
        "direction": "收入" if movement.amount > 0 else "支出",
        "balance": "1000.00",
        "trans_dt": beijing(movement.at),
        "type": movement.type,
        "trans_memo": "售后/退款" if movement.refund else "",
        "other_account": "*三(159****5620)",
    }
    if movement.refund:
        row["merchant_out_refund_no"] = movement.refund.native_id.partition("-")[2]
    return row


def balance(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    return {"available_amount": "1000.00", "freeze_amount": "0.00", "total_amount": "1000.00"}


def complaints(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    start, end = moment(content, "begin_time"), moment(content, "end_time")
    page = number(content, "page_num", 1, 1, 10**6)
    size = number(content, "page_size", 10, 1, COMPLAINTS_MOST)
    if end - start > COMPLAINTS_LONGEST:
        raise bad("PARAM_ILLEGAL")
    found = [complaint_row(t) for t in shop.complaints if start <= dispute_of(t).created_at < end]
    if found and has_odd_row():
        found.insert(1, found[0] | {"complain_event_id": MARK, "gmt_create": ""})
    told: dict[str, Any] = {
        "page_num": page,
        "page_size": size,
        "total_num": len(found),
        "total_page_num": -(-len(found) // size),
    }
    shown = found[(page - 1) * size : page * size]
    return told | ({"trade_complain_infos": shown} if shown else {})


def complaint(shop: Shop, content: dict[str, Any]) -> dict[str, Any]:
    asked = content.get("complain_event_id")
    for trade in shop.complaints:
        if dispute_of(trade).native_id == asked:
            return {**complaint_row(trade), "trade_amount": yuan(dispute_of(trade).amount)}
    raise bad("PARAM_ILLEGAL")


def complaint_row(trade: Trade) -> dict[str, Any]:
    """The list does not tell the amount."""
    dispute = dispute_of(trade)
    return {
        "complain_event_id": dispute.native_id,
        "status": STATUSES[dispute.status],
        "trade_no": trade.payment.native_id,
        "merchant_order_no": trade.out_trade_no,
        "gmt_create": beijing(dispute.created_at),
        "gmt_modified": beijing(dispute.created_at),
        "leaf_category_name": "商家不发货",
        "complain_reason": "已经扣款/没有收到货",
        "content": "已经扣除了我的钱，为什么再次扣款？？？😡",
        "phone_no": "13800138000",
    }


def dispute_of(trade: Trade) -> Dispute:
    assert trade.payment.dispute is not None
    return trade.payment.dispute
