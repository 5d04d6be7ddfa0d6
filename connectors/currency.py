"""The currencies of ISO 4217 and the number of decimals of each.

Those in use (List One, 2026), and those withdrawn since 2003 (List Three): a payment keeps the
currency in which it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN
    BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP
    LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR
    NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
    SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR
    ZMW ZWG""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

_WITHDRAWN = {
    0: "BYR MGF TRL",
    2: """AFA ANG AZM BGL CSD CUC CYP EEK GHC HRK LTL LVL MRO MTL MZM ROL RUR SDD SIT SKK SLL SRG
    STD TMM VEB VEF YUM ZMK ZWD ZWL ZWN ZWR""",
}


def _by_code(exponents: Mapping[int, str]) -> dict[str, int]:
    return {code: digits for digits, codes in exponents.items() for code in codes.split()}


CURRENT = frozenset(_by_code(_EXPONENTS))
"""Those in use: a vendor may refuse to be asked for another."""
MINOR_UNIT_DIGITS = MappingProxyType(_by_code(_EXPONENTS) | _by_code(_WITHDRAWN))


class UnknownCurrency(ValueError):
    """A code that ISO 4217 does not list."""

    def __init__(self, code: object) -> None:
        super().__init__(f"{str(code)[:16]!r} is not an ISO 4217 currency code")


def minor_unit_digits(code: str) -> int:
    """Decimals of `code`: 2 for EUR, 0 for JPY, 3 for KWD. Raises UnknownCurrency."""
    try:
        return MINOR_UNIT_DIGITS[code]
    except KeyError:
        raise UnknownCurrency(code) from None
