"""Which payments belong to which order, and which customers are the same party, with evidence.

Rules, the first that names a pair gives its evidence:

1. `stored`: an operator linked the two (`link_store`).
2. `crm_field`: the order's own record holds the provider's payment id.
3. `merchant_reference`: the provider holds the order's number as the merchant's reference.

Customers are the same party where a CRM record holds the provider's customer id (`crm_field`).

Upstream calls for n orders, per payment source: those of `payments_by_reference` for n keys, plus
those of `payments` for the ids that rules 1 and 2 name and rule 3 did not bring along; and of
`find_payments`, a call each, for the orders whose known payments do not cover their total (in the
sources of the providers that the CRM's record names, if it names any). For n
payments, per CRM: those of `orders_by_number` for n keys, of `orders_by_payment_id` for n keys
per payment source, and of `orders` for ids that only rule 1 names.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from connectors.errors import Retryable, SourceError, TimedOut
from connectors.records import Customer, ExternalId, Kind, Order, Payment, Record
from connectors.time_limit import TimeLimit
from resolvers.errors import BadId
from resolvers.link_store import LinkStore, StoredLink
from resolvers.lookups import Lookups
from resolvers.sources import Address, ConfiguredSource, Sources
from resolvers.store import StoreUnusable

R = TypeVar("R", bound=Record)
STORE_SECONDS = 2.0
"""That the link store may take for a read, as `connectors.time_limit` counts them."""


class LinkRule(Enum):
    STORED = "STORED"
    CRM_FIELD = "CRM_FIELD"
    MERCHANT_REFERENCE = "MERCHANT_REFERENCE"
    OWN = "OWN"
    PAYER = "PAYER"


class Link(msgspec.Struct, Generic[R], frozen=True):
    """A record found in another source. `rule` and `evidence` say why it belongs."""

    record: R
    rule: LinkRule
    evidence: str


class Linked(msgspec.Struct, Generic[R], frozen=True):
    """What was found, the best evidence first, and the sources that could not be asked: more may
    exist there. `doubt` is the failure of a source that might hold better evidence than `links`.
    """

    links: tuple[Link[R], ...] = ()
    failures: tuple[SourceError, ...] = ()
    doubt: SourceError | None = None

    @property
    def records(self) -> tuple[R, ...]:
        return tuple(link.record for link in self.links)

    @property
    def best(self) -> R | SourceError | None:
        """The record with the best evidence, or the failure that leaves open which one it is."""
        if self.doubt is not None:
            return self.doubt
        if self.links:
            return self.links[0].record
        return self.failures[0] if self.failures else None


class Pair(msgspec.Struct, frozen=True):
    """The payment sources in which a CRM's orders are looked for; all of them by default."""

    orders: str
    payments: tuple[str, ...]


Only = frozenset[str] | None
"""Names of the payment sources that are looked into; None is all."""


def asked_for(source: str, only: Only) -> bool:
    return only is None or source in only


class _Found(Generic[R]):
    """Collects links per key, added in the order of their evidence: the first rule keeps a pair,
    one failure per source is enough. A failure before the first link is a doubt about it."""

    def __init__(self) -> None:
        self._links: defaultdict[str, dict[str, Link[R]]] = defaultdict(dict)
        self._failures: defaultdict[str, dict[str, SourceError]] = defaultdict(dict)
        self._doubts: dict[str, SourceError] = {}

    def add(self, key: str, value: R | SourceError, rule: LinkRule, evidence: str) -> None:
        if isinstance(value, SourceError):
            self._failures[key].setdefault(value.source, value)
            if not self._links[key]:
                self._doubts.setdefault(key, value)
        else:
            self._links[key].setdefault(value.id, Link(value, rule, evidence))

    def result(
        self, keys: Sequence[str], failure: SourceError | None = None
    ) -> dict[str, Linked[R]]:
        """`failure` is that of the best evidence, for all keys."""
        common = () if failure is None else (failure,)
        return {
            key: Linked(
                tuple(self._links[key].values()),
                (*self._failures[key].values(), *common),
                failure or self._doubts.get(key) if self._links[key] else None,
            )
            for key in keys
        }


class LinkRules:
    """The rules over the configured sources. `pairs` None: every CRM with every payment source."""

    def __init__(
        self, sources: Sources, store: LinkStore, pairs: Sequence[Pair] | None = None
    ) -> None:
        self._sources = sources
        self._store = store
        if pairs is None:
            crms = sources.able("orders_by_number")
            payments = tuple(source.name for source in sources.able("payments"))
            pairs = [Pair(crm.name, payments) for crm in crms]
        self._payments_of = {pair.orders: pair.payments for pair in pairs}
        self._orders_of: defaultdict[str, list[str]] = defaultdict(list)
        for pair in pairs:
            for name in pair.payments:
                self._orders_of[name].append(pair.orders)

    def within(self, sources: Sources) -> LinkRules:
        """The same rules over some of the sources."""
        pairs = [
            Pair(orders, tuple(name for name in payments if name in sources))
            for orders, payments in self._payments_of.items()
            if orders in sources
        ]
        return LinkRules(sources, self._store, pairs)

    async def payments_of(
        self, lookups: Lookups, orders: Sequence[Order], only: Only = None
    ) -> dict[str, Linked[Payment]]:
        """Linked payments by order id; those in `only` these sources."""
        (stored, failure), referenced = await asyncio.gather(
            _read(self._store.of_orders, orders, lookups), self._by_reference(lookups, orders, only)
        )
        named: list[tuple[str, Address, LinkRule, str]] = [
            (link.order_id, address, LinkRule.STORED, link.evidence)
            for link in stored
            if (address := self._address(link.payment_id, Kind.PAYMENT)) is not None
            and asked_for(address.source, only)
        ]
        for order in orders:
            named += [
                (order.id, address, LinkRule.CRM_FIELD, e.field)
                for e in order.payment_ids
                if self._paired(order, e.source)
                and asked_for(e.source, only)
                and (address := self._held(e, Kind.PAYMENT)) is not None
            ]
        known = {
            value.id: value for _, value, _ in referenced if not isinstance(value, SourceError)
        }
        by_id = await self._by_id(lookups, [address for _, address, _, _ in named], known)
        found: _Found[Payment] = _Found()
        for key, address, rule, evidence in named:
            if (value := by_id.get(str(address))) is not None:
                found.add(key, value, rule, evidence)
        for key, payment, evidence in referenced:
            found.add(key, payment, LinkRule.MERCHANT_REFERENCE, evidence)
        for order in orders:
            if (misfit := order.misfit("payment_ids")) is not None:
                found.add(order.id, misfit, LinkRule.CRM_FIELD, "")
        keys = [order.id for order in orders]
        linked = found.result(keys, failure)
        open_ = [order for order in orders if not _covered(order, linked[order.id].records)]
        for key, payment, evidence in await self._searched(lookups, open_, only):
            found.add(key, payment, LinkRule.MERCHANT_REFERENCE, evidence)
        return found.result(keys, failure) if open_ else linked

    async def orders_of(
        self, lookups: Lookups, payments: Sequence[Payment]
    ) -> dict[str, Linked[Order]]:
        """Linked orders by payment id, the best evidence first."""
        links, failure = await _read(self._store.of_payments, payments, lookups)
        stored = [
            (link, address)
            for link in links
            if (address := self._address(link.order_id, Kind.ORDER)) is not None
        ]
        by_id, held, numbered = await asyncio.gather(
            self._by_id(lookups, [address for _, address in stored], {}),
            self._holding_payment(lookups, payments),
            self._numbered(lookups, payments),
        )
        found: _Found[Order] = _Found()
        for link, address in stored:
            if (value := by_id.get(str(address))) is not None:
                found.add(link.payment_id, value, LinkRule.STORED, link.evidence)
        for key, order, evidence in held:
            found.add(key, order, LinkRule.CRM_FIELD, evidence)
        for key, order, evidence in numbered:
            found.add(key, order, LinkRule.MERCHANT_REFERENCE, evidence)
        return found.result([payment.id for payment in payments], failure)

    async def same_as(
        self, lookups: Lookups, customers: Sequence[Customer]
    ) -> dict[str, Linked[Customer]]:
        """The same party in other sources, by customer id."""
        held = [
            (c.id, address, e.field)
            for c in customers
            for e in c.external_ids
            if (address := self._held(e, Kind.CUSTOMER)) is not None
        ]
        by_id, holding = await asyncio.gather(
            self._by_id(lookups, [address for _, address, _ in held], {}),
            self._holding_customer(lookups, customers),
        )
        found: _Found[Customer] = _Found()
        for key, address, field in held:
            if (value := by_id.get(str(address))) is not None:
                found.add(key, value, LinkRule.CRM_FIELD, field)
        for key, customer, evidence in holding:
            found.add(key, customer, LinkRule.CRM_FIELD, evidence)
        for customer in customers:
            if (misfit := customer.misfit("external_ids")) is not None:
                found.add(customer.id, misfit, LinkRule.CRM_FIELD, "")
        return found.result([customer.id for customer in customers])

    def crms_of(self, source: str) -> list[ConfiguredSource]:
        """CRMs whose orders a payment source's payments may belong to."""
        return [self._sources[name] for name in self._orders_of.get(source, [])]

    async def crm_customers(
        self, lookups: Lookups, keys: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str, Customer | SourceError]]:
        """CRM customers that hold a provider's customer id: (source, native id, customer).

        `keys` are native customer ids by payment source.
        """
        jobs = [
            (source, crm.name, ids)
            for source, ids in keys.items()
            for crm in self.crms_of(source)
            if crm.can("customers_by_external_id") and ids
        ]
        answers = await asyncio.gather(
            *(
                lookups.many(crm, "customers_by_external_id", ids, source)
                for source, crm, ids in jobs
            )
        )
        return [
            (source, native_id, customer)
            for (source, _, _), answer in zip(jobs, answers, strict=True)
            for native_id, value in answer.items()
            for customer in _each(value)
        ]

    def _paired(self, order: Order, payments: str) -> bool:
        """A provider's own orders (checkout sessions) are paid in the same source."""
        own = order.source.name
        return payments == own or payments in self._payments_of.get(own, ())

    def _address(self, id_: str, kind: Kind) -> Address | None:
        """None for what leads nowhere, such as a source that is no longer configured."""
        try:
            return self._sources.address(id_, kind)
        except BadId:
            return None

    def _held(self, external: ExternalId, kind: Kind) -> Address | None:
        """The id that a CRM's field holds; people type into such fields."""
        return self._address(f"{external.source}:{kind.value}:{external.native_id}", kind)

    async def _by_reference(
        self, lookups: Lookups, orders: Sequence[Order], only: Only
    ) -> list[tuple[str, Payment | SourceError, str]]:
        numbers: defaultdict[str, list[Order]] = defaultdict(list)
        for order in orders:
            for name in self._payments_of.get(order.source.name, ()):
                if asked_for(name, only) and self._sources[name].can("payments_by_reference"):
                    numbers[name].append(order)
        return await _numbered_payments(lookups, "payments_by_reference", numbers)

    async def _searched(
        self, lookups: Lookups, orders: Sequence[Order], only: Only
    ) -> list[tuple[str, Payment | SourceError, str]]:
        """Asked one number at a time, so only where the payment can be."""
        numbers: defaultdict[str, list[Order]] = defaultdict(list)
        for order in orders:
            for name in self._payments_of.get(order.source.name, ()):
                source = self._sources[name]
                named = (
                    not order.recorded_providers
                    or source.vendor.provider in order.recorded_providers
                )
                if named and asked_for(name, only) and source.can("find_payments"):
                    numbers[name].append(order)
        return await _numbered_payments(lookups, "find_payments", numbers)

    async def _holding_payment(
        self, lookups: Lookups, payments: Sequence[Payment]
    ) -> list[tuple[str, Order | SourceError, str]]:
        ids: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for payment in payments:
            for crm in self.crms_of(payment.source.name):
                if crm.can("orders_by_payment_id"):
                    ids[crm.name, payment.source.name].append(payment.native_id)
        answers = await asyncio.gather(
            *(
                lookups.many(crm, "orders_by_payment_id", asked, source)
                for (crm, source), asked in ids.items()
            )
        )
        return [
            (f"{source}:{Kind.PAYMENT.value}:{native_id}", order, _field(order, source, native_id))
            for (_, source), answer in zip(ids, answers, strict=True)
            for native_id, value in answer.items()
            for order in _each(value)
        ]

    async def _numbered(
        self, lookups: Lookups, payments: Sequence[Payment]
    ) -> list[tuple[str, Order | SourceError, str]]:
        asked: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for payment in payments:
            if payment.reference is not None:
                for crm in self.crms_of(payment.source.name):
                    if crm.can("orders_by_number"):
                        asked[crm.name].append((payment.id, payment.reference))
        answers = await asyncio.gather(
            *(
                lookups.many(crm, "orders_by_number", [number for _, number in pairs])
                for crm, pairs in asked.items()
            )
        )
        return [
            (key, order, number)
            for pairs, answer in zip(asked.values(), answers, strict=True)
            for key, number in pairs
            for order in _each(answer.get(number, ()))
        ]

    async def _holding_customer(
        self, lookups: Lookups, customers: Sequence[Customer]
    ) -> list[tuple[str, Customer | SourceError, str]]:
        keys: defaultdict[str, list[str]] = defaultdict(list)
        for customer in customers:
            keys[customer.source.name].append(customer.native_id)
        found = await self.crm_customers(lookups, keys)
        return [
            (
                f"{source}:{Kind.CUSTOMER.value}:{native_id}",
                customer,
                _field(customer, source, native_id),
            )
            for source, native_id, customer in found
        ]

    async def _by_id(
        self, lookups: Lookups, addresses: Sequence[Address], known: Mapping[str, Record]
    ) -> dict[str, R | SourceError]:
        """Records (or failures) by id, asking only for those that are not known yet."""
        found: dict[str, R | SourceError] = {
            str(a): known[str(a)]  # type: ignore[misc]
            for a in addresses
            if str(a) in known
        }
        asked: defaultdict[tuple[str, Kind], list[str]] = defaultdict(list)
        for address in addresses:
            if str(address) not in found:
                asked[address.source, address.kind].append(address.native_id)
        answers = await asyncio.gather(
            *(lookups.many(source, f"{kind.value}s", ids) for (source, kind), ids in asked.items())
        )
        for (source, kind), answer in zip(asked, answers, strict=True):
            found |= {f"{source}:{kind.value}:{native}": v for native, v in answer.items()}
        return found


async def _read(
    read: Callable[[Sequence[str]], Awaitable[list[StoredLink]]],
    records: Sequence[Record],
    lookups: Lookups,
) -> tuple[list[StoredLink], SourceError | None]:
    """Stored links of the records; a store that cannot be read fails like a source."""
    try:
        async with TimeLimit(min(STORE_SECONDS, lookups.deadline.level())):
            return await read([record.id for record in records]), None
    except TimeoutError:
        return [], TimedOut("links", "the link store did not answer in time")
    except StoreUnusable:
        return [], Retryable("links", "the link store cannot be read")


def _covered(order: Order, payments: Sequence[Payment]) -> bool:
    """Whether what is known to be paid is the order's total, or anything where it has none."""
    taken = [p.captured for p in payments if p.captured is not None]
    if order.total is None:
        return bool(taken)
    paid = sum(m.minor_units for m in taken if m.currency == order.total.currency)
    return paid >= order.total.minor_units


async def _numbered_payments(
    lookups: Lookups, method: str, asked: Mapping[str, Sequence[Order]]
) -> list[tuple[str, Payment | SourceError, str]]:
    """(order id, payment, number) of what each source holds under the orders' numbers."""
    answers = await asyncio.gather(
        *(
            lookups.many(name, method, [order.number for order in orders])
            for name, orders in asked.items()
        )
    )
    return [
        (order.id, payment, order.number)
        for orders, answer in zip(asked.values(), answers, strict=True)
        for order in orders
        for payment in _each(answer.get(order.number, ()))
    ]


def _each(value: Sequence[R] | SourceError) -> Sequence[R | SourceError]:
    return [value] if isinstance(value, SourceError) else value


def _field(record: Order | Customer | SourceError, source: str, native_id: str) -> str:
    """The name of the CRM field that holds the id."""
    held: tuple[ExternalId, ...] = ()
    if isinstance(record, Order):
        held = record.payment_ids
    elif isinstance(record, Customer):
        held = record.external_ids
    for external in held:
        if (external.source, external.native_id) == (source, native_id):
            return external.field
    return "unknown field"
