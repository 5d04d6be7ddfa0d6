"""Which tables and fields of a customised system are customers, orders and the rest: declarations.

They stand in the configuration, `[[sources.NAME.customers]]`, `[[sources.NAME.orders]]` and so on,
and are laid over the vendor's presets for its standard objects. A field is named by its path in a
row as the vendor's folder gives it: `FCustId.FNumber`, `phone.phone`, `contacts[].mobile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from connectors.currency import MINOR_UNIT_DIGITS
from connectors.records import CustomerKind, OrderState, Provider
from connectors.vendor import SourceSettings

ID_FIELDS = ("payment_ids", "refund_ids", "external_ids")
"""What leads from a source's name to the fields with its ids."""
NEXT = "NEXT"
"""Stands for a word that says nothing: the next status field is looked at, then the money."""
PAYMENT_CHANNELS: Mapping[str, str] = {
    "stripe": "STRIPE",
    "paypal": "PAYPAL",
    "alipay": "ALIPAY",
    "支付宝": "ALIPAY",
    "wechat": "WECHAT_PAY",
    "wechat pay": "WECHAT_PAY",
    "微信": "WECHAT_PAY",
    "微信支付": "WECHAT_PAY",
    "unionpay": "UNIONPAY",
    "银联": "UNIONPAY",
}
S = TypeVar("S", bound=msgspec.Struct)


class FieldMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field and how it is written.

    An amount is in major units unless `unit` is "minor"; its currency is `currency`, or what the
    field `currency_field` holds, or the source's. `thousands` and `decimal` are the separators of
    amounts kept as text. `zone` is the IANA time zone of times that have none of their own.
    `only_with` names a field without which this one does not exist either: in a system that lacks
    it, both are empty, and nothing is amiss. `split` holds the characters that separate several ids
    in one text; only fields of ids of other sources have it (`ID_FIELDS`).
    """

    field: str
    unit: Literal["major", "minor"] = "major"
    currency: str | None = None
    currency_field: str | None = None
    thousands: str = ""
    decimal: str = "."
    zone: str | None = None
    only_with: str | None = None
    split: str = ""

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_zone(self.zone)
        if self.thousands == self.decimal or len(self.decimal) != 1 or len(self.thousands) > 1:
            raise ValueError("thousands: the separators are two different characters")


Fields = str | FieldMap | tuple[str | FieldMap, ...]
"""One field or several: the first that holds something counts, for e-mails and phones all."""


class KindMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The words of a field that say whether a customer is a PERSON or a COMPANY. `only_with` is as
    in `FieldMap`: where that field does not exist, every customer is `otherwise`.
    """

    field: str
    words: Mapping[str, str] = {}
    otherwise: str = "UNKNOWN"
    only_with: str | None = None

    def __post_init__(self) -> None:
        for kind in (*self.words.values(), self.otherwise):
            if kind not in CustomerKind.__members__:
                raise ValueError(f"words: {kind!r} is no kind of customer")

    @cached_property
    def folded(self) -> Mapping[str, str]:
        """The words without their case; made once."""
        return {word.casefold(): kind for word, kind in self.words.items()}


class StatusMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The words of a field (case does not matter) to order states, or to NEXT.

    `empty` is the state where the field holds nothing, `otherwise` of a word that is not listed.
    """

    field: str
    words: Mapping[str, str] = {}
    empty: str = NEXT
    otherwise: str = "UNKNOWN"

    def __post_init__(self) -> None:
        for state in (*self.words.values(), self.empty, self.otherwise):
            if state != NEXT and state not in OrderState.__members__:
                raise ValueError(f"words: {state!r} is no order state, nor {NEXT}")

    @cached_property
    def folded(self) -> Mapping[str, str]:
        """The words without their case; made once, as every row is looked up in them."""
        return {word.casefold(): state for word, state in self.words.items()}


class ClosedMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that says an order is closed, by one of `words` or, without them, by any text: what
    is paid is then FULFILLED, and what is unpaid has the state `unpaid`, if that is given.
    """

    field: str
    words: tuple[str, ...] = ()
    unpaid: str | None = None

    def __post_init__(self) -> None:
        if self.unpaid is not None and self.unpaid not in OrderState.__members__:
            raise ValueError(f"unpaid: {self.unpaid!r} is no order state")


class TableMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the maps of customers and orders have in common. `custom` names the fields shown as
    `customFields`, by themselves or under a name of ours. `former_ids` is a field with the ids of
    the records that were merged into this one: it answers for them as well.
    """

    table: str = ""
    id: str = ""
    former_ids: str = ""
    created_at: Fields = ""
    updated_at: Fields = ""
    custom: tuple[str, ...] | Mapping[str, str] = ()


class CustomerMap(TableMap, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`external_ids` leads from a source's name to the fields with its id of the customer; `kind`
    is PERSON, COMPANY or a table of words.
    """

    name: Fields = ""
    kind: str | KindMap = ""
    email: Fields = ""
    phones: Fields = ""
    tier: Fields = ""
    industry: Fields = ""
    status: Fields = ""
    external_ids: Mapping[str, Fields] = {}

    def __post_init__(self) -> None:
        if isinstance(self.kind, str) and self.kind and self.kind not in CustomerKind.__members__:
            raise ValueError(f"kind: {self.kind!r} is no kind of customer")


class LineMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines inside the order's own row, at `path`; or rows of `table` whose field `order` holds the
    order's id.
    """

    path: str = ""
    table: str = ""
    order: str = ""
    sku: Fields = ""
    name: Fields = ""
    quantity: Fields = ""
    unit_price: Fields = ""
    total: Fields = ""


class OrderMap(TableMap, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """`status` fields are looked at in their order; what they leave open follows from the amounts
    paid and refunded. `customer` holds the customer's id, `payment_ids` and `refund_ids` lead from
    a source's name to the fields with its ids. A `total` whose path has `[]` is the sum.
    `shown_status` is the field whose word is shown as it is, the first of `status` unless told.
    """

    number: Fields = ""
    total: Fields = ""
    placed_at: Fields = ""
    customer: str = ""
    status: tuple[StatusMap, ...] = ()
    shown_status: str = ""
    paid_amount: Fields = ""
    refunded_amount: Fields = ""
    closed: ClosedMap | None = None
    channel: str = ""
    channels: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(PAYMENT_CHANNELS))
    payment_ids: Mapping[str, Fields] = {}
    refund_ids: Mapping[str, Fields] = {}
    lines: LineMap | None = None

    def __post_init__(self) -> None:
        for word, provider in self.channels.items():
            if provider not in Provider.__members__:
                raise ValueError(f"channels: {word!r} leads to {provider!r}, no provider")

    @cached_property
    def folded_channels(self) -> Mapping[str, Provider]:
        """The words for channels without their case; made once."""
        return {word.casefold(): Provider[name] for word, name in self.channels.items()}


class EntryMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Records of money received for orders, or given back: what the system itself booked.

    `order` holds the order's number, or its id where `order_is` says so. With `customer`, a field
    with the customer's id, entries are asked for by customer, where a vendor cannot by order. Only
    entries whose field `counts_if` holds one of `words` count, where it is given. `changed_at` is
    when an entry was changed: by it new refund numbers are found.
    """

    table: str = ""
    order: str = ""
    order_is: Literal["number", "id"] = "number"
    customer: str = ""
    amount: Fields = ""
    counts_if: str = ""
    words: tuple[str, ...] = ()
    changed_at: str = ""
    payment_ids: Mapping[str, Fields] = {}
    refund_ids: Mapping[str, Fields] = {}

    @cached_property
    def folded_words(self) -> frozenset[str]:
        """The words without their case; made once."""
        return frozenset(word.casefold() for word in self.words)


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's standard objects, so that a standard installation needs no mapping."""

    customers: tuple[CustomerMap, ...] = ()
    orders: tuple[OrderMap, ...] = ()
    receipts: tuple[EntryMap, ...] = ()
    refunds: tuple[EntryMap, ...] = ()


class MappedSettings(SourceSettings, frozen=True, kw_only=True):
    """Keys of every source with a mapping. `zone` and `currency` hold where a field says nothing
    else; `currencies` translates a vendor's own words and codes to ISO 4217.
    """

    PRESET: ClassVar[Preset] = Preset()
    TELLS_EMPTY: ClassVar[bool] = True
    """Whether a field that is empty can be told from one that may not be read. Where it cannot, an
    amount whose field of the currency is empty has no currency, also if the source has one."""

    zone: str | None = None
    currency: str | None = None
    currencies: Mapping[str, str] = {}
    customers: tuple[CustomerMap, ...] = ()
    orders: tuple[OrderMap, ...] = ()
    receipts: tuple[EntryMap, ...] = ()
    refunds: tuple[EntryMap, ...] = ()

    def __post_init__(self) -> None:
        check_currency(self.currency)
        check_zone(self.zone)
        for word, code in self.currencies.items():
            if code not in MINOR_UNIT_DIGITS:
                raise ValueError(f"currencies: {word!r} leads to {code!r}, not an ISO 4217 code")
        _check_complete(self.mapping)
        _check_times(self.mapping, self.zone)
        _check_split(self.mapping)

    @property
    def preset(self) -> Preset:
        """What the own tables are laid over; a vendor with a choice of objects overrides it."""
        return self.PRESET

    @property
    def mapping(self) -> Preset:
        """The presets with the own tables laid over them. An own table that is named like a preset,
        or has no name where there is one preset, changes it; any other stands by itself.
        """
        preset = self.preset
        return Preset(
            customers=_laid(preset.customers, self.customers),
            orders=_laid(preset.orders, self.orders),
            receipts=_laid(preset.receipts, self.receipts),
            refunds=_laid(preset.refunds, self.refunds),
        )


@lru_cache(maxsize=4096)
def fields_of(fields: Fields) -> tuple[FieldMap, ...]:
    """Every field of a declaration; an empty name is none."""
    several = fields if isinstance(fields, tuple) else (fields,)
    maps = (FieldMap(field=one) if isinstance(one, str) else one for one in several)
    return tuple(one for one in maps if one.field)


def kind_field(kind: KindMap) -> FieldMap:
    """The field of a kind, as any other is declared."""
    return FieldMap(field=kind.field, only_with=kind.only_with)


def paths_of(fields: Fields) -> Iterator[str]:
    """The paths that must be read for a declaration."""
    for one in fields_of(fields):
        yield one.field
        if one.currency_field:
            yield one.currency_field
        if one.only_with:
            yield one.only_with


def custom_of(table: TableMap) -> Mapping[str, str]:
    """Name shown to path."""
    given = table.custom
    return given if isinstance(given, Mapping) else {name: name for name in given}


def source_names(mapping: Preset) -> Iterator[str]:
    """Every source that a mapping holds ids of."""
    for customers in mapping.customers:
        yield from customers.external_ids
    for orders in mapping.orders:
        yield from (*orders.payment_ids, *orders.refund_ids)
    for entries in (*mapping.receipts, *mapping.refunds):
        yield from (*entries.payment_ids, *entries.refund_ids)


def check_currency(code: str | None) -> None:
    if code is not None and code not in MINOR_UNIT_DIGITS:
        raise ValueError("currency: not an ISO 4217 code")


def check_zone(name: str | None) -> None:
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("zone: not an IANA time zone, such as Asia/Shanghai") from None


def _laid(presets: tuple[S, ...], own: tuple[S, ...]) -> tuple[S, ...]:
    if not own:
        return presets
    by_table = {_table(preset): preset for preset in presets}
    only = presets[0] if len(presets) == 1 else None
    laid = []
    for table in own:
        preset = by_table.get(_table(table)) or (only if not _table(table) else None)
        laid.append(table if preset is None else over(preset, table))
    return tuple(laid)


def over(preset: S, own: S) -> S:
    """`preset` with everything that `own` says; mappings are joined, key by key."""
    plain = type(own)()
    changes: dict[str, Any] = {}
    for name in own.__struct_fields__:
        said, known = getattr(own, name), getattr(preset, name)
        if said == getattr(plain, name):
            continue
        if isinstance(said, Mapping) and isinstance(known, Mapping):
            said = {**known, **said}
        elif isinstance(said, LineMap) and isinstance(known, LineMap):
            said = over(known, said)
        changes[name] = said
    return msgspec.structs.replace(preset, **changes)


def _table(declared: Any) -> str:
    return str(declared.table)


_NEEDED: dict[str, tuple[str, ...]] = {
    "customers": ("table", "id", "created_at"),
    "orders": ("table", "id", "created_at", "number"),
    "receipts": ("table", "order", "amount"),
    "refunds": ("table", "order"),
}


def _check_complete(mapping: Preset) -> None:
    for key, names in _NEEDED.items():
        for index, table in enumerate(getattr(mapping, key)):
            for name in names:
                if not getattr(table, name):
                    raise ValueError(f"{key}[{index}].{name}: missing")
            if key == "orders":
                _check_lines(table.lines, f"orders[{index}].lines")


def _check_times(mapping: Preset, zone: str | None) -> None:
    """Lists are read by these times, which a vendor compares in the source's zone."""
    for key in ("customers", "orders"):
        for index, table in enumerate(getattr(mapping, key)):
            for name in ("created_at", "updated_at"):
                fields = fields_of(getattr(table, name))
                if any(one.zone not in (None, zone) for one in fields):
                    raise ValueError(f"{key}[{index}].{name}: its zone is that of the source")


def _check_split(mapping: Preset) -> None:
    for key in mapping.__struct_fields__:
        for index, table in enumerate(getattr(mapping, key)):
            for name in table.__struct_fields__:
                fields = getattr(table, name)
                several = fields if isinstance(fields, tuple) else (fields,)
                if any(isinstance(one, FieldMap) and one.split for one in several):
                    raise ValueError(f"{key}[{index}].{name}: only fields of ids are split")


def _check_lines(lines: LineMap | None, place: str) -> None:
    if lines is None:
        return
    if bool(lines.path) == bool(lines.table):
        raise ValueError(f"{place}: give path, or table and order")
    if lines.path and not lines.path.endswith("[]"):
        raise ValueError(f"{place}.path: names a list, such as lines[]")
    if lines.table and not lines.order:
        raise ValueError(f"{place}.order: missing")
    if not lines.quantity:
        raise ValueError(f"{place}.quantity: missing")


def all_paths(*declared: Fields | Iterable[Fields]) -> tuple[str, ...]:
    """The paths of several declarations, each once."""
    found: dict[str, None] = {}
    for one in declared:
        parts = [one] if isinstance(one, str | FieldMap | tuple) else list(one)
        for part in parts:
            found.update(dict.fromkeys(paths_of(part)))
    return tuple(found)
