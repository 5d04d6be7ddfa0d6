"""Stripe over real HTTP, against simulated accounts: the contract, then what is Stripe's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from connectors.conformance import Batch, Conformance, Upstream, connected
from connectors.conformance_kit import PAGES, ids, walk
from connectors.errors import Malformed, Rejected, Unauthorized
from connectors.filters import MoneyRange, OrderFilter, PaymentFilter, RefundFilter, TimeRange
from connectors.money import Money
from connectors.paging import BadCursor, PageQuery, Sort
from connectors.records import Kind, PaymentStatus, RefundStatus
from connectors.secret import Secret
from connectors.stripe import VENDOR
from connectors.vendor import SourceSettings
from sandbox.server import Server
from sandbox.simulator import discover
from tests.connectors.stripe_sandbox import KEY, StripeSandbox

pytestmark = pytest.mark.anyio
ONE_CRM = discover(("salesforce",))
PAYMENTS, REFUNDS, ORDERS = (
    next(p for p in PAGES if p.kind is k) for k in (Kind.PAYMENT, Kind.REFUND, Kind.ORDER)
)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
LISTS = ("customers", "checkout/sessions", "refunds", "disputes")
NO = {prefix: f"{prefix}none{{:04}}".format for prefix in ("cus_", "cs_", "pi_", "re_", "dp_")}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Without rate limits: every test is another connector, and none knows of the others."""
    with Server(vendors=ONE_CRM, size=60, rate_limits=False) as running:
        yield running


@pytest.fixture
def sandbox(server: Server) -> Iterator[StripeSandbox]:
    control = StripeSandbox(server)
    yield control
    httpx.delete(f"{server.origin}/_sandbox/faults").raise_for_status()


@pytest.fixture
async def stripe(sandbox: StripeSandbox) -> AsyncIterator[Any]:
    async with connected(VENDOR, sandbox.settings(), name="stripe_eu") as connector:
        yield connector


@pytest.fixture(scope="module")
def shop() -> Iterator[StripeSandbox]:
    """Another sandbox, for tests that write: there search finds nothing new for a minute."""
    with Server(vendors=ONE_CRM, size=4, search_lag=60) as running:
        yield StripeSandbox(running)


@pytest.fixture
async def seller(shop: StripeSandbox) -> AsyncIterator[Any]:
    async with connected(VENDOR, shop.settings(), name="stripe_eu") as connector:
        yield connector


def known_keys(sandbox: StripeSandbox) -> Mapping[str, Batch]:
    """Keys of each method that have an answer, and ones that could but have none."""
    paid = [p for p in sandbox.rows("payment_intents") if p["customer"] and p["metadata"].get(KEY)]
    buyers = tuple(dict.fromkeys(p["customer"] for p in paid))
    references = tuple(dict.fromkeys(p["metadata"][KEY] for p in paid))
    intents = tuple(p["id"] for p in paid)
    rows = {path: tuple(r["id"] for r in sandbox.rows(path)) for path in LISTS}
    # Those of subscriptions cost more: test_sessions_of_subscriptions_share_a_page.
    sessions = sandbox.rows("checkout/sessions")
    orders = tuple(r["id"] for r in sessions if r["mode"] == "payment")
    dearer = {r["customer"] for r in sessions if r["mode"] == "subscription"}
    cheap = tuple(buyer for buyer in buyers if buyer not in dearer)
    return {
        "customers": Batch(known=rows["customers"], missing=NO["cus_"]),
        "orders": Batch(known=orders, missing=NO["cs_"]),
        "orders_by_customer": Batch(known=cheap, missing=NO["cus_"]),
        "order_lines": Batch(known=orders, missing=NO["cs_"]),
        "payments": Batch(known=intents, missing=NO["pi_"]),
        "payments_by_reference": Batch(known=references, missing="NONE-{:04}".format),
        "payments_by_customer": Batch(known=buyers, missing=NO["cus_"]),
        "refunds": Batch(known=rows["refunds"], missing=NO["re_"]),
        "refunds_by_payment": Batch(known=intents, missing=NO["pi_"]),
        "disputes": Batch(known=rows["disputes"], missing=NO["dp_"]),
        "disputes_by_payment": Batch(known=intents, missing=NO["pi_"]),
    }


@pytest.fixture(scope="module")
def keys(server: Server) -> Mapping[str, Batch]:
    return known_keys(StripeSandbox(server))


class TestContract(Conformance):
    vendor = VENDOR
    refreshes = False
    odd_spared = (
        # Only a session that says that it sets a card up is no order.
        "(unheard of|very long|null) at .*/mode of /v1/checkout/sessions",
        # A row without an id fails its page.
        "an object at .*/id of /v1/checkout/sessions",
        # Sessions share a page: a row of it that cannot be read may belong to each of them.
        " of /v1/invoice_payments: ",
    )

    @pytest.fixture(autouse=True)
    def simulated(self, sandbox: StripeSandbox, keys: Mapping[str, Batch]) -> None:
        self.sandbox = sandbox
        self.keys = keys

    def settings(self) -> SourceSettings:
        return self.sandbox.settings()

    def upstream(self) -> Upstream:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        return self.keys


@pytest.mark.parametrize("account", ["stripe_eu", "stripe_us"])
async def test_every_payment_is_as_the_truth_says(server: Server, account: str) -> None:
    sandbox = StripeSandbox(server, account)
    true = {p["nativeId"]: p for p in sandbox.payments()}
    async with connected(VENDOR, sandbox.settings(), name=account) as connector:
        found = await connector.payments(list(true))
    told = {
        key: {
            "source": payment.source.name,
            "nativeId": payment.native_id,
            "amount": payment.amount.minor_units,
            "currency": payment.amount.currency,
            "status": payment.status.value,
            "refunds": sorted(
                (r.native_id, r.amount.minor_units, r.status.value) for r in payment.refunds
            ),
        }
        for key, payment in found.items()
    }
    for payment in true.values():
        payment["refunds"] = sorted(tuple(r.values()) for r in payment["refunds"])
    assert told == true


@pytest.mark.parametrize("count", [1, 10, 100])
async def test_references_cost_a_search_per_ten_and_two_lists(
    sandbox: StripeSandbox, stripe: Any, count: int
) -> None:
    numbers = sandbox.numbers()[:count]
    await sandbox.clear()
    found = await stripe.payments_by_reference(numbers)
    paths = [path for path, _ in sandbox.asked()]
    assert paths.count("/v1/payment_intents/search") == -(-count // 10)
    assert paths.count("/v1/payment_intents") == 1
    assert len(paths) <= VENDOR.calls["payments_by_reference"].calls(count)
    assert {n for n, ps in found.items() for p in ps if p.reference != n} == set()


async def test_references_find_what_search_finds_by_id(sandbox: StripeSandbox, stripe: Any) -> None:
    by_id = await stripe.payments([p["nativeId"] for p in sandbox.payments()])
    named = {p.reference for p in by_id.values() if p.reference}
    found = await stripe.payments_by_reference(sorted(named))
    assert set(found) == named
    flat = {p.native_id: p for payments in found.values() for p in payments}
    assert flat == {key: p for key, p in by_id.items() if p.reference in named}
    for payments in found.values():
        assert payments == tuple(sorted(payments, key=lambda p: p.created_at, reverse=True))


async def test_a_reference_is_compared_with_case(sandbox: StripeSandbox, stripe: Any) -> None:
    number = next(iter(await stripe.payments_by_reference(sandbox.numbers()[:20])))
    assert set(await stripe.payments_by_reference([number, number.lower()])) == {number}


@pytest.mark.parametrize("reference", ['A "B"', "back\\slash", "x OR y", "订单-1", 'a\\" OR "'])
async def test_any_reference_can_be_asked_for(
    shop: StripeSandbox, seller: Any, reference: str
) -> None:
    made = shop.pay(reference)
    found = await seller.payments_by_reference(["SO-1001", reference, "", "x" * 501])
    assert [p.native_id for p in found[reference]] == [made]


async def test_a_reference_with_blanks_around_it_is_that_of_the_order(
    shop: StripeSandbox, seller: Any
) -> None:
    made = [shop.pay("BLANK-1 "), shop.pay("\u3000BLANK-1\n")]
    found = await seller.payments_by_reference(["BLANK-1"])
    assert {p.native_id for p in found["BLANK-1"]} == set(made)
    assert {p.reference for p in found["BLANK-1"]} == {"BLANK-1"}
    page = await seller.payment_page(PageQuery(5, PaymentFilter(references=("BLANK-1",))))
    assert {row.record.native_id for row in page.rows} <= set(made)


async def test_a_call_that_has_room_also_asks_for_references_that_end_in_a_blank(
    sandbox: StripeSandbox, stripe: Any
) -> None:
    await sandbox.clear()
    await stripe.payments_by_reference(["SO-1001"])
    (query,) = [q for path, q in sandbox.asked() if path == "/v1/payment_intents/search"]
    assert [text for _, text in parse_qsl(query) if "metadata" in text] == [
        'metadata["order_id"]:"SO-1001" OR metadata["order_id"]:"SO-1001 "'
    ]
    await sandbox.clear()
    await stripe.payments_by_reference([f"SO-{1001 + n}" for n in range(10)])
    assert [path for path, _ in sandbox.asked()].count("/v1/payment_intents/search") == 1


async def test_a_payment_of_this_moment_is_found_before_search_knows_it(
    shop: StripeSandbox, seller: Any
) -> None:
    made = shop.pay("NEW-1")
    found = await seller.payments_by_reference(["NEW-1", "NEW-2"])
    assert {key: [p.native_id for p in ps] for key, ps in found.items()} == {"NEW-1": [made]}


async def test_several_customers_are_searched_and_one_is_listed(
    sandbox: StripeSandbox, stripe: Any
) -> None:
    buyers = list({p["customer"]: None for p in sandbox.rows("payment_intents") if p["customer"]})
    await sandbox.clear()
    together = await stripe.payments_by_customer(buyers[:5])
    assert [path for path, _ in sandbox.asked()].count("/v1/payment_intents/search") == 1
    for buyer in buyers[:5]:
        assert (await stripe.payments_by_customer([buyer]))[buyer] == together[buyer]


async def test_a_charge_stands_for_its_payment(sandbox: StripeSandbox, stripe: Any) -> None:
    charge = sandbox.rows("charges")[0]
    (payment,) = (await stripe.payments([charge["id"]])).values()
    assert payment == (await stripe.payments([payment.native_id]))[charge["payment_intent"]]


async def test_refunds_come_with_their_payment(sandbox: StripeSandbox, stripe: Any) -> None:
    await sandbox.clear()
    refunds: list[Any] = [
        r for r, _ in await walk(stripe, REFUNDS, 100, sort=Sort(), filter=RefundFilter())
    ]
    assert await sandbox.calls() <= 2 * -(-len(refunds) // 100)
    whole = await stripe.payments(list({r.payment_id for r in refunds}))
    assert [r.payment for r in refunds] == [whole[r.payment_id] for r in refunds]


async def test_a_release_is_one_by_all_ways(sandbox: StripeSandbox, stripe: Any) -> None:
    released = [
        (p["nativeId"], r["nativeId"])
        for p in sandbox.payments()
        for r in p["refunds"]
        if p["status"] == "CANCELED" or r["status"] == "CANCELED"
    ]
    assert len(released) > 2
    by_id = await stripe.refunds([refund for _, refund in released])
    by_payment = await stripe.refunds_by_payment([payment for payment, _ in released])
    listed: Any = await walk(stripe, REFUNDS, 100, sort=Sort(), filter=RefundFilter())
    for payment, refund in released:
        assert by_id[refund].status is RefundStatus.CANCELED
        assert [r.status for r in by_payment[payment] if r.native_id == refund] == [
            RefundStatus.CANCELED
        ]
        assert [r.status for r, _ in listed if r.native_id == refund] == [RefundStatus.CANCELED]


@pytest.mark.parametrize(("captured", "status"), [(800, "SUCCEEDED"), (None, "CANCELED")])
async def test_what_is_captured_in_part_or_dropped_gave_nothing_back(
    shop: StripeSandbox, seller: Any, captured: int | None, status: str
) -> None:
    held = shop.pay(f"HELD-{captured}", capture_method="manual")
    if captured:
        amount = {"amount_to_capture": str(captured)}
        shop.call("POST", f"payment_intents/{held}/capture", data=amount)
    else:
        shop.call("POST", f"payment_intents/{held}/cancel")
    payment = (await seller.payments([held]))[held]
    assert (payment.status.value, payment.captured.minor_units) == (status, captured or 0)
    assert payment.refunded.minor_units == 0
    assert [r.status for r in payment.refunds] == [RefundStatus.CANCELED]


async def test_a_currency_that_was_withdrawn_is_read_and_filtered_by(
    shop: StripeSandbox, seller: Any
) -> None:
    made = shop.pay("KUNA", currency="hrk")
    payment = (await seller.payments([made]))[made]
    assert payment.amount == payment.captured == Money(1000, "HRK")
    narrow = PaymentFilter(amount=MoneyRange("HRK", gte=1000))
    await seller.payment_page(PageQuery(5, narrow))
    assert narrow.accepts(payment)


async def test_more_refunds_than_are_embedded_are_fetched(shop: StripeSandbox, seller: Any) -> None:
    made = shop.pay("MANY-REFUNDS")
    for _ in range(12):
        shop.call("POST", "refunds", data={"payment_intent": made, "amount": "10"})
    payment = (await seller.payments([made]))[made]
    assert len(payment.refunds) == 12
    assert payment.refunded.minor_units == 120
    assert payment.status is PaymentStatus.PARTIALLY_REFUNDED


@pytest.mark.parametrize(("first", "most"), [(1, 6), (7, 10_000), (100, 10_000)])
async def test_a_search_pages_every_row_once(
    sandbox: StripeSandbox, stripe: Any, first: int, most: int
) -> None:
    narrow = PaymentFilter(statuses=(PaymentStatus.SUCCEEDED,))
    every: Any = await walk(stripe, PAYMENTS, 100, sort=Sort(), filter=PaymentFilter())
    wanted = [r.native_id for r, _ in every if r.provider_status == "succeeded"]
    await sandbox.clear()
    rows = await walk(stripe, PAYMENTS, first, sort=Sort(), filter=narrow, most=most)
    assert ids(rows) == wanted[:most]
    assert {path for path, _ in sandbox.asked() if "disputes" not in path} == {
        "/v1/payment_intents/search"
    }


async def test_a_search_resumes_after_any_row(stripe: Any) -> None:
    narrow = PaymentFilter(statuses=(PaymentStatus.SUCCEEDED,))
    rows = await walk(stripe, PAYMENTS, 7, sort=Sort(), filter=narrow)
    for index in (0, 3, 6, 7, len(rows) - 1):
        page = await stripe.payment_page(PageQuery(3, narrow, rows[index][1]))
        assert [r.record.native_id for r in page.rows] == ids(rows)[index + 1 : index + 4]


@pytest.mark.parametrize("after", ["l:pi_gone", "s::pi_gone", "s:bm9uc2Vuc2U:"])
async def test_a_place_that_is_gone_is_a_bad_cursor(stripe: Any, after: str) -> None:
    narrow = PaymentFilter(statuses=(PaymentStatus.SUCCEEDED,) if after[0] == "s" else None)
    with pytest.raises(BadCursor):
        await stripe.payment_page(PageQuery(5, narrow, after))


@pytest.mark.parametrize(
    ("narrow", "asked"),
    [
        (PaymentFilter(), ""),
        (
            PaymentFilter(created_at=TimeRange(gte=NEW_YEAR, lt=NEW_YEAR + timedelta(days=1))),
            "created[gte]=1767225600",
        ),
        (PaymentFilter(customer_ids=("cus_1",)), "customer=cus_1"),
        (PaymentFilter(references=("A",)), 'metadata["order_id"]:"A"'),
        (PaymentFilter(references=("A", "B")), '"A" OR metadata["order_id"]:"B"'),
        (PaymentFilter(statuses=(PaymentStatus.REFUNDED,)), 'status:"succeeded"'),
        (
            PaymentFilter(references=("A",), customer_ids=("cus_1",)),
            'metadata["order_id"]:"A" OR metadata["order_id"]:"A "',
        ),
        (
            PaymentFilter(statuses=(PaymentStatus.CANCELED,)),
            'status:"canceled" OR status:"requires_capture"',
        ),
        (
            PaymentFilter(amount=MoneyRange("JPY", gte=5), created_at=TimeRange(gt=NEW_YEAR)),
            'currency:"jpy" AND amount>=5 AND created>1767225600',
        ),
    ],
)
async def test_what_can_be_narrowed_upstream_is(
    sandbox: StripeSandbox, stripe: Any, narrow: PaymentFilter, asked: str
) -> None:
    await sandbox.clear()
    await stripe.payment_page(PageQuery(2, narrow))
    ((path, query),) = [call for call in sandbox.asked() if "disputes" not in call[0]]
    assert asked in query
    assert path.endswith("/search") is ("query=" in query)


async def test_a_session_is_an_order_with_its_lines(sandbox: StripeSandbox, stripe: Any) -> None:
    orders = {o["number"]: o for o in sandbox.get("truth")["orders"]}
    rows = [row for row in sandbox.rows("checkout/sessions") if row["mode"] != "setup"]
    found = await stripe.orders([row["id"] for row in rows])
    lines = await stripe.order_lines(list(found))
    assert len(found) == len(rows)
    for order in found.values():
        assert order.total.minor_units == orders[order.number]["total"]
        assert order.lines == lines[order.native_id]
        assert sum(line.total.minor_units for line in order.lines) == order.total.minor_units


def sessions(sandbox: StripeSandbox, mode: str) -> dict[str, str]:
    """Order numbers by session, of one mode."""
    rows = sandbox.rows("checkout/sessions")
    return {r["id"]: r["client_reference_id"] for r in rows if r["mode"] == mode}


async def test_sessions_of_subscriptions_share_a_page(sandbox: StripeSandbox, stripe: Any) -> None:
    orders = {o["number"]: o for o in sandbox.get("truth")["orders"]}
    subscribed = sessions(sandbox, "subscription")
    assert len(subscribed) > 1
    await sandbox.clear()
    found = await stripe.orders(list(subscribed))
    paths = [path for path, _ in sandbox.asked()]
    assert paths.count("/v1/invoice_payments") == 1
    assert len(paths) == len(subscribed) + 1
    for native_id, number in subscribed.items():
        own = [p["nativeId"] for p in orders[number]["payments"] if p["source"] == "stripe_eu"]
        (held,) = found[native_id].payment_ids
        assert (held.native_id in own, held.field) == (True, "invoice")
        assert found[native_id].misfits is None


async def test_the_session_of_one_subscription_costs_a_call_more(
    sandbox: StripeSandbox, stripe: Any
) -> None:
    one, plain = (
        next(iter(sessions(sandbox, "subscription"))),
        next(iter(sessions(sandbox, "payment"))),
    )
    await sandbox.clear()
    await stripe.orders([plain])
    assert await sandbox.calls() == 1
    await stripe.orders([one])
    assert await sandbox.calls() == 3
    assert "invoice=in_1" in sandbox.asked()[-1][1]


async def test_without_its_invoice_the_payments_of_a_session_are_unknown(
    sandbox: StripeSandbox, stripe: Any
) -> None:
    one = next(iter(sessions(sandbox, "subscription")))
    sandbox.break_path("/v1/invoice_payments")
    order = (await stripe.orders([one]))[one]
    assert order.payment_ids == ()
    assert set(order.misfits) == {"payment_ids"}


async def test_a_session_that_only_sets_a_card_up_is_no_order(
    sandbox: StripeSandbox, stripe: Any
) -> None:
    set_up = sessions(sandbox, "setup")
    assert set_up
    assert await stripe.orders(list(set_up)) == {}
    rows = sandbox.rows("checkout/sessions")
    buyer = next(row["customer"] for row in rows if row["mode"] == "setup")
    page = (await stripe.orders_by_customer([buyer], PageQuery(100, OrderFilter())))[buyer]
    listed: Any = await walk(stripe, ORDERS, 1, sort=Sort(), filter=OrderFilter())
    assert ids(listed) == [row["id"] for row in rows if row["id"] not in set_up]
    assert not {row.record.native_id for row in page.rows} & set(set_up)


async def test_stripe_never_has_to_refuse_for_its_rates() -> None:
    with Server(vendors=ONE_CRM, size=60) as limited:
        sandbox = StripeSandbox(limited)
        payments, numbers = [p["nativeId"] for p in sandbox.payments()], sandbox.numbers()
        await sandbox.clear()
        async with connected(VENDOR, sandbox.settings()) as connector:
            await asyncio.gather(
                connector.payments(payments[:100]), connector.payments_by_reference(numbers)
            )
        calls = sandbox.get("calls")["calls"]
    assert len(calls) > 130
    assert {call["status"] for call in calls} == {200}


async def test_a_wrong_key_is_unauthorized_and_not_told(sandbox: StripeSandbox) -> None:
    settings = sandbox.settings(key=Secret("sk_test_" + "wrong" * 5))
    async with connected(VENDOR, settings) as connector:
        with pytest.raises(Unauthorized) as caught:
            await connector.probe()
        told = (await connector.payments(["pi_1"]))["pi_1"]
    assert isinstance(told, Unauthorized)
    assert "wrong" not in f"{caught.value} {caught.value!r} {told} {told!r} {connector!r}"


async def test_another_version_is_refused_at_once(sandbox: StripeSandbox) -> None:
    async with connected(VENDOR, sandbox.settings(api_version="2099-01-01.future")) as connector:
        with pytest.raises(Rejected):
            await connector.probe()


async def test_one_failed_search_fails_its_own_references(
    sandbox: StripeSandbox, stripe: Any
) -> None:
    numbers = sandbox.numbers()[:20]
    whole = await stripe.payments_by_reference(numbers)
    sandbox.break_path("/v1/payment_intents/search", times=1)
    found = await stripe.payments_by_reference(numbers)
    failed = [key for key, value in found.items() if isinstance(value, Malformed)]
    assert failed in (numbers[:10], numbers[10:])
    assert {k: v for k, v in found.items() if k not in failed} == {
        k: v for k, v in whole.items() if k not in failed
    }


async def test_without_its_disputes_a_disputed_payment_is_not_told(
    sandbox: StripeSandbox, stripe: Any
) -> None:
    disputed = [d["payment_intent"] for d in sandbox.rows("disputes")]
    others = [p["nativeId"] for p in sandbox.payments() if p["nativeId"] not in disputed][:3]
    sandbox.break_path("/v1/disputes")
    found = await stripe.payments([*disputed, *others])
    assert {key for key, v in found.items() if isinstance(v, Malformed)} == set(disputed)


@pytest.mark.parametrize(
    ("kind", "native_id", "normal"),
    [
        (Kind.PAYMENT, "pi_3N", True),
        (Kind.PAYMENT, "ch_1", True),
        (Kind.PAYMENT, "re_1", False),
        (Kind.REFUND, "pyr_1", True),
        (Kind.CUSTOMER, "cus_a/../b", False),
        (Kind.DISPUTE, "du_" + "a" * 300, False),
        (Kind.ORDER, "cs_test_a1", True),
        (Kind.ORDER, "cs_é", False),
    ],
)
def test_an_id_has_the_prefix_of_its_kind(kind: Kind, native_id: str, normal: bool) -> None:
    assert VENDOR.normalise(kind, native_id) == (native_id if normal else None)
