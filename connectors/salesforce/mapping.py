"""Rows to records: pure functions over decoded rows and the settings.

Object Reference for Account, Contact, Order, Opportunity and their lines; SOQL and SOSL guide,
"Date and Datetime Formats". A row that does not fit raises `Misfit`, which names the field only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from connectors.currency import UnknownCurrency
from connectors.errors import Malformed
from connectors.money import InexactAmount, Money
from connectors.records import (
    Customer,
    CustomerKind,
    ExternalId,
    Order,
    OrderLine,
    OrderState,
    Provider,
    Source,
)
from connectors.salesforce.ids import canonical
from connectors.salesforce.settings import SalesforceSettings

Row = Mapping[str, Any]
T = TypeVar("T")
_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
ENDED = {"Draft": OrderState.DRAFT, "Canceled": OrderState.CANCELED, "Expired": OrderState.CANCELED}
_REFUNDABLE = (OrderState.PAID, OrderState.FULFILLED)


class Misfit(ValueError):
    """A field of a row that is not what the vendor documents; the value is never told."""


def decode(raw: msgspec.Raw) -> dict[str, Any]:
    """A row with its numbers as int or Decimal; one that is not an object is empty."""
    try:
        return _ROW.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def fitting(
    record: Callable[[dict[str, Any]], T], row: dict[str, Any], source: str
) -> T | Malformed:
    """The record of a row, or the failure of this row alone."""
    try:
        return record(row)
    except Misfit as misfit:
        return Malformed(source, f"a row does not fit at {misfit}")


def customer(row: Row, settings: SalesforceSettings, source: Source) -> Customer:
    """An Account or a Contact."""
    names = settings.customer_map
    return Customer(
        source=source,
        native_id=_identity(row, "Id"),
        created_at=moment(row, "CreatedDate"),
        updated_at=moment(row, "LastModifiedDate"),
        custom_fields=_custom(row, settings.custom_fields.get("customer", ())),
        name=text(row, "Name"),
        kind=_customer_kind(row, settings),
        email=text(row, names.get("email")),
        phones=tuple(dict.fromkeys(filter(None, (text(row, f) for f in ("Phone", "MobilePhone"))))),
        tier=text(row, names.get("tier")),
        industry=text(row, names.get("industry")),
        status=text(row, names.get("status")),
        external_ids=external_ids(row, settings.customer_id_fields),
    )


def order(row: Row, settings: SalesforceSettings, source: Source) -> Order:
    """An Order or an Opportunity."""
    names = settings.order_map
    number = text(row, names["number"])
    if number is None:
        raise Misfit(names["number"])
    customer_id = row.get(settings.customer_field)
    return Order(
        source=source,
        native_id=_identity(row, "Id"),
        created_at=moment(row, "CreatedDate"),
        updated_at=moment(row, "LastModifiedDate"),
        custom_fields=_custom(row, settings.custom_fields.get("order", ())),
        number=number,
        total=money(row, names.get("total"), settings.currency),
        placed_at=moment(row, names.get("placed_at")),
        recorded_state=state(row, settings),
        recorded_status=text(row, status_field(settings)),
        customer_id=None if customer_id is None else _identity(row, settings.customer_field),
        payment_ids=external_ids(row, settings.order_payment_fields),
        recorded_providers=_providers(text(row, names.get("payment_channel")), settings),
    )


def line(row: Row, settings: SalesforceSettings) -> OrderLine:
    """An OrderItem or an OpportunityLineItem with its product."""
    product = row.get("Product2") or {}
    quantity = number(row, "Quantity")
    if quantity is None:
        raise Misfit("Quantity")
    return OrderLine(
        sku=text(product, "ProductCode"),
        name=text(product, "Name"),
        quantity=quantity,
        unit_price=money(row, "UnitPrice", settings.currency),
        total=money(row, "TotalPrice", settings.currency),
    )


def status_field(settings: SalesforceSettings) -> str:
    return "Status" if settings.order_object == "Order" else "StageName"


def state(row: Row, settings: SalesforceSettings) -> OrderState:
    """The CRM's own word first, then its status code, then its fields about money."""
    names = settings.order_map
    word = text(row, status_field(settings))
    states = {key.casefold(): value for key, value in settings.states.items()}
    if word is not None and (own := states.get(word.casefold())):
        found = OrderState(own)
    else:
        found = _ended(row, settings) or _paid(row, names.get("payment_status"), settings)
    if found not in _REFUNDABLE:
        return found
    back, total = number(row, names.get("refunded_amount")), number(row, names.get("total"))
    return _refund(back, total, found)


def _ended(row: Row, settings: SalesforceSettings) -> OrderState | None:
    """What needs no money to be known; None when the status code leaves it open."""
    if settings.order_object == "Order":
        code = row.get("StatusCode")
        return None if code == "Activated" else ENDED.get(str(code), OrderState.UNKNOWN)
    if row.get("IsClosed") is False:
        return OrderState.DRAFT
    return None if row.get("IsWon") is True else OrderState.CANCELED


def _paid(row: Row, field: str | None, settings: SalesforceSettings) -> OrderState:
    """By the payment status field: empty is unpaid, not being there is unknown."""
    if field is None or field not in row:
        return OrderState.UNKNOWN
    word = text(row, field)
    if word is None:
        return OrderState.PENDING_PAYMENT
    words = {key.casefold(): value for key, value in settings.payment_statuses.items()}
    return OrderState(words.get(word.casefold(), "UNKNOWN"))


def _refund(back: Decimal | None, total: Decimal | None, paid: OrderState) -> OrderState:
    """Money given back is laid over a paid state."""
    if not back or total is None:
        return paid
    return OrderState.REFUNDED if back >= total else OrderState.PARTIALLY_REFUNDED


def moment(row: Row, field: str | None) -> datetime | None:
    """`2026-01-02T03:04:05.000+0000` as aware UTC; a date is its midnight."""
    value = row.get(field) if field else None
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None and len(value) != len("2026-01-02"):
            raise Misfit(field)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Misfit(field) from None


def number(row: Row, field: str | None) -> Decimal | None:
    value = row.get(field) if field else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Misfit(field)
    return Decimal(value)


def money(row: Row, field: str | None, currency: str | None) -> Money | None:
    """In the organisation's one currency, or the row's own."""
    amount = number(row, field)
    if amount is None:
        return None
    try:
        return Money.of(amount, currency or row.get("CurrencyIsoCode") or "")
    except UnknownCurrency:
        raise Misfit("CurrencyIsoCode") from None
    except InexactAmount:
        raise Misfit(field) from None


def text(row: Row, field: str | None) -> str | None:
    value = row.get(field) if field else None
    return None if value is None or value == "" else str(value)


def _identity(row: Row, field: str) -> str:
    value = row.get(field)
    full = canonical(value) if isinstance(value, str) else None
    if full is None:
        raise Misfit(field)
    return full


def _providers(words: str | None, settings: SalesforceSettings) -> tuple[Provider, ...]:
    """All that are named, or none: where one word is not known, any provider may be meant."""
    known = {word.casefold(): name for word, name in settings.payment_channels.items()}
    named = [word.strip().casefold() for word in (words or "").split(";") if word.strip()]
    if not all(word in known for word in named):
        return ()
    return tuple(dict.fromkeys(Provider[known[word]] for word in named))


def external_ids(row: Row, fields: Mapping[str, str]) -> tuple[ExternalId, ...]:
    found = ((source, text(row, field), field) for field, source in fields.items())
    return tuple(ExternalId(source, value, field) for source, value, field in found if value)


def _custom(row: Row, fields: tuple[str, ...]) -> dict[str, Any] | None:
    return {field: row[field] for field in fields if field in row} if fields else None


def _customer_kind(row: Row, settings: SalesforceSettings) -> CustomerKind:
    person = settings.customer_object == "Contact" or row.get("Type") in settings.person_types
    return CustomerKind.PERSON if person else CustomerKind.COMPANY
