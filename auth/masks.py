"""How personal data is shown to those who may know that it is there, and not what it is.

Stars are of a fixed number, so that a mask tells no length. What does not look like what it should
be is stars alone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping

from auth.rules import Mask

STARS = "***"
LONGEST_TOP = 10
"""Letters of a top-level domain that is shown: `technology`; a longer one may be a name."""
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_LAST4 = re.compile(r"[0-9]{4}\Z")
_NUMBER = re.compile(r"\+?[0-9 ()./\u00a0-]*", re.ASCII)
_COUNTRY = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{1,3}", re.ASCII
)
"""Country codes of ITU-T E.164: of one and two digits by name, all others have three."""


def last4(value: str) -> str:
    """`****4242`, of what ends with four digits and is at least twice as long; a whole number of a
    card is never held here."""
    ending = _LAST4.search(value) if len(value) >= 8 else None
    return "****" + (ending[0] if ending is not None else "")


def email(value: str) -> str:
    """`j***@e***.com`: a last label that is none of a public domain may be a name."""
    local, at, domain = value.strip().rpartition("@")
    host, dot, top = domain.rpartition(".")
    if not (local and at and host and dot and top.isalpha() and 2 <= len(top) <= LONGEST_TOP):
        return STARS
    return f"{local[0]}{STARS}@{host[0]}{STARS}.{top}"


def phone(value: str) -> str:
    """`+86****5678`: the country and four digits of a long number, two of a shorter one. What
    follows the number, such as an extension, is no part of it."""
    number = _NUMBER.match(value.strip())
    digits = "".join(c for c in number[0] if c.isdecimal()) if number is not None else ""
    found = _COUNTRY.match(digits) if value.strip().startswith("+") else None
    country = found[0] if found is not None and len(digits) > len(found[0]) else ""
    own = len(digits) - len(country)
    shown = 4 if own >= 9 else 2 if own >= 7 else 0
    return (f"+{country}" if country else "") + "****" + (digits[-shown:] if shown else "")


def name(value: str) -> str:
    """`王**`, `M***`: the first character."""
    first = value.strip()[:1]
    if _CJK.match(first):
        return first + "**"
    return first + STARS if first.isalnum() else STARS


def hashed(value: str, key: bytes) -> str:
    """A pseudonym that is the same for the same value under the same key (HMAC-SHA-256): without
    the key it cannot be found by trying all phone numbers."""
    digest = hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return "h_" + digest.hexdigest()[:32]


SHOWN: Mapping[Mask, Callable[[str], str]] = {
    Mask.LAST4: last4,
    Mask.EMAIL: email,
    Mask.PHONE: phone,
    Mask.NAME: name,
}


def shown(mask: Mask, value: str, key: bytes | None) -> str | None:
    """The value under a mask; None where the mask needs a key and there is none."""
    if mask is Mask.HASH:
        return hashed(value, key) if key else None
    return SHOWN[mask](value)
