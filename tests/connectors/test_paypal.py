"""PayPal over real HTTP, against a simulated account: the contract, then what is PayPal's own."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from connectors.conformance import Batch, Conformance, Upstream, connected
from connectors.conformance_kit import entries_of
from connectors.errors import Malformed, Misconfigured, NotReady, Unauthorized
from connectors.ledger import Period
from connectors.money import Money
from connectors.paypal import VENDOR
from connectors.records import DisputeStatus, Kind
from connectors.secret import Secret
from connectors.vendor import SourceSettings
from sandbox.paypal import VENDOR as PAYPAL
from sandbox.paypal import objects
from sandbox.paypal.ids import client
from sandbox.salesforce import VENDOR as SALESFORCE
from sandbox.server import Server
from sandbox.simulator import Context
from sandbox.stripe import VENDOR as STRIPE
from sandbox.world import Payment
from tests.connectors.paypal_sandbox import PaypalSandbox

pytestmark = pytest.mark.anyio
BOOKS = Conformance.books
NO_ID = "0NONE00000000{:04}".format
FAST = msgspec.structs.replace(VENDOR.limits, rates={}, deadline=20.0)
# A search in 1.2 seconds would make the contract wait for minutes.
SWIFT = msgspec.structs.replace(VENDOR.limits, rates={"": VENDOR.limits.rates[""]})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(size=60, vendors=(SALESFORCE, STRIPE, PAYPAL), rate_limits=False) as running:
        yield running


@pytest.fixture
def sandbox(server: Server) -> Iterator[PaypalSandbox]:
    control = PaypalSandbox(server)
    httpx.delete(f"{server.origin}/_sandbox/calls").raise_for_status()
    yield control
    httpx.delete(f"{server.origin}/_sandbox/faults").raise_for_status()


@pytest.fixture
async def paypal(sandbox: PaypalSandbox) -> AsyncIterator[Any]:
    async with connected(VENDOR, sandbox.settings(), FAST, name="paypal") as connector:
        yield connector


@pytest.fixture(scope="module")
def keys(server: Server) -> Mapping[str, Batch]:
    """Keys of each method that have an answer, and ones that could but have none."""
    payments = PaypalSandbox(server).payments()
    refunded = [p for p in payments if p.refunds]
    disputed = [p for p in payments if p.dispute]
    return {
        "payments": Batch(known=tuple(p.native_id for p in payments), missing=NO_ID),
        "refunds": Batch(
            known=tuple(r.native_id for p in refunded for r in p.refunds), missing=NO_ID
        ),
        "refunds_by_payment": Batch(known=tuple(p.native_id for p in refunded), missing=NO_ID),
        "disputes": Batch(
            known=tuple(p.dispute.native_id for p in disputed if p.dispute),
            missing="PP-D-9{:04}".format,
        ),
        "disputes_by_payment": Batch(known=tuple(p.native_id for p in disputed), missing=NO_ID),
    }


def test_reports_are_asked_for_fifty_times_a_minute() -> None:
    assert VENDOR.limits.rates["reports"] * 60 == 50


class TestContract(Conformance):
    vendor = msgspec.structs.replace(VENDOR, limits=SWIFT)

    @pytest.fixture(autouse=True)
    def simulated(self, sandbox: PaypalSandbox, keys: Mapping[str, Batch]) -> None:
        self.sandbox = sandbox
        self.keys = keys

    def settings(self) -> SourceSettings:
        return self.sandbox.settings()

    def upstream(self) -> Upstream:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        return self.keys


async def test_every_payment_is_as_the_truth_says(sandbox: PaypalSandbox, paypal: Any) -> None:
    true = sandbox.payments()
    found = await paypal.payments([p.native_id for p in true])
    assert len(true) > 60
    for payment in true:
        told = found[payment.native_id]
        back = payment.refunded
        unknown = payment.status == "UNKNOWN"
        assert told.status.value == undisputed(payment)
        assert (told.amount.minor_units, told.amount.currency) == (
            payment.amount,
            payment.currency,
        )
        assert told.captured == (None if unknown else Money(payment.captured, payment.currency))
        assert told.refunded == (None if unknown else Money(back, payment.currency))
        assert told.reference == payment.reference
        assert told.created_at == payment.created_at
        assert told.fee == (Money(payment.fee, payment.currency) if payment.fee else None)
        assert told.channel.value == {"balance": "WALLET", "card": "CARD"}[payment.method]
        if payment.status == "SUCCEEDED" and not back:
            assert told.refunds is None
        elif payment.status == "SUCCEEDED":
            assert refunds_in(told.refunds) == true_refunds(payment)


async def test_orders_tell_how_and_by_whom_it_was_paid(sandbox: PaypalSandbox) -> None:
    true = {p.native_id: p for p in sandbox.payments() if p.status == "SUCCEEDED"}
    settings = sandbox.settings(read_orders=True)
    async with connected(VENDOR, settings, FAST, name="paypal") as connector:
        found = await connector.payments(list(true))
    for key, payment in true.items():
        told = found[key]
        assert refunds_in(told.refunds) == true_refunds(payment)
        if payment.method == "card":
            assert (told.method.brand, told.method.last4) == ("visa", "4242")
            assert told.payer.account is None
        else:
            assert told.method.wallet == "paypal"
            account = objects.payer_id(payment)
            assert told.payer.account == f"{account[:3]}***{account[-2:]}"
        assert len(told.payer.name) == 3


async def test_every_refund_leads_to_its_payment(sandbox: PaypalSandbox, paypal: Any) -> None:
    true = {r.native_id: (r, p) for p in sandbox.payments() for r in p.refunds}
    found = await paypal.refunds(list(true))
    for key, (refund, payment) in true.items():
        told = found[key]
        assert told.payment_id == payment.native_id
        assert told.status.value == refund.status
        assert told.amount == Money(refund.amount, payment.currency)
        assert told.reference == objects.refund_invoice_id(payment, refund)


async def test_refunds_of_a_payment_are_all_there(sandbox: PaypalSandbox, paypal: Any) -> None:
    true = {p.native_id: p for p in sandbox.payments()}
    found = await paypal.refunds_by_payment(list(true))
    assert {key: refunds_in(refunds) for key, refunds in found.items()} == {
        key: true_refunds(payment) for key, payment in true.items()
    }
    by_id = await paypal.refunds([r.native_id for p in true.values() for r in p.refunds])
    assert {r.native_id: r for refunds in found.values() for r in refunds} == by_id


DISPUTES = {
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "warning_closed": DisputeStatus.CLOSED,
}


async def test_every_dispute_is_as_the_truth_says(sandbox: PaypalSandbox, paypal: Any) -> None:
    true = {p.dispute.native_id: (p.dispute, p) for p in sandbox.payments() if p.dispute}
    found = await paypal.disputes(list(true))
    for key, (dispute, payment) in true.items():
        told = found[key]
        assert told.status is DISPUTES[dispute.status]
        assert told.amount == Money(dispute.amount, payment.currency)
        assert (told.payment_id, told.due_by) == (payment.native_id, dispute.due_by)
    by_payment = await paypal.disputes_by_payment([p.native_id for p in sandbox.payments()])
    assert by_payment == {payment.native_id: (found[key],) for key, (_, payment) in true.items()}


async def test_the_ledger_tells_all_that_exists_and_nothing_else(
    sandbox: PaypalSandbox, paypal: Any
) -> None:
    told: list[Any] = []
    for period in paypal.periods(*BOOKS):
        told += [entry async for batch in paypal.entries(period) for entry in batch]
    true = sandbox.payments()
    payments = {(Kind.PAYMENT, p.native_id, p.amount, p.reference, p.created_at) for p in true}
    refunds = {
        (Kind.REFUND, r.native_id, r.amount, p.native_id, r.created_at)
        for p in true
        for r in p.refunds
    }
    disputes = {
        (Kind.DISPUTE, p.dispute.native_id, p.dispute.amount, p.native_id, p.dispute.created_at)
        for p in true
        if p.dispute
    }
    shown = [
        (
            e.kind,
            e.native_id,
            e.amount.minor_units,
            e.reference if e.kind is Kind.PAYMENT else e.payment,
            e.created_at,
        )
        for e in told
    ]
    assert len(shown) == len(set(shown))
    assert set(shown) == payments | refunds | disputes
    fees = {e.native_id: e.fee for e in told if e.kind is Kind.PAYMENT}
    assert fees == {p.native_id: Money(p.fee, p.currency) if p.fee else None for p in true}


async def test_a_search_never_asks_who_paid(sandbox: PaypalSandbox, paypal: Any) -> None:
    await entries_of(paypal, BOOKS)
    searches = [query for path, query in sandbox.asked() if path == "/v1/reporting/transactions"]
    assert searches
    assert {"fields=transaction_info" in query for query in searches} == {True}


@pytest.mark.parametrize("most", [1, 7, 40])
async def test_a_window_that_holds_too_much_is_halved(
    paypal: Any, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    books = (BOOKS[0], BOOKS[0] + timedelta(days=61))
    whole = await entries_of(paypal, books)
    monkeypatch.setattr("sandbox.paypal.reports.MOST_ITEMS", most)
    if most > 1:
        assert await entries_of(paypal, books) == whole
        return
    # Three rows of a disputed payment fall on one second.
    with pytest.raises(Malformed, match="one second has more rows"):
        await entries_of(paypal, (BOOKS[0], BOOKS[1]))


async def test_pages_of_reports_and_disputes_are_all_read(
    paypal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await entries_of(paypal, BOOKS)
    monkeypatch.setattr("connectors.paypal.reports.PAGE_SIZE", 3)
    monkeypatch.setattr("connectors.paypal.disputes.PAGE_SIZE", 1)
    assert await entries_of(paypal, BOOKS) == whole


async def test_an_empty_stretch_tells_nothing(paypal: Any) -> None:
    start = datetime(2024, 2, 1, tzinfo=UTC)
    for book in ("transactions", "disputes"):
        period = Period(name=f"{book} 2024-02", start=start, end=start + timedelta(days=29))
        assert [b for batch in [x async for x in paypal.entries(period)] for b in batch] == []


async def test_a_day_that_is_not_reported_yet_is_not_ready(paypal: Any) -> None:
    """Final but too young, and so young that PayPal refuses to search it at all."""
    now = datetime.now(UTC)
    for start in (now - timedelta(hours=5), now - timedelta(minutes=10)):
        period = Period(name="transactions today", start=start, end=now)
        with pytest.raises(NotReady):
            [batch async for batch in paypal.entries(period)]


async def calls_for(sandbox: PaypalSandbox, call: Any) -> list[str]:
    await sandbox.clear()
    await call
    return [path for path, _ in sandbox.asked()]


async def test_what_an_id_costs(sandbox: PaypalSandbox, paypal: Any) -> None:
    def first(**wanted: Any) -> Payment:
        return next(
            p
            for p in sandbox.payments()
            if p.status == wanted["status"] and bool(p.refunded) is wanted["back"]
        )

    await paypal.probe()
    plain, back = first(status="SUCCEEDED", back=False), first(status="SUCCEEDED", back=True)
    held = first(status="AUTHORIZED", back=False)
    for asked, cost in (
        (plain.native_id, 1),
        (back.native_id, 2),
        (held.native_id, 2),
        (objects.order_id(plain), 3),
        (NO_ID(1), 3),
    ):
        assert len(await calls_for(sandbox, paypal.payments([asked]))) == cost
    assert len(await calls_for(sandbox, paypal.refunds_by_payment([back.native_id]))) == 2


async def test_an_order_leads_to_its_payment(sandbox: PaypalSandbox, paypal: Any) -> None:
    """A CRM may hold the order's id: it is answered under that id, with the payment's own."""
    true = {objects.order_id(p): p for p in sandbox.payments()}
    found = await paypal.payments(list(true))
    assert {key: p.native_id for key, p in found.items()} == {
        key: p.native_id for key, p in true.items()
    }
    assert {key: p.status.value for key, p in found.items()} == {
        key: undisputed(payment) for key, payment in true.items()
    }


async def test_links_are_never_followed(sandbox: PaypalSandbox, paypal: Any) -> None:
    """They name another host than the one that was called."""
    refund = next(r.native_id for p in sandbox.payments() for r in p.refunds)
    hrefs = [link["href"] for link in sandbox.read(f"/v2/payments/refunds/{refund}")["links"]]
    assert not [href for href in hrefs if href.startswith(sandbox.origin)]
    assert (await paypal.refunds([refund]))[refund].payment_id is not None


async def test_fifty_first_calls_log_in_once(sandbox: PaypalSandbox) -> None:
    some = [p.native_id for p in sandbox.payments()][:50]
    async with connected(VENDOR, sandbox.settings(), FAST) as connector:
        await sandbox.clear()
        await asyncio.gather(*(connector.payments([key]) for key in some))
        logins = [path for path, _ in sandbox.asked() if path == "/v1/oauth2/token"]
        assert len(logins) == 1
        await sandbox.clear()
        sandbox.fault(kind="status", status=401, times=1, account="paypal")
        found = await asyncio.gather(*(connector.payments([key]) for key in some))
        assert all(len(answer) == 1 for answer in found)
        logins = [path for path, _ in sandbox.asked() if path == "/v1/oauth2/token"]
        assert len(logins) == 1


@pytest.mark.parametrize("key", ["client_id", "client_secret"])
async def test_a_wrong_client_is_unauthorized_and_not_tried_again_at_once(
    sandbox: PaypalSandbox, key: str
) -> None:
    wrong = {"client_id": "Anobody", "client_secret": Secret("wrong")}[key]
    async with connected(VENDOR, sandbox.settings(**{key: wrong}), FAST) as connector:
        for _ in range(3):
            with pytest.raises(Unauthorized, match="invalid_client"):
                await connector.probe()
    assert [path for path, _ in sandbox.asked()] == ["/v1/oauth2/token"]


async def test_an_app_without_features_is_told_which_to_tick(sandbox: PaypalSandbox) -> None:
    client_id, secret = client(
        Context(sandbox.origin, seed=sandbox.world.seed), "paypal", "payments"
    )
    settings = sandbox.settings(client_id=client_id, client_secret=Secret(secret))
    async with connected(VENDOR, settings, FAST, name="paypal") as connector:
        notes = (await connector.probe()).notes
        assert ["Transaction search" in notes[0], "Disputes" in notes[1]] == [True, True]
        for period in connector.periods(*BOOKS)[:2]:
            with pytest.raises(Misconfigured, match="the app lacks"):
                [batch async for batch in connector.entries(period)]
        paid = sandbox.payments()[0].native_id
        assert isinstance((await connector.disputes(["PP-D-40000"]))["PP-D-40000"], Misconfigured)
        assert (await connector.payments([paid]))[paid].native_id == paid


async def test_a_whole_app_has_no_notes(paypal: Any) -> None:
    assert (await paypal.probe()).notes == ()


def undisputed(payment: Payment) -> str:
    """The status without the dispute: laying it over is the gateway's part."""
    return dataclasses.replace(payment, dispute=None).state


def true_refunds(payment: Payment) -> set[tuple[str, int, str]]:
    return {(r.native_id, r.amount, r.status) for r in payment.refunds}


def refunds_in(refunds: Any) -> set[tuple[str, int, str]]:
    return {(r.native_id, r.amount.minor_units, r.status.value) for r in refunds}
