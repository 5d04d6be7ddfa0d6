"""WeChat Pay (微信支付), API v3: payments, refunds, complaints, daily bills.

For direct merchants and service providers in mainland China
(https://pay.weixin.qq.com/doc/v3/merchant/4012062524).
"""

from __future__ import annotations

import re

from connectors.records import Kind, PaymentChannel, Provider, SourceKind
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor
from connectors.wechatpay.client import connect
from connectors.wechatpay.settings import WeChatPaySettings

_IDS = {
    Kind.PAYMENT: re.compile(r"[0-9A-Za-z_\-|*@]{1,32}"),
    Kind.REFUND: re.compile(r"[0-9A-Za-z_\-|*@]{1,64}"),
    Kind.DISPUTE: re.compile(r"[0-9A-Za-z]{1,64}(-[1-9][0-9]?)?"),
}


def normalise(kind: Kind, native_id: str) -> str | None:
    """The merchant's own number, or WeChat's of a complaint, as it is; numbers tell case apart."""
    pattern = _IDS.get(kind)
    return native_id if pattern and pattern.fullmatch(native_id) else None


EACH = CallCost(batch=1)

VENDOR = Vendor(
    name="wechatpay",
    label="WeChat Pay",
    kind=SourceKind.PAYMENTS,
    # Bills are fetched from the first host even where the second, of disaster recovery, is asked.
    hosts=("api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"),
    auth=("rsa",),
    settings=WeChatPaySettings,
    connect=connect,
    # WeChat Pay knows no batch. A number may be a payment's or that of a combined order: two calls.
    calls={
        "payments": EACH,
        "find_payments": CallCost(batch=1, each=2),
        "refunds": EACH,
        "disputes": EACH,
    },
    # The one number that is published for reading is 300 queries of refunds a second. Those under
    # way (32) may arrive late, with those of the next second.
    limits=Limits(rates={"refund": 240}),
    normalise=normalise,
    provider=Provider.WECHAT_PAY,
    currencies=("CNY",),
    channels=(
        PaymentChannel.QR,
        PaymentChannel.WALLET,
        PaymentChannel.CARD,
        PaymentChannel.ECNY,
        PaymentChannel.UNKNOWN,
    ),
)
