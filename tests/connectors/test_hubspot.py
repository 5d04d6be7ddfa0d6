"""HubSpot over real HTTP, against a simulated portal: the contract, then what is HubSpot's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.conformance import Batch, Conformance, Fault, Upstream, connected
from connectors.conformance_kit import PAGES, walk
from connectors.errors import (
    Malformed,
    Misconfigured,
    Overloaded,
    RateLimited,
    Rejected,
    Unauthorized,
)
from connectors.filters import CustomerFilter, OrderFilter
from connectors.hubspot import VENDOR
from connectors.hubspot.presets import ORDERS
from connectors.metadata import ColumnType
from connectors.money import Money
from connectors.paging import PageQuery, Sort
from connectors.recorded_state import recorded_state
from connectors.records import CustomerKind, OrderState
from connectors.vendor import SourceSettings
from sandbox.hubspot.definitions import Definition
from tests.connectors.hubspot_sandbox import Lab, lab_running

pytestmark = pytest.mark.anyio
FAST = msgspec.structs.replace(VENDOR.limits, rates={}, deadline=20.0)
PROVIDERS = {"stripe": "STRIPE", "wechatpay": "WECHAT_PAY", "unionpay": "UNIONPAY"}


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    yield from lab_running()


@pytest.fixture
def lab(running: Lab) -> Lab:
    running.reset()
    return running


@pytest.fixture
async def hubspot(lab: Lab) -> AsyncIterator[Any]:
    async with connected(VENDOR, lab.settings(), FAST, name="hubspot") as connector:
        yield connector


def paid_by(lab: Lab, source: str) -> dict[str, str]:
    """Number by the payment that the CRM has of this source."""
    fields = {o.number: o.payment_field for o in lab.orders.values()}
    return {one[1]: number for number, one in fields.items() if one and one[0] == source}


class TestContract(Conformance):
    vendor = msgspec.structs.replace(VENDOR, limits=FAST)
    refreshes = False

    @pytest.fixture(autouse=True)
    def simulated(self, lab: Lab) -> None:
        self.lab = lab

    def settings(self) -> SourceSettings:
        return self.lab.settings()

    def upstream(self) -> Upstream:
        return self.lab

    def batches(self) -> Mapping[str, Batch]:
        lab, no_id = self.lab, "88{:08}".format
        orders = lab.orders.values()
        bought = [
            key for key, c in lab.customers.items() if any(o.customer == c.key for o in orders)
        ]
        known = tuple(
            c.sources["stripe_eu"] for c in lab.customers.values() if "stripe_eu" in c.sources
        )
        return {
            "customers": Batch(known=tuple(lab.customers), missing=no_id),
            "customers_by_external_id": Batch(
                known=known, missing="cus_none_{:012}".format, source="stripe_eu"
            ),
            "orders": Batch(known=tuple(lab.orders), missing=no_id),
            "orders_by_number": Batch(
                known=tuple(o.number for o in orders), missing="NO-{}".format
            ),
            "orders_by_payment_id": Batch(
                known=tuple(paid_by(lab, "stripe_eu")),
                missing="pi_none_{:019}".format,
                source="stripe_eu",
            ),
            "orders_by_customer": Batch(known=tuple(bought), missing=no_id),
            "order_lines": Batch(
                known=tuple(o.native_id for o in orders if o.lines), missing=no_id
            ),
        }


async def test_every_customer_is_as_the_world_says(lab: Lab, hubspot: Any) -> None:
    found = await hubspot.customers(list(lab.customers))
    assert len(found) == len(lab.customers) > 50
    for key, true in lab.customers.items():
        told = found[key]
        assert (told.name, told.email, told.tier) == (true.name, true.email, true.tier)
        assert told.kind is CustomerKind[true.kind]
        assert told.industry == true.industry
        assert told.phones == ((true.phone,) if true.phone else ())
        assert told.created_at == true.created_at
        assert told.custom_fields == {"customer_number": true.key}
        assert {(e.source, e.native_id) for e in told.external_ids} == {
            (name, number) for name, number in true.sources.items() if name == "stripe_eu"
        }
        assert told.misfits is None


async def test_every_order_is_as_the_world_says(lab: Lab, hubspot: Any) -> None:
    by_key = {customer.key: number for number, customer in lab.customers.items()}
    found = await hubspot.orders(list(lab.orders))
    lines = await hubspot.order_lines(list(lab.orders))
    assert len(found) == len(lab.orders) == 150
    assert {order.recorded_state for order in found.values()} == set(OrderState)
    for key, true in lab.orders.items():
        told = found[key]
        assert told.number == true.number
        assert told.total == (None if true.total is None else Money(true.total, true.currency))
        assert told.placed_at == told.created_at == true.placed_at
        assert told.recorded_state.value == true.recorded_state
        assert told.customer_id == (by_key[true.customer] if true.customer else None)
        paid = [true.payment_field] if true.payment_field else []
        assert [(e.source, e.native_id) for e in told.payment_ids] == paid
        assert [p.value for p in told.recorded_providers] == [PROVIDERS[c] for c in true.channels]
        assert told.misfits is None
        assert [
            (one.sku, one.name, one.quantity, one.unit_price, one.total)
            for one in lines.get(key, ())
        ] == [
            (
                line.sku,
                line.name,
                Decimal(line.quantity),
                Money(line.unit_price, true.currency),
                Money(line.total, true.currency),
            )
            for line in true.lines
        ]


async def test_orders_are_found_by_payment_in_a_unique_property_and_in_another(
    lab: Lab, hubspot: Any
) -> None:
    for source, path in (("wechat_cn", "batch/read"), ("unionpay_cn", "search")):
        true = paid_by(lab, source)
        lab.forget()
        found = await hubspot.orders_by_payment_id(source, list(true))
        assert true
        assert {key: [o.number for o in orders] for key, orders in found.items()} == {
            key: [number] for key, number in true.items()
        }
        assert f"/crm/v3/objects/deals/{path}" in lab.asked()


async def test_refund_numbers_of_the_portal_are_told(lab: Lab, hubspot: Any) -> None:
    fields = [o.refund_field for o in lab.orders.values() if o.refund_field]
    true = {one for one in fields if one[0] == "wechat_cn"}
    since = datetime(2025, 11, 1, tzinfo=UTC)
    told = [e async for batch in hubspot.refund_numbers(since) for e in batch]
    assert {(e.source, e.native_id) for e in told} == true
    assert [e async for b in hubspot.refund_numbers(since + timedelta(days=999)) for e in b] == []


async def test_pages_are_newest_first_across_ties(lab: Lab, hubspot: Any) -> None:
    moments = [order.placed_at for order in lab.orders.values()]
    assert len(set(moments)) < len(moments), "there are no ties"
    page = next(page for page in PAGES if page.method == "order_page")
    for first in (1, 4, 100):
        rows = await walk(hubspot, page, first, sort=Sort(), filter=OrderFilter())
        told = [(record.created_at, int(record.native_id)) for record, _ in rows]
        assert len(set(told)) == len(lab.orders)
        assert [at for at, _ in told] == sorted(moments, reverse=True)


@pytest.mark.parametrize("first", [1, 7, 100, 300])
async def test_a_deal_without_a_creation_date_is_listed_once_and_has_the_records_own(
    lab: Lab, hubspot: Any, first: int
) -> None:
    """HubSpot sorts the two without the property last, and those in milliseconds by their time."""
    deals = lab.portal.records.values["deals"]
    by_age = sorted(deals, key=lambda n: (lab.orders[n].placed_at, int(n)))
    cleared, written = by_age[-3:-1], by_age[-8:-4]
    for number in cleared:
        deals[number]["createdate"] = None
    for number in written:
        moment = int(lab.orders[number].placed_at.timestamp() * 1000)
        deals[number]["createdate"] = str(moment)
    page = next(page for page in PAGES if page.method == "order_page")
    rows = await walk(hubspot, page, first, sort=Sort(), filter=OrderFilter())
    told = [record.native_id for record, _ in rows]
    assert sorted(told) == sorted(deals)
    assert set(told[-2:]) == set(cleared)
    for record, _ in rows:
        assert record.created_at == lab.orders[record.native_id].placed_at
        assert record.misfits is None


def of_one_moment(lab: Lab, count: int) -> list[str]:
    """So many more deals, all of one moment in the midst of the others; their numbers."""
    moment = sorted(order.placed_at for order in lab.orders.values())[75]
    template = dict(next(iter(lab.portal.records.values["deals"].values())))
    template["createdate"] = f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
    numbers = [str(70_000_000_000 + index) for index in range(count)]
    for number in numbers:
        own = {"order_number": f"BIG-{number}", "hs_object_id": number}
        lab.portal.records.values["deals"][number] = {**template, **own}
    return numbers


@pytest.mark.parametrize(("first", "most"), [(5, 2), (199, 3)])
async def test_many_deals_of_one_moment_cost_few_searches(
    lab: Lab, hubspot: Any, first: int, most: int
) -> None:
    for values in lab.portal.records.values["deals"].values():
        values["createdate"] = "2026-01-02T03:04:05.678Z"
    await hubspot.probe()
    lab.forget()
    page = await hubspot.order_page(PageQuery(first, OrderFilter()))
    assert len(page.rows) == min(first, 150)
    assert sum(path.endswith("/search") for path in lab.asked()) <= most


@pytest.mark.parametrize("count", [199, 200, 450])
@pytest.mark.parametrize("first", [7, 300])
async def test_pages_lose_none_of_many_deals_of_one_moment(
    lab: Lab, hubspot: Any, count: int, first: int
) -> None:
    numbers = of_one_moment(lab, count)
    page = next(page for page in PAGES if page.method == "order_page")
    rows = await walk(hubspot, page, first, sort=Sort(), filter=OrderFilter())
    told = [record.native_id for record, _ in rows]
    assert sorted(told) == sorted([*lab.orders, *numbers])
    moments = [record.created_at for record, _ in rows if record.created_at is not None]
    assert len(moments) == len(rows)
    assert moments == sorted(moments, reverse=True)


async def test_more_deals_of_one_moment_than_ten_thousand_are_refused_by_us(lab: Lab) -> None:
    of_one_moment(lab, 10_001)
    async with connected(VENDOR, lab.settings(""), FAST, name="hubspot") as connector:
        with pytest.raises(Rejected, match="too many records of one moment"):
            await connector.order_page(PageQuery(150, OrderFilter()))
    assert {call["status"] for call in lab.calls_made()} == {200}


async def test_a_page_of_one_name_asks_for_that_name_alone(lab: Lab, hubspot: Any) -> None:
    names = {customer.name for customer in lab.customers.values()}
    assert {"王伟", "Siobhán O'Brien", "محمد الأحمد"} <= names
    assert any("🎉" in name for name in names)
    for name in names:
        wanted = CustomerFilter(names=(name,))
        page = await hubspot.customer_page(PageQuery(first=50, filter=wanted))
        true = [key for key, c in lab.customers.items() if c.name == name]
        told = [row.record for row in page.rows]
        assert sorted(r.native_id for r in told if r.name == name) == sorted(true)
        assert len(told) - len(true) < 5


async def test_an_email_is_found_in_any_case_and_what_is_none_is_not_asked_for(
    lab: Lab, hubspot: Any
) -> None:
    wanted = CustomerFilter(emails=("C1@Customer.Example", "no address", "' OR 1=1"))
    lab.forget()
    page = await hubspot.customer_page(PageQuery(first=5, filter=wanted))
    assert [row.record.email for row in page.rows] == ["c1@customer.example"]
    assert lab.asked().count("/crm/v3/objects/contacts/batch/read") == 1


async def test_an_order_of_several_contacts_belongs_to_the_first_and_is_found_by_all(
    lab: Lab, hubspot: Any
) -> None:
    order = next(o for o in lab.orders.values() if o.customer is not None)
    first, other = sorted(lab.customers, key=int)[:2]
    lab.portal.records.links["deals", "contacts"][order.native_id] = [other, first]
    for one in (first, other):
        lab.portal.records.links["contacts", "deals"][one] = [order.native_id]
    found = await hubspot.orders_by_customer([first, other], PageQuery(5, OrderFilter()))
    for one in (first, other):
        [row] = found[one].rows
        assert (row.record.native_id, row.record.customer_id) == (order.native_id, first)


async def test_a_contact_with_more_deals_than_a_page_has_them_all(lab: Lab, hubspot: Any) -> None:
    contact = next(iter(lab.customers))
    template = next(iter(lab.portal.records.values["deals"].values()))
    numbers = [str(70_000_000_000 + index) for index in range(1200)]
    for number in numbers:
        own = {"order_number": f"BIG-{number}", "hs_object_id": number}
        lab.portal.records.values["deals"][number] = {**template, **own}
        lab.portal.records.links["deals", "contacts"][number] = [contact]
    lab.portal.records.links["contacts", "deals"][contact] = numbers
    found = await hubspot.orders_by_customer([contact], PageQuery(2000, OrderFilter()))
    assert {row.record.native_id for row in found[contact].rows} == set(numbers)


async def test_records_beyond_a_page_of_the_search_are_all_found(lab: Lab, hubspot: Any) -> None:
    template = next(iter(lab.portal.records.values["deals"].values()))
    for index in range(450):
        number = str(70_000_000_000 + index)
        own = {"order_number": f"BIG-{number}", "hs_object_id": number}
        payment = {"unionpay_cn_payment": "up-Split-1"}
        lab.portal.records.values["deals"][number] = {**template, **own, **payment}
    found = await hubspot.orders_by_payment_id("unionpay_cn", ["up-Split-1", "up-split-1"])
    assert len(found["up-Split-1"]) == 450
    assert "up-split-1" not in found, "HubSpot's case does not decide"


async def test_numbers_are_read_although_the_search_does_not_know_them_yet(
    lab: Lab, hubspot: Any
) -> None:
    order = next(iter(lab.orders.values()))
    lab.portal.unindexed.add(order.native_id)
    assert order.number in await hubspot.orders_by_number([order.number])
    assert order.native_id in await hubspot.orders([order.native_id])
    page = await hubspot.order_page(PageQuery(500, OrderFilter()))
    assert order.native_id not in [row.record.native_id for row in page.rows]


@pytest.mark.parametrize("version", ["v3", "2026-03"])
async def test_both_ways_to_write_addresses_work(lab: Lab, version: str) -> None:
    settings = lab.settings(version=version)
    async with connected(VENDOR, settings, FAST) as connector:
        order = next(o for o in lab.orders.values() if o.customer and o.lines)
        found = await connector.orders_by_number([order.number])
        assert [o.native_id for o in found[order.number]] == [order.native_id]
        assert found[order.number][0].customer_id is not None
        assert len(await connector.describe(())) == 5
    assert all(
        (version in path) == (version != "v3") or "v4" in path or "v3" in path
        for path in lab.asked()
    )


async def test_orders_and_companies_are_the_other_presets(lab: Lab) -> None:
    settings = lab.settings("", order_object="orders", customer_object="companies")
    async with connected(VENDOR, settings, FAST) as connector:
        page = await connector.order_page(PageQuery(100, OrderFilter()))
        orders = [row.record for row in page.rows]
        assert len(orders) == 30
        true = {o.number: o for o in lab.orders.values()}
        for order in orders:
            total = true[order.number].total
            assert order.total == (
                None if total is None else Money(total, true[order.number].currency)
            )
        wanted = [one.customer_id for one in orders if one.customer_id]
        found = await connector.customers(wanted)
        assert found
        assert all(one.kind is CustomerKind.COMPANY for one in found.values())
        lines = await connector.order_lines([one.native_id for one in orders])
        assert sum(map(len, lines.values())) == sum(len(true[o.number].lines) for o in orders)


async def test_a_standard_portal_needs_no_mapping(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings(""), FAST) as connector:
        assert (await connector.probe()).notes == ()
        true = next(o for o in lab.orders.values() if o.recorded_state == "CANCELED")
        [order] = (await connector.orders_by_number([f"Order {true.number}"])).values()
        assert order[0].recorded_state is OrderState.CANCELED
        assert order[0].native_id == true.native_id


async def test_the_portal_describes_itself(lab: Lab, hubspot: Any) -> None:
    [deals] = await hubspot.describe(["deals", "2-999"])
    columns = {column.path: column for column in deals.columns}
    assert columns["order_number"].unique
    assert columns["dealstage"].type is ColumnType.CHOICE
    assert "closedwon" in columns["dealstage"].words
    assert columns["closedate"].type is ColumnType.TIME
    assert columns["payment_channel[]"].type is ColumnType.LIST
    assert columns["associations.contacts[]"].refers == "contacts"
    [contacts] = await hubspot.describe(["contacts"])
    assert "firstname lastname" in {column.path for column in contacts.columns}
    assert len(await hubspot.sample("deals", ["dealname"], "createdate", 3)) == 3


async def test_what_is_asked_is_not_more_than_needed(lab: Lab, hubspot: Any) -> None:
    numbers = [o.number for o in lab.orders.values()]
    await hubspot.orders_by_number(numbers[:1])
    lab.forget()
    await hubspot.orders_by_number(numbers)
    assert sorted(lab.asked()) == [
        "/crm/v3/objects/deals/batch/read",
        "/crm/v3/objects/deals/batch/read",
        "/crm/v4/associations/deals/contacts/batch/read",
    ]


async def test_a_revoked_token_is_refused(lab: Lab, hubspot: Any) -> None:
    await hubspot.probe()
    lab.portal.revoked = True
    with pytest.raises(Unauthorized, match="the token is refused"):
        await hubspot.orders(list(lab.orders)[:3])
    with pytest.raises(Unauthorized):
        await hubspot.probe()


async def test_a_scope_that_the_token_lacks_is_told_with_its_object(lab: Lab, hubspot: Any) -> None:
    lab.portal.scopes.discard("crm.objects.deals.read")
    with pytest.raises(Misconfigured, match="may not read deals: it lacks a scope"):
        await hubspot.orders(list(lab.orders)[:3])
    notes = (await hubspot.probe()).notes
    assert [note for note in notes if "deals" in note]
    assert len(await hubspot.customers(list(lab.customers)[:3])) == 3


async def test_without_the_contacts_scope_orders_lack_their_customer_alone(
    lab: Lab, hubspot: Any
) -> None:
    lab.portal.scopes.discard("crm.objects.contacts.read")
    found = await hubspot.orders(list(lab.orders)[:3])
    for order in found.values():
        assert order.customer_id is None
        assert set(order.misfits) == {"customer"}
        assert order.misfits["customer"].startswith("associations.contacts[]: ")


async def test_a_deleted_property_is_told_where_it_is_used(lab: Lab, hubspot: Any) -> None:
    del lab.portal.definitions["deals"]["refunded_amount"]
    order = next(o for o in lab.orders.values() if o.recorded_state == "PAID")
    found = (await hubspot.orders([order.native_id]))[order.native_id]
    assert found.misfits == {
        "refunded_amount": "refunded_amount: the field does not exist, or may not be read"
    }
    assert (found.number, found.recorded_state) == (order.number, OrderState.UNKNOWN)
    assert "deals has no field refunded_amount" in (await hubspot.probe()).notes


async def test_when_entries_change_is_a_field_that_must_be_there(lab: Lab) -> None:
    toml = """
    [[sources.hubspot.refunds]]
    table = "deals"
    order = "order_number"
    amount = "refunded_amount"
    changed_at = "no_such_time"
    """
    async with connected(VENDOR, lab.settings(toml), FAST) as connector:
        assert "deals has no field no_such_time" in (await connector.probe()).notes


async def test_a_deleted_object_type_is_named(lab: Lab, hubspot: Any) -> None:
    await hubspot.probe()
    lab.portal.deleted.add("deals")
    for call in (
        hubspot.orders(list(lab.orders)[:1]),
        hubspot.orders_by_payment_id("unionpay_cn", ["up-1"]),
        hubspot.order_page(PageQuery(5, OrderFilter())),
    ):
        with pytest.raises(Misconfigured, match="there is no object type deals"):
            await call
    assert "there is no object type deals" in (await hubspot.probe()).notes


async def test_a_property_that_was_deleted_just_now_is_named(lab: Lab, hubspot: Any) -> None:
    await hubspot.probe()
    del lab.portal.definitions["deals"]["unionpay_cn_payment"]
    with pytest.raises(Misconfigured, match="deals has no field unionpay_cn_payment"):
        await hubspot.orders_by_payment_id("unionpay_cn", ["up-1"])
    del lab.portal.definitions["deals"]["order_number"]
    with pytest.raises(Misconfigured, match="deals has no field order_number"):
        await hubspot.orders_by_number(["SO-1001"])


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[[orders]]\nnumber = "no_such"', "deals has no field no_such"),
        ('[[orders]]\nnumber = "a.b"', r"deals has no field a\.b"),
        ('[[orders]]\nnumber = "dealname no_such"', "deals has no field dealname no_such"),
        ('[[orders]]\ntable = "deals"\nnumber = "dealname); --"', "deals has no field dealname"),
    ],
)
async def test_a_mapping_of_a_field_that_does_not_exist_is_told(
    lab: Lab, toml: str, message: str
) -> None:
    settings = lab.settings(toml.replace("[[", "[[sources.hubspot."))
    async with connected(VENDOR, settings, FAST) as connector:
        with pytest.raises(Misconfigured, match=message):
            await connector.orders_by_number(["SO-1001"])
        assert [note for note in (await connector.probe()).notes if "deals has no field" in note]


async def test_pages_by_a_field_that_holds_no_time_are_refused(lab: Lab) -> None:
    settings = lab.settings('[[sources.hubspot.orders]]\ncreated_at = "dealname"')
    async with connected(VENDOR, settings, FAST) as connector:
        with pytest.raises(Misconfigured, match=r"deals\.dealname is no field of times"):
            await connector.order_page(PageQuery(5, OrderFilter()))


async def test_two_orders_of_one_number_are_both_told(lab: Lab) -> None:
    one, two = list(lab.portal.records.values["deals"].values())[:2]
    one["dealname"] = two["dealname"] = "Order Twice"
    async with connected(VENDOR, lab.settings(""), FAST) as connector:
        found = await connector.orders_by_number(["Order Twice"])
        assert {order.native_id for order in found["Order Twice"]} == {
            one["hs_object_id"],
            two["hs_object_id"],
        }


async def test_a_merged_contact_answers_for_its_former_number(lab: Lab, hubspot: Any) -> None:
    kept, gone, earlier = list(lab.customers)[:3]
    lab.portal.merge("contacts", earlier, gone)
    lab.portal.merge("contacts", gone, kept)
    truth = {c["sources"].get("hubspot") for c in lab.world.truth()["customers"]}
    assert truth.isdisjoint({gone, earlier})
    await hubspot.customers([kept])
    lab.forget()
    found = await hubspot.customers([gone, kept, earlier, "8800000001"])
    assert {key: one.native_id for key, one in found.items()} == dict.fromkeys(
        (gone, kept, earlier), kept
    )
    assert lab.asked() == ["/crm/v3/objects/contacts/batch/read"]
    bought = [o for o in lab.orders.values() if o.customer == lab.customers[gone].key]
    orders = await hubspot.orders([o.native_id for o in bought])
    assert bought
    assert {one.customer_id for one in orders.values()} == {kept}


async def test_an_order_that_names_a_merged_contact_leads_to_the_one_that_stayed(
    lab: Lab, hubspot: Any
) -> None:
    kept, gone = list(lab.customers)[:2]
    lab.portal.merge("contacts", gone, kept)
    deal = next(iter(lab.portal.records.values["deals"]))
    lab.portal.records.values["deals"][deal]["order_number"] = gone
    toml = '[[sources.hubspot.orders]]\ncustomer = "order_number"'
    async with connected(VENDOR, lab.settings(toml), FAST) as connector:
        order = (await connector.orders([deal]))[deal]
        assert order.customer_id == gone
        assert (await connector.customers([order.customer_id]))[gone].native_id == kept


async def test_a_merged_deal_keeps_what_it_is_associated_with(lab: Lab, hubspot: Any) -> None:
    kept, gone = list(lab.orders)[:2]
    lab.portal.merge("deals", gone, kept)
    lab.forget()
    found = await hubspot.orders([gone])
    assert lab.asked().count("/crm/v4/associations/deals/contacts/batch/read") == 2
    lab.forget()
    assert (await hubspot.orders([kept]))[kept] == found[gone]
    assert found[gone].customer_id is not None
    assert lab.asked().count("/crm/v4/associations/deals/contacts/batch/read") == 1


async def test_a_time_without_a_zone_is_a_misfit_until_the_zone_is_told(lab: Lab) -> None:
    order = next(iter(lab.orders.values()))
    lab.portal.records.values["deals"][order.native_id]["dealname"] = "2026-01-05 08:00:00"
    toml = '[[sources.hubspot.orders]]\nplaced_at = "dealname"'
    for zone, placed in ((None, None), ("Asia/Shanghai", datetime(2026, 1, 5, tzinfo=UTC))):
        async with connected(VENDOR, lab.settings(toml, zone=zone), FAST) as connector:
            found = (await connector.orders([order.native_id]))[order.native_id]
            assert found.placed_at == placed
            assert (found.misfits is None) == (zone is not None)


@pytest.mark.parametrize(
    "key", ["' OR 1=1 --", '"}]}', "SO-1001;SO-1002", "*", "%", "\\", "{}", "𝕏" * 40, "-1", "../x"]
)
async def test_no_key_is_more_than_a_value(lab: Lab, hubspot: Any, key: str) -> None:
    assert await hubspot.orders([key]) == {}
    assert await hubspot.orders_by_number([key]) == {}
    assert await hubspot.orders_by_payment_id("unionpay_cn", [key]) == {}
    assert await hubspot.customers_by_external_id("stripe_eu", [key]) == {}
    assert VENDOR.normalise(next(p.kind for p in PAGES), key) is None


async def test_a_value_that_no_search_holds_fails_alone(lab: Lab, hubspot: Any) -> None:
    known = next(iter(paid_by(lab, "unionpay_cn")))
    found = await hubspot.orders_by_payment_id("unionpay_cn", ["x" * 4000, known])
    assert isinstance(found["x" * 4000], Rejected)
    assert [order.number for order in found[known]] == [paid_by(lab, "unionpay_cn")[known]]


async def test_more_properties_than_a_search_has_room_for_are_read_afterwards(lab: Lab) -> None:
    names = [f"a_rather_long_name_of_a_property_{index:04}" for index in range(90)]
    for name in names:
        lab.portal.definitions["deals"][name] = Definition(name)
    order = next(iter(lab.orders.values()))
    lab.portal.records.values["deals"][order.native_id][names[89]] = "here"
    listed = ", ".join(f'"{name}"' for name in names)
    settings = lab.settings(f"[[sources.hubspot.orders]]\ncustom = [{listed}]")
    async with connected(VENDOR, settings, FAST) as connector:
        found = await connector.orders_by_number([f"Order {order.number}"])
        [told] = found[f"Order {order.number}"]
        assert told.custom_fields[names[89]] == "here"
        page = await connector.order_page(PageQuery(3, OrderFilter()))
        assert len(page.rows) == 3


async def test_values_of_several_in_one_text_are_each_one(lab: Lab) -> None:
    contact = lab.portal.records.values["contacts"][next(iter(lab.customers))]
    contact["hs_additional_emails"] = "a@x.example;b@x.example"
    toml = '[[sources.hubspot.customers]]\nemail = ["email", "hs_additional_emails[]"]'
    async with connected(VENDOR, lab.settings(toml), FAST) as connector:
        found = await connector.customers([contact["hs_object_id"]])
        told = found[contact["hs_object_id"]]
        assert told.emails == (contact["email"], "a@x.example", "b@x.example")


async def test_searches_have_a_pace_of_their_own(lab: Lab) -> None:
    slow = msgspec.structs.replace(FAST, rates={"search": 0.001}, deadline=0.5)
    async with connected(VENDOR, lab.settings(), slow) as connector:
        await connector.orders_by_payment_id("unionpay_cn", ["up-1"])
        with pytest.raises(Overloaded):
            await connector.orders_by_payment_id("unionpay_cn", ["up-2"])
        assert len(await connector.orders(list(lab.orders))) == 150


async def test_searches_beyond_the_portals_rate_fail_alone() -> None:
    """Against a portal that counts them, and whose clock stands still."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    hasty = msgspec.structs.replace(FAST, attempts=1)
    keys = [f"up-{index}" for index in range(900)]
    for lab in lab_running(rate_limits=True, clock=lambda: now):
        async with connected(VENDOR, lab.settings(), hasty) as connector:
            found = await connector.orders_by_payment_id("unionpay_cn", keys)
    limited = [one for one in found.values() if isinstance(one, RateLimited)]
    assert len(limited) == len(found) == 400, "of nine searches, five are answered"
    assert {error.code for error in limited} == {"SECONDLY"}
    assert {error.retry_after for error in limited} == {1.0}


async def test_a_page_that_is_no_json_is_malformed(lab: Lab, hubspot: Any) -> None:
    await hubspot.probe()
    await lab.set_faults([Fault(kind="html")])
    try:
        with pytest.raises(Malformed, match="not JSON"):
            await hubspot.customers(list(lab.customers)[:3])
    finally:
        await lab.set_faults([])


async def test_an_own_stage_is_read_by_whether_hubspot_calls_it_won(lab: Lab) -> None:
    """The portal's stage 139663177 is won, 139663178 is open, and the preset knows neither."""
    of_own_stages = {"FULFILLED": OrderState.PAID, "UNKNOWN": OrderState.UNKNOWN}
    for recorded, state in of_own_stages.items():
        ids = [o.native_id for o in lab.orders.values() if o.recorded_state == recorded]
        async with connected(VENDOR, lab.settings(""), FAST) as connector:
            found = await connector.orders(ids)
        assert ids
        assert {order.recorded_state for order in found.values()} == {state}


@pytest.mark.parametrize(
    ("stage", "won", "closed", "state"),
    [
        ("139663177", "true", "true", "PAID"),
        ("139663177", "false", "true", "CANCELED"),
        ("139663177", "false", "false", "UNKNOWN"),
        ("139663177", None, "true", "UNKNOWN"),
        ("139663177", "false", None, "UNKNOWN"),
        ("139663177", "yes", "true", "UNKNOWN"),
        (None, "true", "true", "PAID"),
        ("closedwon", "false", "false", "PAID"),
        ("contractsent", "true", "true", "PENDING_PAYMENT"),
        ("closedlost", None, None, "CANCELED"),
    ],
)
def test_a_mapped_stage_comes_before_what_hubspot_says_of_it(
    stage: str | None, won: str | None, closed: str | None, state: str
) -> None:
    declared = ORDERS["deals", "contacts"]
    row = {"dealstage": stage, "hs_is_closed_won": won, "hs_is_closed": closed}
    found = recorded_state(
        declared.status,
        declared.closed,
        row.get,
        total=Money(100, "EUR"),
        paid=None,
        refunded=None,
        tells_paid=False,
    )
    assert found is OrderState[state]
