"""PayPal: captures and authorizations, refunds, disputes, and the transaction search.

Orders v2, payments v2, transaction search v1, customer disputes v1
(https://developer.paypal.com/api/rest/).
"""

from __future__ import annotations

import re

from connectors.paypal.client import connect
from connectors.paypal.settings import PaypalSettings
from connectors.records import Kind, PaymentChannel, Provider, SourceKind
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor

_ID = re.compile(r"[A-Z0-9]{10,24}")
_DISPUTE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def normalise(kind: Kind, native_id: str) -> str | None:
    """A PayPal id as it is; captures, authorizations, orders and refunds look alike."""
    pattern = _DISPUTE_ID if kind is Kind.DISPUTE else _ID
    return native_id if pattern.fullmatch(native_id) else None


VENDOR = Vendor(
    name="paypal",
    label="PayPal",
    kind=SourceKind.PAYMENTS,
    hosts=("api-m.paypal.com", "api-m.sandbox.paypal.com"),
    auth=("client_credentials",),
    settings=PaypalSettings,
    connect=connect,
    # A capture costs one call, and its order another where refunds or `read_orders` ask for it;
    # what is an authorization or an order is known after two and three. A payment that was
    # disputed more than once costs a call more for each further dispute.
    calls={
        "payments": CallCost(batch=1, each=3),
        "refunds": CallCost(batch=1),
        "refunds_by_payment": CallCost(batch=1, each=3),
        "disputes": CallCost(batch=1),
        "disputes_by_payment": CallCost(batch=1, each=2),
    },
    # PayPal publishes no rates and asks to be gentle; its reports are said to take 50 a minute.
    limits=Limits(rates={"": 50, "reports": 50 / 60}),
    normalise=normalise,
    provider=Provider.PAYPAL,
    channels=(
        PaymentChannel.WALLET,
        PaymentChannel.CARD,
        PaymentChannel.BANK,
        PaymentChannel.PAY_LATER,
        PaymentChannel.UNKNOWN,
    ),
)
