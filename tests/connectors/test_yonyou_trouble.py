"""What goes wrong with U8: wrong settings, lost rights, lying lists, a relay that is away."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.conformance import Fault, connected
from connectors.errors import (
    Malformed,
    Misconfigured,
    RateLimited,
    Rejected,
    Retryable,
    SourceError,
    TimedOut,
    Unauthorized,
)
from connectors.filters import CustomerFilter, OrderFilter
from connectors.paging import PageQuery
from connectors.records import OrderState
from connectors.transport import Limits
from connectors.yonyou import VENDOR
from sandbox.yonyou.lists import NARROWED
from sandbox.yonyou.refusals import REFUSALS, Refused
from tests.connectors.yonyou_sandbox import HandClock, YonyouSandbox, running

pytestmark = pytest.mark.anyio
FAST = msgspec.structs.replace(VENDOR.limits, rates={}, concurrency=8)
ONCE = msgspec.structs.replace(FAST, attempts=1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[YonyouSandbox]:
    yield from running()


@pytest.fixture(autouse=True)
def clean(sandbox: YonyouSandbox) -> Iterator[None]:
    yield
    sandbox.app.heal()


def connecting(sandbox: YonyouSandbox, **changes: Any) -> Any:
    return connected(VENDOR, sandbox.settings(**changes), FAST)


def orders_of(sandbox: YonyouSandbox, **changes: Any) -> dict[str, Any]:
    """The mapping of orders with some attributes mapped otherwise."""
    declared = msgspec.to_builtins(sandbox.settings().mapping.orders[0])
    return {"orders": [declared | changes]}


async def failure(call: Any) -> SourceError:
    try:
        answer = await call
    except SourceError as error:
        return error
    failed = [value for value in answer.values() if isinstance(value, SourceError)]
    assert failed
    return failed[0]


async def outcomes(call: Any) -> list[SourceError]:
    """The failure that was raised, or those of all keys."""
    try:
        return list((await call).values())
    except SourceError as error:
        return [error]


async def test_a_revoked_app_is_told_once_and_not_logged_in_again_and_again(
    sandbox: YonyouSandbox,
) -> None:
    sandbox.app.keys.revoked = True
    async with connecting(sandbox) as connector:
        await sandbox.clear()
        for _ in range(3):
            error = await failure(connector.orders(["0000000001", "0000000002"]))
            assert isinstance(error, Unauthorized)
            assert str(error) == ("conform: from_account, app_key or app_secret is refused (20001)")
        assert await sandbox.calls() == 1


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ({"to_account": "stranger"}, Misconfigured, "to_account has not granted this to the app"),
        ({"ds_sequence": 2}, Misconfigured, "to_account has not granted this to the app"),
        ({"app_secret": "wrong"}, Unauthorized, "from_account, app_key or app_secret is refused"),
    ],
)
async def test_wrong_accounts_are_named(
    sandbox: YonyouSandbox, wrong: dict[str, Any], kind: type[SourceError], message: str
) -> None:
    async with connecting(sandbox, **wrong) as connector:
        error = await failure(connector.customers(["00000001"]))
    assert isinstance(error, kind)
    assert message in error.detail


async def test_a_token_lost_in_the_middle_is_renewed_once(sandbox: YonyouSandbox) -> None:
    codes = [one.native_id for one in sandbox.orders()[:20]]
    async with connecting(sandbox, concurrency=1) as connector:
        await connector.probe()
        sandbox.app.keys.tokens.clear()
        await sandbox.clear()
        found = await connector.order_lines(codes)
        asked = sandbox.asked()
    assert set(found) == {o.native_id for o in sandbox.orders()[:20] if o.lines}
    assert asked.count("/system/token") == 1
    assert asked.count("/api/saleorder/get") == len(codes) + 1


async def test_a_list_that_was_not_granted_is_named(sandbox: YonyouSandbox) -> None:
    sandbox.app.denied = {"saleorderlist"}
    async with connecting(sandbox) as connector:
        notes = (await connector.probe()).notes
        assert notes == ("saleorderlist: to_account has not granted this to the app",)
        error = await failure(connector.orders_by_number(["SO-1001"]))
        assert isinstance(error, Misconfigured)
        assert error.detail == notes[0]
        assert len(await connector.customers(["00000001"])) == 1
        tables = {table.name for table in await connector.describe(())}
    assert tables == {"customer", "acceptlist", "paylist"}


async def test_a_list_that_does_not_exist_is_named(sandbox: YonyouSandbox) -> None:
    mapped = orders_of(sandbox, table="weborderlist")
    async with connecting(sandbox, **mapped) as connector:
        error = await failure(connector.orders(["0000000001"]))
        with pytest.raises(Misconfigured, match="weborderlist"):
            await connector.order_page(PageQuery(5, OrderFilter()))
    assert isinstance(error, Misconfigured)
    assert error.detail.startswith("weborderlist: ")


async def test_a_field_that_does_not_exist_is_named_where_it_matters(
    sandbox: YonyouSandbox,
) -> None:
    mapped = orders_of(sandbox, payment_ids={"stripe_eu": "defin1"}, channel="entry[].paidby")
    async with connecting(sandbox, **mapped) as connector:
        assert (await connector.probe()).notes == (
            "saleorderlist.entry[].paidby: U8 documents no such field, and none of the rows read"
            " has it",
            "saleorderlist.defin1: U8 documents no such field, and none of the rows read has it",
        )
        error = await failure(connector.orders_by_payment_id("stripe_eu", ["pi_1"]))
        assert isinstance(error, Misconfigured)
        assert error.detail == (
            "saleorderlist has no field defin1: none of the rows that it is asked by has"
        )
        order = (await connector.orders(["0000000001"]))["0000000001"]
    assert (order.number, order.misfits) == (sandbox.orders()[0].number, None)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (("acceptlist", "digest"), "acceptlist?vouchtype=48 has no field digest: "),
        (("saleorderlist", "code"), "saleorderlist has no field code: "),
    ],
)
@pytest.mark.parametrize("size", [500, 1])
async def test_a_documented_field_that_orders_are_asked_by_and_that_never_comes_is_named(
    sandbox: YonyouSandbox, hidden: tuple[str, str], message: str, size: int
) -> None:
    """By the whole list and by a call for each key alike."""
    sandbox.app.hidden = {hidden}
    paid = [o for o in sandbox.orders() if o.recorded_state == "PAID"][:2]
    async with connecting(sandbox, rows_per_page=size) as connector:
        found = await outcomes(connector.orders([one.native_id for one in paid]))
    assert {type(error) for error in found} == {Misconfigured}
    assert {error.detail.startswith(message) for error in found} == {True}


async def test_customers_without_the_code_that_they_are_asked_by_are_not_nobody(
    sandbox: YonyouSandbox,
) -> None:
    sandbox.app.hidden = {("customer", "code"), ("saleorderlist", "define10")}
    async with connecting(sandbox) as connector:
        error = await failure(connector.customers(["00000001", "00000002"]))
        assert (type(error), error.detail[:26]) == (Misconfigured, "customer has no field code")
        error = await failure(connector.orders_by_number([sandbox.orders()[0].number]))
    assert (type(error), error.detail[:35]) == (
        Misconfigured,
        "saleorderlist has no field define10",
    )


async def test_orders_whose_state_never_comes_are_unknown_and_the_probe_says_why(
    sandbox: YonyouSandbox,
) -> None:
    sandbox.app.hidden = {("saleorderlist", "state")}
    codes = [one.native_id for one in sandbox.orders()[:30]]
    async with connecting(sandbox) as connector:
        notes = (await connector.probe()).notes
        found = await connector.orders(codes)
    assert notes == ("saleorderlist.state: none of the rows read has it, and each of them should",)
    assert {order.recorded_state for order in found.values()} == {OrderState.UNKNOWN}


async def test_the_answer_does_not_depend_on_what_was_read_before(sandbox: YonyouSandbox) -> None:
    """U8 leaves out what is empty: here the currency of the books."""
    rows = sandbox.app.rows["saleorderlist"]
    own = [row for row in rows if row["currency_name"] == "人民币"]
    other = next(row for row in rows if row["currency_name"] != "人民币")
    for row in own:
        del row["currency_name"]
    try:
        async with connecting(sandbox) as connector:
            first = await connector.orders([own[0]["code"]])
            await connector.orders([other["code"]])
            await connector.probe()
            again = await connector.orders([own[0]["code"]])
    finally:
        for row in own:
            row["currency_name"] = "人民币"
    assert first == again
    assert "currency_name: it holds no currency" in first[own[0]["code"]].misfits["total"]


async def test_what_stands_inside_documents_is_no_key(sandbox: YonyouSandbox) -> None:
    """Heads lack it: what holds it would not be found."""
    inside = {"payment_ids": {"stripe_eu": "entry[].define22"}}
    refunds = {"refund_ids": {"wechat_cn": "entry[].define23"}}
    message = "stands inside its documents, and no list is asked by that; map a field of the head"
    async with connecting(sandbox, **orders_of(sandbox, **inside, **refunds)) as connector:
        await sandbox.clear()
        error = await failure(connector.orders_by_payment_id("stripe_eu", ["pi_1"]))
        assert isinstance(error, Misconfigured)
        assert error.detail == f"saleorderlist: entry[].define22 {message}"
        with pytest.raises(Misconfigured, match=r"saleorderlist: entry\[\]\.define23 stands"):
            [part async for part in connector.refund_numbers(datetime.now(UTC))]
        assert await sandbox.calls() == 0


async def test_amounts_inside_receipts_are_read_with_their_documents(
    sandbox: YonyouSandbox,
) -> None:
    truth = [one for one in sandbox.orders() if one.recorded_state == "PARTIALLY_PAID"][:2]
    vouchers = sandbox.app.rows["acceptlist"]
    for row in vouchers:
        row["entry"] = [{"originalamount": row["originalamount"], "type": "应收款"}]
    declared = [msgspec.to_builtins(one) for one in sandbox.settings().mapping.receipts]
    declared[0]["amount"] = {
        "field": "entry[].originalamount",
        "currency_field": "foreigncurrency",
    }
    gone = next(row for row in vouchers if row["digest"] == truth[1].number)
    try:
        async with connecting(sandbox, receipts=declared) as connector:
            found = await connector.orders([one.native_id for one in truth])
            assert {one.recorded_state.value for one in found.values()} == {"PARTIALLY_PAID"}
            # A receipt that cannot be read fails its own order.
            gone["vouchcode"] = "a b"
            found = await connector.orders([one.native_id for one in truth])
    finally:
        gone["vouchcode"] = gone["define10"]
        for row in vouchers:
            del row["entry"]
    assert found[truth[0].native_id].recorded_state.value == "PARTIALLY_PAID"
    error = found[truth[1].native_id]
    assert isinstance(error, Malformed)
    assert error.detail.endswith("a listed document cannot be read by its code")


async def test_lines_of_orders_that_have_another_id_than_their_code_are_read(
    sandbox: YonyouSandbox,
) -> None:
    truth = next(one for one in sandbox.orders() if one.lines)
    async with connecting(sandbox, **orders_of(sandbox, id="define10")) as connector:
        lines = (await connector.order_lines([truth.number]))[truth.number]
    assert [line.total.minor_units for line in lines] == [line.total for line in truth.lines]


async def test_a_field_that_may_not_be_read_leaves_the_rest_of_the_order(
    sandbox: YonyouSandbox,
) -> None:
    """currency_name is no documented field of an order, and define13 is."""
    sandbox.app.hidden = {("saleorderlist", "currency_name"), ("saleorderlist", "define13")}
    async with connecting(sandbox) as connector:
        order = (await connector.orders(["0000000001"]))["0000000001"]
        lines = (await connector.order_lines(["0000000001"]))["0000000001"]
    assert (order.number, order.total) == (sandbox.orders()[0].number, None)
    assert "currency_name: it holds no currency" in order.misfits["total"]
    assert set(order.misfits) == {"total"}
    assert [line.total for line in lines] == [None] * len(sandbox.orders()[0].lines)


async def test_two_rows_with_one_code_fail_that_code_alone(sandbox: YonyouSandbox) -> None:
    rows = sandbox.app.rows["customer"]
    rows.append(rows[0] | {"name": "twice"})
    try:
        async with connecting(sandbox) as connector:
            found = await connector.customers(["00000001", "00000002"])
    finally:
        rows.pop()
    assert isinstance(found["00000001"], Malformed)
    assert found["00000001"].detail == "customer: several rows have the same id"
    assert found["00000002"].name == sandbox.customers()[1].name


async def test_local_times_are_those_of_the_settings(sandbox: YonyouSandbox) -> None:
    truth = sandbox.orders()[0]
    async with connecting(sandbox, zone="Asia/Kuwait") as connector:
        order = (await connector.orders([truth.native_id]))[truth.native_id]
    assert (order.placed_at - truth.placed_at).total_seconds() == 5 * 3600


async def test_a_date_that_is_none_is_named(sandbox: YonyouSandbox) -> None:
    row = sandbox.app.rows["saleorderlist"][3]
    before, row["date"] = row["date"], "31/12/2026"
    try:
        async with connecting(sandbox) as connector:
            order = (await connector.orders([row["code"]]))[row["code"]]
            page = await connector.order_page(PageQuery(200, OrderFilter()))
    finally:
        row["date"] = before
    assert order.created_at is None
    assert order.misfits["created_at"].startswith("date: it is not a time")
    assert len(page.rows) == len({one.record.native_id for one in page.rows}) > 1
    assert page.rows[0].record == order


@pytest.mark.parametrize("count", [0, 7, 100_000])
async def test_a_count_of_rows_that_lies_cuts_nothing(sandbox: YonyouSandbox, count: int) -> None:
    sandbox.app.wrong_count = count
    async with connecting(sandbox, rows_per_page=50, most_pages=4000) as connector:
        numbers = [one.number for one in sandbox.orders()]
        found = await connector.orders_by_number(numbers)
    assert set(found) == set(numbers)


@pytest.mark.parametrize("count", [0, None])
async def test_a_list_of_unknown_length_costs_no_more_than_a_call_for_each_key(
    sandbox: YonyouSandbox, count: int | None
) -> None:
    told = ("page_count", "row_count") if count is None else ()
    owners = [one.sources["yonyou"] for one in sandbox.customers()]
    sandbox.app.wrong_count = count
    sandbox.app.untold = set(told)
    async with connecting(sandbox, rows_per_page=5) as connector:
        await connector.probe()
        await sandbox.clear()
        found = await connector.customers([owners[0], owners[-1]])
        assert set(found) == {owners[0], owners[-1]}
        assert await sandbox.calls() == 1 + 2


async def test_a_last_page_that_is_full_is_counted_with_the_empty_one_behind_it(
    sandbox: YonyouSandbox,
) -> None:
    """57 customers are three pages of nineteen, and a fourth call."""
    owners = [one.sources["yonyou"] for one in sandbox.customers()]
    async with connecting(sandbox, rows_per_page=19) as connector:
        await connector.probe()
        await sandbox.clear()
        assert len(await connector.customers([owners[0], owners[-1]])) == 2
        assert await sandbox.calls() == 2 + 1
        await sandbox.clear()
        assert len(await connector.customers(owners)) == 57
        assert await sandbox.calls() == 3 + 1


@pytest.mark.parametrize(
    "untold",
    [
        "",
        "row_count",
        "row_count rows_per_page",
        "page_count rows_per_page",
        "row_count page_count",
        "row_count page_count rows_per_page",
    ],
)
async def test_whatever_is_not_told_of_pages_they_are_read_to_the_end(
    sandbox: YonyouSandbox, untold: str
) -> None:
    """Of 500 rows that are asked a page it gives 20."""
    sandbox.app.most_rows = 20
    sandbox.app.untold = set(untold.split())
    async with connecting(sandbox) as connector:
        page = await connector.customer_page(PageQuery(100, CustomerFilter()))
    assert (len(page.rows), page.more) == (57, False)


async def test_pages_smaller_than_asked_are_read_to_the_end(sandbox: YonyouSandbox) -> None:
    sandbox.app.most_rows = 20
    async with connecting(sandbox) as connector:
        await connector.probe()
        await sandbox.clear()
        customers = [one.sources["yonyou"] for one in sandbox.customers()]
        assert len(await connector.customers(customers)) == 57
        assert sandbox.asked() == ["/api/customer/batch_get"] * 3


async def test_a_list_that_is_too_long_is_refused_and_says_what_to_do(
    sandbox: YonyouSandbox,
) -> None:
    async with connecting(sandbox, rows_per_page=10, most_pages=3) as connector:
        error = await failure(connector.orders_by_number(["SO-1001"]))
    assert isinstance(error, Rejected)
    assert error.detail == (
        "saleorderlist: the whole list is more than 3 pages; raise rows_per_page or most_pages, "
        "or map a field that the API can filter by"
    )


@pytest.mark.parametrize(
    "key", ["1&token=x", "' OR 1=1 --", "a\x00b", "x" * 400, "%_[]", "0000000001 ", "上海\n"]
)
async def test_what_cannot_be_a_code_is_not_sent(sandbox: YonyouSandbox, key: str) -> None:
    async with connecting(sandbox) as connector:
        await connector.probe()
        await sandbox.clear()
        assert await connector.orders([key]) == {}
        assert await connector.customers([key]) == {}
        assert await sandbox.calls() == 0
        assert await connector.orders_by_number([key]) == {}


async def test_codes_that_databases_order_differently_are_asked_one_by_one(
    sandbox: YonyouSandbox,
) -> None:
    rows = sandbox.app.rows["customer"]
    own = ["a-9", "B_1", "上海-01", "上海-02", "上海-03"]
    rows += [rows[0] | {"code": code} for code in own]
    try:
        async with connecting(sandbox) as connector:
            await connector.probe()
            await sandbox.clear()
            assert set(await connector.customers(own)) == set(own)
            assert await sandbox.calls() == 2 + 1
    finally:
        del rows[-len(own) :]


async def test_codes_of_several_lengths_are_no_range(sandbox: YonyouSandbox) -> None:
    """A database may compare 9, 10 and 11 as numbers: from 10 to 9 there is nothing then."""
    rows = sandbox.app.rows["customer"]
    own = ["9", "10", "11"]
    rows += [rows[0] | {"code": code} for code in own]
    kept = dict(NARROWED["customer"])
    NARROWED["customer"] |= {
        "code_begin": lambda row, value: int(row["code"]) >= int(value),
        "code_end": lambda row, value: int(row["code"]) <= int(value),
    }
    try:
        async with connecting(sandbox) as connector:
            await connector.probe()
            await sandbox.clear()
            assert set(await connector.customers(own)) == set(own)
            assert await sandbox.calls() == 2
    finally:
        NARROWED["customer"] = kept
        del rows[-len(own) :]


async def test_too_many_calls_and_a_plan_that_is_used_up() -> None:
    for busy in running(rate_limits=True, clock=HandClock(), orders=60):
        codes = [one.native_id for one in busy.orders()]
        async with connected(VENDOR, busy.settings(), ONCE) as connector:
            found = await connector.order_lines(codes)
            refused = [one for one in found.values() if isinstance(one, SourceError)]
            assert {type(one) for one in refused} == {RateLimited}
            assert len(codes) - len(refused) <= 50
            assert await busy.calls() <= 1 + 50 + 8
        busy.app.used_up = True
        async with connected(VENDOR, busy.settings(), FAST) as connector:
            await busy.clear()
            error = await failure(connector.customers(["00000001"]))
            assert isinstance(error, RateLimited)
            assert (error.detail, error.again) == ("the calls of the plan are used up", False)
            assert await busy.calls() == 2


async def test_a_relay_that_is_away_is_not_asked_for_every_key(sandbox: YonyouSandbox) -> None:
    sandbox.app.offline = True
    codes = [one.native_id for one in sandbox.orders()]
    async with connected(VENDOR, sandbox.settings(concurrency=2), ONCE) as connector:
        await sandbox.clear()
        found = await failure(connector.order_lines(codes))
        # Two in a row, and one that was under way by then.
        assert await sandbox.calls() <= 1 + 2 + 1
    assert isinstance(found, Retryable)
    assert found.detail == "the relay does not reach the company's U8 server"


@pytest.mark.parametrize("refusal", ["offline", "parameter"])
async def test_one_document_that_always_fails_is_its_own_failure(
    sandbox: YonyouSandbox, refusal: str
) -> None:
    codes = [one.native_id for one in sandbox.orders()[:30] if one.lines]
    read = sandbox.app._read

    def reading(name: str, action: str, query: dict[str, str]) -> dict[str, Any]:
        if query.get("id") == codes[3]:
            raise Refused(refusal)
        return read(name, action, query)

    sandbox.app._read = reading  # type: ignore[method-assign]
    try:
        async with connected(VENDOR, sandbox.settings(concurrency=2), ONCE) as connector:
            found = await connector.order_lines(codes)
    finally:
        sandbox.app._read = read  # type: ignore[method-assign]
    assert [code for code in codes if isinstance(found[code], SourceError)] == [codes[3]]


@pytest.mark.parametrize(
    "text",
    ["账套不存在", "应用不存在", "资源不存在", "接口权限不存在", "参数digest不存在", "不存在"],
)
async def test_a_list_that_says_that_something_does_not_exist_is_not_empty(
    sandbox: YonyouSandbox, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setitem(REFUSALS, "denied", ("20010", text))
    sandbox.app.denied = {"acceptlist"}
    async with connecting(sandbox) as connector:
        error = await failure(connector.orders(["0000000001"]))
        notes = (await connector.probe()).notes
    assert (type(error), error.code) == (Misconfigured, "20010")
    assert error.detail.startswith("acceptlist?vouchtype=48: ")
    assert [note[:24] for note in notes] == ["acceptlist?vouchtype=48:", "acceptlist?vouchtype=49:"]


async def test_a_code_may_mean_that_a_list_is_empty(
    sandbox: YonyouSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REFUSALS, "denied", ("20010", "单据不存在"))
    sandbox.app.denied = {"customer"}
    async with connecting(sandbox, errcodes={"20010": "empty"}) as connector:
        assert await connector.customers(["00000001", "00000002"]) == {}


async def test_a_slow_relay_meets_the_deadline(sandbox: YonyouSandbox) -> None:
    sandbox.app.slow = 0.6
    brief = msgspec.structs.replace(ONCE, deadline=0.2)
    async with connected(VENDOR, sandbox.settings(), brief) as connector:
        assert isinstance(await failure(connector.customers(["00000001"])), TimedOut)


async def test_waiting_for_a_turn_is_not_counted_as_the_relays_time(
    sandbox: YonyouSandbox,
) -> None:
    """Twelve calls of 0.1 s, two at once, with half a second for each."""
    sandbox.app.slow = 0.1
    brief = msgspec.structs.replace(ONCE, deadline=0.5)
    codes = [one.native_id for one in sandbox.orders()[:12]]
    async with connected(VENDOR, sandbox.settings(concurrency=2), brief) as connector:
        found = await connector.order_lines(codes)
    assert not [one for one in found.values() if isinstance(one, SourceError)]


async def test_a_document_that_is_gone_fails_its_own_order(sandbox: YonyouSandbox) -> None:
    gone = sandbox.orders()[-1].native_id

    app = sandbox.app
    read = app._read

    def reading(name: str, action: str, query: dict[str, str]) -> dict[str, Any]:
        return read(name, action, query | ({"id": "none"} if query.get("id") == gone else {}))

    app._read = reading  # type: ignore[method-assign]
    try:
        async with connecting(sandbox) as connector:
            page = await connector.order_page(PageQuery(5, OrderFilter()))
    finally:
        app._read = read  # type: ignore[method-assign]
    failed = [row.record for row in page.rows if isinstance(row.record, SourceError)]
    assert [type(one) for one in failed] == [Malformed]
    assert failed[0].detail == "saleorderlist: a listed document cannot be read by its code"
    assert len(page.rows) == 5


FAULTS = (
    Fault(kind="status", status=500),
    Fault(kind="status", status=401),
    Fault(kind="rate_limit"),
    Fault(kind="html"),
    Fault(kind="bad_json"),
    Fault(kind="cut"),
    Fault(kind="drop"),
    Fault(kind="latency", latency_ms=700),
)


async def test_no_log_and_no_error_tells_what_stands_in_the_query_string(
    sandbox: YonyouSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    # uvicorn is the vendor's side here.
    ours = [name for name in logging.root.manager.loggerDict if not name.startswith("uvicorn")]
    for name in ("", *ours):
        caplog.set_level(logging.DEBUG, logger=name)
    told: list[str] = []
    brief = msgspec.structs.replace(ONCE, deadline=0.3)
    async with connected(VENDOR, sandbox.settings(), brief) as connector:
        await connector.probe()
        for fault in FAULTS:
            await sandbox.set_faults([fault])
            for call in (
                connector.orders(["0000000001"]),
                connector.customer_page(PageQuery(3, CustomerFilter())),
            ):
                error = await failure(call)
                told += [repr(error), *traceback.format_exception(error)]
        await sandbox.set_faults([])
        sandbox.app.keys.revoked = True
        tokens = [*sandbox.app.keys.tokens]
        sandbox.app.keys.tokens.clear()
        told += traceback.format_exception(await failure(connector.customers(["00000001"])))
        told += [repr(connector), repr(vars(connector)), repr(sandbox.settings())]
    sandbox.app.keys.revoked = False
    told += await told_of_failed_logins(sandbox, brief)
    own = sandbox.credentials
    secrets = [own["app_key"], own["app_secret"], *tokens, *sandbox.app.keys.tokens]
    text = caplog.text + "\n".join(told)
    assert not [secret for secret in secrets if secret in text]
    # A token is 32 digits: none of any kind is told.
    assert re.findall(r"\b[0-9a-f]{32}\b|[?&](from_account|app_key|token)=", text) == []
    assert len(told) > 60
    assert len(tokens) >= 1


async def told_of_failed_logins(sandbox: YonyouSandbox, limits: Limits) -> list[str]:
    """What each fault of /system/token tells."""
    told: list[str] = []
    for fault in FAULTS:
        await sandbox.set_login_faults([fault])
        async with connected(VENDOR, sandbox.settings(), limits) as connector:
            for call in (connector.orders(["0000000001"]), connector.probe()):
                error = await failure(call)
                told += [repr(error), *traceback.format_exception(error)]
            told.append(repr(vars(connector)))
    await sandbox.set_faults([])
    return told
