"""The e-cology connector against the simulator."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connectors.capabilities import capabilities
from connectors.conformance import Batch, Conformance, connected
from connectors.errors import Malformed, Misconfigured, Rejected, SourceError, Unauthorized
from connectors.filters import OrderFilter
from connectors.mapping import CustomerMap, FieldMap, OrderMap
from connectors.metadata import ColumnType
from connectors.paging import PageQuery
from connectors.records import OrderState
from connectors.secret import Secret
from connectors.transport import Limits
from connectors.weaver import VENDOR
from connectors.weaver.settings import WeaverSettings
from sandbox.weaver.simulator import MOST
from tests.connectors.weaver_sandbox import ORDERS, WeaverSandbox, running

pytestmark = pytest.mark.anyio
UNPACED = Limits()
"""Nobody works in the simulated office."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[WeaverSandbox]:
    yield from running()


@pytest.fixture(autouse=True)
def clean(sandbox: WeaverSandbox) -> Iterator[None]:
    yield
    sandbox.simulator.hidden.clear()
    sandbox.simulator.guarded = sandbox.simulator.careless = False
    sandbox.simulator.most = MOST


class TestConformance(Conformance):
    vendor = msgspec.structs.replace(VENDOR, limits=UNPACED)
    answers_in_gbk = True
    refreshes = False
    # Interfaces do not list their fields: a row that lacks one may be all that there is of it.
    odd_spared = (
        "has no (field|list)",
        # An empty currency is that of the source, as its configuration says.
        "(null|an empty text) at .*/mainTable/bz ",
    )

    @pytest.fixture(autouse=True)
    def start(self, sandbox: WeaverSandbox) -> None:
        self.sandbox = sandbox

    def settings(self) -> Any:
        return self.sandbox.settings()

    def upstream(self) -> WeaverSandbox:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        orders = self.sandbox.orders()
        people = {one.key: one.sources["weaver"] for one in self.sandbox.customers()}
        ids = tuple(order.native_id for order in orders)
        fields = [order.payment_field for order in orders if order.payment_field]
        return {
            "customers": Batch(known=tuple(people.values()), missing="9{:08}".format),
            "customers_by_external_id": Batch(
                known=tuple(
                    one.sources["stripe_eu"]
                    for one in self.sandbox.customers()
                    if "stripe_eu" in one.sources
                ),
                missing="none-{}".format,
                source="stripe_eu",
            ),
            "orders": Batch(known=ids, missing="9{:08}".format),
            "orders_by_number": Batch(
                known=tuple(order.number for order in orders), missing="none-{}".format
            ),
            "orders_by_payment_id": Batch(
                known=tuple(native_id for source, native_id in fields if source == "stripe_eu"),
                missing="none-{}".format,
                source="stripe_eu",
            ),
            "orders_by_customer": Batch(
                known=tuple(dict.fromkeys(people[o.customer] for o in orders if o.customer)),
                missing="9{:08}".format,
            ),
            "order_lines": Batch(
                known=tuple(o.native_id for o in orders if o.lines), missing="9{:08}".format
            ),
        }


def minute(moment: datetime) -> datetime:
    """The forms keep no seconds."""
    return moment.replace(second=0, microsecond=0)


async def test_orders_say_what_the_world_says(sandbox: WeaverSandbox) -> None:
    keys = {one.key: one.sources["weaver"] for one in sandbox.customers()}
    ids = [order.native_id for order in sandbox.orders()]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        orders = await connector.orders(ids)
        by_number = await connector.orders_by_number([o.number for o in sandbox.orders()])
        lines = await connector.order_lines(ids)
    assert len(orders) == len(by_number) == ORDERS
    for truth in sandbox.orders():
        found = orders[truth.native_id]
        assert by_number[truth.number] == (found,)
        assert found.misfits is None
        assert found.recorded_state.value == truth.recorded_state
        assert (found.total and found.total.minor_units) == truth.total
        assert found.total is None or found.total.currency == truth.currency
        assert found.created_at == found.placed_at == minute(truth.placed_at)
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
    assert {o.recorded_state.value for o in orders.values()} == {
        state.value for state in OrderState
    }


async def test_customers_say_what_the_world_says(sandbox: WeaverSandbox) -> None:
    ids = [one.sources["weaver"] for one in sandbox.customers()]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        customers = await connector.customers(ids)
    assert len(customers) == len(ids) > 20
    for truth in sandbox.customers():
        found = customers[truth.sources["weaver"]]
        assert (found.name, found.email, found.tier) == (truth.name, truth.email, truth.tier)
        assert (found.kind.value, found.industry) == (truth.kind, truth.industry)
        assert found.phones == ((truth.phone,) if truth.phone else ())
        assert found.created_at == minute(truth.created_at)
        assert found.custom_fields == {"客户编号": truth.key}
        assert [link.native_id for link in found.external_ids] == (
            [truth.sources["stripe_eu"]] if "stripe_eu" in truth.sources else []
        )


async def test_there_are_no_pages_and_the_newest_are_not_known(sandbox: WeaverSandbox) -> None:
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        able = capabilities(connector)
        assert len(await connector.sample("xsdd", ["ddbh"], "modedatacreatedate", 3)) == 3
    assert set(able) == {*VENDOR.calls, "metadata", "narrowed"}


async def test_a_long_answer_is_read_page_by_page(sandbox: WeaverSandbox) -> None:
    busy = max(sandbox.customers(), key=lambda one: len(of(sandbox, one.key)))
    numbers = {order.number for order in of(sandbox, busy.key)}
    assert len(numbers) >= 4
    for size, calls in ((2, len(numbers) // 2 + 1), (len(numbers), 2), (len(numbers) + 1, 1)):
        async with connected(VENDOR, sandbox.settings(page_size=size), UNPACED) as connector:
            await sandbox.clear()
            query = PageQuery(100, OrderFilter())
            (page,) = (await connector.orders_by_customer([busy.sources["weaver"]], query)).values()
            assert {row.record.number for row in page.rows} == numbers
            assert await sandbox.calls() == calls


def of(sandbox: WeaverSandbox, customer: str) -> list[Any]:
    return [order for order in sandbox.orders() if order.customer == customer]


async def test_wrong_credentials_are_told_as_such(sandbox: WeaverSandbox) -> None:
    wrong = sandbox.settings(password=Secret("wrong"))
    ids = [order.native_id for order in sandbox.orders()]
    async with connected(VENDOR, wrong, UNPACED) as connector:
        with pytest.raises(Misconfigured, match="system_id and password"):
            await connector.probe()
        await sandbox.clear()
        with pytest.raises(Misconfigured, match="system_id and password"):
            await connector.orders(ids)
    assert await sandbox.calls() == 1


async def test_a_wrong_password_takes_no_token_again(sandbox: WeaverSandbox) -> None:
    sandbox.simulator.guarded = True
    wrong = sandbox.guarded(password=Secret("wrong"))
    async with connected(VENDOR, wrong, UNPACED) as connector:
        await sandbox.clear()
        with pytest.raises(Misconfigured, match="system_id and password"):
            await connector.orders([order.native_id for order in sandbox.orders()])
    assert await sandbox.calls() == 3  # registered, a token, one question


async def test_what_fails_for_all_is_not_asked_for_each(sandbox: WeaverSandbox) -> None:
    """Also in a field that was found to be regarded before."""
    ids = [order.native_id for order in sandbox.orders()]
    password = sandbox.simulator.password
    narrow = Limits(concurrency=4)
    async with connected(VENDOR, sandbox.settings(), narrow) as connector:
        assert set(await connector.orders(ids[:2])) == set(ids[:2])
        await sandbox.clear()
        sandbox.simulator.password = "changed"
        try:
            with pytest.raises(Misconfigured):
                await connector.orders(ids)
        finally:
            sandbox.simulator.password = password
    assert len(ids) == 150
    assert await sandbox.calls() <= 2 * narrow.concurrency


async def test_words_of_another_build_can_be_told(sandbox: WeaverSandbox) -> None:
    wrong = sandbox.settings(password=Secret("wrong"), refusal_words=("nothing of the kind",))
    async with connected(VENDOR, wrong, UNPACED) as connector:
        with pytest.raises(Rejected):
            await connector.orders(["1"])


async def test_an_interface_that_is_gone_is_told_where(sandbox: WeaverSandbox) -> None:
    (orders,) = sandbox.settings().orders
    gone = msgspec.structs.replace(orders, table="weg")
    async with connected(VENDOR, sandbox.settings(orders=(gone,)), UNPACED) as connector:
        assert (await connector.probe()).notes == ("weg: the interface refused the call",)
        with pytest.raises(Rejected, match="weg: the interface refused"):
            await connector.orders(["1"])
        assert [table.name for table in await connector.describe([])] == ["khda"]


async def test_a_field_that_is_not_shown_is_missed_in_its_attribute_alone(
    sandbox: WeaverSandbox,
) -> None:
    sandbox.simulator.hidden.update({("xsdd", "tkje"), ("khda", "modedatacreatetime")})
    order, customer = sandbox.orders()[0], sandbox.customers()[0].sources["weaver"]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        found = (await connector.orders([order.native_id]))[order.native_id]
        person = (await connector.customers([customer]))[customer]
        notes = (await connector.probe()).notes
    assert found.recorded_state is OrderState.UNKNOWN
    assert found.misfit("refunded_amount") is not None
    assert found.number == order.number
    assert (person.created_at, person.name is not None) == (None, True)
    assert set(notes) == {
        "xsdd has no field tkje, or does not show it",
        "khda has no field modedatacreatedate modedatacreatetime, or does not show it",
    }


async def test_an_interface_that_gives_less_than_was_asked_is_noted(
    sandbox: WeaverSandbox,
) -> None:
    people = len(sandbox.customers())
    assert 50 < people < 80 < ORDERS
    for most, tables in ((MOST, []), (80, ["xsdd"]), (50, ["khda", "xsdd"])):
        notes = tuple(
            f"{one} gives {most} rows at once: set page_size to no more" for one in tables
        )
        sandbox.simulator.most = most
        async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
            assert (await connector.probe()).notes == notes


async def test_a_detail_table_that_is_not_there_is_told(sandbox: WeaverSandbox) -> None:
    (orders,) = sandbox.settings().orders
    assert orders.lines is not None
    lines = msgspec.structs.replace(orders.lines, path="detail9[]")
    summed = FieldMap(field="detail9[].xj", currency="CNY")
    wrong = msgspec.structs.replace(orders, lines=lines, total=summed)
    key = sandbox.orders()[0].native_id
    async with connected(VENDOR, sandbox.settings(orders=(wrong,)), UNPACED) as connector:
        told = (await connector.order_lines([key]))[key]
        assert isinstance(told, Misconfigured)
        assert told.detail == "xsdd has no list 'detail9[]'"
        assert (await connector.orders([key]))[key].misfit("total") is not None
        assert (await connector.probe()).notes == (
            "xsdd has no field detail9[], or does not show it",
        )


@pytest.mark.parametrize("careless", [False, True])
async def test_a_field_that_cannot_be_asked_by_is_told_where(
    sandbox: WeaverSandbox, careless: bool
) -> None:
    """Some interfaces leave out what they do not know and tell all rows."""
    sandbox.simulator.careless = careless
    (orders,) = sandbox.settings().orders
    wrong = msgspec.structs.replace(orders, number="nummer")
    async with connected(VENDOR, sandbox.settings(orders=(wrong,)), UNPACED) as connector:
        with pytest.raises(SourceError) as refused:
            await connector.orders_by_number(["SO-1001"])
    assert type(refused.value) is (Misconfigured if careless else Rejected)
    assert "xsdd" in refused.value.detail


async def test_an_interface_that_leaves_a_condition_out_is_not_read_through(
    sandbox: WeaverSandbox,
) -> None:
    sandbox.simulator.careless = True
    (orders,) = sandbox.settings().orders
    wrong = msgspec.structs.replace(orders, number="nummer")
    settings = sandbox.settings(orders=(wrong,), page_size=5)
    async with connected(VENDOR, settings, UNPACED) as connector:
        await sandbox.clear()
        with pytest.raises(Misconfigured, match="xsdd has no field nummer"):
            await connector.orders_by_number(["a", "b", "c"])
        assert await sandbox.calls() == 1


async def test_a_condition_that_any_value_fits_is_told_after_two_calls(
    sandbox: WeaverSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the field, and does not ask by it."""
    monkeypatch.setattr(sandbox.simulator, "fits", lambda *given: True)
    async with connected(VENDOR, sandbox.settings(page_size=5), UNPACED) as connector:
        await sandbox.clear()
        with pytest.raises(Misconfigured, match="xsdd cannot be asked by ddbh"):
            await connector.orders_by_number(["a", "b", "c"])
        assert await sandbox.calls() == 2


@pytest.mark.parametrize("first", [True, False])
async def test_a_value_that_finds_another_fails_by_itself(
    sandbox: WeaverSandbox, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """Databases compare full-width letters with plain ones, and filters rewrite values."""

    def alike(interface: str, row: Any, asked: Any) -> bool:
        def plain(text: str) -> str:
            return html.escape(unicodedata.normalize("NFKC", html.unescape(text)))

        held = row["mainTable"]
        return all(plain(held[name]) == plain(v) for name, v in asked["mainTable"].items())

    monkeypatch.setattr(sandbox.simulator, "fits", alike)
    one, other, rewritten = sandbox.orders()[:3]
    monkeypatch.setitem(sandbox.simulator.forms["xsdd"][2]["mainTable"], "ddbh", "A&amp;B")
    wide = one.number.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    keys = [wide, other.number, "A&B", "none"]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        found = await connector.orders_by_number(keys if first else keys[::-1])
    assert isinstance(found[wide], Malformed)
    assert isinstance(found["A&B"], Malformed)
    assert wide not in found[wide].detail
    assert [order.number for order in found[other.number]] == [other.number]
    assert "none" not in found
    assert rewritten.number not in found


async def test_a_pair_of_fields_cannot_be_asked_by(sandbox: WeaverSandbox) -> None:
    odd = CustomerMap(table="khda", id="khbh khmc", created_at="modedatacreatedate")
    async with connected(VENDOR, sandbox.settings(customers=(odd,)), UNPACED) as connector:
        with pytest.raises(Misconfigured, match="khbh khmc"):
            await connector.customers(["1"])


async def test_two_rows_with_one_number_are_both_told(sandbox: WeaverSandbox) -> None:
    order = sandbox.orders()[0]
    rows = sandbox.simulator.forms["xsdd"]
    twin = {**rows[0], "mainTable": {**rows[0]["mainTable"], "id": "99999"}}
    rows.append(twin)
    try:
        async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
            found = (await connector.orders_by_number([order.number]))[order.number]
    finally:
        rows.remove(twin)
    assert {one.native_id for one in found} == {order.native_id, "99999"}


async def test_a_word_that_the_filter_refuses_fails_its_own_key_alone(
    sandbox: WeaverSandbox,
) -> None:
    known = sandbox.orders()[0].number
    keys = [known, "1' or select * from hrmresource --", '"},"x":{"', "<script>"]
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        found = await connector.orders_by_number(keys)
    assert [one.number for one in found[known]] == [known]
    assert isinstance(found[keys[1]], Malformed)
    assert "security filter" in found[keys[1]].detail
    assert isinstance(found[keys[3]], Malformed)
    assert keys[2] not in found


async def test_an_oa_that_wants_tokens_gets_them_and_new_ones(sandbox: WeaverSandbox) -> None:
    sandbox.simulator.guarded = True
    order = sandbox.orders()[0].native_id
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        with pytest.raises(Unauthorized, match="needs a token"):
            await connector.orders([order])
    async with connected(VENDOR, sandbox.guarded(), UNPACED) as connector:
        assert set(await connector.orders([order])) == {order}
        secret = sandbox.simulator.secret
        sandbox.simulator.tokens.clear()
        assert set(await connector.orders([order])) == {order}
        assert sandbox.simulator.secret == secret


async def test_an_app_that_was_registered_is_not_registered_again(sandbox: WeaverSandbox) -> None:
    sandbox.simulator.guarded = True
    told = sandbox.ask(
        "/api/ec/dev/auth/regist", headers={"appid": sandbox.simulator.app_id, "cpk": "1"}
    ).json()
    given = sandbox.guarded(app_secret=Secret(told["secrit"]), public_key=told["spk"])
    async with connected(VENDOR, given, UNPACED) as connector:
        await connector.probe()
    assert sandbox.simulator.secret == told["secrit"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"app_id": "unknown"}, Unauthorized),
        ({"app_secret": Secret("old"), "public_key": "AAAA"}, Misconfigured),
    ],
)
async def test_a_wrong_app_is_told_as_such(
    sandbox: WeaverSandbox, changes: dict[str, Any], kind: type[SourceError]
) -> None:
    sandbox.simulator.guarded = True
    settings = msgspec.structs.replace(sandbox.guarded(), **changes)
    async with connected(VENDOR, settings, UNPACED) as connector:
        with pytest.raises(kind):
            await connector.probe()


async def test_tables_are_described_from_their_rows(sandbox: WeaverSandbox) -> None:
    async with connected(VENDOR, sandbox.settings(), UNPACED) as connector:
        customers, orders = await connector.describe([])
    assert (customers.name, orders.name) == ("khda", "xsdd")
    paths = {column.path: column.type for column in orders.columns}
    assert {"id", "ddbh", "detail1[].sl"} <= paths.keys()
    assert paths["modedatacreatedate modedatacreatetime"] is ColumnType.TIME


def test_settings_that_cannot_work_are_refused() -> None:
    keys: dict[str, Any] = {"vendor": "weaver", "system_id": "s", "password": Secret("p")}
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "base_url: missing"),
        ({"base_url": "https://oa", "system_id": ""}, "system_id: missing"),
        ({"base_url": "https://oa", "app_id": "a"}, "app_id: goes together with user_id"),
        ({"base_url": "https://oa", "app_secret": Secret("x")}, "goes together with public_key"),
        ({"base_url": "https://oa", "app_id": "a", "user_id": "9" * 246}, "user_id: empty, or lo"),
        ({"base_url": "https://oa", "app_id": "a", "user_id": ""}, "user_id: empty, or longer"),
        (
            {
                "base_url": "https://oa",
                "app_id": "a",
                "user_id": "1",
                "app_secret": Secret("张" * 82),
                "public_key": "x",
            },
            "app_secret: empty, or longer",
        ),
        ({"base_url": "https://oa", "orders": (OrderMap(table="t"),)}, r"orders\[0\].id: missing"),
    )
    for changes, told in wrong:
        with pytest.raises(ValueError, match=told):
            WeaverSettings(**{**keys, **changes})
