"""One row being read by its declarations: values, and what did not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from connectors.currency_words import currency_code
from connectors.mapping import FieldMap, Fields, MappedSettings, fields_of
from connectors.money import Money
from connectors.price import Price
from connectors.records import ExternalId
from connectors.references import trimmed
from connectors.values import (
    MISSING,
    Misfit,
    Row,
    at,
    ids_in,
    moment,
    money,
    price,
    quantity,
    shape,
    single,
    text,
)

T = TypeVar("T")
Values = Sequence[Any]
ReadAmount = Callable[[Values, FieldMap, str], T]
"""From what stands in a field, how it is written, and its currency."""


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

    def is_out_of_place(self, one: FieldMap) -> bool:
        """Whether the system lacks the field without which this one does not exist."""
        return (
            one.only_with is not None
            and self.lacks_columns
            and MISSING in at(self.row, one.only_with)
        )

    def _held(self, one: FieldMap) -> list[Any]:
        """All that stands in a field; nothing in one that is out of place here."""
        return [] if self.is_out_of_place(one) else at(self.row, one.field)

    def note_missing(self, name: str, paths: Iterable[str]) -> None:
        """A field that is not there is a misfit also where only its words count."""
        for path in paths if self.lacks_columns else ():
            if MISSING in at(self.row, path):
                self.misfits[name] = f"{path}: the field does not exist, or may not be read"

    def word(self, field: str) -> str | None:
        """The text in a field as it is; None where there is none."""
        return word_in(self.row, field)

    def text(self, name: str, fields: Fields) -> str | None:
        return self._one(name, fields, lambda value, _: text(value))

    def key(self, name: str, fields: Fields) -> str | None:
        """A number or id that other systems know, `trimmed`."""
        return self._one(name, fields, lambda value, _: trimmed(text(value)))

    def reference(self, name: str, field: str) -> str | None:
        """The id of one other record; several are a misfit, as none of them is the one."""
        return self._one(name, field, lambda value, _: trimmed(single(value)))

    def texts(self, name: str, fields: Fields) -> tuple[str, ...]:
        """All values of all fields, each once."""
        found: dict[str, None] = {}
        for one in fields_of(fields):
            try:
                found.update(dict.fromkeys(text(value) for value in self._held(one)))
            except Misfit as misfit:
                self.misfits[name] = _told(one.field, misfit, at(self.row, one.field))
        return tuple(found)

    def ids(self, name: str, declared: Mapping[str, Fields]) -> tuple[ExternalId, ...]:
        """Every id of another source, with the field that holds it; a field that does not fit has
        none."""
        found: list[ExternalId] = []
        for source, fields in declared.items():
            for one in fields_of(fields):
                try:
                    ids = ids_in(self.row, one)
                except Misfit as misfit:
                    self.misfits[name] = _told(one.field, misfit, at(self.row, one.field))
                    continue
                found += [ExternalId(source, value, one.field) for value in ids]
        return tuple(found)

    def moment(self, name: str, fields: Fields) -> datetime | None:
        zone = self._settings.zone
        return self._one(name, fields, lambda value, one: moment(value, one.zone or zone))

    def quantity(self, name: str, fields: Fields) -> Decimal | None:
        return self._one(name, fields, quantity)

    def money(self, name: str, fields: Fields, near: Row | None = None) -> Money | None:
        """The sum of all that stands there; `near` holds the currency where this row does not."""
        return self._amount(name, fields, near, self._sum)

    def price(self, name: str, fields: Fields, near: Row | None = None) -> Price | None:
        """As `money`, of one value, with as many decimals as it has."""
        return self._amount(name, fields, near, _price)

    def _amount(
        self,
        name: str,
        fields: Fields,
        near: Row | None,
        read: ReadAmount[T],
    ) -> T | None:
        for one in fields_of(fields):
            values = self._held(one)
            if not values:
                continue
            currency = self._currency(name, one, near)
            if currency is None:
                return None
            try:
                return read(values, one, currency)
            except Misfit as misfit:
                self.misfits[name] = _told(one.field, misfit, values)
                return None
        return None

    def _sum(self, values: Values, one: FieldMap, currency: str) -> Money:
        _check_each(self.row, one.field, values)
        several = [money(value, one, currency) for value in values]
        return Money(sum(amount.minor_units for amount in several), currency)

    def _currency(self, name: str, one: FieldMap, near: Row | None) -> str | None:
        """The field's own, what another field holds, or the source's where that is empty. Without
        any the misfit of `name` is at the field of the currency, and says nothing of the amount."""
        usual = one.currency or self._settings.currency
        if one.currency is not None or (one.currency_field is None and usual is not None):
            return usual
        if one.currency_field is None:
            self.misfits[name] = f"{one.field}: it has no currency, and neither has the mapping"
            return None
        held = self._currencies(one.currency_field, near)
        if not held and usual is not None and self._settings.TELLS_EMPTY:
            return usual
        try:
            return _one_currency(held, self._settings.currencies)
        except Misfit as misfit:
            self.misfits[name] = _told(one.currency_field, misfit, held)
            return None

    def _currencies(self, field: str, near: Row | None) -> list[Any]:
        held = at(self.row, field)
        if near is not None and all(value is MISSING for value in held):
            # A line without the column stands in an order that has it.
            held = at(near, field)
        return [value for value in held if value is not MISSING] or held[:1]

    def _one(self, name: str, fields: Fields, read: Callable[[Any, FieldMap], T]) -> T | None:
        for one in fields_of(fields):
            for value in self._held(one)[:1]:
                try:
                    return read(value, one)
                except Misfit as misfit:
                    self.misfits[name] = _told(one.field, misfit, [value])
                    return None
        return None


def word_in(row: Row, field: str) -> str | None:
    for value in at(row, field)[:1] if field else ():
        try:
            return text(value)
        except Misfit:
            return None
    return None


def key_in(row: Row, field: str) -> str | None:
    """As `word_in`, of a number or id: `trimmed`."""
    word = word_in(row, field)
    return trimmed(word) if word is not None else None


def _price(values: Values, one: FieldMap, currency: str) -> Price:
    if len(values) > 1:
        raise Misfit("it holds several values where one is meant")
    return price(values[0], one, currency)


def _one_currency(held: Sequence[Any], own: Mapping[str, str]) -> str:
    """The code that all words stand for."""
    if not held:
        raise Misfit("it holds no currency")
    codes = {currency_code(text(value), own) for value in held}
    if None in codes:
        raise Misfit("it is not a currency of ISO 4217, nor one of the mapping's words")
    if len(codes) > 1:
        raise Misfit("it holds several currencies")
    return str(codes.pop())


def _check_each(row: Row, path: str, values: Sequence[Any]) -> None:
    """A sum over a list needs an amount of each of its items."""
    around, inside, _ = path.rpartition("[].")
    if inside and len(at(row, f"{around}[]")) != len(values):
        raise Misfit("an item of the list has no amount")


def _told(field: str, misfit: Misfit, values: Sequence[Any]) -> str:
    """The reason, and what the values look like."""
    looks = ", ".join(shape(value) for value in values[:3] if value is not MISSING)
    return f"{field}: {misfit}" + (f" (it looks like {looks})" if looks else "")
