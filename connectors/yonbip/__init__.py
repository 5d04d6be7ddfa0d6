"""YonBIP and YonSuite: sales orders by the open platform's list and detail.

https://open.yonyoucloud.com; no method asks for several orders at once, so each key is a call.
"""

from __future__ import annotations

import re

from connectors.mapped import MappedCrm
from connectors.recoding import open_recoding
from connectors.records import Kind, SourceKind
from connectors.tokens import FetchedToken
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor, Wiring
from connectors.yonbip.api import RATE, Api, Login
from connectors.yonbip.errors import judge_for, login_judge
from connectors.yonbip.orders import OrderTables
from connectors.yonbip.settings import DEADLINE, YonbipSettings

_ID = re.compile(r"\d{1,20}", re.ASCII)


def normalise(kind: Kind, native_id: str) -> str | None:
    """Numbers of 16 to 19 digits, of older tenants fewer."""
    return native_id if _ID.fullmatch(native_id) else None


def connect(wiring: Wiring, settings: YonbipSettings) -> MappedCrm:
    name = wiring.source.name
    door = open_recoding(wiring, settings.token_address, login_judge(name), None)
    login = Login(name, door, (settings.app_key, settings.app_secret), wiring.clock)
    tokens = FetchedToken(login.fetch, sessions=True)
    api = Api(name, open_recoding(wiring, settings.gateway_address, judge_for(name), tokens))
    tables = OrderTables(name, api, settings.zone or "Asia/Shanghai", wiring.clock)
    return MappedCrm(wiring.source, settings, tables)


_EACH = CallCost(batch=1)

VENDOR = Vendor(
    name="yonbip",
    label="YonBIP",
    kind=SourceKind.CRM,
    hosts=("*.yonyoucloud.com", "*.diwork.com"),
    auth=("self_built_app",),
    settings=YonbipSettings,
    connect=connect,
    calls={
        "orders": _EACH,
        "orders_by_number": _EACH,
        "orders_by_payment_id": _EACH,
        "orders_by_customer": _EACH,
        "order_lines": _EACH,
    },
    # The notice of 2026: 60 calls a minute for list and detail together, more for money.
    limits=Limits(deadline=DEADLINE, rates={RATE: 1}),
    normalise=normalise,
)
