"""How the company's people write states, currencies and channels, and back."""

from __future__ import annotations

from decimal import Decimal

EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3}
CURRENCIES = {
    "CNY": "人民币",
    "USD": "美元",
    "EUR": "欧元",
    "GBP": "英镑",
    "JPY": "日元",
    "HKD": "港币",
    "KWD": "科威特第纳尔",
}
STATES = {
    "DRAFT": "草稿",
    "PENDING_PAYMENT": "待付款",
    "PARTIALLY_PAID": "部分付款",
    "PAID": "已付款",
    "FULFILLED": "已完成",
    "PARTIALLY_REFUNDED": "部分退款",
    "REFUNDED": "已退款",
    "CANCELED": "已取消",
}
UNMAPPED = "待法务确认"
BY_AMOUNT = frozenset({"PARTIALLY_REFUNDED", "REFUNDED"})
"""States of which the domestic form says only that it was paid, and how much went back."""
CHANNELS = {
    "stripe": "Stripe",
    "paypal": "PayPal",
    "alipay": "支付宝",
    "wechatpay": "微信支付",
    "unionpay": "银联",
}
KINDS = {"COMPANY": "企业", "PERSON": "个人"}


def major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS.get(currency, 2))


def number(minor: int, currency: str) -> Decimal | int:
    """A number as JSON has it: 12.5, and 100 without a point."""
    exact = major(minor, currency)
    return int(exact) if exact == exact.to_integral_value() else exact.normalize()


def typed(minor: int, currency: str) -> str:
    """An amount as people type it: 1,234.50."""
    return f"{major(minor, currency):,f}"


def refunded(state: str, total: int | None, back: int) -> int | None:
    """Minor units given back as the form has it: never a figure that reads as another state."""
    if total is None or state not in ("PAID", "FULFILLED", *BY_AMOUNT):
        return None
    if state == "REFUNDED":
        return total
    return min(max(back, 1), total - 1) if state == "PARTIALLY_REFUNDED" else 0


def domestic_state(state: str, total: int | None) -> str:
    if state in BY_AMOUNT and total is not None:
        return STATES["PAID"]
    return STATES.get(state, UNMAPPED)
