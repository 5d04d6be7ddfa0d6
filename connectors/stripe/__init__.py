"""Stripe: payment intents, refunds, disputes, customers, and checkout sessions as orders.

Written for API version 2026-10-28.endive (https://docs.stripe.com/api).
"""

from __future__ import annotations

import re

from connectors.paging import NEWEST_FIRST
from connectors.records import Kind, Provider, SourceKind
from connectors.stripe.client import connect
from connectors.stripe.settings import StripeSettings
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor

_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
_PREFIXES: dict[Kind, tuple[str, ...]] = {
    Kind.CUSTOMER: ("cus_",),
    Kind.ORDER: ("cs_",),
    Kind.PAYMENT: ("pi_", "ch_", "py_"),
    Kind.REFUND: ("re_", "pyr_"),
    Kind.DISPUTE: ("dp_", "du_"),
}


def normalise(kind: Kind, native_id: str) -> str | None:
    """A Stripe id as it is, when its prefix is one of the kind's; ids are case-sensitive."""
    fits = _ID.fullmatch(native_id) and native_id.startswith(_PREFIXES[kind])
    return native_id if fits else None


EACH = CallCost(batch=1)

VENDOR = Vendor(
    name="stripe",
    label="Stripe",
    kind=SourceKind.PAYMENTS,
    hosts=("api.stripe.com",),
    auth=("api_key",),
    settings=StripeSettings,
    connect=connect,
    # `extra` of payments and refunds is the page of disputes, asked only when a payment has one.
    # An order whose payments are those of an invoice costs a call for them; several share one, and
    # those that its page does not cover cost a call each.
    # Disputes that are not on that page cost a call for each of their payments. An account without
    # search costs `list_pages` for references, and a call for each customer.
    calls={
        "customers": EACH,
        "orders": EACH,
        "orders_by_customer": EACH,
        "order_lines": EACH,
        "payments": CallCost(batch=1, extra=1),
        "payments_by_reference": CallCost(batch=10, extra=2),
        "payments_by_customer": CallCost(batch=10, extra=2),
        "refunds": CallCost(batch=1, extra=1),
        "refunds_by_payment": EACH,
        "disputes": EACH,
        "disputes_by_payment": EACH,
    },
    # https://docs.stripe.com/rate-limits: 100 reads a second, of which 20 searches.
    limits=Limits(rates={"": 90, "search": 18}),
    sorts=dict.fromkeys(_PREFIXES, (NEWEST_FIRST,)),
    normalise=normalise,
    provider=Provider.STRIPE,
)
