"""Filters and paging arguments, and how they become what `resolvers` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, TypeVar

import strawberry

from connectors import filters
from connectors.money import InexactAmount
from connectors.money import Money as MoneyValue
from connectors.paging import Sort, SortField
from connectors.records import Kind
from connectors.references import trimmed
from resolvers.errors import BadFilter, BadFirst
from resolvers.pages import FIRST_MOST, Ask
from resolvers.sources import Sources
from schema import enums
from schema.scalars import CurrencyCode

T = TypeVar("T")
UNSET: Any = strawberry.UNSET

First = Annotated[
    int | None,
    strawberry.argument(description=f"How many rows, 1 to {FIRST_MOST}; 20 unless told."),
]
After = Annotated[
    str | None,
    strawberry.argument(description="A cursor of the same connection: rows behind it."),
]
DEFAULT_FIRST = 20


def _field(description: str) -> Any:
    return strawberry.field(default=UNSET, description=description)


@strawberry.input(description="Bounds of a point in time; all that are given must hold.")
class DateTimeFilter:
    gte: datetime | None = _field("At or after.")
    gt: datetime | None = _field("After.")
    lte: datetime | None = _field("At or before.")
    lt: datetime | None = _field("Before.")


@strawberry.input(description="Bounds of an amount; amounts in another currency do not match.")
class MoneyFilter:
    currency: CurrencyCode = strawberry.field(description="The currency of the bounds.")
    gte: Decimal | None = _field("At least, in major units.")
    gt: Decimal | None = _field("More than, in major units.")
    lte: Decimal | None = _field("At most, in major units.")
    lt: Decimal | None = _field("Less than, in major units.")


@strawberry.input(description="Exact text; with both given, both must hold.", name="StringFilter")
class StringFilter:
    eq: str | None = _field("Equal to.")
    in_: list[str] | None = strawberry.field(
        default=UNSET, name="in", description="Equal to one of these, at most 100."
    )


_SOURCE = "Names of sources; unless given, all that hold such records (CRMs, where CRMs own them)."


@strawberry.input(description="Narrows customers; all that is given must hold.")
class CustomerFilter:
    source: list[str] | None = _field(_SOURCE)
    email: StringFilter | None = _field("Their e-mail address, upper or lower case.")
    name: StringFilter | None = _field("Their name, exactly.")
    created_at: DateTimeFilter | None = _field("When the source recorded them.")


@strawberry.input(description="Narrows orders; all that is given must hold.")
class OrderFilter:
    source: list[str] | None = _field(_SOURCE)
    customer: strawberry.ID | None = _field("The customer, by id.")
    number: StringFilter | None = _field("The order number.")
    recorded_state: list[enums.OrderState] | None = _field("What the source says happened.")
    placed_at: DateTimeFilter | None = _field("When it was placed.")
    created_at: DateTimeFilter | None = _field("When the source recorded it.")
    total: MoneyFilter | None = _field("The total.")


@strawberry.input(description="Narrows payments; all that is given must hold.")
class PaymentFilter:
    source: list[str] | None = _field(_SOURCE)
    customer: strawberry.ID | None = _field("The payer as the provider knows it, by id.")
    reference: StringFilter | None = _field("The merchant's reference, exactly.")
    provider: list[enums.Provider] | None = _field(
        "Through one of these; the sources of others are not asked."
    )
    channel: list[enums.PaymentChannel] | None = _field(
        "In one of these ways; sources that know none of them are not asked."
    )
    status: list[enums.PaymentStatus] | None = _field("One of these states.")
    created_at: DateTimeFilter | None = _field("When the provider recorded it.")
    amount: MoneyFilter | None = _field("The amount.")


@strawberry.input(description="Narrows refunds; all that is given must hold.")
class RefundFilter:
    source: list[str] | None = _field(_SOURCE)
    payment: strawberry.ID | None = _field("The payment that is refunded, by id.")
    provider: list[enums.Provider] | None = _field(
        "Through one of these; the sources of others are not asked."
    )
    status: list[enums.RefundStatus] | None = _field("One of these states.")
    created_at: DateTimeFilter | None = _field("When the provider recorded it.")
    amount: MoneyFilter | None = _field("The amount.")


def given(value: T) -> T | None:
    """None for what was left out as for what is null."""
    return None if value is UNSET else value


def ask(
    of: str,
    first: int | None,
    after: str | None,
    filter_: filters.Filter,
    order_by: Enum | None = None,
) -> Ask:
    """The page of the connection `of` that is asked for. BadFirst outside 1 to 100."""
    wanted = DEFAULT_FIRST if first is None else first
    if not 1 <= wanted <= FIRST_MOST:
        raise BadFirst(f"first must be between 1 and {FIRST_MOST}")
    return Ask(wanted, given(after), filter_, _sort(order_by), of)


def customer_filter(value: CustomerFilter | None) -> filters.CustomerFilter:
    if not given(value) or value is None:
        return filters.CustomerFilter()
    return filters.CustomerFilter(
        emails=_texts(value.email), names=_texts(value.name), created_at=_times(value.created_at)
    )


def order_filter(value: OrderFilter | None, sources: Sources) -> filters.OrderFilter:
    if not given(value) or value is None:
        return filters.OrderFilter()
    return filters.OrderFilter(
        sources=_tuple(source_names(value, sources, "customer", Kind.CUSTOMER)),
        customer_ids=_native(sources, value.customer, Kind.CUSTOMER),
        numbers=_keys(value.number),
        recorded_states=_tuple(value.recorded_state),
        placed_at=_times(value.placed_at),
        created_at=_times(value.created_at),
        total=_amounts(value.total),
    )


def payment_filter(value: PaymentFilter | None, sources: Sources) -> filters.PaymentFilter:
    if not given(value) or value is None:
        return filters.PaymentFilter()
    return filters.PaymentFilter(
        customer_ids=_native(sources, value.customer, Kind.CUSTOMER),
        references=_keys(value.reference),
        sources=_tuple(source_names(value, sources, "customer", Kind.CUSTOMER)),
        providers=_tuple(value.provider),
        channels=_tuple(value.channel),
        statuses=_tuple(value.status),
        created_at=_times(value.created_at),
        amount=_amounts(value.amount),
    )


def refund_filter(value: RefundFilter | None, sources: Sources) -> filters.RefundFilter:
    if not given(value) or value is None:
        return filters.RefundFilter()
    return filters.RefundFilter(
        payment_ids=_native(sources, value.payment, Kind.PAYMENT),
        sources=_tuple(source_names(value, sources, "payment", Kind.PAYMENT)),
        statuses=_tuple(value.status),
        created_at=_times(value.created_at),
        amount=_amounts(value.amount),
    )


def only(narrow: filters.Filter) -> frozenset[str] | None:
    """The argument of a join that need not look further than a filter lets it."""
    return None if narrow.sources is None else frozenset(narrow.sources)


def source_names(value: Any, sources: Sources, owner: str | None, kind: Kind) -> list[str] | None:
    """The sources a filter names; a record's id in a filter names its own source alone, a provider
    or channel leaves out the sources that cannot have it."""
    if not given(value):
        return None
    named = _able(value, given(value.source), sources)
    id_ = given(getattr(value, owner)) if owner else None
    if id_ is None:
        return named
    home = sources.address(id_, kind).source
    if named is not None and home not in named:
        raise BadFilter("the id in this filter belongs to a source that the filter leaves out")
    return [home]


def _able(value: Any, named: list[str] | None, sources: Sources) -> list[str] | None:
    providers = given(getattr(value, "provider", None))
    channels = given(getattr(value, "channel", None))
    if providers is None and channels is None:
        return named
    able = sources.able("payments") if named is None else sources.chosen(named, "payments")
    return [source.name for source in able if source.may_hold(providers, channels)]


def _native(sources: Sources, value: str | None, kind: Kind) -> tuple[str, ...] | None:
    id_ = given(value)
    return None if id_ is None else (sources.address(id_, kind).native_id,)


def _keys(value: StringFilter | None) -> tuple[str, ...] | None:
    """Order numbers and references as every source has them, `trimmed`."""
    texts = _texts(value)
    return None if texts is None else tuple(dict.fromkeys(map(trimmed, texts)))


def _texts(value: StringFilter | None) -> tuple[str, ...] | None:
    if (text := given(value)) is None:
        return None
    equal, among = given(text.eq), given(text.in_)
    if among is not None and len(among) > 100:
        raise BadFilter("a list in a filter holds at most 100 values")
    if equal is not None and among is not None:
        return (equal,) if equal in among else ()
    if equal is not None:
        return (equal,)
    return None if among is None else tuple(dict.fromkeys(among))


def _tuple(value: Sequence[T] | None) -> tuple[T, ...] | None:
    values = given(value)
    return None if values is None else tuple(dict.fromkeys(values))


def _times(value: DateTimeFilter | None) -> filters.TimeRange | None:
    if (bounds := given(value)) is None:
        return None
    return filters.TimeRange(
        gte=given(bounds.gte), gt=given(bounds.gt), lte=given(bounds.lte), lt=given(bounds.lt)
    )


def _amounts(value: MoneyFilter | None) -> filters.MoneyRange | None:
    if (bounds := given(value)) is None:
        return None

    def minor(amount: Decimal | None) -> int | None:
        if given(amount) is None or amount is None:
            return None
        try:
            return MoneyValue.of(amount, bounds.currency).minor_units
        except InexactAmount as error:
            raise BadFilter(str(error)) from None

    return filters.MoneyRange(
        currency=bounds.currency,
        gte=minor(bounds.gte),
        gt=minor(bounds.gt),
        lte=minor(bounds.lte),
        lt=minor(bounds.lt),
    )


def _sort(value: Enum | None) -> Sort:
    """`PLACED_AT_DESC` is the field `PLACED_AT`, descending."""
    chosen = given(value)
    if chosen is None:
        return Sort()
    field, _, direction = chosen.name.rpartition("_")
    return Sort(SortField[field], direction == "DESC")
