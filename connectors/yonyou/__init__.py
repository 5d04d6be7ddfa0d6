"""用友 U8 and U8+: customers, sales orders, receipts and refunds by U8 OpenAPI.

https://open.yonyouup.com (12.0 and later). Every call is relayed to the company's own server.
"""

from __future__ import annotations

from connectors.records import SourceKind
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor
from connectors.yonyou.crm import connect
from connectors.yonyou.resources import normalise
from connectors.yonyou.settings import CONCURRENCY, DEADLINE, YonyouSettings

PAGES = 10
"""Of a whole list, as declared below: 5,000 rows in pages of 500."""

VENDOR = Vendor(
    name="yonyou",
    label="用友 U8",
    kind=SourceKind.CRM,
    hosts=("api.yonyouup.com",),
    auth=("app_secret",),
    settings=YonyouSettings,
    connect=connect,
    # There is no query for several keys. A list in pages, or a call for each key, whichever is
    # fewer: never more than one call a key and one to find out. An order's amounts and lines cost a
    # call for each order; receipts and refunds, where they are mapped, one more each, as two lists
    # of all would. Of each customer five orders are counted: 1 + 5 + 2 x 5. What the API cannot
    # filter by costs the whole list.
    calls={
        "customers": CallCost(batch=1, extra=1),
        "customers_by_external_id": CallCost(each=PAGES),
        "orders": CallCost(batch=1, each=3, extra=2),
        "orders_by_number": CallCost(batch=1, each=3, extra=2 + PAGES),
        "orders_by_payment_id": CallCost(batch=1, each=3, extra=2 + PAGES),
        "orders_by_customer": CallCost(batch=1, each=16, extra=3),
        "order_lines": CallCost(batch=1),
    },
    # Quotas depend on the plan and are not published.
    limits=Limits(deadline=DEADLINE, concurrency=CONCURRENCY, rates={"": 5}),
    normalise=normalise,
)
