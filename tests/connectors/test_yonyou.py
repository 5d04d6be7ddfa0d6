"""The U8 connector against the simulator: the contract, what it says, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import _AsyncGeneratorContextManager
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.conformance import Batch, Conformance, Upstream, connected
from connectors.filters import CustomerFilter, OrderFilter
from connectors.paging import PageQuery
from connectors.records import Order, OrderState
from connectors.yonyou import VENDOR
from connectors.yonyou.settings import YonyouSettings
from sandbox.world import Order as TrueOrder
from tests.connectors.yonyou_sandbox import ORDERS, YonyouSandbox, running

Live = _AsyncGeneratorContextManager[tuple[Any, Upstream], None]
pytestmark = pytest.mark.anyio
BEIJING = timezone(timedelta(hours=8))
# The vendor's own pace would take minutes.
FAST = msgspec.structs.replace(VENDOR.limits, rates={}, concurrency=8)
PAYING_FIELDS = {"stripe_eu": "define1", "wechat_cn": "define9"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[YonyouSandbox]:
    yield from running()


@pytest.fixture(autouse=True)
def clean(sandbox: YonyouSandbox) -> Iterator[None]:
    yield
    sandbox.app.heal()


class TestConformance(Conformance):
    vendor = VENDOR
    answers_in_gbk = True
    most_odd = 60
    odd_spared = (
        # An order of today is in the list's last two stretches, of which one has its date.
        r"order_page: .* at /saleorderlist/\d+/date of .* a record was lost without",
        # Two equal lines are two lines.
        "twice at /[a-z]+/entry",
    )

    @pytest.fixture(autouse=True)
    def start(self, sandbox: YonyouSandbox) -> None:
        self.sandbox = sandbox

    def live(self, **limits: Any) -> Live:
        """Without the vendor's pace."""
        return super().live(**{"rates": {}, **limits})

    def settings(self) -> YonyouSettings:
        return self.sandbox.settings()

    def upstream(self) -> YonyouSandbox:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        customers, orders = self.sandbox.customers(), self.sandbox.orders()
        linked = [link[1] for o in orders if (link := o.payment_field) and link[0] == "stripe_eu"]
        keys = {c.key: c.sources["yonyou"] for c in customers}
        return {
            "customers": Batch(
                known=tuple(keys.values()), missing=lambda index: f"{90_000_000 + index}"
            ),
            "customers_by_external_id": Batch(
                known=tuple(c.sources["stripe_eu"] for c in customers if "stripe_eu" in c.sources),
                missing="cus_none{}".format,
                source="stripe_eu",
            ),
            "orders": Batch(
                known=tuple(o.native_id for o in orders), missing=lambda i: f"{9 * 10**9 + i}"
            ),
            "orders_by_number": Batch(
                known=tuple(o.number for o in orders), missing="none-{}".format
            ),
            "orders_by_payment_id": Batch(
                known=tuple(linked), missing="pi_none{}".format, source="stripe_eu"
            ),
            "orders_by_customer": Batch(
                known=tuple(dict.fromkeys(keys[o.customer] for o in orders if o.customer)),
                missing=lambda index: f"{90_000_000 + index}",
            ),
            "order_lines": Batch(
                known=tuple(o.native_id for o in orders if o.lines),
                missing=lambda i: f"{9 * 10**9 + i}",
            ),
        }


def midnight(moment: datetime) -> datetime:
    """The beginning of its day in Beijing."""
    day = moment.astimezone(BEIJING).date()
    return datetime.combine(day, time(), BEIJING).astimezone(UTC)


def told(order: Order) -> tuple[Any, ...]:
    return (
        order.native_id,
        order.number,
        order.total and (order.total.minor_units, order.total.currency),
        order.recorded_state.value,
        order.placed_at,
        order.created_at,
        order.customer_id,
        [(one.source, one.native_id, one.field) for one in order.payment_ids],
    )


def true(order: TrueOrder, codes: Mapping[str, str]) -> tuple[Any, ...]:
    linked = [order.payment_field] if order.payment_field else []
    return (
        order.native_id,
        order.number,
        None if order.total is None else (order.total, order.currency),
        order.recorded_state,
        order.placed_at,
        midnight(order.placed_at),
        codes.get(order.customer or ""),
        [(source, native, PAYING_FIELDS[source]) for source, native in linked],
    )


async def test_every_order_is_the_worlds(sandbox: YonyouSandbox) -> None:
    truth = sandbox.orders()
    codes = {one.key: one.sources["yonyou"] for one in sandbox.customers()}
    async with connected(VENDOR, sandbox.settings(), FAST) as connector:
        orders = await connector.orders([one.native_id for one in truth])
        lines = await connector.order_lines([one.native_id for one in truth])
    assert len(orders) == ORDERS
    for one in truth:
        assert told(orders[one.native_id]) == true(one, codes)
        assert orders[one.native_id].misfits is None
        assert [
            (str(line.quantity), line.unit_price.minor_units, line.total.minor_units, line.name)
            for line in lines.get(one.native_id, ())
        ] == [(line.quantity, line.unit_price, line.total, line.name) for line in one.lines]
    assert {one.recorded_state for one in truth} >= {
        state.value for state in OrderState if state is not OrderState.UNKNOWN
    }


async def test_every_customer_is_the_worlds(sandbox: YonyouSandbox) -> None:
    truth = sandbox.customers()
    async with connected(VENDOR, sandbox.settings(), FAST) as connector:
        found = await connector.customers([one.sources["yonyou"] for one in truth])
    assert len(found) == len(truth) == 57
    for one in truth:
        record = found[one.sources["yonyou"]]
        assert (record.name, record.kind.value, record.email) == (one.name, one.kind, one.email)
        assert record.phones == ((one.phone,) if one.phone else ())
        assert (record.tier, record.industry) == (one.tier, one.industry)
        assert record.created_at == midnight(one.created_at)
        assert {(e.source, e.native_id) for e in record.external_ids} == {
            (source, native) for source, native in one.sources.items() if source == "stripe_eu"
        }
    assert {"山田 太郎", "Rocket 🚀 Supplies Ltd", "شركة الخليج للتجارة"} <= {
        record.name for record in found.values()
    }


async def test_refund_numbers_of_wechat_are_those_of_the_books(sandbox: YonyouSandbox) -> None:
    truth = {
        link for one in sandbox.orders() if (link := one.refund_field) and link[0] == "wechat_cn"
    }
    async with connected(VENDOR, sandbox.settings(), FAST) as connector:
        since = datetime(2025, 11, 1, tzinfo=UTC)
        found = [one async for part in connector.refund_numbers(since) for one in part]
        await sandbox.clear()
        late = [one async for part in connector.refund_numbers(datetime.now(UTC)) for one in part]
    assert {(one.source, one.native_id) for one in found} == truth
    assert truth
    assert len(late) < len(found)
    assert sandbox.asked() == ["/api/saleorderlist/batch_get"]


async def test_what_each_question_costs(sandbox: YonyouSandbox) -> None:
    orders = sandbox.orders()
    customers = [one.sources["yonyou"] for one in sandbox.customers()]
    linked = [one.payment_field[1] for one in orders if one.payment_field]
    small = sandbox.settings(rows_per_page=10)

    async def calls(question: Any) -> int:
        await sandbox.clear()
        await question
        return await sandbox.calls()

    async with connected(VENDOR, sandbox.settings(), FAST) as connector:
        await connector.probe()
        assert await calls(connector.customers(customers[:1])) == 1
        assert await calls(connector.customers(customers)) == 1
        assert await calls(connector.orders([orders[0].native_id])) == 1 + 2
        assert await calls(connector.orders([one.native_id for one in orders])) == ORDERS + 2
        assert await calls(connector.order_lines([orders[0].native_id])) == 1
        assert await calls(connector.orders_by_number([orders[0].number])) == 1 + 1 + 2
        assert await calls(connector.orders_by_payment_id("stripe_eu", linked[:1])) <= 1 + 1 + 2
    async with connected(VENDOR, small, FAST) as connector:
        await connector.probe()
        # Six pages of ten for the whole range; three calls and one to find that out for three.
        assert await calls(connector.customers(customers)) == 6
        assert await calls(connector.customers([customers[0], customers[30], customers[-1]])) == 4


@pytest.mark.parametrize("size", [500, 10])
@pytest.mark.parametrize("count", [1, 3, 10])
async def test_orders_by_customer_cost_what_is_declared_however_small_the_pages(
    sandbox: YonyouSandbox, size: int, count: int
) -> None:
    """Of the customers with most orders, five orders each."""
    owned = Counter(one.customer for one in sandbox.orders() if one.customer)
    codes = {one.key: one.sources["yonyou"] for one in sandbox.customers()}
    keys = [codes[owner] for owner, _ in owned.most_common(count)]
    async with connected(VENDOR, sandbox.settings(rows_per_page=size), FAST) as connector:
        await connector.probe()
        await sandbox.clear()
        found = await connector.orders_by_customer(keys, PageQuery(5, OrderFilter()))
        assert await sandbox.calls() <= VENDOR.calls["orders_by_customer"].calls(count)
    assert len(found) == count


async def test_the_presets_show_every_order_in_the_currency_of_the_books(
    sandbox: YonyouSandbox,
) -> None:
    truth = {one.native_id: one for one in sandbox.orders() if one.total}
    own = {"customers": (), "orders": (), "receipts": (), "refunds": ()}
    booked = {
        row["code"]: sum(Decimal(line["natsum"]) for line in row["entry"])
        for row in sandbox.app.rows["saleorderlist"]
    }
    async with connected(VENDOR, sandbox.settings(**own), FAST) as connector:
        orders = await connector.orders(list(truth))
    assert {one.currency for one in truth.values()} > {"CNY", "EUR"}
    for code, order in orders.items():
        assert (order.total.currency, order.total.minor_units) == ("CNY", booked[code] * 100)
    domestic = [code for code, one in truth.items() if one.currency == "CNY"]
    assert all(orders[code].total.minor_units == truth[code].total for code in domestic)
    assert domestic


async def test_a_page_reads_the_lines_of_its_own_orders_only(sandbox: YonyouSandbox) -> None:
    async with connected(VENDOR, sandbox.settings(), FAST) as connector:
        await connector.probe()
        await sandbox.clear()
        page = await connector.order_page(PageQuery(3, OrderFilter()))
        assert sandbox.asked().count("/api/saleorder/get") == 3
        await sandbox.clear()
        owner = next(row.record.customer_id for row in page.rows if row.record.customer_id)
        await connector.orders_by_customer([owner], PageQuery(1, OrderFilter()))
        assert sandbox.asked().count("/api/saleorder/get") == 1
        await sandbox.clear()
        await connector.customer_page(PageQuery(3, CustomerFilter()))
        assert sandbox.asked() == ["/api/customer/batch_get"]
    assert [row.record.total is not None for row in page.rows] == [True] * 3


async def test_orders_of_one_day_are_paged_without_loss(sandbox: YonyouSandbox) -> None:
    same = sandbox.orders()[40:52]
    before = {
        one.native_id: sandbox.app.rows["saleorderlist"][40 + i]["date"]
        for i, one in enumerate(same)
    }
    for row in sandbox.app.rows["saleorderlist"][40:52]:
        row["date"] = "2026-11-30"
    try:
        async with connected(VENDOR, sandbox.settings(), FAST) as connector:
            shown: list[str] = []
            after = None
            while len(shown) < 15:
                page = await connector.order_page(PageQuery(5, OrderFilter(), after))
                shown += [row.record.native_id for row in page.rows]
                after = page.rows[-1].after
    finally:
        for row in sandbox.app.rows["saleorderlist"][40:52]:
            row["date"] = before[row["code"]]
    # Dated ahead of today, and still the newest.
    assert shown[:12] == sorted((one.native_id for one in same), reverse=True)
    assert len(set(shown)) == 15
