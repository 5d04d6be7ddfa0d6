"""Rows to records, as a mapping says: every value is checked as it is mapped.

A value that does not fit leaves its attribute empty and a note in the record's `misfits`; a row
without a usable id, or an order without a number, is no record and raises `Misfit`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from connectors.errors import Malformed
from connectors.mapping import (
    CustomerMap,
    EntryMap,
    Fields,
    KindMap,
    LineMap,
    MappedSettings,
    OrderMap,
    TableMap,
    all_paths,
    custom_of,
    kind_field,
)
from connectors.money import Money
from connectors.price import TOO_FINE
from connectors.recorded_state import recorded_state
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
from connectors.row_reading import Reading, key_in, word_in
from connectors.values import MISSING, Misfit, Row, at

T = TypeVar("T")
log = logging.getLogger(__name__)
_DOUBTFUL = frozenset({"paid_amount", "refunded_amount", "recorded_status"})
"""What leaves an order's recorded state unknown where it does not fit."""


class Booked(msgspec.Struct, frozen=True):
    """What the system itself booked for one order: sums, and the payments they name; `doubt` says
    why that is not known."""

    received: Money | None = None
    returned: Money | None = None
    payment_ids: tuple[ExternalId, ...] = ()
    doubt: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """One booked receipt or refund: the order it is for and what it says."""

    order: str
    amount: Money | None
    payment_ids: tuple[ExternalId, ...]


class Mapper:
    """All records of one source; without `states` those of orders are UNKNOWN."""

    def __init__(self, source: Source, settings: MappedSettings, *, states: bool = True) -> None:
        self._source = source
        self._settings = settings
        self._states = states

    def stateless(self) -> Mapper:
        """The same for rows that may lack what states of orders follow from."""
        return Mapper(self._source, self._settings, states=False)

    def customer(self, row: Row, declared: CustomerMap) -> Customer:
        """Raises Misfit for a row without an id."""
        read = Reading(row, self._settings)
        emails = read.texts("email", declared.email)
        return Customer(
            **self._common(read, declared),
            name=read.text("name", declared.name),
            kind=_kind(read, declared.kind),
            email=emails[0] if emails else None,
            more_emails=emails[1:],
            phones=read.texts("phones", declared.phones),
            tier=read.text("tier", declared.tier),
            industry=read.text("industry", declared.industry),
            status=read.text("status", declared.status),
            external_ids=_customer_ids(read, declared),
            misfits=read.misfits or None,
        )

    def order(self, row: Row, declared: OrderMap, booked: Booked | None = None) -> Order:
        """Raises Misfit for a row without an id or a number; `booked` is what other tables say."""
        read = Reading(row, self._settings)
        order_number = read.key("number", declared.number)
        if order_number is None:
            raise Misfit(f"{all_paths(declared.number)[0]}: there is no number")
        total = read.money("total", declared.total)
        payment_ids = read.ids("payment_ids", declared.payment_ids)
        read.ids("refund_ids", declared.refund_ids)  # read by refund_numbers, noted here
        customer = read.reference("customer", declared.customer)
        state = self._state(read, declared, total, booked)
        return Order(
            **self._common(read, declared),
            number=order_number,
            total=total,
            placed_at=read.moment("placed_at", declared.placed_at),
            recorded_state=state,
            recorded_status=word_in(row, _shown_status(declared)),
            customer_id=customer,
            payment_ids=_once(
                (
                    *payment_ids,
                    *(booked.payment_ids if booked is not None else ()),
                )
            ),
            recorded_providers=providers(word_in(row, declared.channel), declared.folded_channels),
            lines=None,
            misfits=read.misfits or None,
        )

    def line(self, row: Row, declared: LineMap, order: Row | None = None) -> OrderLine:
        """`order` is the row that a line stands in, which may hold its currency."""
        read = Reading(row, self._settings)
        price = read.price("price", declared.unit_price, order)
        if "price" in read.misfits:
            read.misfits["unit_price"] = read.misfits["price"]
        elif price is not None and price.money is None:
            read.misfits["unit_price"] = f"{all_paths(declared.unit_price)[0]}: {TOO_FINE}"
        return OrderLine(
            sku=read.text("sku", declared.sku),
            name=read.text("name", declared.name),
            quantity=read.quantity("quantity", declared.quantity),
            price=price,
            total=read.money("total", declared.total, order),
            source=self._source.name,
            misfits=read.misfits or None,
        )

    def entry(self, row: Row, declared: EntryMap) -> Entry | Malformed | None:
        """None for an entry that does not count, or is for no order. Malformed where it does not
        say whether it counts, or how much it is: a sum without it would be wrong."""
        order = key_in(row, declared.order)
        if order is None:
            return None
        read = Reading(row, self._settings)
        counts = _counts(row, declared)
        if counts is False:
            return None
        amount = read.money("amount", declared.amount)
        if counts is None:
            read.misfits["counts_if"] = f"{declared.counts_if}: it does not say whether it counts"
        elif amount is None and declared.amount:
            read.misfits.setdefault("amount", f"{all_paths(declared.amount)[0]}: there is none")
        read.note_missing("payment_ids", all_paths(*declared.payment_ids.values()))
        payment_ids = read.ids("payment_ids", declared.payment_ids)
        if read.misfits:
            reason = next(iter(read.misfits.values()))
            return Malformed(self._source.name, f"an entry does not fit at {reason}")
        return Entry(order, amount, payment_ids)

    def fitting(
        self, make: Callable[..., T], row: Row, declared: TableMap, *more: Any
    ) -> T | Malformed:
        """What `make`, a method of this mapper, makes of a row, or this row's failure alone."""
        try:
            return make(row, declared, *more)
        except Misfit as misfit:
            return self.malformed(row, declared, f"a row does not fit at {misfit}")

    def malformed(self, row: Row, declared: TableMap, why: str) -> Malformed:
        """The failure of one row, with its id where it has one."""
        error = Malformed(self._source.name, why)
        error.record = self.identity(row, declared)
        return error

    def external_ids(self, row: Row, declared: Mapping[str, Fields]) -> tuple[ExternalId, ...]:
        """As `Reading.ids`, of a row of which nothing else is read: what does not fit is logged."""
        read = Reading(row, self._settings)
        found = read.ids("ids", declared)
        for reason in read.misfits.values():
            log.warning("%s: ids are left out at %s", self._source.name, reason)
        return found

    def identity(self, row: Row, declared: TableMap) -> str | None:
        """The row's id as text, None where it has none."""
        return key_in(row, declared.id)

    def created_at(self, row: Row, declared: TableMap) -> datetime | None:
        """None where there is none of use."""
        return Reading(row, self._settings).moment("created_at", declared.created_at)

    def _state(
        self, read: Reading, declared: OrderMap, total: Money | None, booked: Booked | None
    ) -> OrderState:
        """UNKNOWN where anything that it follows from does not fit, or is not known."""
        paid, refunded = self._amounts(read, declared, booked)
        if read.lacks_columns:
            read.note_missing("recorded_status", _state_paths(declared))
            read.note_missing("payment_ids", all_paths(*declared.payment_ids.values()))
        if booked is not None and booked.doubt is not None:
            read.misfits |= dict.fromkeys(("recorded_status", "payment_ids"), booked.doubt)
        if read.misfits.keys() & _DOUBTFUL or not self._states:
            return OrderState.UNKNOWN
        return recorded_state(
            declared.status,
            declared.closed,
            read.word,
            total=total,
            paid=paid,
            refunded=refunded,
            tells_paid=bool(declared.paid_amount) or booked is not None,
        )

    def _amounts(
        self, read: Reading, declared: OrderMap, booked: Booked | None
    ) -> tuple[Money | None, Money | None]:
        """Paid and refunded: the order's own fields, else what was booked."""
        paid = read.money("paid_amount", declared.paid_amount)
        refunded = read.money("refunded_amount", declared.refunded_amount)
        if booked is None:
            return paid, refunded
        return paid or booked.received, refunded or booked.returned

    def _common(self, read: Reading, declared: TableMap) -> dict[str, Any]:
        """What every record has."""
        native_id = self.identity(read.row, declared)
        if native_id is None:
            raise Misfit(f"{declared.id}: there is no id")
        return {
            "source": self._source,
            "native_id": native_id,
            "created_at": read.moment("created_at", declared.created_at),
            "updated_at": read.moment("updated_at", declared.updated_at),
            "custom_fields": _custom(read, custom_of(declared)),
        }


def providers(words: str | None, known: Mapping[str, Provider]) -> tuple[Provider, ...]:
    """All that are named, or none: where one word is not known, any provider may be meant.

    `known` are words without their case.
    """
    named = [word.strip().casefold() for word in (words or "").split(";") if word.strip()]
    if not all(word in known for word in named):
        return ()
    return tuple(dict.fromkeys(known[word] for word in named))


def _customer_ids(read: Reading, declared: CustomerMap) -> tuple[ExternalId, ...]:
    if read.lacks_columns:
        read.note_missing("external_ids", all_paths(*declared.external_ids.values()))
    return read.ids("external_ids", declared.external_ids)


def _shown_status(declared: OrderMap) -> str:
    return declared.shown_status or next((status.field for status in declared.status), "")


def _state_paths(declared: OrderMap) -> tuple[str, ...]:
    closed = declared.closed.field if declared.closed is not None else ""
    return all_paths(*(status.field for status in declared.status), closed)


def _counts(row: Row, declared: EntryMap) -> bool | None:
    """Whether an entry counts; None where its field says nothing."""
    if not declared.counts_if:
        return True
    word = word_in(row, declared.counts_if)
    return None if word is None else word.strip().casefold() in declared.folded_words


def _kind(read: Reading, declared: str | KindMap) -> CustomerKind:
    if isinstance(declared, str):
        return CustomerKind(declared or "UNKNOWN")
    one = kind_field(declared)
    if read.is_out_of_place(one):
        return CustomerKind(declared.otherwise)
    # The kind itself is never null, so the note is not at it.
    read.note_missing("kind_word", [declared.field])
    word = read.word(declared.field)
    if "kind_word" in read.misfits:
        return CustomerKind.UNKNOWN
    return CustomerKind(declared.folded.get((word or "").strip().casefold(), declared.otherwise))


def _custom(read: Reading, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The fields that are there, by name; a misfit where one is not."""
    if not names:
        return None
    for name, path in names.items():
        read.note_missing(f"custom_fields.{name}", [path])
    found = {
        name: [value for value in at(read.row, path) if value is not MISSING]
        for name, path in names.items()
    }
    return {
        name: values[0] if len(values) == 1 else (values or None) for name, values in found.items()
    }


def _once(ids: Iterable[ExternalId]) -> tuple[ExternalId, ...]:
    """Each id once, by the field that was named first."""
    found: dict[tuple[str, str], ExternalId] = {}
    for one in ids:
        found.setdefault((one.source, one.native_id), one)
    return tuple(found.values())
