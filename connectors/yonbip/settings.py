"""The keys of a `[sources.NAME]` table whose vendor is YonBIP, and its standard sales order."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

import msgspec

from connectors.mapping import NEXT, FieldMap, LineMap, MappedSettings, OrderMap, Preset, StatusMap
from connectors.secret import Secret

TABLE = "voucherorder"
CURRENCY = "orderPrices!currency"
DEADLINE = 14.0
"""Seconds: a call a second is free, and each key is a call."""

# Whether an approved order is paid stands in no field of it: its state stays open (UNKNOWN) until
# a mapping adds a field that tells.
STATUS = (
    StatusMap(
        field="statusCode",
        words={
            "APPROVING": "DRAFT",
            "CONFIRMORDER": NEXT,
            "DELIVERY_PART": NEXT,
            "DELIVERGOODS": "FULFILLED",
            "ENDORDER": "FULFILLED",
            "CLOSEDORDER": "CANCELED",
        },
    ),
    StatusMap(field="verifystate", words={"0": "DRAFT", "1": "DRAFT", "2": NEXT}),
)
SALES_ORDER = OrderMap(
    table=TABLE,
    id="id",
    number="code",
    created_at="vouchdate",
    placed_at="vouchdate",
    updated_at="pubts",
    customer="agentId",
    # The list tells the first, the detail of one order the second: both are taken to be with tax.
    total=(
        FieldMap(field="oriSum", currency_field=CURRENCY),
        FieldMap(field="payMoney", currency_field=CURRENCY),
    ),
    status=STATUS,
    lines=LineMap(
        path="orderDetails[]",
        sku="productCode",
        name="productName",
        quantity="qty",
        unit_price=FieldMap(field="oriTaxUnitPrice", currency_field=CURRENCY),
        total=FieldMap(field="oriSum", currency_field=CURRENCY),
    ),
)


class YonbipSettings(MappedSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`app_key` and `app_secret` are those of a self-built app with the sales order's list and
    detail authorised. `gateway_url` and `token_url` are the addresses of the tenant's data centre;
    `base_url` stands for both where one host serves them under their usual paths.
    """

    PRESET: ClassVar[Preset] = Preset(orders=(SALES_ORDER,))

    app_key: str
    app_secret: Secret
    gateway_url: str | None = None
    token_url: str | None = None
    zone: str | None = "Asia/Shanghai"
    deadline: Annotated[float, msgspec.Meta(gt=0, le=120)] = DEADLINE

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[!-~]{1,512}", self.app_key):
            raise ValueError("app_key: holds spaces or letters that YonBIP's never have")
        if self.base_url is None:
            for name in ("gateway_url", "token_url"):
                if getattr(self, name) is None:
                    raise ValueError(f"{name}: missing")
        if self.customers:
            raise ValueError("customers: only sales orders are read from YonBIP")
        if self.zone is None:
            raise ValueError("zone: missing")

    @property
    def gateway_address(self) -> str:
        return self.gateway_url or f"{self.base_url}/iuap-api-gateway"

    @property
    def token_address(self) -> str:
        return self.token_url or f"{self.base_url}/iuap-api-auth"
