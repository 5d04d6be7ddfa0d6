"""What a mapping calls a table: a form, `SAL_SaleOrder`, or one of its entries,
`SAL_SaleOrder.FSaleOrderEntry`.

A bill query joins a head with its entries: a field of an entry multiplies the rows. So the table's
name says what a row is: one of a form is a bill, one of an entry is a line, which can show fields
of its head as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from connectors.kingdee.preset import CUSTOMER
from connectors.kingdee.settings import KingdeeSettings

KEYS: Mapping[str, str] = {CUSTOMER: "FCUSTID"}
"""Where the internal id is not FID."""


class Form(msgspec.Struct, frozen=True):
    """`key` holds the bill's internal id, `entry_key` the line's (None: rows are bills);
    `numbers` are the fields that hold internal ids, where 0 means none."""

    table: str
    id: str
    key: str
    entry_key: str | None
    numbers: frozenset[str]

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,) if self.entry_key is None else (self.key, self.entry_key)


class Forms:
    """The tables of one source."""

    def __init__(self, settings: KingdeeSettings) -> None:
        self._keys = {**KEYS, **settings.keys}
        self._mapping = settings.mapping

    def of(self, table: str) -> Form:
        form, _, entry = table.partition(".")
        key = self._keys.get(form, "FID")
        entry_key = f"{entry}_FEntryID" if entry else None
        ids = {key, *filter(None, [entry_key]), *self._references(table)}
        return Form(table, form, key, entry_key, frozenset(ids))

    def _references(self, table: str) -> set[str]:
        """Fields that hold internal ids of customers or orders, where these are known by them."""
        mapping = self._mapping
        orders = [one for one in mapping.orders if one.table == table]
        entries = [one for one in (*mapping.receipts, *mapping.refunds) if one.table == table]
        lines = [one.lines for one in mapping.orders if one.lines and one.lines.table == table]
        found: list[str] = []
        if all(one.id == self._key(one.table) for one in mapping.customers):
            found += [one.customer for one in orders] + [one.customer for one in entries]
        if all(one.id == self._key(one.table) for one in mapping.orders):
            found += [one.order for one in entries if one.order_is == "id"]
            found += [one.order for one in lines]
        # `FCustId` is an internal id, `FCustId.FNumber` a text.
        return {field for field in found if field and "." not in field}

    def _key(self, table: str) -> str:
        return self._keys.get(table, "FID")
