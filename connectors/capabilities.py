"""What a connector may be able to do, as small protocols of batch methods.

Every method takes many keys and answers a mapping (`Keyed`): a missing key is not an error, a
key's own failure is its value, and an exception is a failure of all keys. Lacking a capability
means lacking the method. Ids are native ids of the connector's own source, already normalised by
its `Vendor.normalise`. How many upstream calls n keys cost stands in `Vendor.calls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from connectors.filters import CustomerFilter, OrderFilter, PaymentFilter, RefundFilter
from connectors.paging import Keyed, Page, PageQuery
from connectors.records import Customer, Dispute, Order, OrderLine, Payment, Refund


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


@runtime_checkable
class Customers(Protocol):
    async def customers(self, ids: Sequence[str]) -> Keyed[Customer]: ...

    async def customer_page(self, query: PageQuery[CustomerFilter]) -> Page[Customer]: ...


@runtime_checkable
class CustomersByExternalId(Protocol):
    """Customers whose record holds one of `ids`, native ids of customers in `source`."""

    async def customers_by_external_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Customer, ...]]: ...


@runtime_checkable
class Orders(Protocol):
    async def orders(self, ids: Sequence[str]) -> Keyed[Order]: ...

    async def order_page(self, query: PageQuery[OrderFilter]) -> Page[Order]: ...


@runtime_checkable
class OrdersByNumber(Protocol):
    async def orders_by_number(self, numbers: Sequence[str]) -> Keyed[tuple[Order, ...]]: ...


@runtime_checkable
class OrdersByPaymentId(Protocol):
    """Orders whose record holds one of `ids`, native ids of payments in `source`."""

    async def orders_by_payment_id(
        self, source: str, ids: Sequence[str]
    ) -> Keyed[tuple[Order, ...]]: ...


@runtime_checkable
class OrdersByCustomer(Protocol):
    """One page per customer, all asked together; `query.after` applies to each of them."""

    async def orders_by_customer(
        self, customer_ids: Sequence[str], query: PageQuery[OrderFilter]
    ) -> Keyed[Page[Order]]: ...


@runtime_checkable
class OrderLines(Protocol):
    async def order_lines(self, order_ids: Sequence[str]) -> Keyed[tuple[OrderLine, ...]]: ...


@runtime_checkable
class Payments(Protocol):
    async def payments(self, ids: Sequence[str]) -> Keyed[Payment]: ...

    async def payment_page(self, query: PageQuery[PaymentFilter]) -> Page[Payment]: ...


@runtime_checkable
class PaymentsByReference(Protocol):
    """All payments that hold the merchant's order number, newest first."""

    async def payments_by_reference(
        self, references: Sequence[str]
    ) -> Keyed[tuple[Payment, ...]]: ...


@runtime_checkable
class PaymentsByCustomer(Protocol):
    """All payments of the provider's customers, newest first."""

    async def payments_by_customer(
        self, customer_ids: Sequence[str]
    ) -> Keyed[tuple[Payment, ...]]: ...


@runtime_checkable
class Refunds(Protocol):
    async def refunds(self, ids: Sequence[str]) -> Keyed[Refund]: ...

    async def refund_page(self, query: PageQuery[RefundFilter]) -> Page[Refund]: ...


@runtime_checkable
class RefundsByPayment(Protocol):
    async def refunds_by_payment(self, payment_ids: Sequence[str]) -> Keyed[tuple[Refund, ...]]: ...


@runtime_checkable
class Disputes(Protocol):
    async def disputes(self, ids: Sequence[str]) -> Keyed[Dispute]: ...


@runtime_checkable
class DisputesByPayment(Protocol):
    async def disputes_by_payment(
        self, payment_ids: Sequence[str]
    ) -> Keyed[tuple[Dispute, ...]]: ...


CAPABILITIES: dict[str, Any] = {
    "customers": Customers,
    "customers_by_external_id": CustomersByExternalId,
    "orders": Orders,
    "orders_by_number": OrdersByNumber,
    "orders_by_payment_id": OrdersByPaymentId,
    "orders_by_customer": OrdersByCustomer,
    "order_lines": OrderLines,
    "payments": Payments,
    "payments_by_reference": PaymentsByReference,
    "payments_by_customer": PaymentsByCustomer,
    "refunds": Refunds,
    "refunds_by_payment": RefundsByPayment,
    "disputes": Disputes,
    "disputes_by_payment": DisputesByPayment,
}


def capabilities(connector: object) -> tuple[str, ...]:
    """The names of what `connector` can do, in the order of this page."""
    return tuple(name for name, proto in CAPABILITIES.items() if isinstance(connector, proto))
