"""Alipay of mainland China: trades, refunds, complaints, the account log and bills, by the v2
gateway or v3; and MYbank's digital yuan, which the same gateway carries.

Written after the open platform's pages (https://opendocs.alipay.com/open) of 2026-11.
"""

from __future__ import annotations

import re

from connectors.alipay.connect import connect
from connectors.alipay.settings import AlipaySettings
from connectors.alipay.words import CURRENCIES
from connectors.records import Kind, PaymentChannel, Provider, SourceKind
from connectors.vendor import CallCost, Vendor

_SPELLING: dict[Kind, re.Pattern[str]] = {
    Kind.PAYMENT: re.compile(r"[0-9]{16,64}"),
    Kind.REFUND: re.compile(r"[0-9]{16,64}-[!-~]{1,64}"),
    Kind.DISPUTE: re.compile(r"[A-Za-z0-9_\-]{1,64}"),
}


def normalise(kind: Kind, native_id: str) -> str | None:
    """A payment is a `trade_no`, a refund `trade_no-out_request_no`, a dispute a complaint's id."""
    spelling = _SPELLING.get(kind)
    return native_id if spelling and spelling.fullmatch(native_id) else None


EACH = CallCost(batch=1)

VENDOR = Vendor(
    name="alipay",
    label="Alipay",
    kind=SourceKind.PAYMENTS,
    hosts=(
        "openapi.alipay.com",
        "openapi-sandbox.dl.alipaydev.com",
        "dwbillcenter.alipay.com",
    ),
    auth=("public_key", "certificate"),
    settings=AlipaySettings,
    connect=connect,
    # Alipay has no batch by id, no list of trades and no list of the refunds of one. A refund's
    # currency is its trade's, which may have to be read for it.
    calls={
        **dict.fromkeys(("payments", "find_payments", "disputes"), EACH),
        "refunds": CallCost(batch=1, each=2),
    },
    normalise=normalise,
    provider=Provider.ALIPAY,
    channels=(
        PaymentChannel.WALLET,
        PaymentChannel.CARD,
        PaymentChannel.PAY_LATER,
        PaymentChannel.ECNY,
        PaymentChannel.UNKNOWN,
    ),
    currencies=tuple(sorted(CURRENCIES)),
)
