"""The Salesforce connector against the simulator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from connectors.conformance import Batch, Conformance, Fault, connected
from connectors.errors import (
    Misconfigured,
    NotFound,
    RateLimited,
    Rejected,
    SourceError,
    Unauthorized,
)
from connectors.filters import CustomerFilter, MoneyRange, OrderFilter
from connectors.paging import PageQuery, Sort, SortField
from connectors.records import Source, SourceKind
from connectors.salesforce import VENDOR
from connectors.salesforce.columns import Columns
from connectors.salesforce.ids import canonical
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from connectors.tokens import TokenSource
from connectors.transport import HttpTransport, Judge, Limits
from connectors.vendor import Wiring
from tests.connectors.salesforce_lab import ORDERS, Lab, lab_running
from tests.connectors.upstream import SandboxUpstream

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    yield from lab_running()


@pytest.fixture(autouse=True)
def clean(lab: Lab) -> Iterator[None]:
    yield
    lab.simulator.hidden.clear()
    lab.simulator.daily_limit = 10_000_000


def missing(prefix: str) -> Any:
    return lambda index: canonical(f"{prefix}ZZ{index:010}")


class TestConformance(Conformance):
    vendor = VENDOR

    @pytest.fixture(autouse=True)
    def start(self, lab: Lab) -> None:
        self.lab = lab

    def settings(self) -> SalesforceSettings:
        return self.lab.settings()

    def upstream(self) -> SandboxUpstream:
        return self.lab.upstream()

    def batches(self) -> Mapping[str, Batch]:
        world = self.lab.world
        customers = [c for c in world.customers if "salesforce" in c.sources]
        linked = [o.payment_field[1] for o in world.orders if o.payment_field]
        ids = tuple(c.sources["salesforce"] for c in customers)
        orders = tuple(o.native_id for o in world.orders)
        return {
            "customers": Batch(known=ids, missing=missing("001")),
            "customers_by_external_id": Batch(
                known=tuple(c.sources["stripe_eu"] for c in customers if "stripe_eu" in c.sources),
                missing="cus_none{}".format,
                source="stripe_eu",
            ),
            "orders": Batch(known=orders, missing=missing("801")),
            "orders_by_number": Batch(
                known=tuple(o.number for o in world.orders), missing="none-{}".format
            ),
            "orders_by_payment_id": Batch(
                known=tuple(linked), missing="pi_none{}".format, source="stripe_eu"
            ),
            "orders_by_customer": Batch(known=ids, missing=missing("001")),
            "order_lines": Batch(
                known=tuple(o.native_id for o in world.orders if o.lines), missing=missing("801")
            ),
        }


class TestClientCredentials(TestConformance):
    def settings(self) -> SalesforceSettings:
        return self.lab.settings(auth="client_credentials", private_key=None, username=None)

    test_pages_show_every_row_once_in_every_declared_order = None  # type: ignore[assignment]
    test_a_filter_never_leaves_out_a_row_it_accepts = None  # type: ignore[assignment]
    test_a_fault_becomes_its_kind_of_error_and_tells_no_secret = None  # type: ignore[assignment]


async def test_records_say_what_the_world_says(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings()) as connector:
        orders = await connector.orders([o.native_id for o in lab.world.orders])
        customers = await connector.customers(
            [c.sources.get("salesforce", "") for c in lab.world.customers]
        )
        lines = await connector.order_lines([o.native_id for o in lab.world.orders])
    assert len(orders) == ORDERS
    keys = {c.key: c.sources.get("salesforce") for c in lab.world.customers}
    for truth in lab.world.orders:
        found = orders[truth.native_id]
        assert (found.number, found.recorded_state.value) == (truth.number, truth.recorded_state)
        assert (found.total and found.total.minor_units) == truth.total
        assert found.created_at == truth.placed_at
        assert found.customer_id == keys.get(truth.customer or "")
        assert [link.native_id for link in found.payment_ids] == (
            [truth.payment_field[1]] if truth.payment_field else []
        )
        assert [line.total.minor_units for line in lines.get(truth.native_id, ())] == [
            line.total for line in truth.lines
        ]
    for person in lab.world.customers:
        if "salesforce" in person.sources:
            record = customers[person.sources["salesforce"]]
            assert (record.name, record.email, record.tier) == (
                person.name,
                person.email,
                person.tier,
            )
            assert record.kind.value == person.kind
            assert record.custom_fields == {"AccountNumber": person.key}


async def test_a_thousand_keys_cost_one_call_and_one_more_costs_two(lab: Lab) -> None:
    keys = [missing("801")(i) for i in range(1001)]
    known = [o.native_id for o in lab.world.orders]
    upstream = lab.upstream()
    async with connected(VENDOR, lab.settings()) as connector:
        await connector.probe()
        for count, cost in ((200, 1), (201, 1), (1000, 1), (1001, 2)):
            await upstream.clear()
            found = await connector.orders((known + keys)[:count])
            assert set(found) == set(known[:count])
            assert await upstream.calls() == cost


async def test_15_characters_and_foreign_objects(lab: Lab) -> None:
    order = lab.world.orders[0].native_id
    async with connected(VENDOR, lab.settings()) as connector:
        assert set(await connector.orders([order[:15], "006" + order[3:15], "nonsense"])) == {order}


async def test_a_customers_orders_come_in_pages_of_their_own(lab: Lab) -> None:
    ids = [c.sources["salesforce"] for c in lab.world.customers if "salesforce" in c.sources]
    async with connected(VENDOR, lab.settings()) as connector:
        query = PageQuery(2, OrderFilter())
        pages = await connector.orders_by_customer(ids, query)
        assert set(pages) == set(ids)
        busy = next(i for i in ids if pages[i].more)
        found = []
        for _ in range(50):
            page = (await connector.orders_by_customer([busy], query))[busy]
            found += [row.record.native_id for row in page.rows]
            if not page.more:
                break
            query = PageQuery(2, OrderFilter(), page.rows[-1].after)
        narrow = PageQuery(100, OrderFilter(customer_ids=(busy,)))
        whole = [row.record.native_id for row in (await connector.order_page(narrow)).rows]
        nothing = await connector.orders_by_customer([busy], PageQuery(2, OrderFilter(numbers=())))
    assert found == whole
    assert nothing[busy].rows == ()


async def test_unreadable_fields_are_left_out_and_told(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    lab.simulator.hidden.update({("Order", "Paid_Amount__c"), ("Order", "Payment_Status__c")})
    known = lab.world.orders[0]
    async with connected(VENDOR, lab.settings()) as connector:
        found = await connector.orders_by_number([known.number])
        assert found[known.number][0].custom_fields == {}
        assert "Order.Paid_Amount__c" in caplog.text
        notes = (await connector.probe()).notes
        assert [note for note in notes if "Payment_Status__c" in note]
        page = await connector.order_page(PageQuery(5, OrderFilter()))
        assert len(page.rows) == 5


async def test_rights_that_change_while_running_are_noticed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Columns, "FRESH", 0.0)
    native_id = lab.world.orders[0].native_id
    async with connected(VENDOR, lab.settings()) as connector:
        await connector.probe()
        hidden = {("Order", "TotalAmount"), ("OrderItem", "Product2Id")}
        lab.simulator.hidden.update(hidden)
        calls = [connector.orders([native_id]) for _ in range(5)]
        for found in await asyncio.gather(*calls):
            assert found[native_id].total is None
        lines = await connector.order_lines([native_id])
        assert {line.sku for line in lines[native_id]} == {None}
        sort = Sort(SortField.TOTAL)
        query = PageQuery(2, OrderFilter(total=MoneyRange("EUR")), sort=sort)
        with pytest.raises(Misconfigured):
            await connector.order_page(query)
        owner = next(c.sources["salesforce"] for c in lab.world.customers if c.sources)
        with pytest.raises(Misconfigured):
            await connector.orders_by_customer([owner], query)
        narrow = PageQuery(2, OrderFilter(total=MoneyRange("EUR", gte=1)))
        assert (await connector.order_page(narrow)).rows


async def test_an_instance_outside_the_declared_hosts_is_not_called(lab: Lab) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        grant = {"access_token": "t", "instance_url": "https://evil.example"}
        return httpx.Response(200, json=grant)

    def open_transport(base: str, judge: Judge, tokens: TokenSource | None) -> HttpTransport:
        engine = httpx.MockTransport(answer)
        hosts = VENDOR.hosts
        return HttpTransport("crm", base, hosts=hosts, judge=judge, tokens=tokens, engine=engine)

    wiring = Wiring(
        Source("crm", "salesforce", SourceKind.CRM), open_transport, lambda: datetime.now(UTC)
    )
    connector = VENDOR.connect(wiring, lab.settings(base_url=None))
    with pytest.raises(Misconfigured):
        await connector.probe()
    assert asked == ["login.salesforce.com"]


async def test_a_link_field_that_cannot_be_read_is_a_mistake_of_the_operator(lab: Lab) -> None:
    lab.simulator.hidden.add(("Order", "Stripe_EU_Payment__c"))
    async with connected(VENDOR, lab.settings()) as connector:
        with pytest.raises(Misconfigured):
            await connector.orders_by_payment_id("stripe_eu", ["pi_1"])
        assert await connector.orders_by_payment_id("elsewhere", ["pi_1"]) == {}


@pytest.mark.parametrize("hidden", [("Order", "CurrencyIsoCode"), ("Order", "*")])
async def test_what_cannot_be_left_out_is_misconfigured(lab: Lab, hidden: tuple[str, str]) -> None:
    lab.simulator.hidden.add(hidden)
    async with connected(VENDOR, lab.settings()) as connector:
        with pytest.raises(Misconfigured):
            await connector.orders([lab.world.orders[0].native_id])
        assert (await connector.probe()).notes


async def test_a_single_currency_needs_no_field(lab: Lab) -> None:
    lab.simulator.hidden.update({(o, "CurrencyIsoCode") for o in ("Order", "OrderItem", "Account")})
    euro = next(o for o in lab.world.orders if o.currency == "EUR" and o.total)
    async with connected(VENDOR, lab.settings(currency="EUR")) as connector:
        found = await connector.orders([euro.native_id])
        assert found[euro.native_id].total.minor_units == euro.total
        sort = Sort(SortField.TOTAL)
        assert (await connector.order_page(PageQuery(3, OrderFilter(), sort=sort))).rows
        other = OrderFilter(total=MoneyRange("USD"))
        assert (await connector.order_page(PageQuery(3, other))).rows == ()


async def test_totals_of_several_currencies_have_no_order(lab: Lab) -> None:
    query = PageQuery(3, OrderFilter(), sort=Sort(SortField.TOTAL))
    async with connected(VENDOR, lab.settings()) as connector:
        with pytest.raises(Rejected):
            await connector.order_page(query)


async def test_the_daily_limit_is_not_asked_again(lab: Lab) -> None:
    upstream = lab.upstream()
    async with connected(VENDOR, lab.settings()) as connector:
        probe = await connector.probe()
        assert probe.quota_total is not None
        assert connector.quota_total == probe.quota_total
        lab.simulator.daily_limit = 1
        await upstream.clear()
        with pytest.raises(RateLimited) as caught:
            await connector.orders([lab.world.orders[0].native_id])
        assert await upstream.calls() == 1
        assert caught.value.retry_after is None
        assert connector.quota_total == 1


async def test_an_expired_session_is_renewed(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings()) as connector:
        await connector.probe()
        lab.simulator.expire_sessions()
        assert await connector.orders([lab.world.orders[0].native_id])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"username": "nobody"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_client_id"),
        ({"auth": "client_credentials", "client_secret": Secret("hunter2")}, "invalid_client"),
    ],
)
async def test_a_refused_login(lab: Lab, changes: dict[str, Any], code: str) -> None:
    async with connected(VENDOR, lab.settings(**changes)) as connector:
        with pytest.raises(Unauthorized) as caught:
            await connector.probe()
    assert caught.value.code == code
    assert "hunter2" not in str(caught.value)


async def test_a_broken_private_key_is_misconfigured(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings(private_key=Secret("not a key"))) as connector:
        with pytest.raises(Misconfigured) as caught:
            await connector.probe()
    assert "not a key" not in str(caught.value)


async def test_a_retired_version_is_misconfigured(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings(api_version="40.0")) as connector:
        with pytest.raises(Misconfigured):
            await connector.orders([lab.world.orders[0].native_id])


async def test_long_filters_and_long_keys_stay_below_the_limit_of_an_address(lab: Lab) -> None:
    numbers = (*("%" * 80 + str(i) for i in range(300)), lab.world.orders[0].number)
    async with connected(VENDOR, lab.settings()) as connector:
        page = await connector.order_page(PageQuery(5, OrderFilter(numbers=numbers)))
        assert [row.record.number for row in page.rows] == [numbers[-1]]
        assert set(await connector.orders_by_number(numbers)) == {numbers[-1]}
        long = CustomerFilter(emails=("x" * 5000,))
        assert (await connector.customer_page(PageQuery(5, long))).rows == ()


async def test_other_objects_can_be_the_customers_and_orders(lab: Lab) -> None:
    settings = lab.settings(order_object="Opportunity", custom_fields={}, states={})
    async with connected(VENDOR, settings) as connector:
        page = await connector.order_page(PageQuery(5, OrderFilter()))
        orders = [row.record for row in page.rows]
        assert all(o.native_id.startswith("006") for o in orders)
        lines = await connector.order_lines([o.native_id for o in orders])
        assert lines
        owners = [o.customer_id for o in orders if o.customer_id]
        assert set(await connector.orders_by_customer(owners, PageQuery(2, OrderFilter())))
    contacts = lab.settings(
        customer_object="Contact",
        customer_fields={},
        custom_fields={},
        orders_relationship="Orders",
        order_customer_field="BillToContactId",
    )
    async with connected(VENDOR, contacts) as connector:
        page = await connector.customer_page(PageQuery(5, CustomerFilter()))
        assert page.rows[0].record.kind.value == "PERSON"
        assert page.rows[0].record.email


async def test_contacts_need_the_name_of_the_relationship(lab: Lab) -> None:
    with pytest.raises(Misconfigured):
        async with connected(VENDOR, lab.settings(customer_object="Contact")):
            pass


async def test_a_part_that_fails_fails_only_its_keys(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.salesforce import reading

    real = reading._COMPOSITE
    known = [o.native_id for o in lab.world.orders]
    error = msgspec.Raw(b'[{"errorCode":"QUERY_TIMEOUT","message":"secret words"}]')

    class SecondFails:
        def decode(self, body: bytes) -> Any:
            answer = real.decode(body)
            answer.composite_response[1].http_status_code = 400
            answer.composite_response[1].body = error
            return answer

    async with connected(VENDOR, lab.settings()) as connector:
        monkeypatch.setattr(reading, "_COMPOSITE", SecondFails())
        found = await connector.orders(known)
    failed = {key for key, value in found.items() if isinstance(value, SourceError)}
    assert failed == set(known[200:])
    assert "secret words" not in repr(found)


async def test_what_does_not_exist_is_not_found(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings(), Limits(attempts=1)) as connector:
        await connector.probe()
        await lab.upstream().set_faults([Fault(kind="status", status=404)])
        try:
            with pytest.raises(NotFound):
                await connector.orders([lab.world.orders[0].native_id])
        finally:
            await lab.upstream().set_faults([])
