"""Jiandaoyun over real HTTP, against a simulated company: the contract, then what is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.conformance import Batch, Conformance, Fault, connected
from connectors.drift import drifts
from connectors.errors import (
    Malformed,
    Misconfigured,
    RateLimited,
    Rejected,
    SourceError,
    Unauthorized,
)
from connectors.filters import OrderFilter, TimeRange
from connectors.jiandaoyun import VENDOR, normalise
from connectors.jiandaoyun.forms import Forms
from connectors.metadata import ColumnType
from connectors.money import Money
from connectors.paging import PageQuery
from connectors.records import Kind, Order, OrderState, Provider
from sandbox.jiandaoyun.forms import CUSTOMERS, DOMESTIC, OVERSEAS, Field, Form, Record
from sandbox.jiandaoyun.ids import api_key
from tests.connectors.jiandaoyun_sandbox import NAME, Lab, lab_running

pytestmark = pytest.mark.anyio
SWIFT = msgspec.structs.replace(VENDOR.limits, rates={}, deadline=20.0)
ONCE = msgspec.structs.replace(SWIFT, attempts=1)
CHANNELS = {"stripe": Provider.STRIPE, "wechatpay": Provider.WECHAT_PAY}
CITY = "上海市"


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    yield from lab_running()


@pytest.fixture
def lab(running: Lab) -> Iterator[Lab]:
    running.forget_calls()
    yield running
    running.restore()


@pytest.fixture
async def jiandaoyun(lab: Lab) -> AsyncIterator[Any]:
    async with connected(VENDOR, lab.settings(), SWIFT, name=NAME) as connector:
        yield connector


@pytest.fixture(scope="module")
def keys(running: Lab) -> Mapping[str, Batch]:
    linked = [o.payment_field for o in running.orders if o.payment_field]
    buyers = {o.customer for o in running.orders}
    missing_order, missing_customer = "DD-9{:05}".format, "KH9{:05}".format
    customers = tuple(c.sources[NAME] for c in running.customers)
    orders = tuple(o.native_id for o in running.orders)
    return {
        "customers": Batch(known=customers, missing=missing_customer),
        "customers_by_external_id": Batch(
            known=tuple(
                c.sources["stripe_eu"] for c in running.customers if "stripe_eu" in c.sources
            ),
            missing="cus_none{}".format,
            source="stripe_eu",
        ),
        "orders": Batch(known=orders, missing=missing_order),
        "orders_by_number": Batch(
            known=tuple(o.number for o in running.orders), missing="none-{}".format
        ),
        "orders_by_payment_id": Batch(
            known=tuple(native for account, native in linked if account == "stripe_eu"),
            missing="pi_none{}".format,
            source="stripe_eu",
        ),
        "orders_by_customer": Batch(
            known=tuple(c.sources[NAME] for c in running.customers if c.key in buyers),
            missing=missing_customer,
        ),
        "order_lines": Batch(
            known=tuple(o.native_id for o in running.orders if o.lines), missing=missing_order
        ),
    }


class TestConformance(Conformance):
    vendor = msgspec.structs.replace(VENDOR, limits=SWIFT)
    answers_in_gbk = True
    refreshes = False
    odd_spared = (
        # The vendor's own id, after which its pages go on.
        "at /data/[0-9]+/_id of",
    )

    @pytest.fixture(autouse=True)
    def simulated(self, lab: Lab, keys: Mapping[str, Batch]) -> None:
        self.lab = lab
        self.keys = keys

    def settings(self) -> Any:
        return self.lab.settings()

    def upstream(self) -> Any:
        return self.lab.upstream()

    def batches(self) -> Mapping[str, Batch]:
        return self.keys


def test_the_vendors_rates_are_kept() -> None:
    assert VENDOR.limits.rates == {"": 50, "list": 30, "get": 30, "widgets": 30}


@pytest.mark.parametrize(
    ("native_id", "good"),
    [
        ("DD-000001", True),
        ("订单 1", True),
        ("a:b/c", True),
        ("", False),
        (" a", False),
        ("a\n", False),
        ("a\x00b", False),
        ("a" * 256, False),
    ],
)
def test_an_id_is_one_line_of_text(native_id: str, good: bool) -> None:
    assert normalise(Kind.ORDER, native_id) == (native_id if good else None)


def test_the_world_shows_everything_that_can_be_recorded(running: Lab) -> None:
    """So that the comparisons below are of something."""
    assert {o.recorded_state for o in running.orders} == {state.value for state in OrderState}
    assert len({o.currency for o in running.orders}) > 4
    assert [o for o in running.orders if o.total is None]
    assert [o for o in running.orders if o.customer is None]
    held = [len(running.form(name).records) for name in (CUSTOMERS, DOMESTIC, OVERSEAS)]
    assert held[0] == len(running.customers) > 50
    assert min(held[1:]) > 40
    assert sum(held[1:]) == len(running.orders) == 150


async def test_every_order_is_as_the_world_says(lab: Lab, jiandaoyun: Any) -> None:
    found = await jiandaoyun.orders([o.native_id for o in lab.orders])
    buyers = {c.key: c.sources[NAME] for c in lab.customers}
    assert len(found) == len(lab.orders)
    for true in lab.orders:
        told = found[true.native_id]
        assert told.misfits is None
        assert told.number == true.number
        assert told.total == (None if true.total is None else Money(true.total, true.currency))
        assert told.created_at == told.placed_at == true.placed_at
        assert told.updated_at == true.placed_at + timedelta(minutes=90)
        assert told.recorded_state.value == true.recorded_state
        assert told.customer_id == buyers.get(true.customer or "")
        assert [(one.source, one.native_id) for one in told.payment_ids] == (
            [true.payment_field] if true.payment_field else []
        )
        assert told.recorded_providers == tuple(CHANNELS[name] for name in true.channels)
        remark = {"remark": f"Order {true.number}"}
        assert told.custom_fields in ({"city": CITY, "sales": ["王伟", "李娜"]}, remark)


async def test_every_line_is_as_the_world_says(lab: Lab, jiandaoyun: Any) -> None:
    found = await jiandaoyun.order_lines([o.native_id for o in lab.orders])
    assert set(found) == {o.native_id for o in lab.orders if o.lines}
    for true in lab.orders:
        assert [
            (line.sku, line.name, line.quantity, line.unit_price, line.total, line.misfits)
            for line in found.get(true.native_id, ())
        ] == [
            (
                line.sku,
                line.name,
                Decimal(line.quantity),
                Money(line.unit_price, true.currency),
                Money(line.total, true.currency),
                None,
            )
            for line in true.lines
        ]


async def test_every_customer_is_as_the_world_says(lab: Lab, jiandaoyun: Any) -> None:
    found = await jiandaoyun.customers([c.sources[NAME] for c in lab.customers])
    assert len(found) == len(lab.customers)
    for true in lab.customers:
        told = found[true.sources[NAME]]
        assert told.misfits is None
        assert (told.name, told.kind.value, told.email) == (true.name, true.kind, true.email)
        assert told.phones == ((true.phone,) if true.phone else ())
        assert (told.tier, told.industry) == (true.tier, true.industry)
        assert told.created_at == true.created_at
        assert {one.source: one.native_id for one in told.external_ids} == {
            name: native for name, native in true.sources.items() if name.startswith("stripe")
        }
        assert told.custom_fields == {"owner": "小简", "city": CITY}


async def test_orders_are_found_by_number_payment_and_customer(lab: Lab, jiandaoyun: Any) -> None:
    by_number = await jiandaoyun.orders_by_number([o.number for o in lab.orders])
    assert {number: [o.native_id for o in found] for number, found in by_number.items()} == {
        o.number: [o.native_id] for o in lab.orders
    }
    for account in ("stripe_eu", "stripe_us", "wechat_cn"):
        links = [(o, o.payment_field) for o in lab.orders if o.payment_field]
        true = {native: order for order, (source, native) in links if source == account}
        by_payment = await jiandaoyun.orders_by_payment_id(account, list(true))
        assert {key: [o.number for o in found] for key, found in by_payment.items()} == {
            key: [order.number] for key, order in true.items()
        }
    query = PageQuery(100, OrderFilter())
    buyers = {c.key: c.sources[NAME] for c in lab.customers}
    pages = await jiandaoyun.orders_by_customer(list(buyers.values()), query)
    assert {key: {row.record.number for row in page.rows} for key, page in pages.items()} == {
        native: {o.number for o in lab.orders if o.customer == key}
        for key, native in buyers.items()
        if any(o.customer == key for o in lab.orders)
    }


async def test_pages_are_newest_first_across_forms_and_ties(lab: Lab, jiandaoyun: Any) -> None:
    true = sorted(((o.placed_at, o.native_id) for o in lab.orders), reverse=True)
    assert len({at for at, _ in true}) < len(true), "there is no tie"
    found: list[Any] = []
    after: str | None = None
    more = True
    while more:
        page = await jiandaoyun.order_page(PageQuery(4, OrderFilter(), after))
        found += [(row.record.created_at, row.record.native_id) for row in page.rows]
        after, more = page.rows[-1].after, page.more
    assert found == true


async def test_records_dated_ahead_are_listed_and_those_without_a_date_noted(lab: Lab) -> None:
    key, number = lab.field(DOMESTIC, "下单时间").key, lab.field(DOMESTIC, "单据编号").key
    ahead, *_, undated = lab.form(DOMESTIC).records.values()
    far = datetime.now(UTC) + timedelta(days=400)
    ahead.values[key] = f"{far:%Y-%m-%dT%H:%M:%S}.000Z"
    orders = [lab.mapped("orders", created_at="ordered_at")]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        assert (await connector.probe()).notes == ()
        page = await connector.order_page(PageQuery(2, OrderFilter()))
        rest = await connector.order_page(PageQuery(200, OrderFilter(), page.rows[-1].after))
        undated.values[key] = None
        entry_id = lab.form(DOMESTIC).entry_id
        assert (await connector.probe()).notes == (
            f"form {entry_id}: some records have no ordered_at, they are never listed",
        )
    shown = [row.record.native_id for row in (*page.rows, *rest.rows)]
    assert shown[0] == ahead.values[number]
    assert sorted(shown) == sorted(r.values[number] for r in lab.form(DOMESTIC).records.values())


async def test_a_page_within_a_time_begins_there(lab: Lab, jiandaoyun: Any) -> None:
    """Bounds of the vendor's ranges are within, to the millisecond."""
    at = sorted(o.placed_at for o in lab.orders)[40]
    for bounds in (TimeRange(lte=at), TimeRange(lt=at)):
        page = await jiandaoyun.order_page(PageQuery(200, OrderFilter(created_at=bounds)))
        told = {row.record.native_id for row in page.rows if bounds.accepts(row.record.created_at)}
        assert told == {o.native_id for o in lab.orders if bounds.accepts(o.placed_at)}


async def test_refunds_that_orders_name_are_told_by_their_change(lab: Lab, jiandaoyun: Any) -> None:
    noted = [o for o in lab.orders if o.refund_field and o.refund_field[0] == "wechat_cn"]
    assert len(noted) >= 2
    since = sorted(o.placed_at for o in noted)[1] + timedelta(minutes=90)
    told = [one async for ids in jiandaoyun.refund_numbers(since) for one in ids]
    assert {(one.source, one.native_id) for one in told} == {
        o.refund_field for o in noted if o.placed_at + timedelta(minutes=90) >= since
    }


async def test_what_a_batch_costs(lab: Lab, jiandaoyun: Any) -> None:
    await jiandaoyun.probe()
    numbers = [o.number for o in lab.orders]
    for count, calls in ((1, 2), (100, 2), (150, 2), (200, 2), (201, 4), (1000, 10)):
        lab.forget_calls()
        await jiandaoyun.orders_by_number([*numbers, *map("none-{}".format, range(900))][:count])
        assert lab.asked() == ["/entry/data/list"] * calls, count


async def test_answers_are_read_to_the_end(
    lab: Lab, jiandaoyun: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [o.native_id for o in lab.orders]
    whole = await jiandaoyun.orders(every)
    monkeypatch.setattr("connectors.jiandaoyun.api.PAGE", 7)
    monkeypatch.setattr("connectors.jiandaoyun.tables.PAGE", 7)
    lab.forget_calls()
    assert await jiandaoyun.orders(every) == whole
    assert len(lab.asked()) == sum(
        len(lab.form(name).records) // 7 + 1 for name in (DOMESTIC, OVERSEAS)
    )


async def test_whole_records_say_the_same(lab: Lab, jiandaoyun: Any) -> None:
    every = [o.native_id for o in lab.orders]
    async with connected(VENDOR, lab.settings(select_fields=False), SWIFT, name=NAME) as whole:
        assert await whole.orders(every) == await jiandaoyun.orders(every)
        assert await whole.order_lines(every) == await jiandaoyun.order_lines(every)


# What changes while the gateway runs.


async def test_an_alias_that_is_set_or_changed_is_noticed(lab: Lab, jiandaoyun: Any) -> None:
    """A field that is mapped by its id keeps its values, whatever its records call it now."""
    true = lab.orders_in(OVERSEAS, "Key")
    before = await jiandaoyun.orders([o.native_id for o in true])
    lab.field(OVERSEAS, "Total").alias = "total_amount"
    lab.forget_calls()
    assert await jiandaoyun.orders([o.native_id for o in true]) == before
    assert lab.asked().count("/entry/widget/list") == 1
    lab.field(OVERSEAS, "Items").items[0].alias = "article_no"
    lines = await jiandaoyun.order_lines([o.native_id for o in true])
    assert {line.sku for found in lines.values() for line in found} >= {"SKU-001", "SKU-002"}
    assert lab.asked().count("/entry/widget/list") == 2
    lab.field(OVERSEAS, "Total").alias = None
    assert await jiandaoyun.orders([o.native_id for o in true]) == before


async def test_a_new_key_in_records_is_asked_about_once(
    lab: Lab, jiandaoyun: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor may add to what records hold."""
    shown = lab.simulator.shown
    added = {"newSystemField": 1}
    monkeypatch.setattr(lab.simulator, "shown", lambda *given: {**shown(*given), **added})
    number = lab.orders_in(DOMESTIC, "单据编号")[0].number
    for reads in (1, 0):
        lab.forget_calls()
        await jiandaoyun.orders_by_number([number])
        # The first question reads both forms first.
        assert lab.asked().count("/entry/widget/list") == reads * 3


async def test_an_alias_that_is_gone_is_a_misfit_of_its_attribute(
    lab: Lab, jiandaoyun: Any
) -> None:
    true = next(o for o in lab.orders_in(DOMESTIC, "单据编号") if o.total and o.channels)
    lab.field(DOMESTIC, "金额").alias = "sum"
    found = (await jiandaoyun.orders([true.native_id]))[true.native_id]
    assert found.total is None
    assert found.misfits == {"total": "total: the field does not exist, or may not be read"}
    assert found.number == true.number


@pytest.mark.parametrize(
    ("changes", "attribute"),
    [
        ({"total": "no_such"}, "total"),
        ({"updated_at": "no_such"}, "updated_at"),
        ({"customer": "no_such"}, "customer"),
        ({"channel": "no_such"}, None),
        ({"payment_ids": {"paypal": "no_such"}}, "payment_ids"),
        ({"status": [{"field": "no_such"}]}, "recorded_status"),
        ({"refunded_amount": "no_such"}, "refunded_amount"),
    ],
    ids=str,
)
async def test_a_field_that_does_not_exist_leaves_the_others(
    lab: Lab, changes: dict[str, Any], attribute: str | None
) -> None:
    true = next(o for o in lab.orders_in(DOMESTIC, "单据编号") if o.total)
    orders = [lab.mapped("orders", **changes)]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        found = (await connector.orders([true.native_id]))[true.native_id]
        assert found.number == true.number
        assert set(found.misfits or ()) == ({attribute} if attribute else set())
        notes = (await connector.probe()).notes
        assert notes[0] == f"form {lab.form(DOMESTIC).entry_id} has no field no_such"


async def test_a_line_whose_field_does_not_exist_tells_so(lab: Lab) -> None:
    true = next(o for o in lab.orders_in(DOMESTIC, "单据编号") if o.lines)
    lines = {"path": "lines[]", "quantity": "qty", "sku": "no_such"}
    orders = [lab.mapped("orders", lines=lines)]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        line = (await connector.order_lines([true.native_id]))[true.native_id][0]
        assert line.quantity == Decimal(true.lines[0].quantity)
        assert line.misfits == {"sku": "no_such: the field does not exist, or may not be read"}
        notes = (await connector.probe()).notes
        assert notes == (f"form {lab.form(DOMESTIC).entry_id} has no field lines[].no_such",)


async def test_a_subform_that_does_not_exist_is_noted(lab: Lab) -> None:
    orders = [lab.mapped("orders", lines={"path": "gone[]", "quantity": "qty"})]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        assert (await connector.probe()).notes == (
            f"form {lab.form(DOMESTIC).entry_id} has no field gone",
        )
        assert (await connector.orders(["DD-000002"]))["DD-000002"].misfits is None


@pytest.mark.parametrize(
    ("id_", "detail"),
    [
        ("no_such", "has no field no_such"),
        ("lines", ": records cannot be asked for by field lines, whose type is subform"),
        ("sales", ": records cannot be asked for by field sales, whose type is usergroup"),
        ("customer.key", ": records cannot be asked for by a part of a field, customer.key"),
        ("lines[].sku", ": records cannot be asked for by a part of a field, lines[].sku"),
        ("createTime", ": records cannot be asked for by field createTime, whose type is datetime"),
    ],
)
async def test_a_key_that_cannot_be_asked_for_is_misconfigured(
    lab: Lab, id_: str, detail: str
) -> None:
    orders = [lab.mapped("orders", id=id_)]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        with pytest.raises(Misconfigured) as caught:
            await connector.orders(["DD-000001"])
        entry_id = lab.form(DOMESTIC).entry_id
        assert caught.value.detail.removeprefix(f"form {entry_id}").strip() == detail.strip()
        assert "/entry/data/list" not in lab.asked()


async def test_a_time_to_page_by_must_be_one(lab: Lab) -> None:
    orders = [lab.mapped("orders", created_at="order_no")]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        with pytest.raises(Misconfigured, match="field order_no is not a time"):
            await connector.order_page(PageQuery(5, OrderFilter()))


async def test_a_deleted_form_is_named_and_the_others_go_on(lab: Lab, jiandaoyun: Any) -> None:
    await jiandaoyun.probe()
    entry_id = lab.form(OVERSEAS).entry_id
    del lab.simulator.forms[entry_id]
    gone = f"form {entry_id}: there is no such form in the application"
    found = await jiandaoyun.orders_by_number(["SO-1001"])
    assert found["SO-1001"].detail == gone
    assert isinstance(found["SO-1001"], Misconfigured)
    known = lab.customers[0].sources[NAME]
    assert set(await jiandaoyun.customers([known])) == {known}
    assert f"there is no form {entry_id} in the application" in (await jiandaoyun.probe()).notes
    again = await jiandaoyun.orders_by_number(["SO-1001"])
    assert isinstance(again["SO-1001"], Misconfigured)


async def test_a_field_that_is_deleted_while_running_is_named(lab: Lab, jiandaoyun: Any) -> None:
    await jiandaoyun.probe()
    form = lab.form(DOMESTIC)
    form.fields.remove(lab.field(DOMESTIC, "订单号"))
    found = await jiandaoyun.orders_by_number(["SO-1001"])
    assert found["SO-1001"].detail == f"form {form.entry_id} has no field order_no"


async def test_a_field_that_is_made_while_running_is_found(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [lab.mapped("orders", total="late")]
    true = lab.orders_in(DOMESTIC, "单据编号")[0]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        assert (await connector.orders([true.native_id]))[true.native_id].misfits
        form = lab.form(DOMESTIC)
        form.fields.append(Field("_widget_1700000000001", "number", "late", "late"))
        monkeypatch.setattr(Forms, "PAUSE", timedelta())
        assert (await connector.orders([true.native_id]))[true.native_id].misfits is None


# Keys of every kind.


def with_records(lab: Lab, fields: list[Field], *rows: dict[str, Any]) -> Form:
    """A form of its own in the simulated application."""
    form = Form("a" * 24, "试验", fields)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for index, values in enumerate(rows):
        form.add(Record(f"{index:024x}", at, at, values))
    lab.simulator.forms[form.entry_id] = form
    return form


NO = Field("_widget_1700000000001", "text", "No.", "no")
SUM = Field("_widget_1700000000002", "number", "Sum", "sum")
TYPED = Field("_widget_1700000000003", "text", "Typed", "typed")
PLAIN = {"table": "a" * 24, "id": "no", "number": "no", "created_at": "createTime"}


async def test_records_by_their_own_id_cost_a_call_each(lab: Lab) -> None:
    ids = list(lab.form(DOMESTIC).records)[:5]
    orders = [lab.mapped("orders", id="_id")]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        notes = (await connector.probe()).notes
        entry_id = lab.form(DOMESTIC).entry_id
        assert notes == (f"form {entry_id}: _id as a key costs a call for each record",)
        lab.forget_calls()
        found = await connector.orders([*ids, "f" * 24, "not an id", '{"$ne":1}'])
        assert set(found) == set(ids)
        assert {found[key].native_id for key in ids} == set(ids)
        assert lab.asked() == ["/entry/data/get"] * 6


async def test_a_key_that_is_revoked_is_not_tried_for_each_record(lab: Lab) -> None:
    ids = list(lab.form(DOMESTIC).records)
    narrow = msgspec.structs.replace(SWIFT, concurrency=4)
    settings = lab.settings(orders=[lab.mapped("orders", id="_id")])
    async with connected(VENDOR, settings, narrow, name=NAME) as connector:
        await connector.probe()
        lab.simulator.keys.clear()
        lab.forget_calls()
        with pytest.raises(Unauthorized, match="the key is refused"):
            await connector.orders(ids)
    assert len(lab.asked()) <= 2 * narrow.concurrency < len(ids)


async def test_records_by_their_own_id_in_batches_where_that_is_set(lab: Lab) -> None:
    lab.simulator.ids_in_batches = True
    ids = list(lab.form(DOMESTIC).records)
    settings = lab.settings(orders=[lab.mapped("orders", id="_id")], ids_in_batches=True)
    async with connected(VENDOR, settings, SWIFT, name=NAME) as connector:
        assert (await connector.probe()).notes == ()
        lab.forget_calls()
        assert set(await connector.orders([*ids, "f" * 24])) == set(ids)
        assert lab.asked() == ["/entry/data/list"]


async def test_a_vendor_that_does_not_take_ids_in_batches_refuses_clearly(lab: Lab) -> None:
    settings = lab.settings(orders=[lab.mapped("orders", id="_id")], ids_in_batches=True)
    async with connected(VENDOR, settings, SWIFT, name=NAME) as connector:
        with pytest.raises(Misconfigured, match="a field or a filter is refused"):
            await connector.orders(["f" * 24])


async def test_numbers_are_keys_one_at_a_time(lab: Lab) -> None:
    rows = [{NO.key: f"A{n}", SUM.key: n} for n in (Decimal("12.5"), 2**60 + 1, 7)]
    with_records(lab, [NO, SUM], *rows)
    settings = lab.settings(orders=[{**PLAIN, "number": "sum"}])
    async with connected(VENDOR, settings, SWIFT, name=NAME) as connector:
        await connector.probe()
        lab.forget_calls()
        asked = ["12.5", str(2**60 + 1), "8", "seven", "NaN", "1e999"]
        found = await connector.orders_by_number(asked)
        assert {key: [o.native_id for o in orders] for key, orders in found.items()} == {
            "12.5": ["A12.5"],
            str(2**60 + 1): [f"A{2**60 + 1}"],
        }
        assert len(lab.asked()) == 3


async def test_two_records_with_one_key_are_a_failure_of_that_key(lab: Lab) -> None:
    with_records(lab, [NO], {NO.key: "A1"}, {NO.key: "A1"}, {NO.key: "A2"})
    async with connected(VENDOR, lab.settings(orders=[PLAIN]), SWIFT, name=NAME) as connector:
        found = await connector.orders(["A1", "A2"])
        assert isinstance(found["A1"], Malformed)
        assert found["A1"].detail == f"{'a' * 24}: several rows have the same id"
        assert found["A2"].number == "A2"
        assert isinstance((await connector.orders_by_number(["A1"]))["A1"], Malformed)


async def test_one_id_in_two_forms_is_a_failure_of_that_id(lab: Lab) -> None:
    true, other = lab.orders_in(OVERSEAS, "Key")[:2]
    with_records(lab, [NO], {NO.key: true.native_id})
    orders = [PLAIN, *lab.table["orders"]]
    async with connected(VENDOR, lab.settings(orders=orders), SWIFT, name=NAME) as connector:
        found = await connector.orders([true.native_id, other.native_id])
        assert isinstance(found[true.native_id], Malformed)
        assert "several rows have the same id" in found[true.native_id].detail
        assert isinstance(found[other.native_id], Order)


@pytest.mark.parametrize(
    "value",
    ["'", '"', "\\", '{"$ne":""}', "*", "%", "\u202e", "null", "[]", "📦", "a" * 255, "SO-1001 "],
    ids=ascii,
)
async def test_no_value_is_read_as_a_part_of_the_question(jiandaoyun: Any, value: str) -> None:
    assert await jiandaoyun.orders_by_number([value]) == {}
    assert await jiandaoyun.orders([value]) == {}
    assert await jiandaoyun.customers_by_external_id("stripe_eu", [value]) == {}


async def test_a_time_that_people_typed_has_the_zone_of_its_mapping(lab: Lab) -> None:
    with_records(lab, [NO, TYPED], {NO.key: "A1", TYPED.key: "2026-03-01 08:30:00"})
    zoned = {"field": "typed", "zone": "Asia/Shanghai"}
    for placed_at, moment, told in (
        (zoned, datetime(2026, 3, 1, 0, 30, tzinfo=UTC), None),
        ("typed", None, "typed: it is a time without a zone, and the mapping has none"),
    ):
        settings = lab.settings(orders=[{**PLAIN, "placed_at": placed_at}])
        async with connected(VENDOR, settings, SWIFT, name=NAME) as connector:
            found = (await connector.orders(["A1"]))["A1"]
            assert found.placed_at == moment
            assert told == (found.misfits and found.misfits["placed_at"][: len(told or "")])


async def test_an_amount_in_another_notation_is_a_misfit(lab: Lab) -> None:
    with_records(lab, [NO, TYPED], {NO.key: "A1", TYPED.key: "1.234,50"})
    total = {"field": "typed", "thousands": ",", "currency": "CNY"}
    settings = lab.settings(orders=[{**PLAIN, "total": total}])
    async with connected(VENDOR, settings, SWIFT, name=NAME) as connector:
        found = (await connector.orders(["A1"]))["A1"]
        assert found.total is None
        assert set(found.misfits) == {"total"}


# Who may ask, and how often.


async def test_a_key_that_is_revoked_in_the_middle_is_unauthorized(
    lab: Lab, jiandaoyun: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [o.number for o in lab.orders]
    assert len(await jiandaoyun.orders_by_number(numbers)) == len(numbers)
    shown = lab.simulator.shown

    def revoking(*given: Any) -> Any:
        lab.simulator.keys.clear()
        return shown(*given)

    monkeypatch.setattr(lab.simulator, "shown", revoking)
    monkeypatch.setattr("connectors.jiandaoyun.api.PAGE", 7)
    monkeypatch.setattr("connectors.jiandaoyun.tables.PAGE", 7)
    # Its first page came, but it is not told as if it were all.
    with pytest.raises(Unauthorized, match="the key is refused"):
        await jiandaoyun.orders_by_number(numbers)


async def test_a_key_without_the_application_is_misconfigured(lab: Lab, jiandaoyun: Any) -> None:
    lab.simulator.keys = {api_key(lab.world.seed): set()}
    with pytest.raises(Misconfigured, match="the key may not call this application"):
        await jiandaoyun.probe()
    with pytest.raises(Misconfigured, match=f"form {lab.form(CUSTOMERS).entry_id}: the key"):
        await jiandaoyun.customers(["KH000001"])


async def test_a_part_that_fails_fails_its_own_keys(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings(), ONCE, name=NAME) as connector:
        await connector.probe()
        known = [c.sources[NAME] for c in lab.customers]
        asked = [*known, *map("KH9{:05}".format, range(400))]
        await lab.upstream().set_faults([Fault(kind="status", status=400, times=1)])
        found = await connector.customers(asked)
    failed = {key for key, value in found.items() if isinstance(value, SourceError)}
    parts = [asked[start : start + 200] for start in (0, 200, 400)]
    assert failed in [set(part) for part in parts]
    assert all(isinstance(found[key], Rejected) for key in failed)


async def test_a_vendor_that_is_asked_too_often_says_so(lab: Lab) -> None:
    async with connected(VENDOR, lab.settings(), ONCE, name=NAME) as connector:
        await connector.probe()
        await lab.upstream().set_faults([Fault(kind="rate_limit")])
        with pytest.raises(RateLimited) as caught:
            await connector.orders_by_number(["SO-1001"])
        assert (caught.value.code, caught.value.retry_after) == ("8303", 1.0)


# Metadata.


async def test_forms_are_described_as_they_are_now(lab: Lab, jiandaoyun: Any) -> None:
    tables = {table.label: table for table in await jiandaoyun.describe(())}
    assert set(tables) == {CUSTOMERS, DOMESTIC, OVERSEAS}
    customers = {column.path: column for column in tables[CUSTOMERS].columns}
    assert customers["mobile.phone"].label == "手机"
    assert customers["mobile.phone"].key == f"{lab.field(CUSTOMERS, '手机').key}.phone"
    assert customers["createTime"].type is ColumnType.TIME
    assert customers["_id"].unique
    domestic = {column.path: column for column in tables[DOMESTIC].columns}
    assert domestic["status"].type is ColumnType.CHOICE
    assert domestic["doc_no"].unique
    assert domestic["customer.id"].type is ColumnType.RELATION
    assert domestic["lines[].qty"].type is ColumnType.NUMBER
    assert {"lines[]", "ship_to.city", "sales[].name", "ordered_at"} <= set(domestic)
    lab.field(DOMESTIC, "状态").alias = "order_status"
    (again,) = await jiandaoyun.describe([lab.form(DOMESTIC).entry_id, "f" * 24])
    column = next(one for one in again.columns if one.path == "order_status")
    assert column.key == domestic["status"].key


async def test_every_described_path_of_a_mapping_is_one_that_can_be_read(
    lab: Lab, jiandaoyun: Any
) -> None:
    (domestic,) = await jiandaoyun.describe([lab.form(DOMESTIC).entry_id])
    paths = [column.path for column in domestic.columns]
    rows = await jiandaoyun.sample(domestic.name, paths, "createTime", 3)
    newest = max(lab.orders_in(DOMESTIC, "单据编号"), key=lambda o: o.placed_at)
    assert len(rows) == 3
    assert newest.native_id in {row["doc_no"] for row in rows}


async def test_the_mapping_has_not_drifted_from_what_is_described(
    lab: Lab, jiandaoyun: Any
) -> None:
    """By alias as by id, also after the alias of a field was set that is mapped by its id."""
    settings = lab.settings()
    lab.field(OVERSEAS, "Items").items[0].alias = "article_no"
    assert list(drifts(settings, await jiandaoyun.describe(()), {})) == []
    lab.field(DOMESTIC, "状态").alias = "order_status"
    (drift,) = drifts(settings, await jiandaoyun.describe(()), {})
    assert drift.place == "orders[0].status"
    assert drift.what.endswith("has no field 'status'; was it renamed to 'order_status'?")


async def test_all_pages_of_forms_are_read(lab: Lab, jiandaoyun: Any) -> None:
    for number in range(205):
        form = Form(f"{number:024x}", f"表{number}", [NO])
        lab.simulator.forms[form.entry_id] = form
    assert len(await jiandaoyun.describe(())) == 208
