"""What a connector may be able to do, as small protocols of batch methods.

Every method takes many keys and answers a mapping (`Keyed`): a missing key is not an error, a
key's own failure is its value, and an exception is a failure of all keys. Lacking a capability
means lacking the method. Ids are native ids of the connector's own source, already normalised by
its `Vendor.normalise`. How many upstream calls n keys cost stands in `Vendor.calls`.

A vendor that cannot list its payments and refunds has no pages; it has a `Ledger` instead, from
which the index of references is filled (`resolvers.index`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from connectors.filters import CustomerFilter, OrderFilter, PaymentFilter, RefundFilter
from connectors.ledger import Period, Told
from connectors.metadata import Rows, Table
from connectors.paging import Keyed, Page, PageQuery
from connectors.records import (
    Customer,
    Dispute,
    ExternalId,
    Order,
    OrderLine,
    Payment,
    Refund,
)


class Probe(msgspec.Struct, frozen=True):
    """The vendor's answer to the cheapest authenticated call there is.

    `quota_left` and `quota_total` are calls in the vendor's own window, None when it does not say.
    `notes` are sentences for the operator, such as a configured field that cannot be read.
    """

    quota_left: int | None = None
    quota_total: int | None = None
    notes: tuple[str, ...] = ()


class Connector(Protocol):
    """What every connector has."""

    async def probe(self) -> Probe: ...


class Customers(Protocol):
    async def customers(self, ids: Sequence[str]) -> Keyed[Customer]: ...


class CustomerPages(Protocol):
    async def customer_page(self, query: PageQuery[CustomerFilter]) -> Page[Customer]: ...


class CustomersByExternalId(Protocol):
    """Customers whose record holds one of `ids`, native ids of customers in `source`."""

    async def customers_by_external_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Customer, ...]]: ...


class Orders(Protocol):
    async def orders(self, ids: Sequence[str]) -> Keyed[Order]: ...


class OrderPages(Protocol):
    async def order_page(self, query: PageQuery[OrderFilter]) -> Page[Order]: ...


class OrdersByNumber(Protocol):
    async def orders_by_number(self, numbers: Sequence[str]) -> Keyed[tuple[Order, ...]]: ...


class OrdersByPaymentId(Protocol):
    """Orders whose record holds one of `ids`, native ids of payments in `source`."""

    async def orders_by_payment_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Order, ...]]: ...


class OrdersByCustomer(Protocol):
    """One page per customer, all asked together; `query.after` applies to each of them."""

    async def orders_by_customer(
        self, customer_ids: Sequence[str], query: PageQuery[OrderFilter]
    ) -> Keyed[Page[Order]]: ...


class OrderLines(Protocol):
    async def order_lines(self, order_ids: Sequence[str]) -> Keyed[tuple[OrderLine, ...]]: ...


class Payments(Protocol):
    async def payments(self, ids: Sequence[str]) -> Keyed[Payment]: ...


class PaymentPages(Protocol):
    async def payment_page(self, query: PageQuery[PaymentFilter]) -> Page[Payment]: ...


class PaymentsByReference(Protocol):
    """All payments that hold the merchant's order number, newest first."""

    async def payments_by_reference(
        self, references: Sequence[str]
    ) -> Keyed[tuple[Payment, ...]]: ...


class FindPayments(Protocol):
    """As `payments_by_reference`, where the vendor is asked for one number at a time.

    It is asked only for orders that nothing cheaper leads to. What is newer than the ledger is
    found only so.
    """

    async def find_payments(self, references: Sequence[str]) -> Keyed[tuple[Payment, ...]]: ...


class PaymentsByCustomer(Protocol):
    """All payments of the provider's customers, newest first."""

    async def payments_by_customer(
        self, customer_ids: Sequence[str]
    ) -> Keyed[tuple[Payment, ...]]: ...


class Refunds(Protocol):
    async def refunds(self, ids: Sequence[str]) -> Keyed[Refund]: ...


class RefundPages(Protocol):
    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[Refund]: ...


class RefundsByPayment(Protocol):
    async def refunds_by_payment(self, payment_ids: Sequence[str]) -> Keyed[tuple[Refund, ...]]: ...


class Disputes(Protocol):
    async def disputes(self, ids: Sequence[str]) -> Keyed[Dispute]: ...


class DisputesByPayment(Protocol):
    async def disputes_by_payment(
        self, payment_ids: Sequence[str]
    ) -> Keyed[tuple[Dispute, ...]]: ...


class RefundNumbers(Protocol):
    """Refund ids, of other sources, that the CRM's own orders carry which were changed since.

    Nothing, and no call, where no field is configured to hold them.
    """

    def refund_numbers(self, since: datetime) -> AsyncIterator[Sequence[ExternalId]]: ...


class Metadata(Protocol):
    """The live description of a mapped system's tables, and rows of them as they are.

    `describe` tells of the tables that are named and exist, or of all for none; `sample` up to
    `most` of the newest rows by the time in the field `by`, in any order.
    """

    async def describe(self, tables: Sequence[str]) -> Sequence[Table]: ...

    async def sample(self, table: str, columns: Sequence[str], by: str, most: int) -> Rows: ...


class Narrowed(Protocol):
    """The same connector for those who may not see some attributes of records (`Order.total`): it
    asks for none of them, but where another attribute follows from it, and its records lack them.

    Nothing else differs: the same transports, tokens, records and calls, or fewer.
    """

    def narrowed(self, withheld: frozenset[str]) -> Connector: ...


class Ledger(Protocol):
    """What exists, told in bulk: daily bills, an account log, a transaction search.

    `periods` asks nothing: it names what there is to read in [since, until), oldest first, and
    leaves out what the vendor cannot have ready at `until`, which is now. `entries` yields the
    entries of one period in batches, and a BadRow for each row that cannot be read; if it raises,
    nothing of the period is used. `NotReady` when the vendor has it not yet, Malformed when a bill
    is damaged or has been changed: a wrong signature, hash, total or header.
    """

    def periods(self, since: datetime, until: datetime) -> Sequence[Period]: ...

    def entries(self, period: Period) -> AsyncIterator[Sequence[Told]]: ...


CAPABILITIES: dict[str, Any] = {
    "customers": Customers,
    "customer_page": CustomerPages,
    "customers_by_external_id": CustomersByExternalId,
    "orders": Orders,
    "order_page": OrderPages,
    "orders_by_number": OrdersByNumber,
    "orders_by_payment_id": OrdersByPaymentId,
    "orders_by_customer": OrdersByCustomer,
    "order_lines": OrderLines,
    "payments": Payments,
    "payment_page": PaymentPages,
    "payments_by_reference": PaymentsByReference,
    "find_payments": FindPayments,
    "payments_by_customer": PaymentsByCustomer,
    "refunds": Refunds,
    "refund_page": RefundPages,
    "refunds_by_payment": RefundsByPayment,
    "disputes": Disputes,
    "disputes_by_payment": DisputesByPayment,
    "ledger": Ledger,
    "refund_numbers": RefundNumbers,
    "metadata": Metadata,
    "narrowed": Narrowed,
}
UNPRICED = frozenset(
    {
        "customer_page",
        "order_page",
        "payment_page",
        "refund_page",
        "ledger",
        "refund_numbers",
        "metadata",
        "narrowed",
    }
)
"""Capabilities that are no batch method, and so have no cost in `Vendor.calls`."""


def methods(capability: str) -> tuple[str, ...]:
    """The names of a capability's methods."""
    return tuple(name for name in vars(CAPABILITIES[capability]) if not name.startswith("_"))


def capabilities(connector: object) -> tuple[str, ...]:
    """The names of what `connector` can do, in the order of this page."""
    return tuple(
        name
        for name in CAPABILITIES
        if all(callable(getattr(connector, method, None)) for method in methods(name))
    )
