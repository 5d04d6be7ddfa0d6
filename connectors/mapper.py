"""Rows to records, as a mapping says: every value is checked as it is mapped.

A value that does not fit leaves its attribute empty and a note in the record's `misfits`; a row
without a usable id, or an order without a number, is no record and raises `Misfit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from connectors.errors import Malformed
from connectors.mapping import (
    CustomerMap,
    EntryMap,
    FieldMap,
    Fields,
    KindMap,
    LineMap,
    MappedSettings,
    OrderMap,
    Preset,
    TableMap,
    all_paths,
    custom_of,
    fields_of,
)
from connectors.money import Money
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
from connectors.values import (
    MISSING,
    Misfit,
    Row,
    at,
    moment,
    money,
    number,
    shape,
    single,
    text,
    words_at,
)

T = TypeVar("T")
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


class Reading:
    """One row being read: values by declaration, and what did not fit."""

    def __init__(self, row: Row, settings: MappedSettings) -> None:
        self.row = row
        self.misfits: dict[str, str] = {}
        self._settings = settings

    @cached_property
    def lacks_columns(self) -> bool:
        """Whether any column is missing: mostly none is, and then none is looked for."""
        return any(value is MISSING for value in self.row.values())

    def text(self, name: str, fields: Fields) -> str | None:
        return self._one(name, fields, lambda value, _: text(value))

    def reference(self, name: str, field: str) -> str | None:
        """The id of one other record; several are a misfit, as none of them is the one."""
        return self._one(name, field, lambda value, _: single(value))

    def texts(self, name: str, fields: Fields) -> tuple[str, ...]:
        """All values of all fields, each once."""
        found: dict[str, None] = {}
        for one in fields_of(fields):
            try:
                found.update(dict.fromkeys(text(value) for value in at(self.row, one.field)))
            except Misfit as misfit:
                self.misfits[name] = _told(one.field, misfit, at(self.row, one.field))
        return tuple(found)

    def moment(self, name: str, fields: Fields) -> datetime | None:
        zone = self._settings.zone
        return self._one(name, fields, lambda value, one: moment(value, one.zone or zone))

    def number(self, name: str, fields: Fields) -> Decimal | None:
        return self._one(name, fields, number)

    def money(self, name: str, fields: Fields, near: Row | None = None) -> Money | None:
        """`near` is the row that holds the currency where it is not this one."""
        for one in fields_of(fields):
            values = at(self.row, one.field)
            if not values:
                continue
            try:
                currency = self._currency(one, near)
                _check_each(self.row, one.field, values)
                several = [money(value, one, currency) for value in values]
                return Money(sum(amount.minor_units for amount in several), currency)
            except Misfit as misfit:
                self.misfits[name] = _told(one.field, misfit, values)
                return None
        return None

    def _currency(self, one: FieldMap, near: Row | None) -> str:
        """The field's own, what another field holds, or the source's."""
        if one.currency is not None:
            return one.currency
        if one.currency_field is not None:
            held = at(self.row, one.currency_field)
            if not [value for value in held if value is not MISSING] and near is not None:
                # A line without the column stands in an order that has it.
                held = [*held, *at(near, one.currency_field)]
            there = [value for value in held if value is not MISSING]
            words = {text(value).strip() for value in there or held[:1]}
            if len(words) != 1:
                raise Misfit("it is in several currencies" if words else "its currency is not told")
            word = words.pop()
            return self._settings.currencies.get(word, word)
        if self._settings.currency is None:
            raise Misfit("it has no currency, and neither has the mapping")
        return self._settings.currency

    def _one(self, name: str, fields: Fields, read: Callable[[Any, FieldMap], T]) -> T | None:
        for one in fields_of(fields):
            for value in at(self.row, one.field)[:1]:
                try:
                    return read(value, one)
                except Misfit as misfit:
                    self.misfits[name] = _told(one.field, misfit, [value])
                    return None
        return None


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
        order_number = read.text("number", declared.number)
        if order_number is None:
            raise Misfit(f"{all_paths(declared.number)[0]}: there is no number")
        total = read.money("total", declared.total)
        customer = read.reference("customer", declared.customer)
        paid, refunded = self._amounts(read, declared, booked)
        state = recorded_state(
            declared.status,
            declared.closed,
            lambda field: _word(row, field),
            total=total,
            paid=paid,
            refunded=refunded,
            tells_paid=bool(declared.paid_amount) or booked is not None,
        )
        if read.lacks_columns:
            _note_missing(read, "recorded_status", _state_paths(declared))
            _note_missing(read, "payment_ids", all_paths(*declared.payment_ids.values()))
        if booked is not None and booked.doubt is not None:
            read.misfits |= dict.fromkeys(("recorded_status", "payment_ids"), booked.doubt)
        if read.misfits.keys() & _DOUBTFUL or not self._states:
            state = OrderState.UNKNOWN
        return Order(
            **self._common(read, declared),
            number=order_number,
            total=total,
            placed_at=read.moment("placed_at", declared.placed_at),
            recorded_state=state,
            recorded_status=_word(row, _shown_status(declared)),
            customer_id=customer,
            payment_ids=_once(
                (
                    *external_ids(row, declared.payment_ids),
                    *(booked.payment_ids if booked is not None else ()),
                )
            ),
            recorded_providers=providers(_word(row, declared.channel), declared.folded_channels),
            lines=None,
            misfits=read.misfits or None,
        )

    def line(self, row: Row, declared: LineMap, order: Row | None = None) -> OrderLine:
        """`order` is the row that a line stands in, which may hold its currency."""
        read = Reading(row, self._settings)
        return OrderLine(
            sku=read.text("sku", declared.sku),
            name=read.text("name", declared.name),
            quantity=read.number("quantity", declared.quantity),
            unit_price=read.money("unit_price", declared.unit_price, order),
            total=read.money("total", declared.total, order),
            source=self._source.name,
            misfits=read.misfits or None,
        )

    def entry(self, row: Row, declared: EntryMap) -> Entry | Malformed | None:
        """None for an entry that does not count, or is for no order. Malformed where it does not
        say whether it counts, or how much it is: a sum without it would be wrong."""
        order = _word(row, declared.order)
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
        _note_missing(read, "payment_ids", all_paths(*declared.payment_ids.values()))
        for reason in read.misfits.values():
            return Malformed(self._source.name, f"an entry does not fit at {reason}")
        return Entry(order, amount, external_ids(row, declared.payment_ids))

    def fitting(self, record: Callable[[], T], row: Row, declared: TableMap) -> T | Malformed:
        """The record of a row, or the failure of this row alone."""
        try:
            return record()
        except Misfit as misfit:
            return self.malformed(row, declared, f"a row does not fit at {misfit}")

    def malformed(self, row: Row, declared: TableMap, why: str) -> Malformed:
        """The failure of one row, with its id where it has one."""
        error = Malformed(self._source.name, why)
        error.record = self.identity(row, declared)
        return error

    def identity(self, row: Row, declared: TableMap) -> str | None:
        """The row's id as text, None where it has none."""
        return _word(row, declared.id)

    def created_at(self, row: Row, declared: TableMap) -> datetime:
        """Raises Misfit where there is none of use."""
        read = Reading(row, self._settings)
        found = read.moment("created_at", declared.created_at)
        if found is None:
            path = all_paths(declared.created_at)[0]
            raise Misfit(read.misfits.get("created_at", f"{path}: there is no time"))
        return found

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


def customer_paths(declared: CustomerMap) -> tuple[str, ...]:
    """What must be read of a customer's table."""
    kind = declared.kind.field if isinstance(declared.kind, KindMap) else ""
    return all_paths(
        *_table_paths(declared),
        declared.name,
        kind,
        declared.email,
        declared.phones,
        declared.tier,
        declared.industry,
        declared.status,
        *declared.external_ids.values(),
    )


def order_paths(declared: OrderMap) -> tuple[str, ...]:
    """What must be read of an order's table, without its lines."""
    return all_paths(
        *_table_paths(declared),
        declared.number,
        declared.total,
        declared.placed_at,
        declared.customer,
        *(status.field for status in declared.status),
        declared.shown_status,
        declared.paid_amount,
        declared.refunded_amount,
        declared.closed.field if declared.closed is not None else "",
        declared.channel,
        *declared.payment_ids.values(),
        *declared.refund_ids.values(),
    )


def line_paths(declared: LineMap) -> tuple[str, ...]:
    """What must be read of a line's own table or, with `path` before each, of its order's."""
    own = all_paths(
        declared.order,
        declared.sku,
        declared.name,
        declared.quantity,
        declared.unit_price,
        declared.total,
    )
    return tuple(f"{declared.path}.{path}" if declared.path else path for path in own)


def entry_paths(declared: EntryMap) -> tuple[str, ...]:
    return all_paths(
        declared.order,
        declared.customer,
        declared.amount,
        declared.counts_if,
        declared.changed_at,
        *declared.payment_ids.values(),
        *declared.refund_ids.values(),
    )


def paths_by_table(mapping: Preset) -> dict[str, tuple[str, ...]]:
    """Everything that is read of each table of a mapping, lines with their order's where they stand
    in it."""
    read: list[tuple[str, tuple[str, ...]]] = [
        *((one.table, customer_paths(one)) for one in mapping.customers),
        *((one.table, order_paths(one)) for one in mapping.orders),
        *((o.lines.table or o.table, line_paths(o.lines)) for o in mapping.orders if o.lines),
        *((one.table, entry_paths(one)) for one in (*mapping.receipts, *mapping.refunds)),
    ]
    found: dict[str, dict[str, None]] = {}
    for table, paths in read:
        found.setdefault(table, {}).update(dict.fromkeys(paths))
    return {table: tuple(paths) for table, paths in found.items()}


def external_ids(row: Row, declared: Mapping[str, Fields]) -> tuple[ExternalId, ...]:
    """Every id of another source that a row holds, with the field that holds it."""
    return tuple(
        ExternalId(source, value, one.field)
        for source, fields in declared.items()
        for one in fields_of(fields)
        for value in words_at(row, one.field)
    )


def providers(words: str | None, known: Mapping[str, Provider]) -> tuple[Provider, ...]:
    """All that are named, or none: where one word is not known, any provider may be meant.

    `known` are words without their case.
    """
    named = [word.strip().casefold() for word in (words or "").split(";") if word.strip()]
    if not all(word in known for word in named):
        return ()
    return tuple(dict.fromkeys(known[word] for word in named))


def _check_each(row: Row, path: str, values: Sequence[Any]) -> None:
    """A sum over a list needs an amount of each of its items."""
    around, inside, _ = path.rpartition("[].")
    if inside and len(at(row, f"{around}[]")) != len(values):
        raise Misfit("an item of the list has no amount")


def _told(field: str, misfit: Misfit, values: Sequence[Any]) -> str:
    """The reason, and what the values look like."""
    looks = ", ".join(shape(value) for value in values[:3] if value is not MISSING)
    return f"{field}: {misfit}" + (f" (it looks like {looks})" if looks else "")


def _customer_ids(read: Reading, declared: CustomerMap) -> tuple[ExternalId, ...]:
    if read.lacks_columns:
        _note_missing(read, "external_ids", all_paths(*declared.external_ids.values()))
    return external_ids(read.row, declared.external_ids)


def _shown_status(declared: OrderMap) -> str:
    return declared.shown_status or next((status.field for status in declared.status), "")


def _state_paths(declared: OrderMap) -> tuple[str, ...]:
    closed = declared.closed.field if declared.closed is not None else ""
    return all_paths(*(status.field for status in declared.status), closed)


def _counts(row: Row, declared: EntryMap) -> bool | None:
    """Whether an entry counts; None where its field says nothing."""
    if not declared.counts_if:
        return True
    word = _word(row, declared.counts_if)
    return None if word is None else word.strip().casefold() in declared.folded_words


def _note_missing(read: Reading, name: str, paths: Iterable[str]) -> None:
    """A field that is not there is a misfit also where only its words count."""
    if not read.lacks_columns:
        return
    for path in paths:
        if MISSING in at(read.row, path):
            read.misfits[name] = f"{path}: the field does not exist, or may not be read"


def _table_paths(declared: TableMap) -> tuple[Fields, ...]:
    custom = tuple(custom_of(declared).values())
    return declared.id, declared.created_at, declared.updated_at, custom


def _word(row: Row, field: str) -> str | None:
    for value in at(row, field)[:1] if field else ():
        try:
            return text(value)
        except Misfit:
            return None
    return None


def _kind(read: Reading, declared: str | KindMap) -> CustomerKind:
    if isinstance(declared, str):
        return CustomerKind(declared or "UNKNOWN")
    # The kind itself is never null, so the note is not at it.
    _note_missing(read, "kind_word", [declared.field])
    word = _word(read.row, declared.field)
    if "kind_word" in read.misfits:
        return CustomerKind.UNKNOWN
    return CustomerKind(declared.folded.get((word or "").strip().casefold(), declared.otherwise))


def _custom(read: Reading, names: Mapping[str, str]) -> dict[str, Any] | None:
    """The fields that are there, by name; a misfit where one is not."""
    if not names:
        return None
    for name, path in names.items():
        _note_missing(read, f"custom_fields.{name}", [path])
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
