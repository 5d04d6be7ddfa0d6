"""The other side: a gateway as one writes it first, with Strawberry, aiodataloader and httpx.

Idiomatic and correct: async field resolvers, one loader per relation and request, at most 100
keys per call, the same fields and names as Tillgate's schema. It has none of the rest: no links,
cursors over sources, deadlines, limits, partial failures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import strawberry
from aiodataloader import DataLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.types import Info

MOST_KEYS = 100


class Vendors:
    """Both vendors' APIs over one client."""

    def __init__(self, origin: str) -> None:
        self.client = httpx.AsyncClient(base_url=origin, timeout=60)

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        response = await self.client.get(path, params=params)
        response.raise_for_status()
        body: dict[str, Any] = response.json()
        return body

    async def customers(self, ids: list[str]) -> list[Customer | None]:
        found = (await self.get("/crm/customers", ids=",".join(ids)))["data"]
        by_id = {row["id"]: Customer.of(row) for row in found}
        return [by_id.get(id_) for id_ in ids]

    async def payments(self, numbers: list[str]) -> list[list[Payment]]:
        found = (await self.get("/pay/payments", references=",".join(numbers)))["data"]
        by_number: defaultdict[str, list[Payment]] = defaultdict(list)
        for row in found:
            by_number[row["reference"]].append(Payment.of(row))
        return [by_number[number] for number in numbers]

    async def refunds(self, payment_ids: list[str]) -> list[list[Refund]]:
        found = (await self.get("/pay/refunds", payment_ids=",".join(payment_ids)))["data"]
        by_payment: defaultdict[str, list[Refund]] = defaultdict(list)
        for row in found:
            by_payment[row["payment_id"]].append(Refund.of(row))
        return [by_payment[payment_id] for payment_id in payment_ids]


class Context:
    """One request's loaders."""

    def __init__(self, vendors: Vendors) -> None:
        self.vendors = vendors
        self.customers: DataLoader[str, Customer | None] = DataLoader(
            vendors.customers, max_batch_size=MOST_KEYS
        )
        self.payments: DataLoader[str, list[Payment]] = DataLoader(
            vendors.payments, max_batch_size=MOST_KEYS
        )
        self.refunds: DataLoader[str, list[Refund]] = DataLoader(
            vendors.refunds, max_batch_size=MOST_KEYS
        )


NaiveInfo = Info[Context, None]


@strawberry.type
class Money:
    minor_units: int
    currency: str


@strawberry.type
class Refund:
    id: strawberry.ID
    provider_status: str
    amount: Money
    reason: str | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Refund:
        return cls(
            id=row["id"],
            provider_status=row["status"],
            amount=Money(minor_units=row["amount"], currency=row["currency"]),
            reason=row["reason"],
        )


@strawberry.type
class RefundConnection:
    nodes: list[Refund]


@strawberry.type
class Payment:
    id: strawberry.ID
    provider_status: str
    amount: Money
    reference: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> Payment:
        return cls(
            id=row["id"],
            provider_status=row["status"],
            amount=Money(minor_units=row["amount"], currency=row["currency"]),
            reference=row["reference"],
        )

    @strawberry.field
    async def refunds(self, info: NaiveInfo) -> RefundConnection:
        return RefundConnection(nodes=await info.context.refunds.load(self.id))


@strawberry.type
class PaymentConnection:
    nodes: list[Payment]


@strawberry.type
class Customer:
    id: strawberry.ID
    name: str
    email: str
    tier: str | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Customer:
        return cls(id=row["id"], name=row["name"], email=row["email"], tier=row["tier"])


@strawberry.type
class Order:
    id: strawberry.ID
    number: str
    recorded_status: str
    total: Money
    customer_id: strawberry.Private[str]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Order:
        return cls(
            id=row["id"],
            number=row["number"],
            recorded_status=row["status"],
            total=Money(minor_units=row["total"], currency=row["currency"]),
            customer_id=row["customer_id"],
        )

    @strawberry.field
    async def customer(self, info: NaiveInfo) -> Customer | None:
        return await info.context.customers.load(self.customer_id)

    @strawberry.field
    async def payments(self, info: NaiveInfo) -> PaymentConnection:
        return PaymentConnection(nodes=await info.context.payments.load(self.number))


@strawberry.type
class PageInfo:
    end_cursor: str | None


@strawberry.type
class OrderConnection:
    nodes: list[Order]
    page_info: PageInfo


@strawberry.type
class Query:
    @strawberry.field
    async def order(self, info: NaiveInfo, id: strawberry.ID) -> Order | None:
        rows = (await info.context.vendors.get("/crm/orders", ids=id))["data"]
        return Order.of(rows[0]) if rows else None

    @strawberry.field
    async def orders(
        self, info: NaiveInfo, first: int, after: str | None = None
    ) -> OrderConnection:
        place = {"after": after} if after else {}
        rows = (await info.context.vendors.get("/crm/orders", limit=str(first), **place))["data"]
        nodes = [Order.of(row) for row in rows]
        return OrderConnection(
            nodes=nodes, page_info=PageInfo(end_cursor=nodes[-1].id if nodes else None)
        )


class Endpoint(GraphQL[Context, None]):
    def __init__(self, vendors: Vendors) -> None:
        super().__init__(strawberry.Schema(Query))
        self._vendors = vendors

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return Context(self._vendors)


def create_app(origin: str) -> Starlette:
    """The application over the vendors at `origin`."""
    vendors = Vendors(origin)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with vendors.client:
            yield

    app = Starlette(lifespan=lifespan)
    app.add_route("/graphql", Endpoint(vendors))  # type: ignore[arg-type]
    return app
