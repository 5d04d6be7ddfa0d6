"""WeChat Pay over real HTTP, against a simulated merchant: the contract, then what is its own."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.beijing import day_of
from connectors.conformance import Batch, Conformance, Upstream, connected
from connectors.conformance_kit import drained, entries_of, outcome
from connectors.errors import (
    Malformed,
    Misconfigured,
    NotReady,
    SourceError,
    Unauthorized,
)
from connectors.ledger import BadRow, Period
from connectors.money import Money
from connectors.records import (
    DisputeStatus,
    Kind,
    PaymentChannel,
    PaymentStatus,
    Source,
    SourceKind,
)
from connectors.secret import Secret
from connectors.tokens import TokenSource
from connectors.transport import HttpTransport, Judge
from connectors.vendor import SourceSettings, Wiring
from connectors.wechatpay import VENDOR
from sandbox.simulator import Context
from sandbox.wechatpay.identity import Identity, key_text
from sandbox.wechatpay.numbers import openid, transaction_id
from tests.connectors.wechatpay_sandbox import WeChatPaySandbox, only

pytestmark = pytest.mark.anyio
BOOKS = Conformance.books


@pytest.fixture(scope="module")
def running() -> Iterator[WeChatPaySandbox]:
    sandbox = WeChatPaySandbox.start()
    yield sandbox
    sandbox.server.stop()


@pytest.fixture
def sandbox(running: WeChatPaySandbox) -> Iterator[WeChatPaySandbox]:
    yield running
    running.reset()


@pytest.fixture
async def wechat(sandbox: WeChatPaySandbox) -> AsyncIterator[Any]:
    async with connected(VENDOR, sandbox.settings(), name="wechat_cn") as connector:
        yield connector


class Contract(Conformance):
    vendor = VENDOR
    answers_in_gbk = True
    refreshes = False
    signed = True

    @pytest.fixture(autouse=True)
    def simulated(self, sandbox: WeChatPaySandbox) -> None:
        self.sandbox = sandbox

    def upstream(self) -> Upstream:
        return self.sandbox

    def batches(self) -> Mapping[str, Batch]:
        payments = self.sandbox.payments
        numbers = tuple(p.native_id for p in payments)
        refunds = tuple(r.native_id for p in payments for r in p.refunds)
        disputes = tuple(p.dispute.native_id for p in payments if p.dispute)
        return {
            "payments": Batch(known=numbers, missing="P2026NONE{:04}".format),
            "find_payments": Batch(known=numbers, missing="SO-NONE-{:04}".format),
            "refunds": Batch(known=refunds, missing="R2026NONE{:04}".format),
            "disputes": Batch(known=disputes, missing="20000002026NONE{:04}".format),
        }


class TestContractWithAPublicKey(Contract):
    def settings(self) -> SourceSettings:
        return self.sandbox.settings(reference="out_trade_no")


class TestContractWithCertificates(Contract):
    most_odd, least_odd = 30, 50

    def settings(self) -> SourceSettings:
        return self.sandbox.certified(reference="out_trade_no", combined=True)


async def test_every_payment_is_as_the_truth_says(sandbox: WeChatPaySandbox, wechat: Any) -> None:
    true = {p.native_id: p for p in sandbox.payments}
    found = await wechat.payments(list(true))
    assert len(true) > 60
    assert {
        key: (p.amount.minor_units, p.captured.minor_units, p.reference, p.paid_at)
        for key, p in found.items()
    } == {k: (p.amount, p.captured, p.reference, p.created_at) for k, p in true.items()}
    assert {
        key: [(d.kind, d.amount.minor_units, d.funded_by) for d in p.deductions]
        for key, p in found.items()
    } == {k: [(d.kind, d.amount, d.funded_by) for d in p.deductions] for k, p in true.items()}
    for key, payment in found.items():
        refunded = bool(true[key].refunds)
        assert payment.status is (PaymentStatus.UNKNOWN if refunded else PaymentStatus.SUCCEEDED)
        assert (payment.refunds, payment.refunded) == (None, None)


async def test_the_ledger_tells_every_payment_refund_and_complaint(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    told = await entries_of(wechat, BOOKS)
    payments = sandbox.payments
    assert {
        (kind, key): (e.payment, e.amount and e.amount.minor_units, e.created_at, e.reference)
        for (kind, key), e in told.items()
    } == {
        **{
            (Kind.PAYMENT, p.native_id): (None, p.amount, p.created_at, p.reference)
            for p in payments
        },
        **{
            (Kind.REFUND, r.native_id): (p.native_id, r.amount, r.created_at, r.native_id)
            for p in payments
            for r in p.refunds
        },
        **{
            (Kind.DISPUTE, d.native_id): (p.native_id, d.amount, d.created_at, None)
            for p in payments
            if (d := p.dispute)
        },
    }


async def test_every_refund_is_as_the_truth_says(sandbox: WeChatPaySandbox, wechat: Any) -> None:
    true = {r.native_id: (p, r) for p in sandbox.payments for r in p.refunds}
    found = await wechat.refunds(list(true))
    assert {r.status for _, r in true.values()} == {"PENDING", "SUCCEEDED", "FAILED", "CANCELED"}
    assert {
        key: (r.amount.minor_units, r.status.value, r.payment_id) for key, r in found.items()
    } == {key: (r.amount, r.status, p.native_id) for key, (p, r) in true.items()}


async def test_every_complaint_is_as_the_truth_says(sandbox: WeChatPaySandbox, wechat: Any) -> None:
    true = {p.dispute.native_id: p for p in sandbox.payments if p.dispute}
    found = await wechat.disputes(list(true))
    words = {"needs_response": DisputeStatus.NEEDS_RESPONSE, "warning_closed": DisputeStatus.CLOSED}
    assert {k: (d.status, d.amount.minor_units, d.payment_id) for k, d in found.items()} == {
        key: (words[p.dispute.status], p.dispute.amount, p.native_id)
        for key, p in true.items()
        if p.dispute
    }
    assert await wechat.disputes([f"{next(iter(true))}-2"]) == {}


async def test_fees_and_wechats_own_numbers_come_from_the_bills(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    told = await entries_of(wechat, BOOKS)
    for payment in sandbox.payments:
        entry = told[Kind.PAYMENT, payment.native_id]
        assert entry.fee == Money(payment.fee or 0, "CNY")
        assert entry.alias == transaction_id(payment.native_id, payment.created_at)


async def test_wechats_own_number_finds_the_payment_under_itself(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    payment = sandbox.payments[0]
    number = transaction_id(payment.native_id, payment.created_at)
    found = await wechat.payments([number, payment.native_id])
    assert found[number] == found[payment.native_id]
    assert found[number].native_id == payment.native_id


async def test_digital_yuan_is_a_channel_of_its_own(sandbox: WeChatPaySandbox, wechat: Any) -> None:
    found = await wechat.payments([p.native_id for p in sandbox.payments])
    channels = {
        "ecny": PaymentChannel.ECNY,
        "balance": PaymentChannel.WALLET,
        "card": PaymentChannel.CARD,
    }
    for payment in sandbox.payments:
        assert found[payment.native_id].channel is channels[payment.method]
        assert found[payment.native_id].channel in VENDOR.channels


async def test_no_payer_is_told_in_clear(sandbox: WeChatPaySandbox, wechat: Any) -> None:
    found = await wechat.payments([p.native_id for p in sandbox.payments])
    told = repr(list(found.values())) + repr(await entries_of(wechat, BOOKS))
    assert not [p for p in sandbox.payments if openid(p.native_id) in told]
    assert not [word for word in ("0403", "支付成功", "咖啡豆", "发货") if word in told]


async def test_orders_are_found_by_their_own_number(sandbox: WeChatPaySandbox) -> None:
    own = sandbox.payments[0].native_id
    settings = sandbox.settings(reference="out_trade_no")
    async with connected(VENDOR, settings) as connector:
        found = await connector.find_payments([own, "SO-NONE", "with space", "長", "x" * 33])
    assert [(key, [p.reference for p in ps]) for key, ps in found.items()] == [(own, [own])]


async def test_nothing_is_asked_for_by_attached_data(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    await sandbox.clear()
    assert await wechat.find_payments([sandbox.payments[0].reference]) == {}
    assert await sandbox.calls() == 0


async def test_an_order_number_may_be_that_of_a_combined_order(sandbox: WeChatPaySandbox) -> None:
    by_order: dict[str, list[str]] = {}
    for payment in sandbox.payments:
        if payment.order is not None:
            by_order.setdefault(payment.order, []).append(payment.native_id)
    whole = max(by_order, key=lambda number: len(by_order[number]))
    settings = sandbox.settings(reference="out_trade_no", combined=True)
    async with connected(VENDOR, settings) as connector:
        found = await connector.find_payments([whole])
        assert sorted(p.native_id for p in found[whole]) == sorted(by_order[whole])
        assert {p.reference for p in found[whole]} == {whole}
        parts = await connector.payments(by_order[whole])
    assert [p.amount for p in parts.values()] == [
        next(q.amount for q in found[whole] if q.native_id == p.native_id) for p in parts.values()
    ]


async def test_a_service_provider_reads_its_merchants_payments(sandbox: WeChatPaySandbox) -> None:
    number = sandbox.payments[0].native_id
    refunded = next(p for p in sandbox.payments if p.refunds)
    async with connected(VENDOR, sandbox.settings(sub_mchid="1900000777")) as connector:
        await sandbox.clear()
        payment = (await connector.payments([number]))[number]
        refund = (await connector.refunds([refunded.refunds[0].native_id])).popitem()[1]
    assert payment.native_id == number
    assert refund.payment_id == refunded.native_id
    assert [("sub_mchid=1900000777" in path) for path in sandbox.asked()] == [True, True]
    assert sandbox.asked()[0].startswith("/v3/pay/partner/transactions/out-trade-no/")


async def test_the_books_are_asked_for_by_days_of_beijing(wechat: Any) -> None:
    since = datetime(2026, 1, 1, 15, 59, tzinfo=UTC)
    early = wechat.periods(since, datetime(2026, 1, 4, 1, 59, tzinfo=UTC))
    assert [p.name for p in early if p.name.startswith("trade")] == [
        "trade 2026-01-01",
        "trade 2026-01-02",
    ]
    ready = wechat.periods(since, datetime(2026, 1, 4, 2, tzinfo=UTC))
    assert ready[-1] == Period(
        name="trade 2026-01-03",
        start=datetime(2026, 1, 2, 16, tzinfo=UTC),
        end=datetime(2026, 1, 3, 16, tzinfo=UTC),
    )


async def test_windows_of_complaints_begin_on_the_same_days_whenever_they_are_asked_for(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    whole = [p for p in wechat.periods(start, end) if p.name.startswith("complaints")]
    assert all((p.end - p.start).days == 30 for p in whole)
    assert [p.final for p in whole] == [True] * (len(whole) - 1) + [False]
    over = whole[0].end
    for late, final in ((timedelta(minutes=59), False), (timedelta(hours=1), True)):
        told = {p.name: p.final for p in wechat.periods(start, over + late)}
        assert told[whole[0].name] is final
    later = wechat.periods(datetime(2026, 2, 20, tzinfo=UTC), end)
    assert {p.name for p in later} <= {p.name for p in wechat.periods(start, end)}
    async with connected(VENDOR, sandbox.settings(complaints=False)) as without:
        assert not [p for p in without.periods(start, end) if p.name.startswith("complaints")]


async def test_many_complaints_are_read_page_by_page(sandbox: WeChatPaySandbox) -> None:
    disputed = next(p for p in sandbox.payments if p.dispute)
    assert disputed.dispute
    many = [
        replace(
            disputed,
            native_id=f"P2026MANY{n:04}",
            dispute=replace(disputed.dispute, native_id=f"2000{n:020}"),
        )
        for n in range(120)
    ]
    crowd = WeChatPaySandbox.start(only(sandbox.world, *many))
    try:
        async with connected(VENDOR, crowd.settings()) as connector:
            at = disputed.dispute.created_at
            (window,) = [
                p
                for p in connector.periods(at, at + timedelta(seconds=1))
                if p.name.startswith("complaints")
            ]
            await crowd.clear()
            told = await drained(connector.entries(window))
            assert (len(told), await crowd.calls()) == (120, 3)
    finally:
        crowd.server.stop()


@pytest.mark.parametrize("mode", ["settings", "certified"])
@pytest.mark.parametrize(
    ("manners", "kind", "said"),
    [
        ({"signs": "not"}, Malformed, "the answer is not signed"),
        ({"signs": "wrong"}, Malformed, "the answer's signature is wrong"),
        ({"signs": "probe"}, Malformed, "a probe"),
        ({"signs": "stranger"}, Misconfigured, "a key that is not known: 5157F09E"),
        ({"off": 310}, Malformed, "of another time"),
        ({"off": -301}, Malformed, "of another time"),
    ],
)
async def test_an_answer_that_proves_nothing_is_not_used(
    sandbox: WeChatPaySandbox,
    mode: str,
    manners: dict[str, Any],
    kind: type[SourceError],
    said: str,
) -> None:
    number = sandbox.payments[0].native_id
    async with connected(VENDOR, getattr(sandbox, mode)()) as connector:
        await connector.probe()
        for name, value in manners.items():
            setattr(sandbox.manners, name, value)
        found = (await connector.payments([number]))[number]
        assert isinstance(found, kind)
        assert said in str(found)
        assert isinstance(await outcome(drained(connector.entries(trade("2026-03-03")))), kind)


def trade(day: str) -> Period:
    return Period(name=f"trade {day}", start=BOOKS[0], end=BOOKS[1])


async def test_certificates_are_exchanged_without_anybodys_doing(
    sandbox: WeChatPaySandbox,
) -> None:
    numbers = [p.native_id for p in sandbox.payments[:20]]
    async with connected(VENDOR, sandbox.certified()) as connector:
        await sandbox.clear()
        first = await connector.payments(numbers)
        assert [path for path in sandbox.asked() if "certificates" in path] == ["/v3/certificates"]
        sandbox.manners.certificate = 1
        assert await connector.payments(numbers) == first
        assert len([path for path in sandbox.asked() if "certificates" in path]) == 1


async def test_certificates_and_public_keys_are_believed_side_by_side(
    sandbox: WeChatPaySandbox,
) -> None:
    """As while a merchant moves: what is asked for is not always what comes."""
    number = sandbox.payments[0].native_id
    identity = sandbox.credentials["public_key_id"]
    both = sandbox.settings(
        public_key_id="PUB_KEY_ID_0OTHER",
        more_public_keys={identity: Secret(sandbox.credentials["public_key"])},
    )
    async with connected(VENDOR, both) as connector:
        by_certificate = await connector.payments([number])
        sandbox.manners.public_key_only = True
        assert await connector.payments([number]) == by_certificate


async def test_a_certificate_that_has_ended_signs_nothing(sandbox: WeChatPaySandbox) -> None:
    number = sandbox.payments[0].native_id
    async with connected(VENDOR, sandbox.certified()) as connector:
        sandbox.manners.certificate = 2
        found = (await connector.payments([number]))[number]
    assert isinstance(found, Misconfigured)
    assert "a key that is not valid now" in str(found)


async def test_a_merchant_without_certificates_is_told_which_key_is_missing(
    sandbox: WeChatPaySandbox,
) -> None:
    number = sandbox.payments[0].native_id
    sandbox.manners.public_key_only = True
    async with connected(VENDOR, sandbox.certified()) as connector:
        with pytest.raises(Misconfigured, match="public_key_id and public_key are needed"):
            await connector.probe()
        found = (await connector.payments([number]))[number]
    assert isinstance(found, Misconfigured)
    assert sandbox.credentials["public_key_id"] in str(found)


async def test_an_unknown_certificate_is_asked_about_once_a_minute(
    sandbox: WeChatPaySandbox,
) -> None:
    sandbox.manners.signs = "stranger"
    known = "\n".join(c.pem for c in Identity.of(Context("")).platform)
    settings = sandbox.settings(platform_certificates=known)
    numbers = [p.native_id for p in sandbox.payments[:30]]
    async with connected(VENDOR, settings) as connector:
        await sandbox.clear()
        found = await connector.payments(numbers)
        await connector.payments(numbers)
    assert {type(value) for value in found.values()} == {Misconfigured}
    # The list of certificates is signed by the same stranger, so each question failed.
    asked = [path for path in sandbox.asked() if "certificates" in path]
    assert len(asked) == 1


async def test_another_apiv3_key_opens_no_certificate(sandbox: WeChatPaySandbox) -> None:
    settings = sandbox.certified(apiv3_key=Secret("0" * 32))
    async with connected(VENDOR, settings) as connector:
        with pytest.raises(Misconfigured, match="apiv3_key: not encrypted with this APIv3 key"):
            await connector.probe()


@pytest.mark.parametrize(
    "change",
    [
        {"serial_no": "7F" * 20, "certificate": None},
        {"mchid": "1900000001"},
        {"private_key": Secret(key_text("another merchant"))},
    ],
)
async def test_a_wrong_key_is_unauthorized_and_not_told(
    sandbox: WeChatPaySandbox, change: dict[str, Any]
) -> None:
    async with connected(VENDOR, sandbox.settings(**change)) as connector:
        with pytest.raises(Unauthorized) as caught:
            await connector.probe()
        told = (await connector.payments(["P1"]))["P1"]
    assert isinstance(told, Unauthorized)
    assert "the key, serial_no or mchid is wrong" in str(caught.value)
    assert "PRIVATE" not in f"{caught.value!r} {told!r} {connector!r}"


async def test_a_wrong_clock_is_named_as_the_reason(sandbox: WeChatPaySandbox) -> None:
    transports: list[HttpTransport] = []

    def open_transport(base_url: str, judge: Judge, tokens: TokenSource | None) -> HttpTransport:
        transports.append(HttpTransport("late", base_url, judge=judge))
        return transports[-1]

    source = Source("late", "wechatpay", SourceKind.PAYMENTS)
    wiring = Wiring(source, open_transport, lambda: datetime.now(UTC) - timedelta(hours=8))
    try:
        with pytest.raises(Unauthorized, match=r"this machine's clock is off by -28[78]\d\d "):
            await VENDOR.connect(wiring, sandbox.settings()).probe()
    finally:
        await transports[0].aclose()


async def test_the_operator_is_told_before_a_certificate_ends(sandbox: WeChatPaySandbox) -> None:
    known = "\n".join(c.pem for c in Identity.of(Context("")).platform)
    async with connected(VENDOR, sandbox.settings(platform_certificates=known)) as connector:
        (note,) = (await connector.probe()).notes
    assert note.startswith("the platform certificate 7")
    assert note.endswith("expired on 2025-06-01")


async def test_a_bill_that_is_still_being_made_is_not_ready(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    sandbox.manners.creating = True
    with pytest.raises(NotReady):
        await drained(wechat.entries(trade("2026-03-03")))


async def test_a_day_without_traffic_has_no_bill_and_tells_nothing(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    await sandbox.clear()
    assert await drained(wechat.entries(trade("2025-11-01"))) == {}
    assert await sandbox.calls() == 1


async def test_a_young_day_without_a_bill_may_still_get_one(sandbox: WeChatPaySandbox) -> None:
    """WeChat says that there is none, unsigned, on the day after the next."""
    day = day_of(datetime.now(UTC)) - timedelta(days=2)
    empty = WeChatPaySandbox.start(only(sandbox.world))
    try:
        async with connected(VENDOR, empty.settings()) as connector:
            with pytest.raises(NotReady, match="no bill of that day"):
                await drained(connector.entries(trade(str(day))))
            old = day - timedelta(days=2)
            assert await drained(connector.entries(trade(str(old)))) == {}
        async with connected(VENDOR, empty.settings(empty_after=10)) as connector:
            assert isinstance(await outcome(drained(connector.entries(trade(str(old))))), NotReady)
    finally:
        empty.server.stop()


async def test_a_bill_of_another_day_or_merchant_tells_nothing(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    day = day_with_traffic(sandbox)
    sandbox.manners.announced = lambda text: text.replace(day.encode(), b"2024-02-29")
    with pytest.raises(Malformed, match="line 2, column 交易时间: another day"):
        await drained(wechat.entries(trade(day)))
    own = sandbox.credentials["mchid"].encode()
    sandbox.manners.announced = lambda text: text.replace(b"`" + own, b"`1900000001")
    with pytest.raises(Malformed, match="line 2, column 商户号: another merchant"):
        await drained(wechat.entries(trade(day)))


async def test_a_service_provider_reads_its_merchants_bills(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    day = trade(day_with_traffic(sandbox))
    async with connected(VENDOR, sandbox.settings(sub_mchid="1900000777")) as connector:
        assert await drained(connector.entries(day)) == await drained(wechat.entries(day)) != {}


def day_with_traffic(sandbox: WeChatPaySandbox) -> str:
    return str(day_of(sandbox.payments[0].created_at))


@pytest.mark.parametrize(
    ("manners", "said"),
    [
        ({"delivered": lambda file: file[:-9]}, "compression is damaged"),
        ({"delivered": lambda file: gzip.compress(b"")}, "its hash differs"),
        ({"announced": lambda text: text.rpartition(b"\r\n`")[0]}, "not a value for each"),
        ({"announced": lambda text: text.decode().encode("utf-16")}, "line 1"),
    ],
)
async def test_a_damaged_bill_is_malformed_and_says_where(
    sandbox: WeChatPaySandbox, wechat: Any, manners: dict[str, Any], said: str
) -> None:
    day = day_with_traffic(sandbox)
    for name, value in manners.items():
        setattr(sandbox.manners, name, value)
    with pytest.raises(Malformed) as caught:
        await drained(wechat.entries(trade(day)))
    assert f"bill of {day}: " in str(caught.value)
    assert said in str(caught.value)


async def test_a_row_that_cannot_be_read_is_reported_and_the_others_stand(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    day = day_with_traffic(sandbox)
    whole = await drained(wechat.entries(trade(day)))
    odd = "`ＣＮＹ".encode()
    sandbox.manners.announced = lambda text: text.replace(b"`CNY", odd, 1)
    bad: list[BadRow] = []
    found = await drained(wechat.entries(trade(day)), bad)
    assert list(found) == list(whole)[1:]
    assert [(row.line, row.column) for row in bad] == [(2, "货币种类")]


async def test_a_bill_in_another_encoding_is_read_too(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    day = day_with_traffic(sandbox)
    whole = await drained(wechat.entries(trade(day)))
    sandbox.manners.announced = lambda text: text.decode().encode("gb18030")
    assert await drained(wechat.entries(trade(day))) == whole != {}


async def test_a_bill_that_was_not_packed_is_read_too(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    day = day_with_traffic(sandbox)
    packed = await drained(wechat.entries(trade(day)))
    sandbox.manners.delivered = gzip.decompress
    assert await drained(wechat.entries(trade(day))) == packed != {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"out_trade_no": "P1"}, "the answer is about another payment"),
        ({"mchid": "1900000001"}, "the answer is about another merchant"),
        ({"amount": {"total": 100, "currency": "USD"}}, "a currency other than CNY"),
        ({"amount": {"total": 1.0, "currency": "CNY"}}, "does not fit at $.amount.total"),
        ({"amount": {"total": "1.00"}}, "does not fit at $.amount.total"),
        ({"success_time": "2026-01-01 08:00:00"}, "does not fit at $.success_time"),
        ({"success_time": "0001-01-01T00:00:00+08:00"}, "does not fit: date value out of range"),
    ],
)
async def test_a_signed_answer_that_cannot_be_is_malformed_for_its_key_alone(
    sandbox: WeChatPaySandbox, wechat: Any, changes: dict[str, Any], said: str
) -> None:
    first, other = (p.native_id for p in sandbox.payments[:2])

    def told(content: Any) -> Any:
        return {**content, **changes} if content["out_trade_no"] == first else content

    sandbox.manners.told = told
    found = await wechat.payments([first, other])
    assert isinstance(found[first], Malformed)
    assert said in str(found[first])
    assert found[other].native_id == other


@pytest.mark.parametrize(
    "blank",
    [{"success_time": ""}, {"trade_state": None}, {"payer": None, "promotion_detail": None}],
)
async def test_a_payment_is_read_without_what_is_blank(
    sandbox: WeChatPaySandbox, wechat: Any, blank: dict[str, Any]
) -> None:
    true = sandbox.payments[0]
    sandbox.manners.told = lambda content: {**content, **blank}
    found = (await wechat.payments([true.native_id]))[true.native_id]
    assert found.amount.minor_units == true.amount
    assert (found.status is PaymentStatus.UNKNOWN) is ("trade_state" in blank or bool(true.refunds))
    assert (found.paid_at is None) is ("success_time" in blank or "trade_state" in blank)


async def test_a_coupon_worth_more_than_its_order_takes_nothing_down(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    number = sandbox.payments[0].native_id
    coupon = {"coupon_id": "1", "scope": "GLOBAL", "amount": 1000, "wechatpay_contribute": 1000}
    changes = {"amount": {"total": 800, "payer_total": 0}, "promotion_detail": [coupon]}
    sandbox.manners.told = lambda content: {**content, **changes}
    found = (await wechat.payments([number]))[number]
    assert (found.amount.minor_units, found.deductions[0].amount.minor_units) == (800, 800)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"out_refund_no": "R1"}, "the answer is about another refund"),
        ({"amount": {"total": 1, "refund": 2, "currency": "CNY"}}, "larger than its payment"),
        ({"amount": {"total": 1, "refund": 1, "currency": "JPY"}}, "a currency other than CNY"),
        ({"create_time": "2026-01-01"}, "does not fit at $.create_time"),
    ],
)
async def test_a_signed_refund_that_cannot_be_is_malformed(
    sandbox: WeChatPaySandbox, wechat: Any, changes: dict[str, Any], said: str
) -> None:
    number = next(r.native_id for p in sandbox.payments for r in p.refunds)
    sandbox.manners.told = lambda content: {**content, **changes}
    found = (await wechat.refunds([number]))[number]
    assert isinstance(found, Malformed)
    assert said in str(found)


async def test_a_state_that_nobody_knows_is_told_in_wechats_word(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    number = sandbox.payments[0].native_id
    sandbox.manners.told = lambda content: {**content, "trade_state": "FROZEN"}
    found = (await wechat.payments([number]))[number]
    assert (found.status, found.provider_status) == (PaymentStatus.UNKNOWN, "FROZEN")
    assert found.captured is None


@pytest.mark.parametrize("url", ["https://evil.example/v3/x", "http://127.0.0.1:1/v3/x"])
async def test_a_bill_is_fetched_from_wechat_only(
    sandbox: WeChatPaySandbox, wechat: Any, url: str
) -> None:
    sandbox.manners.told = lambda content: {**content, "download_url": url}
    with pytest.raises(Misconfigured, match="own hosts"):
        await drained(wechat.entries(trade(day_with_traffic(sandbox))))


async def test_payments_in_every_state_are_told(sandbox: WeChatPaySandbox) -> None:
    """States of which no bill tells: their numbers are known from elsewhere."""
    states = ("PENDING", "REQUIRES_ACTION", "FAILED", "CANCELED", "UNKNOWN")
    plain = next(p for p in sandbox.payments if not p.refunds and not p.deductions)
    made = [replace(plain, native_id=f"P2026{s}", status=s, captured=0) for s in states]
    other = WeChatPaySandbox.start(only(sandbox.world, *made))
    try:
        async with connected(VENDOR, other.settings()) as connector:
            found = await connector.payments([p.native_id for p in made])
            assert await entries_of(connector, BOOKS) == {}
    finally:
        other.server.stop()
    assert {key: p.status.value for key, p in found.items()} == {
        p.native_id: p.status for p in made
    }


async def test_wechat_never_has_to_refuse_for_its_rates(sandbox: WeChatPaySandbox) -> None:
    limited = WeChatPaySandbox.start(sandbox.world, rate_limits=True)
    refunds = [f"R{n}" for n in range(700)]
    try:
        async with connected(VENDOR, limited.settings()) as connector:
            assert await connector.refunds(refunds) == {}
    finally:
        limited.server.stop()


@pytest.mark.parametrize(
    ("kind", "native_id", "normal"),
    [
        (Kind.PAYMENT, "P20260101001", True),
        (Kind.PAYMENT, "a_-|*@", True),
        (Kind.PAYMENT, "x" * 33, False),
        (Kind.PAYMENT, "a/b", False),
        (Kind.PAYMENT, "中文", False),
        (Kind.REFUND, "R@1", True),
        (Kind.REFUND, "x" * 65, False),
        (Kind.DISPUTE, "200201820200101080076610000", True),
        (Kind.DISPUTE, "200201820200101080076610000-2", True),
        (Kind.DISPUTE, "2002-0", False),
        (Kind.CUSTOMER, "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", False),
    ],
)
def test_an_id_is_of_the_merchants_letters(kind: Kind, native_id: str, normal: bool) -> None:
    assert VENDOR.normalise(kind, native_id) == (native_id if normal else None)


async def test_a_configured_certificate_that_has_ended_signs_nothing_either(
    sandbox: WeChatPaySandbox,
) -> None:
    number = sandbox.payments[0].native_id
    known = "\n".join(c.pem for c in Identity.of(Context("")).platform)
    settings = sandbox.certified(platform_certificates=known)
    async with connected(VENDOR, settings) as connector:
        sandbox.manners.certificate = 1
        assert (await connector.payments([number]))[number].native_id == number
        sandbox.manners.certificate = 2
        assert "is not valid now" in str((await connector.payments([number]))[number])


@pytest.mark.parametrize(
    ("signs", "kind"), [("wrong", Malformed), ("not", Malformed), ("stranger", Misconfigured)]
)
async def test_certificates_whose_own_answer_is_not_proven_are_not_believed(
    sandbox: WeChatPaySandbox, signs: Any, kind: type[SourceError]
) -> None:
    number = sandbox.payments[0].native_id
    sandbox.manners.signs = signs
    async with connected(VENDOR, sandbox.certified()) as connector:
        assert isinstance(await outcome(connector.probe()), kind)
        assert isinstance((await connector.payments([number]))[number], kind)


async def test_complaints_are_not_asked_for_beyond_today(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    now = datetime.now(UTC)
    (window,) = [
        p
        for p in wechat.periods(now - timedelta(seconds=1), now)
        if p.name.startswith("complaints")
    ]
    await sandbox.clear()
    assert await drained(wechat.entries(window)) == {}
    (asked,) = sandbox.asked()
    last = asked.partition("end_date=")[2][:10]
    assert str(day_of(now)) <= last <= str(day_of(datetime.now(UTC)))


async def test_another_combined_order_than_was_asked_for_is_malformed(
    sandbox: WeChatPaySandbox,
) -> None:
    number = next(p.order for p in sandbox.payments if p.order)
    settings = sandbox.settings(reference="out_trade_no", combined=True)
    sandbox.manners.told = lambda content: {**content, "combine_out_trade_no": "SO-9999"}
    async with connected(VENDOR, settings) as connector:
        found = (await connector.find_payments([number]))[number]
    assert isinstance(found, Malformed)
    assert "the answer is about another order" in str(found)


async def test_a_combined_order_whose_number_stands_for_another_order_is_not_found(
    sandbox: WeChatPaySandbox,
) -> None:
    number = next(p.order for p in sandbox.payments if p.order)
    own = {"reference": "out_trade_no", "combined": True}
    async with connected(
        VENDOR, sandbox.settings(**own, reference_pattern=f"({number[:-1]}).")
    ) as connector:
        assert await connector.find_payments([number]) == {}


async def test_a_complaint_of_the_year_1_is_malformed_and_left_out_of_the_ledger(
    sandbox: WeChatPaySandbox, wechat: Any
) -> None:
    disputed = next(p for p in sandbox.payments if p.dispute)
    assert disputed.dispute
    at = disputed.dispute.created_at

    def told(content: Any) -> Any:
        rows = content.get("data", [content])
        for row in rows:
            row["complaint_time"] = "0001-01-01T00:00:00+08:00"
        return content

    sandbox.manners.told = told
    number = disputed.dispute.native_id
    assert isinstance((await wechat.disputes([number]))[number], Malformed)
    (window,) = [
        p for p in wechat.periods(at, at + timedelta(seconds=1)) if p.name.startswith("complaints")
    ]
    bad: list[BadRow] = []
    assert await drained(wechat.entries(window), bad) == {}
    assert {row.reason for row in bad} == {"an amount or a time does not fit"}


async def test_other_merchants_parts_of_a_combined_order_are_not_ours(
    sandbox: WeChatPaySandbox,
) -> None:
    number = next(p.order for p in sandbox.payments if p.order)
    settings = sandbox.settings(reference="out_trade_no", combined=True)

    def told(content: Any) -> Any:
        for part in content.get("sub_orders", ()):
            part["mchid"] = "1900000001"
        return content

    async with connected(VENDOR, settings) as connector:
        assert set(await connector.find_payments([number])) == {number}
        sandbox.manners.told = told
        assert await connector.find_payments([number]) == {}


async def test_a_payment_whose_number_stands_for_another_order_is_not_found(
    sandbox: WeChatPaySandbox,
) -> None:
    number = sandbox.payments[0].native_id
    settings = sandbox.settings(reference="out_trade_no", reference_pattern="(P2026)(.*)")
    async with connected(VENDOR, settings) as connector:
        assert await connector.find_payments([number]) == {}
        assert (await connector.payments([number]))[number].reference == "P2026"
