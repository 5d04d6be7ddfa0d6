"""Weaver e-cology 9: forms ("cube") through the list of their interfaces.

No interface asks for several rows at once, so each key is a call; none gives an order or ranges, so
there are no pages: customers and orders are found by id, number, payment and customer only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.mapped import MappedCrm
from connectors.metadata import Rows
from connectors.paths import paths_by_table
from connectors.recoding import open_recoding
from connectors.records import Kind, Source, SourceKind
from connectors.tokens import FetchedToken
from connectors.transport import Limits
from connectors.vendor import CallCost, Vendor, Wiring
from connectors.weaver.cube import CubeTables
from connectors.weaver.errors import cube_judge, token_judge
from connectors.weaver.settings import DEADLINE, WeaverSettings
from connectors.weaver.tokens import AppTokens

_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)


class WeaverCrm(MappedCrm):
    """Without what takes an order of rows."""

    def __init__(self, source: Source, settings: WeaverSettings, tables: CubeTables) -> None:
        super().__init__(source, settings, tables)
        self._cube = tables
        self.__dict__.update(dict.fromkeys(("customer_page", "order_page", "refund_numbers")))

    async def sample(self, table: str, columns: Sequence[str], by: str, most: int) -> Rows:
        """Not the newest: there is no order."""
        return (await self._cube.some(table, columns, most))[:most]


def normalise(kind: Kind, native_id: str) -> str | None:
    """The number of a row in its form."""
    return native_id if _ID.fullmatch(native_id) else None


def connect(wiring: Wiring, settings: WeaverSettings) -> WeaverCrm:
    name, address = wiring.source.name, settings.base_url or ""
    tokens = None
    if settings.app_id is not None:
        door = open_recoding(wiring, address, token_judge(name), None)
        tokens = FetchedToken(AppTokens(name, door, settings.app_id, settings).fetch, sessions=True)
    transport = open_recoding(wiring, address, cube_judge(name, settings.refusal_words), tokens)
    wanted = paths_by_table(settings.mapping)
    tables = CubeTables(name, transport, settings, wiring.clock, wanted)
    return WeaverCrm(wiring.source, settings, tables)


_EACH = CallCost(batch=1)

VENDOR = Vendor(
    name="weaver",
    label="泛微 e-cology",
    kind=SourceKind.CRM,
    hosts=(),
    auth=("cube_md5", "ec_dev_token"),
    settings=WeaverSettings,
    connect=connect,
    calls={
        "customers": _EACH,
        "customers_by_external_id": _EACH,
        "orders": _EACH,
        "orders_by_number": _EACH,
        "orders_by_payment_id": _EACH,
        "orders_by_customer": _EACH,
        "order_lines": _EACH,
    },
    # No rate is published; it is the company's own office server.
    limits=Limits(deadline=DEADLINE, concurrency=4, rates={"": 5}),
    normalise=normalise,
)
