"""Jiandaoyun (简道云, abroad Jodoo): records of forms by the open API v5.

There are no standard objects: without a mapping a source can only describe its forms
(https://hc.jiandaoyun.com/open/11261).
"""

from __future__ import annotations

from connectors.jiandaoyun.asking import MOST_VALUES
from connectors.jiandaoyun.client import connect
from connectors.jiandaoyun.settings import JiandaoyunSettings
from connectors.records import Kind, SourceKind
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor

_LONGEST = 255
# For every 200 keys one question per form, answered a hundred rows a call: of unique keys that are
# all there, up to three calls in one form and up to four in two. Each further form asks one more.
_IN_ONE_FORM = CallCost(batch=MOST_VALUES, each=3)
_IN_TWO_FORMS = CallCost(batch=MOST_VALUES, each=4)
# Of customers all orders are read: for up to five orders a customer, in two forms.
_ALL_ORDERS = CallCost(batch=MOST_VALUES, each=12)


def normalise(kind: Kind, native_id: str) -> str | None:
    """Ids are whatever the mapping's text field holds, so any line of text may be one."""
    plain = native_id.strip() == native_id and native_id.isprintable()
    return native_id if plain and 0 < len(native_id) <= _LONGEST else None


VENDOR = Vendor(
    name="jiandaoyun",
    label="Jiandaoyun",
    kind=SourceKind.CRM,
    hosts=("api.jiandaoyun.com", "api.jodoo.com"),
    auth=("api_key",),
    settings=JiandaoyunSettings,
    connect=connect,
    calls={
        "customers": _IN_ONE_FORM,
        "customers_by_external_id": _IN_ONE_FORM,
        "orders": _IN_TWO_FORMS,
        "orders_by_number": _IN_TWO_FORMS,
        "orders_by_payment_id": _IN_TWO_FORMS,
        "orders_by_customer": _ALL_ORDERS,
        "order_lines": _IN_TWO_FORMS,
    },
    # Calls a second: 50 of a company, 30 of each kind (https://hc.jiandaoyun.com/open/14220).
    limits=Limits(rates={"": 50, "list": 30, "get": 30, "widgets": 30}),
    normalise=normalise,
)
