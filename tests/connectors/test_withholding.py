"""What a mapping without some attributes reads, and what its records then say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.capabilities import capabilities
from connectors.filters import OrderFilter
from connectors.mapped import MappedCrm
from connectors.mapping import MappedSettings, Preset
from connectors.paging import NEWEST_FIRST, PageQuery
from connectors.paths import paths_by_table
from connectors.records import Order, OrderState
from connectors.values import MISSING
from connectors.withholding import STATE, TOTAL, without
from tests.connectors.paper_tables import PaperTables, paper
from tests.connectors.test_mapped import ABROAD, HOME, PEOPLE, SETTINGS, home

pytestmark = pytest.mark.anyio
BARE = {k: v for k, v in HOME.items() if k != "refunded_amount"}
RECEIPTS = {"table": "收款", "order": "单号", "amount": "金额", "payment_ids": {"stripe_eu": "卡"}}


def mapping(**settings: Any) -> Preset:
    own = {"vendor": "paper", "zone": "Asia/Shanghai", "currency": "CNY", **settings}
    return msgspec.convert(own, MappedSettings).mapping


def less(told: Preset, *withheld: str) -> dict[str, set[str]]:
    """By table the paths that are no longer read."""
    before, after = paths_by_table(told), paths_by_table(without(told, frozenset(withheld)))
    gone = {table: set(paths) - set(after[table]) for table, paths in before.items()}
    return {table: paths for table, paths in gone.items() if paths}


def test_a_total_is_not_read_where_words_alone_tell_the_state() -> None:
    assert less(mapping(orders=[BARE]), TOTAL) == {"国内订单": {"金额", "币种"}}


@pytest.mark.parametrize("orders", [HOME, ABROAD])
def test_a_total_is_read_where_a_state_follows_from_it(orders: dict[str, Any]) -> None:
    assert less(mapping(orders=[orders]), TOTAL) == {}


def test_what_is_paid_tells_nothing_where_words_leave_nothing_open() -> None:
    status = [{**ABROAD["status"][0], "empty": "UNKNOWN", "words": {"N": "PAID"}}]
    assert less(mapping(orders=[{**ABROAD, "status": status}]), TOTAL) == {
        "orders_abroad": {"cents"}
    }


def test_what_was_booked_tells_states_too() -> None:
    told = mapping(orders=[BARE | {"status": []}], receipts=[RECEIPTS])
    assert less(told, TOTAL) == {}
    named = {k: v for k, v in RECEIPTS.items() if k != "amount"}
    uncounted = mapping(orders=[BARE], refunds=[named])
    assert less(uncounted, TOTAL) == {"国内订单": {"金额", "币种"}}


def test_without_states_no_amount_is_read_that_tells_them() -> None:
    told = mapping(orders=[HOME, ABROAD], receipts=[RECEIPTS])
    assert less(told, TOTAL, STATE) == {
        "国内订单": {"金额", "退款", "币种"},
        "orders_abroad": {"cents", "received", "cur"},
        "收款": {"金额"},
    }


def test_prices_of_lines_are_left_out_and_with_them_their_currency() -> None:
    told = mapping(orders=[BARE])
    assert less(told, "OrderLine.price", "OrderLine.total") == {
        "国内订单": {"明细[].单价", "明细[].币种"}
    }


def test_own_fields_are_left_out_unless_something_else_is_read_there() -> None:
    orders = {**HOME, "custom": {"seller": "业务员", "state": "状态"}}
    assert less(mapping(orders=[orders]), "Order.custom_fields") == {"国内订单": {"业务员"}}


def test_of_somebody_not_seen_at_all_nothing_is_read_but_who_it_is() -> None:
    told = mapping(customers=[PEOPLE])
    names = ("name", "kind", "email", "phones", "tier", "custom_fields", "created_at")
    left = without(told, frozenset(f"Customer.{name}" for name in names))
    assert set(paths_by_table(left)["客户"]) == {"编号", "录入", "stripe客户"}


def test_what_a_mapping_does_not_have_changes_nothing() -> None:
    told = mapping(orders=[BARE], customers=[PEOPLE])
    assert without(told, frozenset()) is told
    assert without(told, frozenset({"OrderLine.total", "Order.placed_at", "Customer.tier"})) is told


def narrowed(rows: list[dict[str, Any]], *withheld: str) -> tuple[MappedCrm, MappedCrm]:
    whole, _ = paper({"国内订单": rows}, **{**SETTINGS, "orders": [HOME]})
    return whole, whole.narrowed(frozenset(withheld))


async def one(crm: MappedCrm, native_id: str) -> Order:
    found = (await crm.orders([native_id]))[native_id]
    assert isinstance(found, Order)
    return found


async def test_a_record_lacks_what_is_withheld_and_nothing_else() -> None:
    row = home("SO-1", 2, 业务员="李雷", 微信单号="4200", 退款=None)
    whole, narrow = narrowed([row], TOTAL, STATE, "Order.custom_fields")
    full, lean = await one(whole, "SO-1"), await one(narrow, "SO-1")
    assert (full.total is not None, full.recorded_state) == (True, OrderState.PAID)
    assert lean == msgspec.structs.replace(
        full, total=None, custom_fields=None, recorded_state=OrderState.UNKNOWN
    )


async def test_what_is_withheld_and_does_not_fit_is_no_trouble() -> None:
    row = home("SO-1", 2, 金额="n/a", 业务员=MISSING)
    whole, narrow = narrowed([row], TOTAL, STATE, "Order.custom_fields")
    assert set((await one(whole, "SO-1")).misfits or {}) == {"total", "custom_fields.seller"}
    assert (await one(narrow, "SO-1")).misfits is None


async def test_a_state_is_the_same_without_the_total_being_seen() -> None:
    rows = [home(f"SO-{n}", 2, 退款=back) for n, back in enumerate([None, "1.00", "12,345.60"])]
    whole, narrow = narrowed(rows, TOTAL)
    for row in rows:
        full, lean = await one(whole, row["单号"]), await one(narrow, row["单号"])
        assert lean.recorded_state is full.recorded_state


async def test_a_narrow_connector_is_made_once_and_shares_everything_else() -> None:
    whole, tables = paper({"国内订单": [home("SO-1", 2)]}, **{**SETTINGS, "orders": [HOME]})
    assert isinstance(tables, PaperTables)
    narrow = whole.narrowed(frozenset({TOTAL, STATE}))
    assert whole.narrowed(frozenset({STATE, TOTAL})) is narrow is not whole
    assert whole.narrowed(frozenset({"Customer.tier"})) is whole
    assert capabilities(narrow) == capabilities(whole)
    page = await narrow.order_page(PageQuery(5, OrderFilter(), None, NEWEST_FIRST))
    assert [row.record.native_id for row in page.rows if isinstance(row.record, Order)] == ["SO-1"]
    assert tables.calls == ["国内订单 newest 6"]


async def test_narrowing_twice_withholds_both() -> None:
    whole, _ = narrowed([home("SO-1", 2, 业务员="李雷")])
    twice = whole.narrowed(frozenset({TOTAL, STATE})).narrowed(frozenset({"Order.custom_fields"}))
    found = await one(twice, "SO-1")
    assert (found.total, found.custom_fields) == (None, None)
    assert found.recorded_state is OrderState.UNKNOWN
    assert (await one(whole, "SO-1")).custom_fields == {"seller": "李雷"}
