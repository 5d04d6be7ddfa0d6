"""What a system itself booked for orders: receipts and refunds, read from their own tables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from connectors.errors import Malformed, Misconfigured, SourceError
from connectors.grouping import Given, first, held
from connectors.mapper import Booked, Entry, Mapper
from connectors.mapping import EntryMap, OrderMap, Preset, fields_of
from connectors.metadata import Rows
from connectors.money import Money
from connectors.paths import entry_paths
from connectors.tables import Tables
from connectors.values import MISSING, at

Outcome = list[Entry] | SourceError | None
"""The entries of one order, None where they cannot be asked for."""


class Booking:
    """Receipts and refunds of one source. One call of `Tables.matching` per table."""

    def __init__(self, source: str, mapping: Preset, mapper: Mapper, tables: Tables) -> None:
        self._source = source
        self._receipts = mapping.receipts
        self._refunds = mapping.refunds
        self._mapper = mapper
        self._tables = tables

    @property
    def declared(self) -> tuple[EntryMap, ...]:
        return (*self._receipts, *self._refunds)

    async def of(self, given: Sequence[Given[OrderMap]]) -> list[Booked | SourceError | None]:
        """For each order what was booked; None where the mapping has no such tables."""
        if not given or not self.declared:
            return [None] * len(given)
        answers = await asyncio.gather(*(self._entries(one, given) for one in self.declared))
        count = len(self._receipts)
        return [
            self._sum([a[i] for a in answers[:count]], [a[i] for a in answers[count:]])
            for i in range(len(given))
        ]

    async def orders_of(
        self, declared: EntryMap, source: str, payment_ids: Sequence[str]
    ) -> tuple[dict[str, list[str]], dict[str, SourceError]]:
        """By payment the orders (their numbers or ids) of the entries that name it."""
        named: dict[str, list[str]] = {}
        failed: dict[str, SourceError] = {}
        wanted = list(dict.fromkeys(filter(None, payment_ids)))
        for one in fields_of(declared.payment_ids.get(source, "")) if wanted else ():
            columns = entry_paths(declared)
            for part, rows in await self._tables.matching(
                declared.table, columns, one.field, wanted
            ):
                if isinstance(rows, SourceError):
                    failed.update(dict.fromkeys(part, rows))
                    continue
                for row in rows:
                    entry = self._mapper.entry(row, declared)
                    for key in held(row, one.field) & set(part):
                        if isinstance(entry, Malformed):
                            failed[key] = entry
                        elif entry is not None:
                            named.setdefault(key, []).append(entry.order)
        return named, failed

    async def _entries(self, declared: EntryMap, given: Sequence[Given[OrderMap]]) -> list[Outcome]:
        """The entries of one table for each order."""
        keys = [_order_key(one, declared) for one in given]
        asked = [first(one.row, one.declared.customer) for one in given]
        values = asked if declared.customer else keys
        wanted = list(dict.fromkeys(filter(None, values)))
        by_order: dict[str, list[Entry]] = {}
        broken: dict[str, SourceError] = {}
        failed: dict[str, SourceError] = {}
        found = (
            await self._tables.matching(
                declared.table, entry_paths(declared), declared.customer or declared.order, wanted
            )
            if wanted
            else []
        )
        for part, rows in found:
            if isinstance(rows, SourceError):
                failed.update(dict.fromkeys(part, rows))
            elif any(MISSING in at(row, declared.order) for row in rows):
                detail = f"{declared.table} has no field {declared.order!r}"
                failed.update(dict.fromkeys(part, Misconfigured(self._source, detail)))
            else:
                self._sort_in(rows, declared, by_order, broken)
        self._tell_apart(keys, by_order, broken)
        return [
            None
            if value is None or key is None
            else failed.get(value) or broken.get(key) or by_order.get(key, [])
            for key, value in zip(keys, values, strict=True)
        ]

    def _sort_in(
        self,
        rows: Rows,
        declared: EntryMap,
        by_order: dict[str, list[Entry]],
        broken: dict[str, SourceError],
    ) -> None:
        for row in rows:
            entry = self._mapper.entry(row, declared)
            for order in held(row, declared.order):
                if isinstance(entry, Malformed):
                    broken[order] = entry
                elif entry is not None:
                    by_order.setdefault(order, []).append(entry)

    def _tell_apart(
        self,
        keys: Sequence[str | None],
        by_order: Mapping[str, list[Entry]],
        broken: dict[str, SourceError],
    ) -> None:
        """A vendor that ignores case finds `so-1` for SO-1: whose is it? Not nobody's."""
        folded = {order.casefold() for order in by_order}
        for key in keys:
            if key is not None and key not in by_order and key.casefold() in folded:
                broken[key] = Malformed(self._source, "an entry names the order in other letters")

    def _sum(self, receipts: Sequence[Outcome], refunds: Sequence[Outcome]) -> Booked | SourceError:
        """Where entries cannot be read there is no sum of the others."""
        if None in (*receipts, *refunds):
            return Booked(doubt="its receipts cannot be asked for: its customer is not known")
        try:
            received, returned = _all(receipts), _all(refunds)
            ids = [held_id for entry in (*received, *returned) for held_id in entry.payment_ids]
            return Booked(self._total(received), self._total(returned), tuple(ids))
        except SourceError as error:
            return error

    def _total(self, entries: Sequence[Entry]) -> Money | None:
        amounts = [entry.amount for entry in entries if entry.amount is not None]
        if not amounts:
            return None
        currency = amounts[0].currency
        if any(amount.currency != currency for amount in amounts):
            raise Malformed(self._source, "entries of one order are in several currencies")
        return Money(sum(amount.minor_units for amount in amounts), currency)


def _all(outcomes: Sequence[Outcome]) -> list[Entry]:
    entries: list[Entry] = []
    for outcome in outcomes:
        if isinstance(outcome, SourceError):
            raise outcome
        entries += outcome or []
    return entries


def _order_key(one: Given[OrderMap], declared: EntryMap) -> str | None:
    if declared.order_is == "id":
        return first(one.row, one.declared.id)
    numbers = (first(one.row, number.field) for number in fields_of(one.declared.number))
    return next((number for number in numbers if number is not None), None)
