"""Who paid a part of a trade in the buyer's place.

The platform's and the merchant's discounts of a trade include its vouchers, so of each of the two
only what no voucher accounts for is a promotion of its own.
"""

from __future__ import annotations

from connectors.alipay.amounts import part
from connectors.alipay.payloads import Trade
from connectors.deductions import within
from connectors.money import Money
from connectors.records import Deduction

COUPON, POINTS, PROMOTION = "coupon", "points", "promotion"
PROVIDER, MERCHANT = "provider", "merchant"


def deductions(trade: Trade, currency: str) -> tuple[Deduction, ...]:
    """Points, then coupons, then promotions; nothing that is zero, nor that the trade contradicts.

    Raises Misfit for what is no amount.
    """
    whole = part("total_amount", trade.total_amount, currency).minor_units
    points = part("point_amount", trade.point_amount, currency).minor_units
    discounts = {
        PROVIDER: part("discount_amount", trade.discount_amount, currency).minor_units,
        MERCHANT: part("mdiscount_amount", trade.mdiscount_amount, currency).minor_units,
    }
    coupons = _coupons(trade, currency)
    found = [(POINTS, points, PROVIDER)]
    found += [(COUPON, amount, funder) for amount, funder in coupons]
    for funder, discount in discounts.items():
        accounted = sum(amount for amount, by in coupons if by == funder)
        found.append((PROMOTION, max(0, discount - accounted), funder))
    made = [
        Deduction(kind=kind, amount=Money(amount, currency), funded_by=funder)
        for kind, amount, funder in found
        if amount
    ]
    return within(made, whole)


def _coupons(trade: Trade, currency: str) -> list[tuple[int, str]]:
    """Minor units and funder of each voucher's two parts."""
    shares = []
    for voucher in trade.voucher_detail_list or ():
        for funder, text in (
            (PROVIDER, voucher.other_contribute),
            (MERCHANT, voucher.merchant_contribute),
        ):
            amount = part("voucher_detail_list", text, currency).minor_units
            shares.append((amount, funder))
    return shares
