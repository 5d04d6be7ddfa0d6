"""Prices and order lines. Amounts are minor units, so nothing here is a float."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

ARTICLES = (
    ("SKU-001", "Desk lamp"),
    ("SKU-002", "Office chair"),
    ("SKU-003", "茶具套装"),
    ("SKU-004", "ノートブック"),
    ("SKU-005", "قلم حبر"),
    ("SKU-006", 'Monitor 27"'),
    ("SKU-007", "Baker's scale"),
    ("SKU-008", "Gift card 🎁"),
    ("SKU-009", "Consulting hour"),
    (None, "Shipping"),
    ("SKU-011", None),
)
QUANTITIES = ("1", "1", "1", "2", "3", "10", "0.5", "1.5")
# The smallest step of an amount: three-decimal currencies are charged in tens of a thousandth.
STEPS = {"KWD": 10}
UNITS = {"JPY": 1, "KWD": 1000}  # minor units of one major unit; 100 elsewhere


def step(currency: str) -> int:
    """Every amount charged in this currency is a multiple of this."""
    return STEPS.get(currency, 1)


def priced_lines(
    rng: random.Random, currency: str
) -> list[tuple[str | None, str | None, str, int, int]]:
    """One to four rows of (sku, name, quantity, unit price, total)."""
    rows = []
    for sku, name in rng.sample(ARTICLES, rng.choice((1, 1, 2, 2, 3, 4))):
        quantity = rng.choice(QUANTITIES)
        price = unit_price(rng, currency, Fraction(quantity))
        total = Fraction(quantity) * price
        rows.append((sku, name, quantity, price, int(total)))
    return rows


def unit_price(rng: random.Random, currency: str, quantity: Fraction) -> int:
    """A price whose multiple by `quantity` is an amount that can be charged."""
    grain = step(currency) * quantity.denominator
    unit = UNITS.get(currency, 100)
    lowest = 500 if unit == 1 else 5 * unit
    return rng.randrange(lowest, lowest * 40) // grain * grain


def split(rng: random.Random, amount: int, parts: int, currency: str) -> list[int]:
    """`parts` positive amounts that add up to `amount`."""
    grain = step(currency)
    cuts = sorted(rng.sample(range(1, amount // grain), parts - 1))
    edges = [0, *(cut * grain for cut in cuts), amount]
    return [high - low for low, high in pairwise(edges)]


def part(rng: random.Random, amount: int, currency: str) -> int:
    """Some of an amount: at least a tenth, at most nine tenths."""
    grain = step(currency)
    return max(grain, amount * rng.randrange(10, 91) // 100 // grain * grain)


def provider_fee(amount: int, currency: str) -> int:
    """2.9 % and a fixed part, as card providers charge it."""
    grain = step(currency)
    fixed = {"JPY": 30, "KWD": 90}.get(currency, 30)
    return min(amount, (amount * 29 // 1000 + fixed) // grain * grain)
