"""Salesforce: customers and orders by SOQL over the REST API.

What a batch method costs: up to 200 keys are one query, up to 1,000 keys five queries in one
composite call.
"""

from __future__ import annotations

import msgspec

from connectors.paging import Sort, SortField
from connectors.records import Kind, SourceKind
from connectors.salesforce.client import connect
from connectors.salesforce.ids import normalise
from connectors.salesforce.reading import MAX_KEYS, PER_COMPOSITE
from connectors.salesforce.settings import SalesforceSettings
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor

_BATCHES = CallCost(batch=MAX_KEYS * PER_COMPOSITE)


def _both_ways(*fields: SortField) -> tuple[Sort, ...]:
    return tuple(Sort(field, descending) for field in fields for descending in (True, False))


VENDOR = Vendor(
    name="salesforce",
    label="Salesforce",
    kind=SourceKind.CRM,
    hosts=("*.salesforce.com", "*.force.com"),
    auth=("jwt_bearer", "client_credentials"),
    settings=SalesforceSettings,
    connect=connect,
    calls={
        # Whether what is not found was merged; a merge takes one more to read what stayed.
        "customers": msgspec.structs.replace(_BATCHES, absent=1),
        "customers_by_external_id": _BATCHES,
        "orders": _BATCHES,
        "orders_by_number": _BATCHES,
        "orders_by_payment_id": _BATCHES,
        "orders_by_customer": _BATCHES,
        "order_lines": _BATCHES,
    },
    # Fewer than the 25 long-running requests that an organisation may have at once.
    limits=Limits(concurrency=20),
    sorts={
        Kind.CUSTOMER: _both_ways(SortField.CREATED_AT, SortField.NAME),
        Kind.ORDER: _both_ways(SortField.CREATED_AT, SortField.PLACED_AT, SortField.TOTAL),
    },
    normalise=normalise,
)
