"""A CRM and a payment provider that exist only here, registered from outside of `connectors`."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

from benchmarks.vendor.crm import BenchCrm
from benchmarks.vendor.payments import BenchPayments
from benchmarks.vendor.reading import MOST_KEYS
from connectors.records import Kind, SourceKind
from connectors.registry import GROUP
from connectors.vendor import CallCost, SourceSettings, Vendor

_PREFIXES = {Kind.CUSTOMER: "cus", Kind.ORDER: "ord", Kind.PAYMENT: "pay", Kind.REFUND: "ref"}
BATCH = CallCost(batch=MOST_KEYS)


def normalise(kind: Kind, native_id: str) -> str | None:
    prefix = _PREFIXES.get(kind)
    return native_id if prefix and re.fullmatch(rf"{prefix}_[0-9]{{10}}", native_id) else None


CRM = Vendor(
    name="bench_crm",
    label="Bench CRM",
    kind=SourceKind.CRM,
    hosts=(),
    auth=("none",),
    settings=SourceSettings,
    connect=BenchCrm,
    calls={"customers": BATCH, "orders": BATCH},
    normalise=normalise,
)

PAYMENTS = Vendor(
    name="bench_payments",
    label="Bench Payments",
    kind=SourceKind.PAYMENTS,
    hosts=(),
    auth=("none",),
    settings=SourceSettings,
    connect=BenchPayments,
    calls={"payments": BATCH, "payments_by_reference": BATCH, "refunds_by_payment": BATCH},
    normalise=normalise,
)

ENTRY_POINTS = (
    EntryPoint("bench_crm", "benchmarks.vendor:CRM", GROUP),
    EntryPoint("bench_payments", "benchmarks.vendor:PAYMENTS", GROUP),
)
"""What another package would declare under `[project.entry-points."tillgate.vendors"]`."""
