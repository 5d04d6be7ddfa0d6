"""The Salesforce connector against the simulator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from connectors.conformance import Batch, Conformance, Fault, connected
from connectors.conformance_kit import PAGES, walk
from connectors.drift import drifts
from connectors.errors import (
    Misconfigured,
    NotFound,
    RateLimited,
    Rejected,
    SourceError,
    Unauthorized,
)
from connectors.filters import CustomerFilter, MoneyRange, OrderFilter
from connectors.metadata import ColumnType
from connectors.paging import PageQuery, Sort, SortField
from connectors.proposal import propose
from connectors.records import CustomerKind, Order, OrderState, Source, SourceKind
from connectors.salesforce import VENDOR
from connectors.salesforce.descriptions import Descriptions
from connectors.salesforce.ids import canonical
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from connectors.tokens import TokenSource
from connectors.transport import HttpTransport, Judge, Limits
from connectors.vendor import Wiring
from sandbox.world import Customer
from tests.connectors.salesforce_lab import ACCOUNTS, ORDERS, ORDERS_MAP, PAYMENT, Lab, lab_running
from tests.connectors.upstream import SandboxUpstream

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    yield from lab_running()


@pytest.fixture
def own_lab() -> Iterator[Lab]:
    """For a test that changes records."""
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
    most_odd, least_odd = 10, 50

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


async def test_a_merged_account_leads_to_the_one_that_stayed(own_lab: Lab) -> None:
    lab = own_lab
    known = [c.sources["salesforce"] for c in lab.world.customers if "salesforce" in c.sources]
    kept, gone, earlier, deleted = known[:4]
    lab.simulator.merge("Account", earlier, gone)
    lab.simulator.merge("Account", gone, kept)
    truth = {c["sources"].get("salesforce") for c in lab.world.truth()["customers"]}
    assert truth.isdisjoint({gone, earlier})
    table = lab.simulator.database.table("Account")
    lab.simulator.update(table, table.by_id[deleted], {"IsDeleted": True})
    upstream = lab.upstream()
    async with connected(VENDOR, lab.settings()) as connector:
        await connector.probe()
        for asked, found, cost in (
            (known[4:], known[4:], 1),
            ([kept], [kept], 1),
            ([deleted], [], 2),
            ([gone, kept], [gone, kept], 2),
            ([earlier, gone], [earlier, gone], 4),
        ):
            await upstream.clear()
            answer = await connector.customers(asked)
            assert set(answer) == set(found)
            assert await upstream.calls() == cost
            merged = {one: record.native_id for one, record in answer.items() if one in known[:4]}
            assert merged == dict.fromkeys(merged, kept)
        lab.simulator.hidden.add(("Account", "MasterRecordId"))
        assert await connector.customers([gone]) == {}


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
        (found,) = (await connector.orders_by_number([known.number]))[known.number]
        assert found.custom_fields == {"Paid_Amount__c": None}
        assert found.recorded_state.value == "UNKNOWN"
        assert found.misfits["recorded_status"].startswith("Payment_Status__c: ")
        assert "Order.Paid_Amount__c" in caplog.text
        notes = (await connector.probe()).notes
        assert [note for note in notes if "Payment_Status__c" in note]
        page = await connector.order_page(PageQuery(5, OrderFilter()))
        assert len(page.rows) == 5


async def test_rights_that_change_while_running_are_noticed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Descriptions, "FRESH", 0.0)
    native_id = lab.world.orders[0].native_id
    async with connected(VENDOR, lab.settings()) as connector:
        await connector.probe()
        hidden = {("Order", "TotalAmount"), ("OrderItem", "Product2Id")}
        lab.simulator.hidden.update(hidden)
        calls = [connector.orders([native_id]) for _ in range(5)]
        for found in await asyncio.gather(*calls):
            assert found[native_id].total is None
            assert found[native_id].misfits["total"].startswith("TotalAmount: ")
        lines = await connector.order_lines([native_id])
        assert {line.sku for line in lines[native_id]} == {None}
        assert {line.misfits["sku"] for line in lines[native_id]} == {
            "Product2.ProductCode: the field does not exist, or may not be read"
        }
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


async def test_rows_without_a_currency_have_an_error_at_their_amounts(lab: Lab) -> None:
    lab.simulator.hidden.add(("Order", "CurrencyIsoCode"))
    known = next(o for o in lab.world.orders if o.total)
    async with connected(VENDOR, lab.settings()) as connector:
        found = (await connector.orders([known.native_id]))[known.native_id]
        assert (found.number, found.total) == (known.number, None)
        assert "total" in found.misfits
        notes = (await connector.probe()).notes
        assert [note for note in notes if "set `currency` for a single one" in note]


@pytest.mark.parametrize(("table", "prefix"), [("Order", "801"), ("Nothing__c", "a01")])
async def test_an_object_that_is_not_there_is_named(lab: Lab, table: str, prefix: str) -> None:
    lab.simulator.hidden.add(("Order", "*"))
    orders = {"table": table, "number": "Name"}
    async with connected(VENDOR, lab.settings(orders=[orders])) as connector:
        asked: dict[str, Any] = {
            "orders": [missing(prefix)(1)],
            "orders_by_number": ["1"],
            "order_page": PageQuery(5, OrderFilter()),
        }
        for method, argument in asked.items():
            with pytest.raises(Misconfigured, match=f"{table} does not exist or may not be read"):
                await getattr(connector, method)(argument)
        notes = (await connector.probe()).notes
        assert f"{table} does not exist or may not be read" in notes


async def test_a_field_that_does_not_exist_is_an_error_where_it_is_shown(lab: Lab) -> None:
    customers = {**ACCOUNTS, "tier": "Tiers__c", "industry": "Owner.Name", "phones": "phone"}
    ids = [c.sources["salesforce"] for c in lab.world.customers if "salesforce" in c.sources]
    async with connected(VENDOR, lab.settings(customers=[customers])) as connector:
        found = (await connector.customers(ids[:1]))[ids[0]]
        assert found.name is not None
        assert {name: why.partition(":")[0] for name, why in found.misfits.items()} == {
            "tier": "Tiers__c",
            "industry": "Owner.Name",
            "phones": "phone",
        }
        page = await connector.customer_page(PageQuery(5, CustomerFilter()))
        assert {row.record.misfits.keys() == found.misfits.keys() for row in page.rows} == {True}


async def test_a_number_field_that_does_not_exist_is_named(lab: Lab) -> None:
    orders = {**ORDERS_MAP, "number": "Order_No__c"}
    async with connected(VENDOR, lab.settings(orders=[orders])) as connector:
        with pytest.raises(Misconfigured, match=r"Order\.Order_No__c does not exist"):
            await connector.orders_by_number(["1"])


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


async def test_opportunities_are_orders_when_the_mapping_says_so(lab: Lab) -> None:
    stages = [
        {"field": "StageName", "words": {"Negotiation/Review": "PENDING_PAYMENT"},
         "otherwise": "NEXT"},
        {"field": "IsClosed", "words": {"false": "DRAFT"}, "otherwise": "NEXT"},
        {"field": "IsWon", "words": {"false": "CANCELED"}, "otherwise": "NEXT"},
        PAYMENT,
    ]  # fmt: skip
    deals = {"table": "Opportunity", "status": stages, "refunded_amount": "Refunded_Amount__c"}
    truth = {o.number: o for o in lab.world.orders}
    async with connected(VENDOR, lab.settings(orders=[deals])) as connector:
        page = await connector.order_page(PageQuery(100, OrderFilter()))
        orders = [row.record for row in page.rows]
        assert len(orders) == ORDERS // 5
        assert all(o.native_id.startswith("006") for o in orders)
        for order in orders:
            told = truth[order.number]
            expected = told.recorded_state.replace("FULFILLED", "PAID")
            assert order.recorded_state.value == expected
            assert (order.total and order.total.minor_units) == told.total
        for state in (OrderState.DRAFT, OrderState.CANCELED):
            narrow = OrderFilter(recorded_states=(state,))
            found = await connector.order_page(PageQuery(100, narrow))
            shown = [row.record for row in found.rows]
            assert [o for o in shown if narrow.accepts(o)] == [
                o for o in orders if o.recorded_state is state
            ]
            assert len(shown) < len(orders) // 2
        lines = await connector.order_lines([o.native_id for o in orders])
        assert sum(map(len, lines.values())) == sum(len(truth[o.number].lines) for o in orders)
        owners = list({o.customer_id for o in orders if o.customer_id})
        pages = await connector.orders_by_customer(owners, PageQuery(100, OrderFilter()))
        ids = {row.record.native_id for page in pages.values() for row in page.rows}
        assert ids == {o.native_id for o in orders if o.customer_id}


async def test_contacts_lead_to_the_orders_that_are_billed_to_them(lab: Lab) -> None:
    settings = lab.settings(customers=[{"table": "Contact"}])
    assert settings.mapping.orders[0].customer == "BillToContactId"
    upstream = lab.upstream()
    async with connected(VENDOR, settings) as connector:
        page = await connector.customer_page(PageQuery(100, CustomerFilter()))
        people = {row.record.native_id: row.record for row in page.rows}
        assert {person.kind.value for person in people.values()} == {"PERSON"}
        assert any(person.email for person in people.values())
        query = PageQuery(2, OrderFilter())
        by_relationship = await connector.orders_by_customer(list(people), query)
        await upstream.clear()
        assert await connector.orders_by_customer(list(people), query) == by_relationship
        assert await upstream.calls() == 1
        some = [row.record for page in by_relationship.values() for row in page.rows]
        assert {order.customer_id for order in some} <= people.keys()
        assert some


async def test_where_no_relationship_leads_to_orders_they_are_read_by_their_field(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = [c.sources["salesforce"] for c in lab.world.customers if "salesforce" in c.sources]
    query = PageQuery(2, OrderFilter(), sort=Sort(SortField.PLACED_AT, descending=False))
    async with connected(VENDOR, lab.settings()) as connector:
        expected = await connector.orders_by_customer(owners, query)

        async def no_ways(declared: object) -> list[object]:
            return []

        monkeypatch.setattr(connector, "_ways", no_ways)
        found = await connector.orders_by_customer(owners, query)
    assert found == {owner: page for owner, page in expected.items() if page.rows}


async def test_pages_of_several_tables_are_one_list(lab: Lab) -> None:
    """In each order; a token holds the place in every table."""
    deals = {"table": "Opportunity", "status": [PAYMENT]}
    both = lab.settings(
        customers=[ACCOUNTS, {"table": "Contact"}], orders=[ORDERS_MAP, deals], currency="EUR"
    )
    async with connected(VENDOR, both) as connector:
        for by in (SortField.CREATED_AT, SortField.PLACED_AT, SortField.TOTAL):
            for descending in (True, False):
                sort = Sort(by, descending)
                whole = await walk(connector, PAGES[1], 100, sort=sort, filter=OrderFilter())
                assert len({record.id for record, _ in whole}) == ORDERS + ORDERS // 5
                few = await walk(connector, PAGES[1], 7, sort=sort, filter=OrderFilter())
                assert [r.id for r, _ in few] == [r.id for r, _ in whole]
                values = [getattr(record, by.value) for record, _ in whole]
                there = [value for value in values if value is not None]
                assert values[: len(there)] == there
                if by is not SortField.TOTAL:
                    assert there == sorted(there, reverse=descending)
        sort = Sort(SortField.NAME, descending=False)
        people = await walk(connector, PAGES[0], 9, sort=sort, filter=CustomerFilter())
        ids = [record.native_id for record, _ in people]
        assert len(set(ids)) == len(ids)
        kept = await connector.customers(ids)
        assert set(kept) == set(ids)
        owners = [i for i in ids if i.startswith("001")]
        pages = await connector.orders_by_customer(owners, PageQuery(100, OrderFilter()))
        shown = [row.record for page in pages.values() for row in page.rows]
        assert {order.native_id[:3] for order in shown} == {"801", "006"}
        assert len(shown) == len([r for r, _ in whole if isinstance(r, Order) and r.customer_id])


async def test_what_was_booked_is_read_with_the_orders(lab: Lab) -> None:
    """Lines stand in for receipts: the same seam, with ids of orders."""
    receipts = [
        {"table": "OrderItem", "order": "OrderId", "order_is": "id", "amount": "TotalPrice"}
    ]
    orders = {**ORDERS_MAP, "status": [], "refunded_amount": ""}
    known = next(o for o in lab.world.orders if o.lines and o.total)
    assert known.total is not None
    async with connected(VENDOR, lab.settings(orders=[orders], receipts=receipts)) as connector:
        found = (await connector.orders([known.native_id]))[known.native_id]
    paid = sum(line.total for line in known.lines)
    assert found.recorded_state.value == ("PAID" if paid >= known.total else "PARTIALLY_PAID")


async def test_refund_numbers_are_those_of_rows_that_hold_one(lab: Lab) -> None:
    held = {o.native_id for o in lab.world.orders if o.payment_field}
    orders = {**ORDERS_MAP, "refund_ids": {"stripe_eu": "Stripe_EU_Payment__c"}}
    upstream = lab.upstream()
    async with connected(VENDOR, lab.settings(orders=[orders])) as connector:
        await connector.probe()
        await upstream.clear()
        since = datetime(2020, 1, 1, tzinfo=UTC)
        found = [one async for batch in connector.refund_numbers(since) for one in batch]
        assert await upstream.calls() == 1
        assert len(found) == len(held)
        late = datetime(2090, 1, 1, tzinfo=UTC)
        assert [one async for batch in connector.refund_numbers(late) for one in batch] == []


async def test_the_organisation_describes_itself(lab: Lab) -> None:
    upstream = lab.upstream()
    async with connected(VENDOR, lab.settings()) as connector:
        await connector.probe()
        await upstream.clear()
        tables = {table.name: table for table in await connector.describe(())}
        assert await upstream.calls() == 2
        assert {"Account", "Contact", "Order", "OrderItem", "Opportunity"} <= tables.keys()
        (orders,) = await connector.describe(["Order", "Nothing__c"])
        columns = {column.path: column for column in orders.columns}
        assert columns["Id"].unique
        assert columns["TotalAmount"].type is ColumnType.NUMBER
        assert columns["EffectiveDate"].type is ColumnType.TIME
        assert (columns["AccountId"].type, columns["AccountId"].refers) == (
            ColumnType.RELATION,
            "Account",
        )
        assert {"Draft", "Activated", "Fulfilled"} <= set(columns["Status"].words)
        (lines,) = await connector.describe(["OrderItem"])
        assert "Product2.Name" in {column.path for column in lines.columns}
        every = [column.path for column in tables["Order"].columns]
        rows = await connector.sample("Order", every, "CreatedDate", 20)
    newest = sorted((o.placed_at for o in lab.world.orders), reverse=True)[:20]
    assert [datetime.fromisoformat(row["CreatedDate"]) for row in rows] == newest


async def test_a_mapping_is_proposed_and_drifts_are_told(lab: Lab) -> None:
    settings = lab.settings()
    async with connected(VENDOR, settings) as connector:
        tables = await connector.describe(())
        proposed = {one.kind: one for one in propose(tables, settings.preset, {})}
        assert (proposed["customers"].table.name, proposed["orders"].table.name) == (
            "Account",
            "Order",
        )
        mapped = await connector.describe(["Account", "Order", "OrderItem"])
        assert [d for d in drifts(settings, mapped, {}) if "has no field" in d.what] == []
        lab.simulator.hidden.add(("Product2", "Name"))
    async with connected(VENDOR, settings) as connector:
        mapped = await connector.describe(["Account", "Order", "OrderItem"])
        assert [d.place for d in drifts(settings, mapped, {}) if "has no field" in d.what] == [
            "orders[0].lines[0].name"
        ]


async def test_newest_rows_come_with_all_of_the_last_moment(lab: Lab) -> None:
    by_day: dict[str, int] = {}
    for order in lab.world.orders:
        day = order.placed_at.date().isoformat()
        by_day[day] = by_day.get(day, 0) + 1
    async with connected(VENDOR, lab.settings()) as connector:
        tables = connector._tables
        found = await tables.newest("Order", ["OrderNumber"], "EffectiveDate", None, 5)
        days = [row["EffectiveDate"] for row in found.rows]
        assert found.more
        assert days == sorted(days, reverse=True)
        assert {day: days.count(day) for day in days} == {day: by_day[day] for day in set(days)}
        last = datetime.fromisoformat(days[-1]).replace(tzinfo=UTC)
        older = await tables.newest("Order", [], "CreatedDate", last, ORDERS)
        assert not older.more
        assert len(older.rows) == sum(o.placed_at <= last for o in lab.world.orders)


@pytest.mark.parametrize("key", ["') OR Id != null --", "\\", "a\\' OR '1'='1", "%", "_"])
async def test_a_key_is_a_key_whatever_it_says(lab: Lab, key: str) -> None:
    async with connected(VENDOR, lab.settings()) as connector:
        assert await connector.orders_by_number([key]) == {}
        assert await connector.orders_by_payment_id("stripe_eu", [key]) == {}
        assert await connector.customers([key]) == {}
        page = await connector.order_page(PageQuery(5, OrderFilter(numbers=(key,))))
        assert page.rows == ()


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


PERSON_FIELDS = {
    ("Account", "IsPersonAccount"),
    ("Account", "PersonEmail"),
    ("Account", "PersonMobilePhone"),
}
STANDARD = {"table": "Account"}


def of_kind(lab: Lab, kind: str) -> dict[str, Customer]:
    own = [c for c in lab.world.customers if c.kind == kind and "salesforce" in c.sources]
    return {customer.sources["salesforce"]: customer for customer in own}


async def test_person_accounts_are_people_with_their_own_addresses(lab: Lab) -> None:
    people, companies = of_kind(lab, "PERSON"), of_kind(lab, "COMPANY")
    async with connected(VENDOR, lab.settings(customers=[STANDARD])) as connector:
        found = await connector.customers([*people, *companies])
        known = next(c for c in people.values() if c.email)
        asked = CustomerFilter(emails=(known.email or "",))
        page = await connector.customer_page(PageQuery(5, asked))
    for native_id, true in people.items():
        assert found[native_id].kind is CustomerKind.PERSON
        assert found[native_id].email == true.email
        assert found[native_id].phones == ((true.phone,) if true.phone else ())
    for native_id in companies:
        assert (found[native_id].kind, found[native_id].email) == (CustomerKind.COMPANY, None)
    assert [row.record.name for row in page.rows] == [known.name]


async def test_an_organisation_without_person_accounts_lacks_nothing(lab: Lab) -> None:
    """It has none of these fields, so the first query is refused and the description is asked."""
    lab.simulator.hidden.update(PERSON_FIELDS)
    ids = list(of_kind(lab, "PERSON") | of_kind(lab, "COMPANY"))[:150]
    upstream = lab.upstream()
    async with connected(VENDOR, lab.settings(customers=[STANDARD])) as connector:
        found = await connector.customers(ids)
        await upstream.clear()
        assert await connector.customers(ids) == found
        assert await upstream.calls() == 1
        assert (await connector.probe()).notes == ()
        asked = PageQuery(5, CustomerFilter(emails=("c1@customer.example",)))
        assert (await connector.customer_page(asked)).rows == ()
    assert {(c.kind, c.email, c.misfits) for c in found.values()} == {
        (CustomerKind.COMPANY, None, None)
    }
    assert any(c.phones for c in found.values())


async def test_an_address_of_persons_that_may_not_be_read_is_said_to_be_missing(lab: Lab) -> None:
    lab.simulator.hidden.add(("Account", "PersonEmail"))
    people = list(of_kind(lab, "PERSON"))[:5]
    async with connected(VENDOR, lab.settings(customers=[STANDARD])) as connector:
        found = await connector.customers(people)
        notes = (await connector.probe()).notes
    assert notes == ("Account.PersonEmail cannot be read and is left out",)
    for customer in found.values():
        assert (customer.kind, customer.email) == (CustomerKind.PERSON, None)
        assert customer.misfits == {
            "email": "PersonEmail: the field does not exist, or may not be read"
        }


async def test_an_expired_password_says_what_an_operator_must_do(lab: Lab) -> None:
    lab.simulator.refusing = "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"
    try:
        async with connected(VENDOR, lab.settings()) as connector:
            with pytest.raises(Misconfigured, match="has expired: reset it") as refused:
                await connector.probe()
    finally:
        lab.simulator.refusing = None
    assert (refused.value.status, refused.value.code) == (
        403,
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
    )


async def test_a_field_of_numbers_that_holds_ids_is_asked_without_quotes(lab: Lab) -> None:
    orders = {**ORDERS_MAP, "payment_ids": {"stripe_eu": "Paid_Amount__c"}}
    one, other = lab.simulator.database.tables["order"].rows[:2]
    before = [row["Paid_Amount__c"] for row in (one, other)]
    one["Paid_Amount__c"], other["Paid_Amount__c"] = Decimal("987654321.0"), Decimal(987654322)
    keys = ["987654321", "987654322", "987654323", "pi_1", "9' OR Id != '"]
    lab.simulator.database.tables["order"].indexes.clear()
    try:
        async with connected(VENDOR, lab.settings(orders=[orders])) as connector:
            for calls in (3, 1):
                used = lab.simulator.used
                found = await connector.orders_by_payment_id("stripe_eu", keys)
                assert {key: [order.native_id for order in found[key]] for key in found} == {
                    "987654321": [one["Id"]],
                    "987654322": [other["Id"]],
                }
                assert lab.simulator.used - used == calls
    finally:
        one["Paid_Amount__c"], other["Paid_Amount__c"] = before
        lab.simulator.database.tables["order"].indexes.clear()
    assert found["987654321"][0].payment_ids[0].native_id == "987654321"


@pytest.mark.parametrize("put", ["null", '"soon"', "[]"])
async def test_a_page_that_begins_with_a_row_without_a_time_goes_on_after_it(
    lab: Lab, put: str
) -> None:
    async with connected(VENDOR, lab.settings()) as connector:
        asked = PageQuery(20, OrderFilter())
        sound = [row.record.native_id for row in (await connector.order_page(asked)).rows]
        odd = Fault(kind="odd", pointer="/records/0/CreatedDate", put=put, times=1)
        await lab.upstream().set_faults([odd])
        first = await connector.order_page(PageQuery(1, OrderFilter()))
        await lab.upstream().set_faults([])
        after = first.rows[0].after
        rest = await connector.order_page(PageQuery(19, OrderFilter(), after=after))
    assert first.rows[0].record.created_at is None
    assert [row.record.native_id for row in (*first.rows, *rest.rows)] == sound
