"""UnionPay over real HTTP, against the simulated merchant: the contract, then what is its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.conformance import Batch, Conformance, Fault, Upstream, connected
from connectors.conformance_kit import drained, entries_of
from connectors.errors import NotReady, Unauthorized
from connectors.money import Money
from connectors.records import Kind, PaymentChannel, PaymentStatus, RefundStatus
from connectors.unionpay import VENDOR
from connectors.unionpay.settlement import period
from connectors.vendor import SourceSettings
from sandbox.salesforce import VENDOR as SALESFORCE
from sandbox.server import Server
from sandbox.stripe import VENDOR as STRIPE
from sandbox.unionpay import VENDOR as SIMULATED
from sandbox.unionpay.keys import holder, ring
from tests.connectors.unionpay_sandbox import UnionPaySandbox

pytestmark = pytest.mark.anyio
BOOKS = Conformance.books
CHANNELS = {"card": PaymentChannel.CARD, "qr": PaymentChannel.QR}


def cny(fen: int) -> Money:
    return Money(fen, "CNY")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    vendors = (SALESFORCE, STRIPE, SIMULATED)
    with Server(size=120, vendors=vendors, rate_limits=False) as running:
        yield running


@pytest.fixture
async def sandbox(server: Server) -> AsyncIterator[UnionPaySandbox]:
    control = UnionPaySandbox(server)
    yield control
    await control.set_faults([])


@pytest.fixture
async def unionpay(sandbox: UnionPaySandbox) -> AsyncIterator[Any]:
    async with connected(VENDOR, sandbox.settings(), name="unionpay_cn") as connector:
        yield connector


class TestContract(Conformance):
    """UnionPay signs its answers, but the fault `duplicate` spoils only lists in JSON: that what
    was changed is never used is tested below.
    """

    vendor = VENDOR
    answers_in_gbk = True
    refreshes = False

    @pytest.fixture(autouse=True)
    def simulated(self, sandbox: UnionPaySandbox) -> None:
        self.sandbox = sandbox

    def settings(self) -> SourceSettings:
        return self.sandbox.settings()

    def upstream(self) -> Upstream:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        nobody = "NOBODY{:04}-20260101080000".format
        return {
            "payments": Batch(
                known=tuple(p.native_id for p in self.sandbox.payments), missing=nobody
            ),
            "refunds": Batch(
                known=tuple(r.native_id for r in self.sandbox.refunds), missing=nobody
            ),
        }


async def test_every_payment_is_as_the_truth_says(sandbox: UnionPaySandbox, unionpay: Any) -> None:
    found = await unionpay.payments([p.native_id for p in sandbox.payments])
    told = {
        key: (p.amount, p.captured, p.reference, p.channel, p.instalments and p.instalments.count)
        for key, p in found.items()
    }
    assert told == {
        p.native_id: (
            cny(p.amount),
            cny(p.captured),
            p.reference,
            CHANNELS[p.method],
            p.instalments,
        )
        for p in sandbox.payments
    }
    assert {p.status for p in found.values()} == {PaymentStatus.SUCCEEDED}
    assert {(p.refunds, p.refunded) for p in found.values()} == {(None, None)}
    assert {key: p.created_at for key, p in found.items()} == {
        p.native_id: p.created_at for p in sandbox.payments
    }


async def test_the_world_has_what_it_takes(sandbox: UnionPaySandbox) -> None:
    assert len(sandbox.payments) >= 20
    assert {p.method for p in sandbox.payments} == {"card", "qr"}
    assert any(p.instalments for p in sandbox.payments)
    assert any(p.reference is None for p in sandbox.payments)
    assert any(p.fee is None for p in sandbox.payments)
    assert any(len(p.refunds) > 1 for p in sandbox.payments)
    assert len(sandbox.refunds) >= 8


async def test_every_refund_is_as_the_truth_says(sandbox: UnionPaySandbox, unionpay: Any) -> None:
    found = await unionpay.refunds([r.native_id for r in sandbox.refunds])
    payments = await unionpay.payments([p.native_id for p in sandbox.payments])
    native = {p.custom_fields["queryId"]: p.native_id for p in payments.values()}
    told = {key: (r.amount, r.status, native[r.payment_id]) for key, r in found.items()}
    assert told == {
        refund.native_id: (cny(refund.amount), RefundStatus.SUCCEEDED, payment.native_id)
        for payment in sandbox.payments
        for refund in payment.refunds
    }
    assert [r.reference for r in found.values()] == [key.partition("-")[0] for key in found]


async def test_a_query_id_leads_to_the_same_payment(
    sandbox: UnionPaySandbox, unionpay: Any
) -> None:
    native_id = sandbox.payments[0].native_id
    payment = (await unionpay.payments([native_id]))[native_id]
    other = payment.custom_fields["queryId"]
    assert VENDOR.normalise(Kind.PAYMENT, other) == other
    assert await unionpay.payments([other]) == {other: payment}


async def test_a_payment_is_no_refund_and_a_refund_no_payment(
    sandbox: UnionPaySandbox, unionpay: Any
) -> None:
    assert await unionpay.refunds([sandbox.payments[0].native_id]) == {}
    assert await unionpay.payments([sandbox.refunds[0].native_id]) == {}


async def test_the_ledger_tells_everything_once(sandbox: UnionPaySandbox, unionpay: Any) -> None:
    entries = [
        entry
        for one in unionpay.periods(*BOOKS)
        async for batch in unionpay.entries(one)
        for entry in batch
    ]
    told = sorted((e.kind.value, e.native_id, e.amount, e.fee) for e in entries)
    assert told == sorted(
        [
            ("payment", p.native_id, cny(p.amount), None if p.fee is None else cny(p.fee))
            for p in sandbox.payments
        ]
        + [("refund", r.native_id, cny(r.amount), None) for r in sandbox.refunds],
    )
    references = {e.native_id: e.reference for e in entries if e.kind is Kind.PAYMENT}
    assert references == {p.native_id: p.reference for p in sandbox.payments}


async def test_refunds_lead_to_their_payments_by_the_ledger(
    sandbox: UnionPaySandbox, unionpay: Any
) -> None:
    told = await entries_of(unionpay, BOOKS)
    native = {e.alias: e.native_id for e in told.values() if e.kind is Kind.PAYMENT}
    joined = {e.native_id: native[e.payment] for e in told.values() if e.kind is Kind.REFUND}
    assert joined == {r.native_id: p.native_id for p in sandbox.payments for r in p.refunds}


async def test_a_day_costs_one_call(sandbox: UnionPaySandbox, unionpay: Any) -> None:
    await sandbox.clear()
    periods = unionpay.periods(*BOOKS)
    assert len(periods) > 365
    await asyncio.gather(*(drained(unionpay.entries(one)) for one in periods[:40]))
    assert await sandbox.calls() == 40


async def test_a_day_that_is_not_over_is_not_ready(sandbox: UnionPaySandbox) -> None:
    today = datetime.now(UTC).date()
    async with connected(VENDOR, sandbox.settings(), name="unionpay_cn") as connector:
        with pytest.raises(NotReady):
            await drained(connector.entries(period(today)))


@pytest.mark.parametrize("change", ["key", "merchant_id"])
async def test_a_wrong_credential_is_refused(sandbox: UnionPaySandbox, change: str) -> None:
    other = holder("041@Z12@SOMEBODY@1")
    changes: dict[str, Any] = {
        "key": {"private_key": other.key_pem(), "certificate": other.pem()},
        "merchant_id": {"merchant_id": "777290058110097"},
    }[change]
    async with connected(VENDOR, sandbox.settings(**changes), name="unionpay_cn") as connector:
        with pytest.raises(Unauthorized):
            await connector.probe()


async def test_a_pfx_opens_the_door_too(sandbox: UnionPaySandbox) -> None:
    keys = {"private_key": None, "certificate": None, "pfx": ring().merchant.pfx("000000")}
    settings = sandbox.settings(**keys, pfx_password="000000")
    async with connected(VENDOR, settings, name="unionpay_cn") as connector:
        assert (await connector.probe()).notes == ()


async def test_too_many_calls_are_asked_again_and_a_refused_signature_is_not(
    sandbox: UnionPaySandbox, unionpay: Any
) -> None:
    key = sandbox.payments[0].native_id
    await sandbox.set_faults([Fault(kind="rate_limit", times=1)])
    assert set(await unionpay.payments([key])) == {key}
    await sandbox.clear()
    await sandbox.set_faults([Fault(kind="status", status=401)])
    assert isinstance((await unionpay.payments([key]))[key], Unauthorized)
    assert await sandbox.calls() == 1
