"""Kingdee over real HTTP, against a simulated Galaxy: the contract, then what is Galaxy's own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, ClassVar

import msgspec
import pytest

from connectors.beijing import day_of, start_of
from connectors.conformance import Batch, Conformance, Fault, connected
from connectors.conformance_kit import outcome
from connectors.errors import Misconfigured
from connectors.filters import OrderFilter
from connectors.kingdee import VENDOR
from connectors.kingdee.settings import KingdeeSettings
from connectors.money import Money
from connectors.paging import PageQuery
from sandbox.world import Order
from tests.connectors.kingdee_sandbox import ORDERS, GalaxyLab, lab_running
from tests.connectors.upstream import SandboxUpstream

pytestmark = pytest.mark.anyio
# Five calls a second would make the contract wait for minutes.
SWIFT = msgspec.structs.replace(VENDOR.limits, rates={"calls": 10_000}, deadline=20.0)
NO_ID = "4{:08}".format
STATES = {
    "DRAFT",
    "PENDING_PAYMENT",
    "PARTIALLY_PAID",
    "PAID",
    "FULFILLED",
    "PARTIALLY_REFUNDED",
    "REFUNDED",
    "CANCELED",
    "UNKNOWN",
}


@pytest.fixture(scope="module")
def lab() -> Iterator[GalaxyLab]:
    yield from lab_running()


@pytest.fixture
async def kingdee(lab: GalaxyLab) -> AsyncIterator[Any]:
    async with connected(VENDOR, lab.settings(), SWIFT, name="kingdee") as connector:
        yield connector


class TestConformance(Conformance):
    vendor = msgspec.structs.replace(VENDOR, limits=SWIFT)
    answers_in_gbk = True
    linked_by: ClassVar[str] = "stripe_eu"
    odd_spared = (
        # A second row of one bill means that the mapping reads a field of its lines.
        "twice at",
        # A bill without its id cannot be told from another row of the same bill.
        "a row has no F",
        # `counts_if` lists the words of bills that count: with any other one a bill does not.
        r"at /[01]/4 of .*REFUNDED became OrderState.PAID",
    )

    @pytest.fixture(autouse=True)
    def start(self, lab: GalaxyLab) -> None:
        self.lab = lab

    def settings(self) -> KingdeeSettings:
        return self.lab.settings()

    def upstream(self) -> SandboxUpstream:
        return self.lab.upstream()

    def batches(self) -> Mapping[str, Batch]:
        world = self.lab.world
        customers = {c.key: c for c in world.customers if "kingdee" in c.sources}
        buyers = dict.fromkeys(o.customer for o in world.orders if o.customer)
        fields = [o.payment_field for o in world.orders if o.payment_field]
        return {
            "customers": Batch(
                known=tuple(c.sources["kingdee"] for c in customers.values()), missing=NO_ID
            ),
            "customers_by_external_id": Batch(
                known=tuple(
                    c.sources["stripe_eu"] for c in customers.values() if "stripe_eu" in c.sources
                ),
                missing="cus_none{}".format,
                source="stripe_eu",
            ),
            "orders": Batch(known=tuple(o.native_id for o in world.orders), missing=NO_ID),
            "orders_by_number": Batch(
                known=tuple(o.number for o in world.orders), missing="none-{}".format
            ),
            "orders_by_payment_id": Batch(
                known=tuple(native for source, native in fields if source == self.linked_by),
                missing="none_{}".format,
                source=self.linked_by,
            ),
            "orders_by_customer": Batch(
                known=tuple(customers[key].sources["kingdee"] for key in buyers), missing=NO_ID
            ),
            "order_lines": Batch(
                known=tuple(o.native_id for o in world.orders if o.lines), missing=NO_ID
            ),
        }

    async def test_rows_that_come_twice_are_shown_once(self) -> None:
        """They are refused: Galaxy tells a bill twice where a field of its lines is asked for, and
        of two lines with equal cells one alone would be a wrong sum."""
        async with self.live() as (connector, upstream):
            await upstream.set_faults([Fault(kind="duplicate")])
            answers = await asyncio.gather(*map(outcome, self.everything(connector)))
        assert {type(answer) for answer in answers} == {Misconfigured}


class TestLinkedByReceipts(TestConformance):
    """Payments of WeChat are noted on the order and on its receipts; the calls are signed."""

    linked_by = "wechat_cn"
    most_odd, least_odd = 25, 50
    refreshes = False

    def settings(self) -> KingdeeSettings:
        return self.lab.settings(auth="signature")

    test_pages_show_every_row_once_in_every_declared_order = None  # type: ignore[assignment]
    test_any_row_can_be_resumed_after = None  # type: ignore[assignment]
    test_a_filter_never_leaves_out_a_row_it_accepts = None  # type: ignore[assignment]


def true_customer(lab: GalaxyLab, order: Order) -> str | None:
    by_key = {c.key: c.sources.get("kingdee") for c in lab.world.customers}
    return by_key[order.customer] if order.customer else None


async def test_every_order_is_as_the_world_says(lab: GalaxyLab, kingdee: Any) -> None:
    found = await kingdee.orders([o.native_id for o in lab.world.orders])
    assert len(found) == ORDERS
    assert {o.recorded_state for o in lab.world.orders} == STATES
    assert any(int(o.native_id) > 2**53 for o in lab.world.orders)
    for order in lab.world.orders:
        told = found[order.native_id]
        assert (told.number, told.recorded_state.value) == (order.number, order.recorded_state)
        assert told.total == (None if order.total is None else Money(order.total, order.currency))
        assert told.created_at == order.placed_at
        assert told.placed_at == start_of(day_of(order.placed_at))
        assert told.customer_id == true_customer(lab, order)
        links = [(link.source, link.native_id) for link in told.payment_ids]
        assert links == ([order.payment_field] if order.payment_field else [])
        assert told.custom_fields == {"note": None}
        assert told.misfits is None
        if order.channels:
            words = {"stripe": "STRIPE", "wechatpay": "WECHAT_PAY"}
            assert [one.value for one in told.recorded_providers] == [
                words[vendor] for vendor in order.channels
            ]


async def test_every_line_is_as_the_world_says(lab: GalaxyLab, kingdee: Any) -> None:
    found = await kingdee.order_lines([o.native_id for o in lab.world.orders])
    assert sum(map(len, found.values())) == sum(len(o.lines) for o in lab.world.orders)
    for order in lab.world.orders:
        told = found.get(order.native_id, ())
        assert [
            (one.sku, one.name, str(one.quantity), one.unit_price, one.total) for one in told
        ] == [
            (
                line.sku,
                line.name,
                line.quantity,
                Money(line.unit_price, order.currency),
                Money(line.total, order.currency),
            )
            for line in order.lines
        ]


async def test_every_customer_is_as_the_world_says(lab: GalaxyLab, kingdee: Any) -> None:
    true = [c for c in lab.world.customers if "kingdee" in c.sources]
    found = await kingdee.customers([c.sources["kingdee"] for c in true])
    assert len(found) == len(true) >= 50
    for customer in true:
        told = found[customer.sources["kingdee"]]
        assert (told.name, told.email, told.tier, told.industry) == (
            customer.name,
            customer.email,
            customer.tier,
            customer.industry,
        )
        assert told.phones == ((customer.phone,) if customer.phone else ())
        assert told.kind.value == customer.kind
        assert told.created_at == customer.created_at
        assert told.custom_fields == {"customerNumber": customer.key}
        assert {one.source: one.native_id for one in told.external_ids} == {
            name: native for name, native in customer.sources.items() if name.startswith("stripe")
        }


async def test_refund_numbers_are_those_of_the_orders(lab: GalaxyLab, kingdee: Any) -> None:
    fields = [o.refund_field for o in lab.world.orders if o.refund_field]
    true = {native for source, native in fields if source == "wechat_cn"}
    first = min(o.placed_at for o in lab.world.orders)
    told = [one async for several in kingdee.refund_numbers(first) for one in several]
    assert true
    assert {(one.source, one.native_id) for one in told} == {("wechat_cn", one) for one in true}


async def test_a_standard_installation_needs_no_mapping(lab: GalaxyLab) -> None:
    order = next(o for o in lab.world.orders if o.lines and o.recorded_state == "PAID")
    draft = next(o for o in lab.world.orders if o.recorded_state == "DRAFT")
    async with connected(VENDOR, lab.plain(), SWIFT) as connector:
        assert (await connector.probe()).notes == ()
        found = await connector.orders([order.native_id, draft.native_id])
        lines = await connector.order_lines([order.native_id])
    told = found[order.native_id]
    assert (told.number, told.total) == (order.number, Money(order.total or 0, order.currency))
    # Nothing says what was paid.
    assert told.recorded_state.value == "UNKNOWN"
    assert found[draft.native_id].recorded_state.value == "DRAFT"
    assert len(lines[order.native_id]) == len(order.lines)


async def test_what_was_paid_can_be_the_plan_of_the_order(lab: GalaxyLab) -> None:
    """Lines of any kind are a table: here the receivables of the order, with what came in."""
    plan = {
        "table": "SAL_SaleOrder.FSaleOrderPlan",
        "order": "FID",
        "order_is": "id",
        "amount": {"field": "FRecAmount", "currency_field": "FSettleCurrId.FNumber"},
    }
    known = [
        o
        for o in lab.world.orders
        if o.total and o.recorded_state in ("PENDING_PAYMENT", "PARTIALLY_PAID", "PAID")
    ]
    async with connected(VENDOR, lab.plain(receipts=[plan]), SWIFT) as connector:
        found = await connector.orders([o.native_id for o in known])
    assert {key: told.recorded_state.value for key, told in found.items()} == {
        o.native_id: o.recorded_state for o in known
    }


@pytest.mark.parametrize(
    ("method", "calls"),
    [("customers", 1), ("order_lines", 1), ("orders", 3), ("orders_by_number", 3)],
)
async def test_five_hundred_keys_cost_one_query_for_each_table(
    lab: GalaxyLab, kingdee: Any, method: str, calls: int
) -> None:
    await kingdee.probe()
    upstream = lab.upstream()
    form = "BD_Customer" if method == "customers" else "SAL_SaleOrder"
    field = {"customers": "FCUSTID", "orders_by_number": "FBillNo"}.get(method, "FID")
    with bills_of(lab, form, 501) as bills:
        keys = [str(bill[field]) for bill in bills]
        for count, cost in ((1, calls), (500, calls), (501, 2 * calls)):
            await upstream.clear()
            found = await getattr(kingdee, method)(keys[:count])
            assert await upstream.calls() == cost
            assert set(found) == set(keys[:count])
            assert not [one for one in found.values() if isinstance(one, Exception)]


@contextlib.contextmanager
def bills_of(lab: GalaxyLab, form: str, count: int) -> Iterator[list[dict[str, Any]]]:
    """So many bills, orders with lines: those that there are, and copies of them."""
    kind = lab.galaxy.shelf.form(form)
    before = list(kind.bills)
    whole = [bill for bill in before if bill.get("FSaleOrderEntry", True)]
    for index in range(count - len(whole)):
        own = {kind.key: 500_000 + index, kind.number: f"COPY-{index}"}
        whole.append(whole[index] | own)
        kind.bills.append(whole[-1])
    try:
        yield whole
    finally:
        kind.bills[:] = before


async def test_a_customers_orders_come_newest_first_across_ties(
    lab: GalaxyLab, kingdee: Any
) -> None:
    true = sorted(lab.world.orders, key=lambda o: (o.placed_at, o.native_id), reverse=True)
    moments = [o.placed_at for o in true]
    assert len(set(moments)) < len(moments)
    for first in (1, 7, 40):
        told: list[str] = []
        after = None
        while True:
            page = await kingdee.order_page(PageQuery(first, OrderFilter(), after))
            told += [row.record.native_id for row in page.rows]
            if not page.more:
                break
            after = page.rows[-1].after
        assert told == [o.native_id for o in true]
