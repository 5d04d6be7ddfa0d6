"""What one of something costs: a decimal that may be finer than money can be paid in."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

import msgspec

from connectors.currency import minor_unit_digits
from connectors.money import InexactAmount, Money

TOO_FINE = "it has more decimals than its currency: the field `price` shows it"
"""Why a price is no `Money`."""
_MOST_DECIMALS = 30
_EXACT = Context(prec=38, traps=[Inexact, InvalidOperation, Overflow])


class Price(msgspec.Struct, frozen=True):
    """`Price.of(Decimal("0.0125"), "CNY")` is a cent and a quarter; `amount` is in major units."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> Price:
        """With at least the currency's decimals, and no zeros behind them.

        Raises UnknownCurrency, or InexactAmount for more than 38 digits, 30 of them
        behind the point, or for what is not finite.
        """
        least = minor_unit_digits(currency)
        try:
            short = amount.normalize(_EXACT)
            decimals = max(least, -int(short.as_tuple().exponent))
            if decimals > _MOST_DECIMALS:
                raise InexactAmount
            step = Decimal(1).scaleb(-decimals)
            return cls(short.quantize(step, context=_EXACT), currency)
        except (ArithmeticError, ValueError):
            raise InexactAmount(f"not a price in {currency}") from None

    @property
    def money(self) -> Money | None:
        """The same as money; None where the currency has fewer decimals."""
        try:
            return Money.of(self.amount, self.currency)
        except InexactAmount:
            return None
