"""An amount as an integer of minor units and its ISO 4217 currency. No float, ever."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

import msgspec

from connectors.currency import minor_unit_digits

INT64_MAX = 2**63 - 1
# Never rounds: what does not fit is an error.
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])


class InexactAmount(ValueError):
    """An amount that the currency cannot express, such as JPY 1.5."""


class Money(msgspec.Struct, frozen=True, order=False):
    """`Money(12550, "CNY")` is 125.50 yuan; `Money(500, "JPY")` is 500 yen."""

    minor_units: int
    currency: str

    @property
    def amount(self) -> Decimal:
        """The exact decimal in major units, with all decimals of the currency: `125.50`."""
        return Decimal(self.minor_units).scaleb(-minor_unit_digits(self.currency))

    @classmethod
    def of(cls, amount: Decimal | str, currency: str) -> Money:
        """From major units: `Money.of("1.500", "KWD")`.

        Raises UnknownCurrency, or InexactAmount for more decimals than the currency has or for
        something that is not a finite number within 64 bits.
        """
        digits = minor_unit_digits(currency)
        try:
            minor = Decimal(amount).scaleb(digits, _EXACT)
            exact = minor == minor.to_integral_value()
        except (ArithmeticError, ValueError):
            raise InexactAmount(f"not an amount of {currency}") from None
        if not exact or abs(minor) > INT64_MAX:
            raise InexactAmount(f"{currency} has {digits} decimals, the amount does not fit")
        return cls(int(minor), currency)
