"""Notifications that Alipay posts to a merchant: whether one is Alipay's, and what it is about.

https://opendocs.alipay.com/open/270/105902. A notification is a form in its own charset. Those of
trades are signed without `sign` and `sign_type`, those of the open platform without `sign` alone.
It says what changed, never what is: its sums are running totals (`refund_fee`), its lists are
spelt otherwise than in answers (`fundChannel`), and it may come late or twice. So only the ids
are taken from it, and the records are read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from connectors.alipay.gateway import CODECS, signed_text
from connectors.rsa import VerifyingKey

UNSIGNED = (frozenset({"sign", "sign_type"}), frozenset({"sign"}))
Params = Mapping[str, str]


class Notice(msgspec.Struct, frozen=True):
    """The native ids of the trade, and of the refund that it tells of if it does.

    `key` is the same for every delivery of the same event.
    """

    payment: str
    refund: str | None
    key: str


def parameters(body: bytes) -> dict[str, str]:
    """The fields of a posted form, decoded once and in the charset that it names itself.

    Raises ValueError for what is no such form.
    """
    text = body.decode("ascii")
    charset = dict(parse_qsl(text)).get("charset", "utf-8").lower()
    if charset not in CODECS:
        raise ValueError("a charset that Alipay does not write")
    return dict(parse_qsl(text, encoding=CODECS[charset], errors="strict"))


def is_genuine(params: Params, key: VerifyingKey) -> bool:
    """Whether `key` signed the fields, in either of the two ways."""
    codec = CODECS.get(params.get("charset", "utf-8").lower(), "utf-8")
    return any(
        key.accepts(_signed(params, unsigned).encode(codec), params.get("sign", ""))
        for unsigned in UNSIGNED
    )


def notice(params: Params) -> Notice | None:
    """What a trade's notification is about; None for any other."""
    trade_no = params.get("trade_no")
    if params.get("notify_type") != "trade_status_sync" or not trade_no:
        return None
    request = params.get("out_biz_no")
    told = (params.get(name, "") for name in ("notify_id", "trade_status", "out_biz_no"))
    return Notice(trade_no, f"{trade_no}-{request}" if request else None, ":".join(told))


def _signed(params: Params, unsigned: frozenset[str]) -> str:
    return signed_text({key: value for key, value in params.items() if key not in unsigned})
