"""The keys of a `[sources.NAME]` table whose vendor is `salesforce`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from connectors.mapping import (
    CustomerMap,
    FieldMap,
    Fields,
    MappedSettings,
    OrderMap,
    Preset,
    TableMap,
    fields_of,
)
from connectors.paths import customer_paths, entry_paths, line_paths, order_paths
from connectors.salesforce.presets import CONTACT_FIELDS, CUSTOMERS, ORDERS, SYSTEM
from connectors.secret import Secret

LOGIN = "https://login.salesforce.com"
CURRENCY = "CurrencyIsoCode"
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,5}")
_VERSION = re.compile(r"[1-9]\d\.0")
_NEEDED = {"jwt_bearer": ("username", "private_key"), "client_credentials": ("client_secret",)}
_AMOUNTS = ("total", "paid_amount", "refunded_amount", "unit_price", "amount")
S = TypeVar("S", bound=msgspec.Struct)


class SalesforceSettings(MappedSettings, frozen=True, kw_only=True):
    """How to log in, and the mapping. `currency` is for organisations with a single one, which have
    no field CurrencyIsoCode; without it every amount is in the currency of its row.
    """

    PRESET: ClassVar[Preset] = Preset(customers=(CUSTOMERS["Account"],), orders=(ORDERS["Order"],))

    auth: Literal["jwt_bearer", "client_credentials"]
    client_id: str
    client_secret: Secret | None = None
    username: str | None = None
    private_key: Secret | None = None
    audience: str | None = None
    api_version: str = "65.0"

    def __post_init__(self) -> None:
        for key in _NEEDED[self.auth]:
            if getattr(self, key) is None:
                raise ValueError(f"{key}: needed for auth {self.auth!r}")
        if not _VERSION.fullmatch(self.api_version):
            raise ValueError("api_version: two digits and .0, such as 65.0")
        super().__post_init__()
        for place, names in _queried(self.mapping):
            _check_names(place, names)
        for kind in ("customers", "orders"):
            for index, one in enumerate(getattr(self.mapping, kind)):
                if one.id != "Id":
                    raise ValueError(f"{kind}[{index}].id: it is Id in every object")

    @property
    def login_url(self) -> str:
        return (self.base_url or LOGIN).rstrip("/")

    @property
    def login_audience(self) -> str:
        """The `aud` of an assertion: a login host or My Domain names itself."""
        parts = urlsplit(self.login_url)
        own = (parts.hostname or "").endswith(".salesforce.com")
        return self.audience or (f"{parts.scheme}://{parts.netloc}" if own else LOGIN)

    @property
    def preset(self) -> Preset:
        """Of each object that is used: what is known of a standard one, else what all have."""
        customers = _tables(self.customers, "Account")
        orders = _tables(self.orders, "Order")
        return Preset(
            customers=tuple(
                CUSTOMERS.get(name) or CustomerMap(table=name, **SYSTEM) for name in customers
            ),
            orders=tuple(_order(name, contacts=customers == ("Contact",)) for name in orders),
        )

    @property
    def mapping(self) -> Preset:
        """As everywhere; amounts of which nothing else is said are in their row's currency."""
        mapping = super().mapping
        if self.currency is not None:
            return mapping
        return Preset(
            customers=mapping.customers,
            orders=tuple(map(_in_its_currency, mapping.orders)),
            receipts=tuple(map(_in_its_currency, mapping.receipts)),
            refunds=tuple(map(_in_its_currency, mapping.refunds)),
        )


def _tables(own: Sequence[TableMap], default: str) -> tuple[str, ...]:
    """Names of the objects that are used; a table without one is of the default."""
    return tuple(dict.fromkeys(one.table or default for one in own)) or (default,)


def _order(table: str, *, contacts: bool) -> OrderMap:
    preset = ORDERS.get(table)
    if preset is None:
        return OrderMap(table=table, **SYSTEM)
    if not contacts:
        return preset
    return msgspec.structs.replace(preset, customer=CONTACT_FIELDS[table])


def _in_its_currency(declared: S) -> S:
    changes: dict[str, object] = {
        name: _with_currency(getattr(declared, name))
        for name in _AMOUNTS
        if hasattr(declared, name)
    }
    lines = getattr(declared, "lines", None)
    if lines is not None:
        changes["lines"] = _in_its_currency(lines)
    return msgspec.structs.replace(declared, **changes)


def _with_currency(fields: Fields) -> Fields:
    return tuple(
        one
        if one.currency is not None or one.currency_field is not None
        else msgspec.structs.replace(one, currency_field=CURRENCY)
        for one in fields_of(fields)
    )


Named = Iterator[tuple[str, tuple[str, Iterable[str]]]]


def _queried(mapping: Preset) -> Named:
    """Every object and path that will stand in a query, with the place they come from."""
    for index, customers in enumerate(mapping.customers):
        yield f"customers[{index}]", (customers.table, customer_paths(customers))
    for index, orders in enumerate(mapping.orders):
        yield f"orders[{index}]", (orders.table, order_paths(orders))
        if orders.lines is not None and orders.lines.path:
            raise ValueError(f"orders[{index}].lines.path: lines have a table of their own")
        if orders.lines is not None:
            yield f"orders[{index}].lines", (orders.lines.table, line_paths(orders.lines))
    for key in ("receipts", "refunds"):
        for index, entries in enumerate(getattr(mapping, key)):
            changed = (entries.changed_at,) if entries.changed_at else ()
            yield f"{key}[{index}]", (entries.table, (*entry_paths(entries), *changed))


def _check_names(place: str, names: tuple[str, Iterable[str]]) -> None:
    table, paths = names
    if not _TABLE.fullmatch(table):
        raise ValueError(f"{place}.table: {table[:64]!r} is not the API name of an object")
    for path in paths:
        if not _PATH.fullmatch(path):
            raise ValueError(f"{place}: {path[:64]!r} is not the API name of a field")


def only(fields: Fields) -> FieldMap | None:
    """The field of a declaration that has one: several cannot be compared with in a query."""
    several = fields_of(fields)
    return several[0] if len(several) == 1 else None
