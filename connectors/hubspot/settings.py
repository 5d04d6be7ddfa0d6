"""The keys of a `[sources.NAME]` table whose vendor is HubSpot."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from connectors.hubspot.presets import CUSTOMERS, ORDERS
from connectors.mapping import MappedSettings, Preset, fields_of
from connectors.secret import Secret

ADDRESS = "https://api.hubapi.com"
ID = "hs_object_id"
CONTACTS = frozenset({"contacts", "contact", "0-1"})
_VERSION = re.compile(r"v3|20\d\d-(03|09)(-beta)?")
_TABLE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_FOLDED = frozenset({"email", "hs_additional_emails"})


class HubspotSettings(MappedSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`token` is a service key, or the token of a private app. `version` is "v3", or a date such as
    "2026-03".

    `customer_object` and `order_object` choose the presets. `unique` names, by object, properties
    that are known to be unique though HubSpot's metadata do not say so.
    """

    token: Secret
    version: str = "v3"
    customer_object: Literal["contacts", "companies"] = "contacts"
    order_object: Literal["deals", "orders"] = "deals"
    unique: Mapping[str, tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[!-~]{1,512}", self.token.reveal()):
            raise ValueError("token: holds spaces or letters that HubSpot's never have")
        if not _VERSION.fullmatch(self.version):
            raise ValueError("version: neither v3 nor a date such as 2026-03")
        for place, declared in _declared(self.mapping):
            if not _TABLE.fullmatch(declared.table):
                raise ValueError(f"{place}.table: no object type, such as deals or 2-1234567")
            # Associations lead to a record by this number alone.
            if getattr(declared, "id", ID) != ID:
                raise ValueError(f"{place}.id: HubSpot's records are known by {ID}")

    @property
    def address(self) -> str:
        return self.base_url or ADDRESS

    @property
    def preset(self) -> Preset:
        return Preset(
            customers=(CUSTOMERS[self.customer_object],),
            orders=(ORDERS[self.order_object, self.customer_object],),
        )

    @property
    def tables(self) -> tuple[str, ...]:
        """Every object type of the mapping, each once."""
        return tuple(dict.fromkeys(declared.table for _, declared in _declared(self.mapping)))

    @property
    def folds(self) -> bool:
        """HubSpot keeps the e-mails of contacts in small letters; of other properties no one
        knows."""
        return all(
            one.table in CONTACTS and field.field.removesuffix("[]") in _FOLDED
            for one in self.mapping.customers
            for field in fields_of(one.email)
        )

    def is_unique(self, table: str, name: str) -> bool:
        """Whether the settings say so; of contacts, e-mails are by themselves."""
        return name in self.unique.get(table, ()) or (table in CONTACTS and name == "email")


def _declared(mapping: Preset) -> Iterator[tuple[str, Any]]:
    """Every table of a mapping, with the place of its declaration."""
    for key in ("customers", "orders", "receipts", "refunds"):
        for index, declared in enumerate(getattr(mapping, key)):
            yield f"{key}[{index}]", declared
            lines = getattr(declared, "lines", None)
            if lines is not None and lines.table:
                yield f"{key}[{index}].lines", lines
