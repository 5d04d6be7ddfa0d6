"""Kingdee Cloud Galaxy (金蝶云星空): customers and bills over its WebAPI, read by bill queries.

What a batch method costs: a query for up to 500 keys, and one more for each table of receipts and
refunds of the mapping; a query of more than 2,000 rows takes another call for each 2,000.
"""

from __future__ import annotations

from connectors.kingdee.client import connect
from connectors.kingdee.settings import CHUNK, KingdeeSettings
from connectors.records import Kind, SourceKind
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor

_LONGEST = 255


def normalise(kind: Kind, native_id: str) -> str | None:
    """An internal id in digits or, where a mapping says so, a number that a company gave."""
    usable = native_id.isprintable() and native_id == native_id.strip()
    return native_id if usable and 0 < len(native_id) <= _LONGEST else None


VENDOR = Vendor(
    name="kingdee",
    label="Kingdee Cloud Galaxy",
    kind=SourceKind.CRM,
    hosts=("*.ik3cloud.com",),
    auth=("app_secret", "sign", "signature"),
    settings=KingdeeSettings,
    connect=connect,
    # With a table of receipts and one of refunds. A payment is looked for in the orders and in the
    # receipts, and the orders that these name are read as any others.
    calls={
        "customers": CallCost(batch=CHUNK),
        "customers_by_external_id": CallCost(batch=CHUNK),
        "orders": CallCost(batch=CHUNK, each=3),
        "orders_by_number": CallCost(batch=CHUNK, each=3),
        "orders_by_payment_id": CallCost(batch=CHUNK, each=7),
        "orders_by_customer": CallCost(batch=CHUNK, each=3),
        "order_lines": CallCost(batch=CHUNK),
    },
    # Kingdee publishes no limits; a licence may have one (MsgCode 14).
    limits=Limits(concurrency=4, rates={"calls": 5.0}),
    normalise=normalise,
)
