"""The keys of a `[sources.NAME]` table whose vendor is 用友 U8."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import msgspec

from connectors.mapping import (
    NEXT,
    ClosedMap,
    CustomerMap,
    LineMap,
    MappedSettings,
    OrderMap,
    Preset,
    StatusMap,
)
from connectors.secret import Secret
from connectors.yonyou.resources import listed

ADDRESS = "https://api.yonyouup.com"
DEADLINE = 20.0
"""Seconds: a call goes to the company's server and back."""
CONCURRENCY = 2
Meaning = Literal[
    "token", "key", "quota", "rate", "offline", "denied", "unknown", "absent", "empty"
]
_PLAIN = re.compile(r"[!-~]{1,128}")

_PRESET = Preset(
    customers=(
        CustomerMap(
            table="customer",
            id="code",
            created_at=("seed_date", "ModifyDate"),
            updated_at="ModifyDate",
            name="name",
            phones=("phone", "mobile"),
            industry="industry",
        ),
    ),
    orders=(
        OrderMap(
            table="saleorderlist",
            id="code",
            number="code",
            created_at="date",
            placed_at="date",
            customer="custcode",
            total="entry[].natsum",
            status=(
                StatusMap(
                    field="state",
                    words={
                        "Opening": "DRAFT",
                        "开立": "DRAFT",
                        "Approved": NEXT,
                        "审核": NEXT,
                        "Changing": NEXT,
                        "变更": NEXT,
                    },
                    # A word that is left out says nothing, and is none of a draft's.
                    empty="UNKNOWN",
                ),
            ),
            closed=ClosedMap(field="closer", unpaid="CANCELED"),
            lines=LineMap(
                path="entry[]",
                sku="inventorycode",
                name="inventoryname",
                quantity="quantity",
                total="natsum",
            ),
        ),
    ),
)
"""Amounts are those in the currency of the books: `entry[].sum` is in the order's own, which no
documented field tells, and so is the price of a unit. Receipts and refunds are not in it: U8 has no
field of its own that ties them to an order."""


class YonyouSettings(MappedSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`from_account` is the developer's account that calls, `to_account` the company's that is
    called, `app_key` and `app_secret` those of the app, `ds_sequence` the company's data source.

    `rows_per_page` is asked of every list and `most_pages` is how many pages one list may need
    before it is refused. `late_days` is how far back changed vouchers are looked for: a sales order
    does not tell when it was changed. `currency` is that of the books. `errcodes` says what a code
    of the API means, for codes whose text does not tell.
    """

    PRESET: ClassVar[Preset] = _PRESET
    # U8 leaves both out of a document.
    TELLS_EMPTY: ClassVar[bool] = False

    from_account: str
    to_account: str
    app_key: Secret
    app_secret: Secret
    ds_sequence: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1
    zone: str | None = "Asia/Shanghai"
    currency: str | None = "CNY"
    deadline: Annotated[float, msgspec.Meta(gt=0, le=120)] = DEADLINE
    rows_per_page: Annotated[int, msgspec.Meta(ge=1, le=8000)] = 500
    most_pages: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    late_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 90
    errcodes: Mapping[str, Meaning] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (
            ("from_account", self.from_account),
            ("to_account", self.to_account),
            ("app_key", self.app_key.reveal()),
            ("app_secret", self.app_secret.reveal()),
        ):
            if not _PLAIN.fullmatch(value):
                raise ValueError(f"{name}: holds spaces or letters that U8 OpenAPI's never have")
        for key in ("customers", "orders", "receipts", "refunds"):
            for index, declared in enumerate(getattr(self.mapping, key)):
                try:
                    listed(declared.table)
                except ValueError as error:
                    raise ValueError(f"{key}[{index}].table: {error}") from None

    @property
    def address(self) -> str:
        return self.base_url or ADDRESS
