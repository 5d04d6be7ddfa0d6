"""UnionPay (银联全渠道, ACP 5.1.0): payments, refunds, and the daily settlement files.

https://open.unionpay.com
"""

from __future__ import annotations

from connectors.records import PaymentChannel, Provider, SourceKind
from connectors.transport import Limits
from connectors.unionpay.client import connect
from connectors.unionpay.ids import normalise
from connectors.unionpay.settings import UnionPaySettings
from connectors.vendor import CallCost, Vendor

EACH = CallCost(batch=1)

VENDOR = Vendor(
    name="unionpay",
    label="UnionPay",
    kind=SourceKind.PAYMENTS,
    hosts=(
        "gateway.95516.com",
        "filedownload.95516.com",
        "gateway.test.95516.com",
        "filedownload.test.95516.com",
    ),
    auth=("certificate",),
    settings=UnionPaySettings,
    connect=connect,
    calls={"payments": EACH, "refunds": EACH},
    # UnionPay publishes no rate; it answers 37 to who asks too often.
    limits=Limits(concurrency=16),
    normalise=normalise,
    provider=Provider.UNIONPAY,
    currencies=("CNY",),
    channels=(PaymentChannel.CARD, PaymentChannel.QR, PaymentChannel.UNKNOWN),
)
