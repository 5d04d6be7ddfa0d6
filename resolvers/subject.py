"""Whose records are whose, asked live: a customer, the same party elsewhere, what is theirs.

Upstream calls: those of `Customer.sameAs`, `Customer.payments`, `Order.payments`, `Payment.refunds`
and `Payment.disputes` for the customers that were asked for; to find them by e-mail, the pages of
every source that lists customers; `orders_by_number` of CRMs that sell over the same sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from connectors.errors import NotFound, SourceError
from connectors.filters import CustomerFilter
from connectors.paging import NEWEST_FIRST
from connectors.records import Customer, Kind, Order, Payment, Record, SourceKind
from resolvers import roots
from resolvers.context import Context, Join
from resolvers.joins.customer import CUSTOMER_ALL_ORDERS, CUSTOMER_PAYMENTS, CUSTOMER_SAME_AS
from resolvers.joins.order import ORDER_PAYMENTS
from resolvers.joins.payment import PAYMENT_DISPUTES, PAYMENT_REFUNDS
from resolvers.links import Link, Linked, LinkRule
from resolvers.pages import Ask
from resolvers.sources import Address
from resolvers.tombstones import REFERENCE

PAGE = 100


class AnyAddress(CustomerFilter, frozen=True, kw_only=True):
    """Those who have one of `emails` at all, be it not the first of theirs."""

    def accepts(self, record: Record) -> bool:
        wanted = {email.casefold() for email in self.emails or ()}
        own = record.emails if isinstance(record, Customer) else ()
        return any(email.casefold() in wanted for email in own)


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """`names` as `resolvers.tombstones` has them: of all records, and of the orders' numbers in
    every source that may know payments of them. `failures` are of what could not be asked, `gone`
    are ids that were asked for and that their source does not know. `doubtful` are numbers, as
    names, that somebody else's order has or may have, too, with the ids of payments that nothing
    but the number says are theirs: neither are in `names`."""

    records: tuple[Record, ...]
    names: frozenset[str]
    failures: tuple[SourceError, ...]
    gone: tuple[str, ...]
    doubtful: Mapping[str, frozenset[str]]

    def count(self, kind: Kind) -> int:
        return sum(1 for record in self.records if record.KIND is kind)


async def subject_of(context: Context, ids: Sequence[Address], emails: Sequence[str]) -> Subject:
    """All records of whoever has these ids or one of these addresses."""
    search = _Search(context)
    await search.by_id(ids)
    for email in emails:
        await search.by_email(email)
    await search.follow()
    found = search.found
    kept = [source.name for source in context.sources.able("ledger")]
    return Subject(
        records=tuple(found.values()),
        names=frozenset(
            [*map(str, ids), *found, *(search.references(kept) - search.doubtful.keys())]
        ),
        failures=tuple(search.failures.values()),
        gone=tuple(str(address) for address in ids if str(address) not in found),
        doubtful={name: frozenset(held - found.keys()) for name, held in search.doubtful.items()},
    )


class _Search:
    def __init__(self, context: Context) -> None:
        self._context = context
        self.found: dict[str, Record] = {}
        self.failures: dict[tuple[str, str], SourceError] = {}
        self.doubtful: dict[str, set[str]] = {}

    async def by_id(self, ids: Sequence[Address]) -> None:
        self._take(await roots.records(self._context, ids))

    async def by_email(self, email: str) -> None:
        for source in self._context.sources.able("customer_page"):
            after: str | None = None
            while True:
                ask = Ask(PAGE, after, AnyAddress(emails=(email,)), NEWEST_FIRST)
                try:
                    page = await roots.page(self._context, Kind.CUSTOMER, ask, [source.name])
                except SourceError as error:
                    self._fail(error)
                    break
                self._take(page.nodes)
                if not page.page_info.has_next_page or page.page_info.end_cursor == after:
                    break
                after = page.page_info.end_cursor

    async def follow(self) -> None:
        """Until nothing new is found: a provider's customer may be known to a second CRM."""
        asked: set[str] = set()
        while fresh := [c for c in self._of(Customer) if c.id not in asked]:
            asked |= {customer.id for customer in fresh}
            await self._lead(CUSTOMER_SAME_AS, fresh)
        await self._lead(CUSTOMER_ALL_ORDERS, self._of(Customer))
        await self._doubt()
        await self._lead(CUSTOMER_PAYMENTS, self._of(Customer))
        await self._lead(ORDER_PAYMENTS, self._of(Order))
        for join in (PAYMENT_REFUNDS, PAYMENT_DISPUTES):
            await self._lead(join, self._of(Payment))

    async def _lead(self, join: Join[Any, Any], parents: Sequence[Any]) -> None:
        found = await self._context.many(join, parents)
        for value in found.values():
            if isinstance(value, Linked):
                self._take(link.record for link in value.links if self._is_theirs(link))
                self._take(value.failures)
            elif isinstance(value, Sequence):
                self._take(value)
            else:
                self._take([value])

    def references(self, sources: Iterable[str]) -> set[str]:
        """The numbers of their orders as the payments carry them, in each of the sources."""
        return {
            f"{source}:{REFERENCE}:{order.number}"
            for source in sources
            for order in self._of(Order)
            if order.source.name in self._selling(source)
        }

    def _selling(self, source: str) -> set[str]:
        """Whose orders are paid in it: its own ones, and those of CRMs."""
        return {crm.name for crm in self._context.rules.crms_of(source)} | {source}

    async def _doubt(self) -> None:
        """Of numbers that other CRMs give, too: a payment carries a number, not who gave it. The
        provider's own orders carry the CRM's."""
        asked: defaultdict[str, dict[str, set[str]]] = defaultdict(dict)
        crms = {source.name for source in self._context.sources.able("orders", SourceKind.CRM)}
        for source in self._context.sources.able("payments"):
            for order in self._of(Order):
                name = f"{source.name}:{REFERENCE}:{order.number}"
                if order.source.name in (selling := self._selling(source.name)):
                    for other in selling & crms - {order.source.name}:
                        asked[other].setdefault(order.number, set()).add(name)
        for other, numbers in asked.items():
            for number in await self._given_to_others(other, sorted(numbers)):
                self.doubtful |= {name: set() for name in numbers[number]}

    async def _given_to_others(self, name: str, numbers: Sequence[str]) -> set[str]:
        """Those that are not known to be theirs alone."""
        source = self._context.sources[name]
        if not source.can("orders_by_number"):
            return set(numbers)
        answer = await self._context.lookups.many(name, "orders_by_number", numbers)
        for value in answer.values():
            if isinstance(value, SourceError):
                self._fail(value)
        return {number for number, value in answer.items() if self._is_in_doubt(value)}

    def _is_in_doubt(self, orders: Sequence[Order] | SourceError) -> bool:
        if isinstance(orders, SourceError):
            return not isinstance(orders, NotFound)
        return any(order.id not in self.found for order in orders)

    def _is_theirs(self, link: Link[Any]) -> bool:
        """Not if nothing but a doubtful number says so."""
        record = link.record
        if link.rule is not LinkRule.MERCHANT_REFERENCE or not isinstance(record, Payment):
            return True
        held = self.doubtful.get(f"{record.source.name}:{REFERENCE}:{link.evidence}")
        if held is None or (record.source.name, record.customer_id) in self._payers():
            return True
        held.add(record.id)
        return False

    def _payers(self) -> set[tuple[str, str]]:
        """As what providers know them."""
        own = {(c.source.name, c.native_id) for c in self._of(Customer)}
        return own | {(e.source, e.native_id) for c in self._of(Customer) for e in c.external_ids}

    def _take(self, values: Iterable[Any]) -> None:
        for value in values:
            if isinstance(value, Record):
                self.found.setdefault(value.id, value)
            elif isinstance(value, SourceError):
                self._fail(value)
            elif isinstance(value, Exception):
                raise value

    def _fail(self, error: SourceError) -> None:
        """Somebody who was asked and has it not is no failure."""
        if not isinstance(error, NotFound):
            self.failures.setdefault((error.source, error.detail), error)

    def _of(self, kind: type[Any]) -> list[Any]:
        return [record for record in self.found.values() if isinstance(record, kind)]


def unlisted(context: Context) -> list[str]:
    """CRMs that know customers and cannot be asked for them by e-mail."""
    crms = context.sources.able("customers", SourceKind.CRM)
    return [source.name for source in crms if not source.can("customer_page")]
