"""The CRM: customers and orders."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks.vendor.reading import Api, Listed, moment
from connectors.capabilities import Probe
from connectors.filters import CustomerFilter, OrderFilter
from connectors.money import Money
from connectors.paging import Keyed, Page, PageQuery
from connectors.records import Customer, CustomerKind, Order, OrderState
from connectors.vendor import SourceSettings, Wiring

STATES = {
    "open": OrderState.PENDING_PAYMENT,
    "paid": OrderState.PAID,
    "fulfilled": OrderState.FULFILLED,
    "cancelled": OrderState.CANCELED,
}


class _Customer(msgspec.Struct, frozen=True):
    id: str
    name: str
    email: str
    phone: str
    tier: str
    industry: str
    created: int
    updated: int


class _Order(msgspec.Struct, frozen=True):
    id: str
    number: str
    status: str
    total: int
    currency: str
    customer_id: str
    created: int
    updated: int


_CUSTOMERS = msgspec.json.Decoder(Listed[_Customer])
_ORDERS = msgspec.json.Decoder(Listed[_Order])


class BenchCrm:
    def __init__(self, wiring: Wiring, settings: SourceSettings) -> None:
        self._api = Api(wiring, settings)

    async def probe(self) -> Probe:
        await self.customer_page(PageQuery(1, CustomerFilter()))
        return Probe()

    async def customers(self, ids: Sequence[str]) -> Keyed[Customer]:
        found = await self._api.by_keys("/crm/customers", "ids", ids, _CUSTOMERS)
        return {row.id: self._customer(row) for row in found}

    async def customer_page(self, query: PageQuery[CustomerFilter]) -> Page[Customer]:
        return await self._api.page("/crm/customers", query, _CUSTOMERS, self._customer)

    async def orders(self, ids: Sequence[str]) -> Keyed[Order]:
        found = await self._api.by_keys("/crm/orders", "ids", ids, _ORDERS)
        return {row.id: self._order(row) for row in found}

    async def order_page(self, query: PageQuery[OrderFilter]) -> Page[Order]:
        return await self._api.page("/crm/orders", query, _ORDERS, self._order)

    def _customer(self, row: _Customer) -> Customer:
        return Customer(
            source=self._api.source,
            native_id=row.id,
            created_at=moment(row.created),
            updated_at=moment(row.updated),
            name=row.name,
            kind=CustomerKind.COMPANY,
            email=row.email,
            phones=(row.phone,),
            tier=row.tier,
            industry=row.industry,
        )

    def _order(self, row: _Order) -> Order:
        created = moment(row.created)
        return Order(
            source=self._api.source,
            native_id=row.id,
            created_at=created,
            updated_at=moment(row.updated),
            number=row.number,
            total=Money(row.total, row.currency),
            placed_at=created,
            recorded_state=STATES.get(row.status, OrderState.UNKNOWN),
            recorded_status=row.status,
            customer_id=row.customer_id,
        )
