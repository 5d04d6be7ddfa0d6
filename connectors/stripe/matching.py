"""Payments by what they hold: the merchant's order number, or a customer.

Search takes ten values a call but its index lags, so the payments of the last moments are also
read from a list, which does not lag, and matched here. An account without search has its payments
listed, page by page up to a bound; a customer's own list needs none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.errors import SourceError
from connectors.paging import Keyed
from connectors.records import Payment
from connectors.references import trimmed
from connectors.stripe.api import Api, Read
from connectors.stripe.errors import DETAILS, SearchUnavailable, TooManyPages
from connectors.stripe.pages import each
from connectors.stripe.payloads import Intent, Stub
from connectors.stripe.payments import INTENTS, Payments
from connectors.stripe.search import (
    any_of,
    customer_is,
    metadata_is,
    spellings,
    whole_seconds,
)
from connectors.transport import absent, gather_keyed

LONGEST_VALUE = 500  # characters, https://docs.stripe.com/api/metadata
RECENT = ""
UNSURE = 5
"""Seconds by which clocks are not told apart: a `Date` has whole ones, and comes late."""
NO_SEARCH = DETAILS[SearchUnavailable]
Rows = list[Read[Intent]]
KeyOf = Callable[[Stub], str | None]


class Matching:
    """One account's payments by reference and by customer. `clock` is Stripe's time."""

    def __init__(
        self,
        api: Api,
        payments: Payments,
        reference_key: str,
        clock: Callable[[], datetime],
        lag: timedelta,
        list_pages: int,
    ) -> None:
        self._api = api
        self._payments = payments
        self._key = reference_key
        self._clock = clock
        self._lag = lag
        self._list_pages = list_pages

    async def by_reference(self, references: Sequence[str]) -> Keyed[tuple[Payment, ...]]:
        """Stripe compares without case, so what it finds is matched again here. `references` are
        `trimmed`; where there is room, one that Stripe holds with a blank at its end is found."""
        possible = [r for r in dict.fromkeys(references) if 0 < len(r) <= LONGEST_VALUE]
        clauses = {text: metadata_is(self._key, text) for text in spellings(possible)}
        if clauses and self._api.searchable:
            try:
                found = await self._matched(clauses, self._reference)
                return {trimmed(key): value for key, value in found.items()}
            except SearchUnavailable:
                """The list serves instead."""
        return await self._looked_through(clauses) if clauses else {}

    async def by_customer(self, customer_ids: Sequence[str]) -> Keyed[tuple[Payment, ...]]:
        """One customer has a list of its own; several are searched together."""
        clauses = {customer_id: customer_is(customer_id) for customer_id in customer_ids}
        if len(clauses) > 1 and self._api.searchable:
            try:
                return await self._matched(clauses, lambda stub: _text(stub.customer))
            except SearchUnavailable:
                """Their lists serve instead."""
        return await gather_keyed(clauses, self._of_customer)

    async def _of_customer(self, customer_id: str) -> tuple[Payment, ...] | SourceError | None:
        rows = await absent(self._api.all_listed(INTENTS, (("customer", customer_id),)))
        made = None if rows is None else await each(rows, self._payments.of)
        return None if made is None else _newest_first(made)

    async def _looked_through(self, clauses: Mapping[str, str]) -> Keyed[tuple[Payment, ...]]:
        """By reference, from the list of all payments. Raises TooManyPages for an account that has
        more of them than are listed, and the error of a row that hides its reference: then no
        reference's answer is whole.
        """
        try:
            rows = await self._api.all_listed(INTENTS, (), self._list_pages)
        except TooManyPages as error:
            detail = f"{NO_SEARCH}, and {error.detail} (list_pages)"
            raise TooManyPages(self._api.source, detail) from None
        for row in rows:
            if isinstance(row.object, SourceError) and not isinstance(row.stub.metadata, dict):
                raise row.object
        own = [row for row in rows if self._reference(row.stub) in clauses]
        return await self._grouped(own, self._reference)

    def _reference(self, stub: Stub) -> str | None:
        text = _text(stub.metadata.get(self._key)) if isinstance(stub.metadata, dict) else None
        return trimmed(text) if text is not None else None

    async def _matched(
        self, clauses: Mapping[str, str], key_of: KeyOf
    ) -> Keyed[tuple[Payment, ...]]:
        """Without the recent payments no key's answer is whole: their failure is everyone's.

        SearchUnavailable where the account has no search.
        """
        batches = any_of(clauses)
        found = await gather_keyed([RECENT, *batches], self._rows)
        recent = found.pop(RECENT)
        if isinstance(recent, SourceError):
            raise recent
        if refused := [rows for rows in found.values() if isinstance(rows, SearchUnavailable)]:
            raise refused[0]
        rows = [row for rows in found.values() if not isinstance(rows, SourceError) for row in rows]
        latest = {row.id: row for row in (*rows, *recent) if key_of(row.stub) in clauses}
        answers = await self._grouped(list(latest.values()), key_of)
        return {**answers, **_failures(batches, found, key_of)}

    async def _rows(self, query: str) -> Rows:
        return await (self._recent() if query == RECENT else self._api.all_searched(INTENTS, query))

    async def _recent(self) -> Rows:
        """What the search may not hold yet. Until Stripe's first answer its time is taken to be
        ours; where that answer says that ours is ahead, the list began too late and is read again.
        """
        since = self._since()
        rows = await self._api.all_listed(INTENTS, (("created[gte]", str(since)),))
        if (earlier := self._since()) < since - UNSURE:
            rows = await self._api.all_listed(INTENTS, (("created[gte]", str(earlier)),))
        return rows

    def _since(self) -> int:
        return whole_seconds(self._clock() - self._lag)

    async def _grouped(
        self, rows: Rows, key_of: KeyOf
    ) -> dict[str, tuple[Payment, ...] | SourceError]:
        groups: defaultdict[str, list[Payment | SourceError]] = defaultdict(list)
        for row, made in zip(rows, await each(rows, self._payments.of), strict=True):
            groups[str(key_of(row.stub))].append(made)
        return {key: _newest_first(made) for key, made in groups.items()}


def _failures(
    batches: Mapping[str, Sequence[str]],
    found: Mapping[str, Rows | SourceError],
    key_of: KeyOf,
) -> dict[str, SourceError]:
    """Keys whose search failed, or found a row that does not even tell whose it is."""
    failed: dict[str, SourceError] = {}
    for query, keys in batches.items():
        rows = found[query]
        lost = [rows] if isinstance(rows, SourceError) else _misfits(rows, key_of)
        failed |= dict.fromkeys(keys, lost[0]) if lost else {}
    return failed


def _misfits(rows: Rows, key_of: KeyOf) -> list[SourceError]:
    return [r.object for r in rows if isinstance(r.object, SourceError) and key_of(r.stub) is None]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _newest_first(made: list[Payment | SourceError]) -> tuple[Payment, ...] | SourceError:
    """All of a key's payments, or why one of them is missing."""
    errors = [m for m in made if isinstance(m, SourceError)]
    payments = [m for m in made if not isinstance(m, SourceError)]
    newest = sorted(payments, key=lambda p: (p.created_at is not None, p.created_at), reverse=True)
    return errors[0] if errors else tuple(newest)
