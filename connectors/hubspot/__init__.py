"""HubSpot: contacts or companies, and deals or orders, with every property of a portal's own.

CRM objects v3 and associations v4, or a dated version of both (https://developers.hubspot.com/docs).
"""

from __future__ import annotations

import re

from connectors.hubspot.client import connect
from connectors.hubspot.reading import BATCH
from connectors.hubspot.searching import RATE
from connectors.hubspot.settings import HubspotSettings
from connectors.records import Kind, SourceKind
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor

KEYS = 50
"""Of one search, at least."""
_ID = re.compile(r"[1-9][0-9]{0,18}")


def normalise(kind: Kind, native_id: str) -> str | None:
    """A record's number (`hs_object_id`); HubSpot gives no other ids."""
    return native_id if _ID.fullmatch(native_id) else None


VENDOR = Vendor(
    name="hubspot",
    label="HubSpot",
    kind=SourceKind.CRM,
    hosts=("api.hubapi.com",),
    auth=("token",),
    settings=HubspotSettings,
    connect=connect,
    # A hundred records are a call; whom orders belong to is one more for a thousand of them. By a
    # property that is not unique they are searched, which holds fifty long keys at least.
    # Orders of a customer and lines of an order: first which there are, a thousand keys a call;
    # these bounds hold for five of each.
    calls={
        "customers": CallCost(batch=BATCH),
        "customers_by_external_id": CallCost(batch=KEYS),
        "orders": CallCost(batch=BATCH, extra=1),
        "orders_by_number": CallCost(batch=KEYS, extra=1),
        "orders_by_payment_id": CallCost(batch=KEYS, extra=1),
        "orders_by_customer": CallCost(batch=BATCH // 5, extra=2),
        "order_lines": CallCost(batch=BATCH // 5, extra=2),
    },
    # The least that any plan allows is 100 calls in ten seconds, and five searches in one. A little
    # fewer stay within that also where some of them arrive late.
    limits=Limits(concurrency=20, rates={"": 9, RATE: 4}),
    normalise=normalise,
)
