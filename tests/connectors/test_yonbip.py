"""The YonBIP connector against the simulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.conformance import Batch, Conformance, connected
from connectors.errors import (
    Misconfigured,
    RateLimited,
    Rejected,
    Unauthorized,
)
from connectors.filters import OrderFilter
from connectors.mapping import OrderMap
from connectors.metadata import ColumnType
from connectors.paging import PageQuery
from connectors.records import OrderState
from connectors.secret import Secret
from connectors.transport import Limits
from connectors.yonbip import VENDOR
from connectors.yonbip.api import PAGE_SIZE
from connectors.yonbip.settings import YonbipSettings
from tests.connectors.yonbip_sandbox import ORDERS, YonbipSandbox, running

pytestmark = pytest.mark.anyio
OTHER = {"table": "purchaseorder", "id": "id", "created_at": "vouchdate", "number": "code"}
UNPACED = Limits()
"""The simulated tenant bought more calls than the free ones, one a second."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[YonbipSandbox]:
    yield from running()


@pytest.fixture(autouse=True)
def clean(sandbox: YonbipSandbox) -> Iterator[None]:
    yield
    sandbox.simulator.licensed = True
    sandbox.simulator.careless = False
    sandbox.simulator.app.revoked = False
    sandbox.simulator.per_minute = 60_000


class TestConformance(Conformance):
    vendor = msgspec.structs.replace(VENDOR, limits=UNPACED)
    answers_in_gbk = True
    odd_spared = (
        "an order of the list has no id",
        # Two equal lines are two lines.
        "twice at /data/orderDetails",
    )

    @pytest.fixture(autouse=True)
    def start(self, sandbox: YonbipSandbox) -> None:
        self.sandbox = sandbox

    def settings(self) -> Any:
        return self.sandbox.settings()

    def upstream(self) -> YonbipSandbox:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        orders = self.sandbox.orders()
        people = {c.key: c.sources.get("yonbip", "") for c in self.sandbox.world.customers}
        ids = tuple(order.native_id for order in orders)
        fields = [order.payment_field for order in orders if order.payment_field]
        eu = [native_id for source, native_id in fields if source == "stripe_eu"]
        return {
            "orders": Batch(known=ids, missing="9{:018}".format),
            "orders_by_number": Batch(
                known=tuple(order.number for order in orders), missing="none-{}".format
            ),
            "orders_by_payment_id": Batch(
                known=tuple(eu), missing="none-{}".format, source="stripe_eu"
            ),
            "orders_by_customer": Batch(
                known=tuple(dict.fromkeys(people[o.customer] for o in orders if o.customer)),
                missing="9{:018}".format,
            ),
            "order_lines": Batch(
                known=tuple(o.native_id for o in orders if o.lines), missing="9{:018}".format
            ),
        }


async def test_orders_say_what_the_world_says(sandbox: YonbipSandbox) -> None:
    keys = {c.key: c.sources.get("yonbip") for c in sandbox.world.customers}
    numbers = [order.number for order in sandbox.orders()]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        by_number = await connector.orders_by_number(numbers)
        by_id = await connector.orders([order.native_id for order in sandbox.orders()])
        lines = await connector.order_lines([order.native_id for order in sandbox.orders()])
    assert len(by_id) == len(by_number) == ORDERS
    for truth in sandbox.orders():
        found = by_id[truth.native_id]
        # The list and the detail spell the total and the currency differently.
        assert by_number[truth.number] == (found,)
        assert found.misfits is None
        assert found.recorded_state.value == truth.recorded_state
        assert (found.total and found.total.minor_units) == truth.total
        assert found.total is None or found.total.currency == truth.currency
        assert found.created_at == found.placed_at == truth.placed_at
        assert found.customer_id == keys.get(truth.customer or "")
        assert [(link.source, link.native_id) for link in found.payment_ids] == (
            [truth.payment_field] if truth.payment_field else []
        )
        assert len(found.recorded_providers) == len(truth.channels)
        told = lines.get(truth.native_id, ())
        assert [
            (one.sku, one.name, one.quantity, one.unit_price.minor_units, one.total.minor_units)
            for one in told
        ] == [
            (one.sku, one.name, Decimal(one.quantity), one.unit_price, one.total)
            for one in truth.lines
        ]
    assert {order.recorded_state for order in by_id.values()} == set(OrderState)


async def test_without_a_mapping_what_is_approved_may_be_paid_or_not(
    sandbox: YonbipSandbox,
) -> None:
    states = {
        "DRAFT": OrderState.DRAFT,
        "FULFILLED": OrderState.FULFILLED,
        "CANCELED": OrderState.CANCELED,
    }
    async with connected(VENDOR, sandbox.settings(orders=()), UNPACED) as connector:
        found = await connector.orders([order.native_id for order in sandbox.orders()])
    for truth in sandbox.orders():
        state = states.get(truth.recorded_state, OrderState.UNKNOWN)
        assert found[truth.native_id].recorded_state is state


async def test_what_each_question_costs(sandbox: YonbipSandbox) -> None:
    order = sandbox.orders()[0]
    numbers = [one.number for one in sandbox.orders()[:10]]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        await connector.probe()
        await sandbox.clear()
        await connector.orders([order.native_id])
        await connector.orders_by_number(numbers)
        await connector.order_page(PageQuery(5, OrderFilter()))
    asked = [path.rsplit("/", 1)[1] for _, path in sandbox.asked()]
    assert asked[:11] == ["detail"] + ["list"] * 10
    assert set(asked[11:]) == {"list"}


async def test_a_list_is_read_to_its_last_page(
    sandbox: YonbipSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PAGE_SIZE == 500
    monkeypatch.setattr("connectors.yonbip.api.PAGE_SIZE", 40)
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        page = await connector.order_page(PageQuery(100, OrderFilter()))
        rest = await connector.order_page(PageQuery(100, OrderFilter(), page.rows[-1].after))
    shown = [row.record.number for row in (*page.rows, *rest.rows)]
    newest = sorted(sandbox.orders(), key=lambda o: o.placed_at, reverse=True)
    assert sorted(shown) == sorted(order.number for order in newest)
    assert [row.record.placed_at for row in page.rows] == [o.placed_at for o in newest[:100]]


async def test_a_number_within_another_is_not_that_number(sandbox: YonbipSandbox) -> None:
    """The list's own parameter `code` looks for a code within codes."""
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        assert await connector.orders_by_number(["SO-10", "so-1001", "%", "' or 1=1"]) == {}


async def test_refund_numbers_come_from_orders_changed_since(sandbox: YonbipSandbox) -> None:
    noted = [o for o in sandbox.orders() if (o.refund_field or "")[:1] == ("wechat_cn",)]
    middle = sorted(noted, key=lambda o: o.placed_at)[len(noted) // 2].placed_at
    expected = {o.refund_field[1] for o in noted if o.refund_field and o.placed_at >= middle}
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        told = [one async for several in connector.refund_numbers(middle) for one in several]
    assert {one.native_id for one in told} == expected
    assert 0 < len(expected) < len(noted)


async def test_a_token_that_is_lost_is_fetched_again(sandbox: YonbipSandbox) -> None:
    order = sandbox.orders()[0]
    app = sandbox.simulator.app
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        await connector.probe()
        app.tokens.clear()
        given = app.given
        assert set(await connector.orders([order.native_id])) == {order.native_id}
    assert app.given == given + 1


async def test_the_token_has_letters_to_encode_and_is_told_nowhere(
    sandbox: YonbipSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        await connector.probe()
        sandbox.simulator.licensed = False
        with pytest.raises(Misconfigured) as refused:
            await connector.probe()
    token = list(sandbox.simulator.app.tokens)[-1]
    assert {"+", "/", "="} <= set(token)
    assert token not in f"{caplog.text}{refused.value!r}"
    assert "YT%2B" not in caplog.text


async def test_wrong_credentials_are_told_as_such(sandbox: YonbipSandbox) -> None:
    for wrong in ({"app_secret": Secret("wrong")}, {"app_key": "unknown"}):
        async with connected(VENDOR, sandbox.settings(**wrong), UNPACED) as connector:
            with pytest.raises(Unauthorized):
                await connector.probe()


async def test_a_revoked_app_is_told_as_such(sandbox: YonbipSandbox) -> None:
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        await connector.probe()
        sandbox.simulator.app.revoked = True
        sandbox.simulator.app.tokens.clear()
        with pytest.raises(Unauthorized, match="switched off"):
            await connector.orders([sandbox.orders()[0].native_id])


async def test_an_app_without_the_licence_is_told_as_such(sandbox: YonbipSandbox) -> None:
    sandbox.simulator.licensed = False
    numbers = [order.number for order in sandbox.orders()]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        with pytest.raises(Misconfigured, match="not authorised"):
            await connector.orders([sandbox.orders()[0].native_id])
        await sandbox.clear()
        with pytest.raises(Misconfigured, match="not authorised"):
            await connector.orders_by_number(numbers)
    assert await sandbox.calls() == 1


async def test_a_token_that_is_always_refused_is_not_asked_for_again_and_again(
    sandbox: YonbipSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox.simulator.app, "alive", lambda token: False)
    numbers = [order.number for order in sandbox.orders()[:10]]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        await sandbox.clear()
        for _ in range(3):
            with pytest.raises(Unauthorized):
                await connector.orders_by_number(numbers)
    asked = [path.rsplit("/", 1)[1] for _, path in sandbox.asked()]
    # Two tokens in turn that no answer came with: then none for a while.
    assert asked == ["getAccessToken", "list"] * 2 + ["list"]


async def test_a_list_that_leaves_a_condition_out_is_not_read_through(
    sandbox: YonbipSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.yonbip.api.PAGE_SIZE", 5)
    sandbox.simulator.careless = True
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        await connector.probe()
        for question, told in (
            (connector.orders_by_payment_id("stripe_eu", ["a", "b", "c"]), "by headItem!define"),
            (connector.orders_by_number(["a", "b", "c"]), "by code: any value"),
            (connector.orders_by_number(["a"]), "by code: any value"),
        ):
            await sandbox.clear()
            with pytest.raises(Misconfigured, match=told):
                await question
            assert await sandbox.calls() == 2
        await sandbox.clear()
        with pytest.raises(Misconfigured, match="by times of vouchdate"):
            await connector.order_page(PageQuery(5, OrderFilter()))
        assert await sandbox.calls() == 1


async def test_sixty_calls_a_minute_are_free(sandbox: YonbipSandbox) -> None:
    sandbox.simulator.per_minute = 60
    sandbox.simulator.calls.clear()
    numbers = [order.number for order in sandbox.orders()[:70]]
    once = Limits(attempts=1)
    one_by_one = msgspec.structs.replace(once, concurrency=1)
    async with connected(VENDOR, sandbox.settings(), one_by_one) as connector:
        await sandbox.clear()
        found = await connector.orders_by_number(numbers)
    assert [isinstance(found[number], RateLimited) for number in numbers] == [False] * 60 + [
        True
    ] * 10
    # After the first refusal no key is asked for: one may have been under way.
    assert await sandbox.calls() <= 63
    assert VENDOR.limits.rates == {"orders": 1}


async def test_the_calls_of_a_minute_are_not_tried_for_again_in_it(sandbox: YonbipSandbox) -> None:
    sandbox.simulator.per_minute = 0
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        await sandbox.clear()
        with pytest.raises(RateLimited, match="of this minute") as refused:
            await connector.orders_by_number([order.number for order in sandbox.orders()])
    assert [path.rsplit("/", 1)[1] for _, path in sandbox.asked()] == ["getAccessToken", "list"]
    assert refused.value.retry_after == 60


async def test_orders_are_answered_at_the_limits_that_we_ship(sandbox: YonbipSandbox) -> None:
    """A call a second: as many as the deadline has seconds, short of what the last one takes."""
    shipped = YonbipSettings(vendor="yonbip", app_key="k", app_secret=Secret("s"), base_url="x")
    limits = msgspec.structs.replace(VENDOR.limits, deadline=shipped.deadline * 0.95)
    ids = [order.native_id for order in sandbox.orders()[:8]]
    async with connected(VENDOR, sandbox.settings(), limits) as connector:
        await sandbox.clear()
        found = await connector.orders(ids)
    assert [found[key].native_id for key in ids] == ids
    asked = [path.rsplit("/", 1)[1] for _, path in sandbox.asked()]
    assert asked == ["getAccessToken"] + ["detail"] * 8


@pytest.mark.parametrize(
    ("changes", "located"),
    [
        ({**OTHER, "payment_ids": {"stripe_eu": "define1"}}, "purchaseorder"),
        ({"payment_ids": {"stripe_eu": "orderDetails[].payment"}}, "orderDetails"),
        ({"payment_ids": {"stripe_eu": "headItem!nowhere"}}, "headItem!nowhere"),
    ],
)
async def test_a_mapping_that_names_what_is_not_there_is_told_where(
    sandbox: YonbipSandbox, changes: dict[str, Any], located: str
) -> None:
    settings = sandbox.settings(orders=(OrderMap(**changes),))
    async with connected(VENDOR, settings, UNPACED) as connector:
        with pytest.raises((Misconfigured, Rejected)) as refused:
            await connector.orders_by_payment_id("stripe_eu", ["pi_1"])
    assert located in refused.value.detail


async def test_the_table_is_described_from_its_rows(sandbox: YonbipSandbox) -> None:
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        (table,) = await connector.describe(["voucherorder", "nothing"])
        assert await connector.describe(["nothing"]) == ()
        rows = await connector.sample("voucherorder", ["id"], "vouchdate", 3)
    types = {column.path: column.type for column in table.columns}
    assert types["vouchdate"] is ColumnType.TIME
    assert types["oriSum"] is types["orderDetails[].qty"] is ColumnType.NUMBER
    assert types["orderPrices!currency"] is ColumnType.TEXT
    assert [column.path for column in table.columns if column.unique] == ["id"]
    newest = sorted(sandbox.orders(), key=lambda order: order.placed_at)[-3:]
    assert {row["id"] for row in rows} == {order.native_id for order in newest}


async def test_settings_that_cannot_work_are_refused() -> None:
    keys: dict[str, Any] = {"vendor": "yonbip", "app_key": "k", "app_secret": Secret("s")}
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "gateway_url: missing"),
        ({"gateway_url": "https://c2.yonyoucloud.com/iuap-api-gateway"}, "token_url: missing"),
        ({"base_url": "https://x", "app_key": "a b"}, "app_key"),
        ({"base_url": "https://x", "zone": None}, "zone: missing"),
    )
    for changes, told in wrong:
        with pytest.raises(ValueError, match=told):
            YonbipSettings(**{**keys, **changes})
