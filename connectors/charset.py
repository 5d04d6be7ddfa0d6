"""Text of Chinese vendors: UTF-8, and GB18030 where one answers in it unasked.

GB18030 reads all that GBK and GB 2312 wrote (https://www.iana.org/assignments/charset-reg/GB18030).
"""

from __future__ import annotations

UTF8, GB18030 = "utf-8", "gb18030"
DAMAGE = "\N{REPLACEMENT CHARACTER}"


def codec_of(raw: bytes) -> str:
    """The codec that a text is written in. A text in neither is UTF-8 with damage."""
    try:
        raw.decode(UTF8)
    except UnicodeDecodeError:
        return GB18030 if _is_gb18030(raw) else UTF8
    return UTF8


def text_of(raw: bytes) -> str:
    """The text, with U+FFFD for what no codec reads."""
    return raw.decode(codec_of(raw), "replace")


def utf8_of(raw: bytes) -> bytes:
    """The same text in UTF-8; bytes that are UTF-8 already are not copied."""
    try:
        raw.decode(UTF8)
    except UnicodeDecodeError:
        return text_of(raw).encode()
    return raw


def _is_gb18030(raw: bytes) -> bool:
    """GB18030 also reads many damaged texts in UTF-8, as other letters. Those have letters of three
    bytes, such as Chinese ones, that are whole; in GBK two bytes at most look like such a letter.
    """
    damaged = raw.decode(UTF8, "replace")
    whole = sum("\u0800" <= letter != DAMAGE for letter in damaged)
    if damaged.count(DAMAGE) <= whole:
        return False
    try:
        raw.decode(GB18030)
    except UnicodeDecodeError:
        return False
    return True
