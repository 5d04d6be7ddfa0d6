"""Alipay over real HTTP, against simulated accounts: the contract, then what is Alipay's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest

from connectors.alipay import VENDOR
from connectors.alipay.api import Api
from connectors.alipay.ecny import EcnyConnector
from connectors.alipay.gateway import Gateway
from connectors.alipay.operations import REFUND, TRADE, Content, Operation
from connectors.alipay.payloads import LogPage, LogRow
from connectors.capabilities import capabilities
from connectors.conformance import Batch, Conformance, Upstream, connected
from connectors.conformance_kit import drained, entries_of
from connectors.errors import Malformed, Misconfigured, Retryable, SourceError, Unauthorized
from connectors.money import Money
from connectors.records import (
    Deduction,
    DisputeStatus,
    Kind,
    PaymentChannel,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from connectors.secret import Secret
from connectors.vendor import SourceSettings, Vendor
from sandbox.alipay.keys import new_key, private_text, public_text
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
OTHER_KEY = new_key()
STRANGER, PUBLIC = Secret(private_text(OTHER_KEY)), Secret(public_text(OTHER_KEY))
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
    # Two equal charges are two charges.
    odd_spared = ("twice at /charge_info_list/",)
    answers_in_gbk = True
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
    most_odd, least_odd = 30, 50
    more: ClassVar[Mapping[str, Any]] = {"protocol": "v3"}

    @pytest.fixture(autouse=True)
    def simulated(self, rest_server: Server) -> None:
        self.sandbox = AlipaySandbox(rest_server)


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


async def test_a_refund_whose_outcome_was_never_told_is_not_pending_for_ever(
    sandbox: AlipaySandbox, alipay: Any
) -> None:
    _, true = sandbox.refunds[0]
    true.status = "PENDING"
    try:
        (refund,) = (await alipay.refunds([true.native_id])).values()
    finally:
        true.status = "SUCCEEDED"
    assert (refund.status, refund.settled_at) == (RefundStatus.UNKNOWN, None)
    assert refund.amount.minor_units == true.amount


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


async def test_an_order_is_found_by_its_number(sandbox: AlipaySandbox, alipay: Any) -> None:
    """Only the payment that was made under the order's own number, and not a later one."""
    first: dict[str, Payment] = {}
    for payment in sorted(sandbox.payments, key=lambda p: p.created_at):
        if payment.reference:
            first.setdefault(payment.reference, payment)
    found = await alipay.find_payments([*first, "SO-0", f"{next(iter(first))}-2"])
    assert {key: tuple(p.native_id for p in v) for key, v in found.items()} == {
        reference: (payment.native_id,) for reference, payment in first.items()
    }


async def test_a_dispute_is_a_complaint_about_a_whole_trade(
    sandbox: AlipaySandbox, alipay: Any
) -> None:
    for payment in sandbox.disputed:
        assert payment.dispute
        (read,) = (await alipay.disputes([payment.dispute.native_id])).values()
        open_ = payment.dispute.holds
        assert read.status is (DisputeStatus.NEEDS_RESPONSE if open_ else DisputeStatus.CLOSED)
        assert read.amount == Money(payment.amount, "CNY")
        assert read.payment_id == payment.native_id
        assert read.created_at == payment.dispute.created_at
    assert sandbox.disputed


async def test_digital_yuan_is_read_as_it_is(server: Server, ecny: Any) -> None:
    sandbox = AlipaySandbox(server, "ecny_cn")
    payments = await ecny.payments([p.native_id for p in sandbox.payments])
    refunds = await ecny.refunds([r.native_id for _, r in sandbox.refunds])
    for true in sandbox.payments:
        read = payments[true.native_id]
        assert read.amount == read.captured == Money(true.amount, "CNY")
        assert read.channel is PaymentChannel.ECNY
        assert read.payer.name == "*三"
    for payment, refund in sandbox.refunds:
        back = refunds[refund.native_id]
        assert back.amount == Money(refund.amount, "CNY")
        assert (back.status, back.payment_id) == (RefundStatus.SUCCEEDED, payment.native_id)
        assert back.reference is None
    assert len(refunds) == len(sandbox.refunds) > 5


@pytest.mark.parametrize(
    "native_id",
    [
        "{}-20261399000000-F1",
        "{}-2026-F1",
        "{}-F1",
        "{}-" + "9" * 14 + "-F1",
        "{}-00010101000000-F1",
        "{}-00010101080000-F1",
        "{}-99991231235959-F1",
    ],
)
async def test_a_refund_of_digital_yuan_needs_its_second(
    server: Server, ecny: Any, native_id: str
) -> None:
    """An id that is none is nothing, and leaves those beside it alone."""
    sandbox = AlipaySandbox(server, "ecny_cn")
    right = sandbox.refunds[0][1].native_id
    found = await ecny.refunds([native_id.format(sandbox.payments[0].native_id), right])
    assert set(found) == {right}


async def test_a_wallet_is_also_filled_and_emptied(server: Server, ecny: Any) -> None:
    """Flows of no trade are neither payments nor refunds."""
    sandbox = AlipaySandbox(server, "ecny_cn")
    entries = await entries_of(ecny, BOOKS)
    assert len(entries) == len(sandbox.payments) + len(sandbox.refunds)
    assert not [n for _, n in entries if "999999" in n]
    assert {e.amount for e in entries.values()} - {None}


async def test_a_flow_whose_trade_cannot_be_read_stops_the_ledger(
    ecny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(self: EcnyConnector, name: str, number: str) -> None:
        raise Retryable("ecny_cn", "Alipay failed for the moment")

    monkeypatch.setattr(EcnyConnector, "_trade", failing)
    with pytest.raises(Retryable):
        await entries_of(ecny, BOOKS)


async def test_digital_yuan_has_no_complaints(ecny: Any) -> None:
    assert "disputes" not in capabilities(ecny)


async def test_the_ledger_of_a_month_costs_a_call(sandbox: AlipaySandbox, alipay: Any) -> None:
    await sandbox.clear()
    log, complaints, *_ = alipay.periods(*BOOKS)
    assert await drained(alipay.entries(log))
    await drained(alipay.entries(complaints))
    assert [call.partition("method=")[2].partition("&")[0] for call in sandbox.asked()] == [
        "alipay.data.bill.accountlog.query",
        "alipay.merchant.tradecomplain.batchquery",
    ]


async def test_without_complaints_the_ledger_is_the_log_alone(sandbox: AlipaySandbox) -> None:
    async with connected(VENDOR, sandbox.settings(complaints=False)) as connector:
        assert {p.name.rpartition(" ")[0] for p in connector.periods(*BOOKS)} == {"account log"}


async def test_a_log_is_read_to_its_last_page(
    sandbox: AlipaySandbox, alipay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox as Alipay has at least a thousand rows a page: so more rows are made."""
    whole = [p for p in alipay.periods(*BOOKS) if "log" in p.name][2]
    rows: list[int] = []

    async def paged(self: Api, operation: Operation, content: Content, decoder: Any) -> LogPage:
        rows.append(int(str(content["page_no"])))
        return LogPage(total_size="4500", detail_list=_rows(min(2000, 4500 - 2000 * len(rows[1:]))))

    monkeypatch.setattr(Api, "ask", paged)
    assert len([b async for b in alipay.entries(whole)]) == 3
    assert rows == [1, 2, 3]


async def test_a_log_that_changes_while_it_is_read_is_not_used(
    alipay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def empty(self: Api, operation: Operation, content: Content, decoder: Any) -> LogPage:
        return LogPage(total_size=5)

    monkeypatch.setattr(Api, "ask", empty)
    with pytest.raises(Retryable):
        await drained(alipay.entries(alipay.periods(*BOOKS)[0]))


def _rows(count: int) -> list[msgspec.Raw]:
    row = LogRow(type="转账", direction="收入", trans_amount="1.00", trans_dt="2026-01-01 08:00:00")
    return [msgspec.Raw(msgspec.json.encode(row))] * count


@pytest.mark.parametrize("protocol", ["v2", "v3"])
@pytest.mark.parametrize("vendor", [CERTIFIED, ENCRYPTED], ids=["certificates", "encrypted"])
async def test_certificates_and_encryption_are_spoken_in_both_protocols(
    server: Server, vendor: Any, protocol: str
) -> None:
    with serve(vendor, server.world) as running:
        sandbox = AlipaySandbox(running)
        settings = sandbox.settings(protocol=protocol)
        async with connected(VENDOR, settings) as connector:
            assert (await connector.probe()).notes == ()
            payments = [p.native_id for p in sandbox.payments[:3]]
            assert set(await connector.payments(payments)) == set(payments)
            assert await connector.find_payments(["SO-0"]) == {}
            log = connector.periods(*BOOKS)[0]
            assert await drained(connector.entries(log))


@pytest.mark.parametrize("protocol", ["v2", "v3"])
@pytest.mark.parametrize(
    ("more", "kind", "detail"),
    [
        ({"private_key": STRANGER}, Unauthorized, "our signature is refused"),
        ({"app_id": "2021000000000009"}, Unauthorized, "there is no such application"),
        ({"alipay_public_key": PUBLIC}, Malformed, "the answer's signature is wrong"),
    ],
)
async def test_wrong_keys_are_told_apart_and_not_shown(
    sandbox: AlipaySandbox,
    protocol: str,
    more: dict[str, Any],
    kind: type[SourceError],
    detail: str,
) -> None:
    settings = sandbox.settings(protocol=protocol, **more)
    async with connected(VENDOR, settings) as connector:
        with pytest.raises(kind) as caught:
            await connector.probe()
        (told,) = (await connector.payments([sandbox.payments[0].native_id])).values()
    assert isinstance(told, kind)
    assert caught.value.detail.startswith(detail)
    shown = f"{caught.value} {caught.value!r} {told!r} {connector!r}"
    assert not [s for s in more.values() if isinstance(s, Secret) and s.reveal() in shown]


@pytest.mark.parametrize("protocol", ["v2", "v3"])
async def test_a_clock_that_is_wrong_is_told_as_that(server: Server, protocol: str) -> None:
    with serve(world=server.world, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)) as behind:
        settings = AlipaySandbox(behind).settings(protocol=protocol)
        async with connected(VENDOR, settings) as connector:
            with pytest.raises(Misconfigured, match="clock"):
                await connector.probe()


async def test_a_certificate_that_is_not_ours_is_told_at_start(server: Server) -> None:
    with serve(CERTIFIED, server.world) as running:
        ecny = AlipaySandbox(running, "ecny_cn").credentials["app_cert"]
        with pytest.raises(ValueError, match="app_cert: not the certificate of private_key"):
            AlipaySandbox(running).settings(app_cert=Secret(ecny))


async def test_a_right_answer_about_another_trade_is_malformed(
    sandbox: AlipaySandbox, alipay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed and true, but not what was asked for: an old answer that is given again."""
    one, other = (p.native_id for p in sandbox.payments[:2])
    request = Gateway.request
    monkeypatch.setattr(
        Gateway,
        "request",
        lambda self, operation, content: request(
            self, operation, {k: other if v == one else v for k, v in content.items()}
        ),
    )
    (told,) = (await alipay.payments([one])).values()
    assert isinstance(told, Malformed)
    assert "something else" in told.detail


REFUND_NO = "2013112011001004330000121536-RF-1"
BACK = {
    "trade_no": "2013112011001004330000121536",
    "out_request_no": "RF-1",
    "refund_status": "REFUND_SUCCESS",
    "refund_amount": "5.00",
}


def answering(monkeypatch: pytest.MonkeyPatch, **told: Any) -> list[str]:
    """Let a trade in dollars and this of its refund be what Alipay says; what was asked."""
    trade = {"trade_status": "TRADE_SUCCESS", "total_amount": "9.00", "trans_currency": "USD"}
    asked: list[str] = []

    async def ask(self: Api, operation: Operation, content: Content, decoder: Any) -> Any:
        asked.append(operation.method)
        node = told if operation is REFUND else {"trade_no": BACK["trade_no"], **trade}
        return decoder.decode(msgspec.json.encode(node))

    monkeypatch.setattr(Api, "ask", ask)
    return asked


async def test_a_refund_is_in_the_currency_of_its_trade(
    alipay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is read once, and not at all where the trade has been read before."""
    asked = answering(monkeypatch, **BACK)
    for _ in range(2):
        (read,) = (await alipay.refunds([REFUND_NO])).values()
        assert read.amount == Money(500, "USD")
    assert asked == [REFUND.method, TRADE.method, REFUND.method]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({}, type(None)),
        ({"refund_reason": "nothing"}, type(None)),
        ({"trade_no": "2013112011001004330000121537"}, Malformed),
        ({"out_request_no": "RF-2"}, Malformed),
        ({**BACK, "trade_no": None}, Malformed),
        ({**BACK, "out_request_no": None}, Malformed),
        ({**BACK, "out_request_no": "RF-2"}, Malformed),
        (BACK, Refund),
    ],
)
async def test_a_refund_says_which_it_is(
    alipay: Any, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], kind: type
) -> None:
    answering(monkeypatch, **told)
    assert isinstance((await alipay.refunds([REFUND_NO])).get(REFUND_NO), kind)


@pytest.mark.parametrize(
    ("kind", "native_id", "normal"),
    [
        (Kind.PAYMENT, "2013112011001004330000121536", True),
        (Kind.PAYMENT, "2013-1120", False),
        (Kind.PAYMENT, "２０１３１１２０１１００１００４", False),
        (Kind.REFUND, "2013112011001004330000121536-RF_1-a", True),
        (Kind.REFUND, "2013112011001004330000121536", False),
        (Kind.REFUND, "2013112011001004330000121536-a b", False),
        (Kind.REFUND, "2013112011001004330000121536-" + "a" * 65, False),
        (Kind.DISPUTE, "20260101000410000001", True),
        (Kind.DISPUTE, "../balance", False),
        (Kind.CUSTOMER, "2088101117955611", False),
    ],
)
def test_an_id_is_spelt_as_its_kind(kind: Kind, native_id: str, normal: bool) -> None:
    assert VENDOR.normalise(kind, native_id) == (native_id if normal else None)
