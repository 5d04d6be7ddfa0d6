"""How the company's people write states, currencies and amounts."""

from __future__ import annotations

from decimal import Decimal

from sandbox.books import major
from sandbox.world import Order

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
KINDS = {"COMPANY": "企业", "PERSON": "个人"}


def number(minor: int, currency: str) -> Decimal | int:
    """A number as JSON has it: 12.5, and 100 without a point."""
    exact = major(minor, currency)
    return int(exact) if exact == exact.to_integral_value() else exact.normalize()


def currency_code(order: Order) -> str:
    """As people type it: one in three in small letters."""
    small = int(order.number.rpartition("-")[2]) % 3 == 0
    return order.currency.lower() if small else order.currency


def typed(minor: int, currency: str) -> str:
    """An amount as people type it: 1,234.50."""
    return f"{major(minor, currency):,f}"


def domestic_state(state: str, total: int | None) -> str:
    if state in BY_AMOUNT and total is not None:
        return STATES["PAID"]
    return STATES.get(state, UNMAPPED)
