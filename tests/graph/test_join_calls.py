"""Every join at every vendor, for 1, 10, 100 and 1,000 parents: never more calls than stated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.money import Money
from connectors.records import (
    Customer,
    Dispute,
    DisputeStatus,
    Order,
    Payment,
    PaymentStatus,
    Provider,
    Refund,
    RefundStatus,
    Source,
    SourceKind,
)
from connectors.registry import Registry
from connectors.vendor import Vendor
from gateway.calls_page import KEYS, join_calls
from gateway.compose import Gateway, open_gateway
from resolvers.context import Context
from resolvers.joins import ALL
from resolvers.pages import Ask
from sandbox.server import Server as Sandbox
from sandbox.world import Payment as Paid
from tests.graph.conftest import Control
from tests.serving import fill_index, settings_for

pytestmark = pytest.mark.anyio
SOURCES = (
    "salesforce",
    "stripe_eu",
    "paypal",
    "alipay_cn",
    "ecny_cn",
    "wechat_cn",
    "unionpay_cn",
)
STRANGE: dict[str, Callable[[int], str]] = {
    "stripe": "pi_none{:04}".format,
    "paypal": "{:017}".format,
    "alipay": "20990101{:020}".format,
    "wechatpay": "P2099{:011}".format,
    "unionpay": "NONE{:08}-20260101000000".format,
    "salesforce": "801000000000{:03}AAA".format,
}
"""Ids of payments (of orders, in a CRM) that could be and are not."""


class Unhurried(Registry):
    """The same vendors without their pace: 1,000 searches would take a minute."""

    def __getitem__(self, name: str) -> Vendor:
        vendor = super().__getitem__(name)
        limits = msgspec.structs.replace(vendor.limits, rates={})
        return msgspec.structs.replace(vendor, limits=limits)


@pytest.fixture
async def unhurried(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = settings_for(sandbox, str(tmp_path), deadline=120.0)
    await asyncio.to_thread(fill_index, sandbox, settings, str(tmp_path))
    patient = {n: msgspec.structs.replace(s, deadline=120.0) for n, s in settings.sources.items()}
    settings = msgspec.structs.replace(settings, sources=patient)
    async with open_gateway(settings, Unhurried()) as gateway:
        yield gateway


class Parents:
    """Parents whose joins lead to one source: those of the world first, then made-up ones."""

    def __init__(self, sandbox: Sandbox, source: Source) -> None:
        self.source = source
        self.world = sandbox.world
        self.paid: list[Paid] = sandbox.world.payments_of(source.name)

    def ids(self, count: int) -> list[str]:
        known = [p.native_id for p in self.paid]
        if self.source.kind is SourceKind.CRM:
            known = [order.native_id for order in self.world.orders]
        return [*known, *map(STRANGE[self.source.vendor], range(count))][:count]

    def of(self, type_: str, count: int) -> list[Any]:
        return [getattr(self, type_.lower())(native_id) for native_id in self.ids(count)]

    def order(self, native_id: str) -> Order:
        number = next((p.reference for p in self.paid if p.native_id == native_id), None)
        crm = Source("salesforce", "salesforce", SourceKind.CRM)
        return Order(
            source=crm,
            native_id=native_id,
            number=number or f"NONE-{native_id[-4:]}",
            total=Money(10**9, "CNY"),
            customer_id="001000000000001AAA",
        )

    def payment(self, native_id: str) -> Payment:
        ten = Money(1000, "CNY")
        return Payment(
            source=self.source,
            native_id=native_id,
            provider=Provider.OTHER,
            status=PaymentStatus.SUCCEEDED,
            amount=ten,
            captured=ten,
            reference=f"NONE-{native_id[-4:]}",
        )

    def refund(self, native_id: str) -> Refund:
        return Refund(
            source=self.source,
            native_id=f"r{native_id}",
            status=RefundStatus.SUCCEEDED,
            amount=Money(1, "CNY"),
            payment_id=native_id,
        )

    def dispute(self, native_id: str) -> Dispute:
        return Dispute(
            source=self.source,
            native_id=f"d{native_id}",
            status=DisputeStatus.WON,
            amount=Money(1, "CNY"),
            payment_id=native_id,
        )

    def customer(self, native_id: str) -> Customer:
        return Customer(source=self.source, native_id=f"001{native_id[3:]}")

    def belonging(self, asked: list[Any]) -> int:
        """What each may cost a call more: refunds and disputes of the known payments, and other
        payments of the same order."""
        ids = {getattr(parent, "payment_id", parent.native_id) for parent in asked}
        numbers = {parent.number for parent in asked if isinstance(parent, Order)}
        own = [p for p in self.paid if p.native_id in ids]
        others = [p for p in self.paid if p.reference in numbers and p not in own]
        more = sum(len(p.refunds) + (p.dispute is not None) for p in own + others)
        # The orders here are never paid in full, so what is known is found once more by its number.
        return more * (2 if numbers else 1) + len(others)


async def joined(context: Context, name: str, parents: list[Any], source: str) -> None:
    """The join of all parents, looked for in one source."""
    arguments: Any = None
    if name == "Order.payments":
        arguments = frozenset({source})
    if name == "Customer.orders":
        from connectors.filters import OrderFilter
        from connectors.paging import NEWEST_FIRST

        arguments = Ask(5, None, OrderFilter(), NEWEST_FIRST, "Customer.orders")
    await context.many(ALL[name], parents, arguments)


@pytest.mark.parametrize("name", SOURCES)
async def test_a_join_costs_no_more_than_stated(
    unhurried: Gateway, sandbox: Sandbox, control: Control, name: str
) -> None:
    source = unhurried.sources[name]
    parents = Parents(sandbox, source.source)
    measured = 0
    for join in ALL.values():
        stated = [join_calls(source.vendor, join, n) for n in KEYS]
        crm = source.source.kind is SourceKind.CRM
        if not any(stated) or (join.name.startswith("Payment.") and crm):
            continue
        for count, most in zip(KEYS, stated, strict=True):
            type_ = join.name.partition(".")[0]
            asked = parents.of(type_, count)
            await source.connector.probe()
            control.clear()
            await joined(unhurried.context(), join.name, asked, name)
            calls = [c for c in control.calls() if c["account"] == name]
            unknown = max(cost.absent for cost in source.vendor.calls.values())
            allowed = most + parents.belonging(asked) + unknown
            assert len(calls) <= allowed, (join.name, count)
            measured += 1
    assert measured >= 4
