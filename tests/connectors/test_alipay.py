"""Alipay over real HTTP, against simulated accounts: the contract, then what is Alipay's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest

from connectors.alipay import VENDOR
from connectors.conformance import Batch, Conformance, Upstream, connected
from connectors.conformance_kit import entries_of
from connectors.money import Money
from connectors.records import (
    Deduction,
    Kind,
    PaymentChannel,
    PaymentStatus,
    RefundStatus,
)
from connectors.vendor import SourceSettings, Vendor
from sandbox.server import Server
from sandbox.world import Payment
from tests.connectors.alipay_sandbox import (
    CERTIFIED,
    ENCRYPTED,
    REST,
    AlipaySandbox,
    serve,
)

pytestmark = pytest.mark.anyio
BOOKS = (datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))
ECNY = msgspec.structs.replace(
    VENDOR, calls={k: v for k, v in VENDOR.calls.items() if k != "disputes"}
)
CHANNELS = {
    "balance": PaymentChannel.WALLET,
    "card": PaymentChannel.CARD,
    "pay_later": PaymentChannel.PAY_LATER,
    "ecny": PaymentChannel.ECNY,
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def rest_server(server: Server) -> Iterator[Server]:
    """The same world, whose faults look like v3's."""
    with serve(REST, server.world) as running:
        yield running


@pytest.fixture
def sandbox(server: Server) -> Iterator[AlipaySandbox]:
    control = AlipaySandbox(server)
    yield control
    control.heal()


@pytest.fixture
async def alipay(sandbox: AlipaySandbox) -> AsyncIterator[Any]:
    async with connected(VENDOR, sandbox.settings(), name="alipay_cn") as connector:
        yield connector


@pytest.fixture
async def ecny(server: Server) -> AsyncIterator[Any]:
    settings = AlipaySandbox(server, "ecny_cn").settings()
    async with connected(VENDOR, settings, name="ecny_cn") as connector:
        yield connector


class Contract(Conformance):
    """What every way of speaking to every account has in common."""

    __test__ = False
    vendor = VENDOR
    refreshes = False
    signed = True
    account: ClassVar[str] = "alipay_cn"
    more: ClassVar[Mapping[str, Any]] = {}
    sandbox: AlipaySandbox

    @pytest.fixture(autouse=True)
    def simulated(self, server: Server) -> None:
        self.sandbox = AlipaySandbox(server, self.account)

    def settings(self) -> SourceSettings:
        return self.sandbox.settings(**self.more)

    def upstream(self) -> Upstream:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        """Of references, those of payments that were the first for their order."""
        paid = self.sandbox.payments
        refunds = tuple(r.native_id for _, r in self.sandbox.refunds)
        gone = refunds[0] + "-{:04}"
        made = {
            "payments": Batch(
                known=tuple(p.native_id for p in paid), missing="20260101220014{:04}".format
            ),
            "find_payments": Batch(
                known=tuple(dict.fromkeys(p.reference for p in paid if p.reference)),
                missing="SO-9{:04}".format,
            ),
            "refunds": Batch(known=refunds, missing=gone.format),
            "disputes": Batch(
                known=tuple(p.dispute.native_id for p in self.sandbox.disputed if p.dispute),
                missing="none{:04}".format,
            ),
        }
        return {name: batch for name, batch in made.items() if name in self.vendor.calls}


class TestContract(Contract):
    __test__ = True


class TestContractOfV3(Contract):
    __test__ = True
    more: ClassVar[Mapping[str, Any]] = {"protocol": "v3"}

    @pytest.fixture(autouse=True)
    def simulated(self, rest_server: Server) -> None:
        self.sandbox = AlipaySandbox(rest_server)


class TestContractOfBills(Contract):
    __test__ = True
    more: ClassVar[Mapping[str, Any]] = {"books": "bill"}


class TestContractOfDigitalYuan(Contract):
    __test__ = True
    vendor: ClassVar[Vendor] = ECNY
    account: ClassVar[str] = "ecny_cn"


def deductions_of(payment: Payment) -> list[tuple[str, int, str]]:
    return sorted((d.kind, d.amount, d.funded_by) for d in payment.deductions)


def told(deductions: tuple[Deduction, ...]) -> list[tuple[str, int, str | None]]:
    return sorted((d.kind, d.amount.minor_units, d.funded_by) for d in deductions)


async def test_every_payment_is_read_as_it_is(sandbox: AlipaySandbox, alipay: Any) -> None:
    found = await alipay.payments([p.native_id for p in sandbox.payments])
    for true in sandbox.payments:
        read = found[true.native_id]
        assert read.amount == Money(true.amount, "CNY")
        assert read.captured == read.amount
        assert read.refunds is None
        whole = true.refunded == true.captured
        assert read.status is (PaymentStatus.REFUNDED if whole else PaymentStatus.SUCCEEDED)
        assert read.refunded == (read.amount if whole else None)
        assert read.channel is CHANNELS[true.method]
        assert read.fee == (None if true.fee is None else Money(true.fee, "CNY"))
        assert read.paid_at == true.created_at
        assert (read.instalments and read.instalments.count) == true.instalments
        assert told(read.deductions) == deductions_of(true)
        assert read.reference == true.reference or true.reference is None
    assert {p.method for p in sandbox.payments} == set(CHANNELS)
    assert len({kind for p in sandbox.payments for kind, *_ in deductions_of(p)}) == 3


async def test_every_refund_is_read_as_it_is(sandbox: AlipaySandbox, alipay: Any) -> None:
    found = await alipay.refunds([r.native_id for _, r in sandbox.refunds])
    for payment, true in sandbox.refunds:
        read = found[true.native_id]
        assert read.amount == Money(true.amount, "CNY")
        assert read.status is RefundStatus.SUCCEEDED
        assert read.payment_id == payment.native_id
        assert read.reference == true.native_id.partition("-")[2]
        assert read.settled_at == true.created_at
    assert len(found) == len(sandbox.refunds) > 5


@pytest.mark.parametrize(
    ("account", "more"),
    [
        ("alipay_cn", {}),
        ("alipay_cn", {"books": "bill", "charset": "gbk"}),
        ("alipay_cn", {"charset": "gbk"}),
        ("alipay_cn", {"books": "bill", "protocol": "v3"}),
        ("alipay_cn", {"protocol": "v3"}),
        ("ecny_cn", {}),
    ],
)
async def test_the_ledger_tells_all_there_is(
    server: Server, account: str, more: dict[str, Any]
) -> None:
    sandbox = AlipaySandbox(server, account)
    async with connected(VENDOR, sandbox.settings(**more)) as connector:
        entries = await entries_of(connector, BOOKS)
    told = {kind: {n for k, n in entries if k is kind} for kind in Kind}
    assert told[Kind.PAYMENT] == {p.native_id for p in sandbox.payments}
    assert told[Kind.REFUND] == {r.native_id for _, r in sandbox.refunds}
    assert told[Kind.DISPUTE] == {p.dispute.native_id for p in sandbox.disputed if p.dispute}
    for payment in sandbox.payments:
        entry = entries[Kind.PAYMENT, payment.native_id]
        assert payment.reference in (entry.reference, None)
        assert entry.created_at == payment.created_at
        assert entry.amount in (None, Money(payment.amount, "CNY"))
        fee = Money(payment.fee, "CNY") if payment.fee is not None else None
        assert entry.fee == (None if account == "ecny_cn" else fee)
    for payment, refund in sandbox.refunds:
        assert entries[Kind.REFUND, refund.native_id].payment == payment.native_id
