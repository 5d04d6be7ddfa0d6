"""The trade bill of each day (交易账单), as WeChat Pay writes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from sandbox.behaviour import MARK, has_odd_row
from sandbox.wechatpay.numbers import BEIJING, openid, refund_id, transaction_id
from sandbox.wechatpay.views import bank_type, discount, trade_type
from sandbox.world import Payment, Refund

COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
GOODS = ("咖啡豆 ２５０ｇ ☕（春季）", "牛奶,面包,鸡蛋", "测试商品", "张三丰的“书”,第１册")
REFUND_STATES = {
    "PENDING": "PROCESSING",
    "SUCCEEDED": "SUCCESS",
    "FAILED": "CHANGE",
    "CANCELED": "FAIL",
}
GOODS_COLUMN = COLUMNS.split(",").index("商品名称")
Line = tuple[Payment, Refund | None]


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def beijing(moment: datetime) -> datetime:
    return moment.astimezone(BEIJING)


def by_day(payments: Iterable[Payment]) -> dict[date, list[Line]]:
    """Every payment that was taken and every refund, by the day in Beijing on which it was."""
    days: defaultdict[date, list[Line]] = defaultdict(list)
    for payment in payments:
        if payment.captured:
            days[beijing(payment.created_at).date()].append((payment, None))
        for refund in payment.refunds:
            days[beijing(refund.created_at).date()].append((payment, refund))
    return days


def bill(lines: list[Line], mchid: str, sub_mchid: str = "0") -> bytes:
    """A bill's text: a BOM, CRLF, and a backtick before each value."""
    paid = [payment for payment, refund in lines if refund is None]
    back = [refund for _, refund in lines if refund is not None]
    totals = (
        f"{len(lines) + has_odd_row()}.0",
        yuan(sum(p.amount - discount(p) for p in paid)),
        yuan(sum(r.amount for r in back)),
        "0.00",
        yuan(sum(p.fee or 0 for p in paid)),
        yuan(sum(p.amount for p in paid)),
        yuan(sum(r.amount for r in back)),
    )
    rows = [written(line(payment, refund, mchid, sub_mchid)) for payment, refund in lines]
    if has_odd_row():
        rows.insert(1, odd(rows[0]))
    return ("\ufeff" + "\r\n".join([COLUMNS, *rows, TOTALS, written(totals), ""])).encode()


def odd(row: str) -> str:
    """With a line break in the name of its goods, and with what parts two values."""
    values = row.split(",`")
    values[GOODS_COLUMN] = f"牛奶\r\n面包,`{MARK}"
    return ",`".join(values)


def written(values: Iterable[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def line(
    payment: Payment, refund: Refund | None, mchid: str, sub_mchid: str = "0"
) -> tuple[str, ...]:
    """A payment's line, or that of one of its refunds; money that is not its own is 0.00.

    `sub_mchid` is 0 where the merchant is no service provider.
    """
    at = refund.created_at if refund else payment.created_at
    share = discount(payment)
    back = yuan(refund.amount) if refund else "0.00"
    return (
        beijing(at).strftime("%Y-%m-%d %H:%M:%S"),
        "wxd678efh567hg6787",
        mchid,
        sub_mchid,
        "",
        transaction_id(payment.native_id, payment.created_at),
        payment.native_id,
        openid(payment.native_id),
        trade_type(payment),
        "REFUND" if refund else "SUCCESS",
        bank_type(payment),
        "CNY",
        "0.00" if refund else yuan(payment.amount - share),
        "0.00" if refund else yuan(share),
        refund_id(refund.native_id, refund.created_at) if refund else "0",
        refund.native_id if refund else "0",
        back,
        "0.00",
        "ORIGINAL" if refund else "",
        REFUND_STATES[refund.status] if refund else "",
        GOODS[payment.amount % len(GOODS)],
        payment.reference or "",
        "0.00000" if refund else f"{yuan(payment.fee or 0)}000",
        "0.60%",
        "0.00" if refund else yuan(payment.amount),
        back,
        "",
    )
