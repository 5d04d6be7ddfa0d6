"""UnionPay's transactions, as its test environment answered them, and the records they become."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from connectors.beijing import utc_of_digits
from connectors.errors import Malformed, Misconfigured, SourceError, Unauthorized
from connectors.money import Money
from connectors.records import (
    Failure,
    InstalmentPlan,
    Payment,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    Refund,
    RefundStatus,
)
from connectors.references import ReferencePattern
from connectors.unionpay import mapping
from connectors.unionpay.message import Message
from connectors.unionpay.order_number import OrderNumber
from connectors.unionpay.payloads import PRIVATE, Transaction
from connectors.unionpay.words import DONE, FAILED, PENDING
from connectors.unionpay.years import nearest
from sandbox.unionpay.ids import MERCHANT
from sandbox.unionpay.replies import body
from tests.connectors.unionpay_counter import SOURCE, connector

REPLIES: list[dict[str, str]] = json.loads(
    (Path(__file__).parents[1] / "vectors/unionpay.json").read_text(encoding="utf-8")
)["replies"]
BY_ORDER = OrderNumber("order_id", ReferencePattern())
BY_RESERVED = OrderNumber("req_reserved", ReferencePattern())
PAID: dict[str, str] = {
    "orderId": "SO1001x2",
    "txnTime": "20260101080000",
    "txnType": "01",
    "txnSubType": "01",
    "txnAmt": "12550",
    "currencyCode": "156",
    "queryId": "442601010800000446498",
    "origRespCode": "00",
    "traceTime": "0101080003",
    "settleDate": "0101",
    "reqReserved": "SO-1001",
    "payCardType": "01",
}
BACK: dict[str, str] = {
    **PAID,
    "orderId": "RF0001xx",
    "txnType": "04",
    "txnAmt": "100",
    "queryId": "442601020800000446490",
    "origQryId": "442601010800000446498",
}


def read(changes: dict[str, str | None], base: dict[str, str] = PAID) -> Transaction:
    told = {k: v for k, v in {**base, **changes}.items() if v is not None}
    return msgspec.convert(told, Transaction)


def paid(**changes: str | None) -> Payment:
    return numbered(BY_RESERVED, changes)


def numbered(number: OrderNumber, changes: dict[str, str | None]) -> Payment:
    payment = mapping.payment(SOURCE, read(changes), number)
    assert payment is not None
    return payment


def back(**changes: str | None) -> Refund:
    refund = mapping.refund(SOURCE, read(changes, BACK))
    assert refund is not None
    return refund


@pytest.mark.parametrize("word", ["", "1", "01 ", "zz", "\ufffd1"])
def test_what_is_no_type_of_transaction_is_no_answer(word: str) -> None:
    with pytest.raises(ValueError, match="two digits"):
        paid(txnType=word)
    with pytest.raises(ValueError, match="two digits"):
        back(txnType=word)


def test_a_real_payment() -> None:
    told = Message(REPLIES[0]["raw_body"].encode()).fields(without=PRIVATE)
    payment = mapping.payment(SOURCE, msgspec.convert(told, Transaction), BY_ORDER)
    assert payment == Payment(
        source=SOURCE,
        native_id="pay20240105145046-20240105145046",
        created_at=datetime(2024, 1, 5, 6, 50, 46, tzinfo=UTC),
        custom_fields={"queryId": "442401051450467846498"},
        provider=Provider.UNIONPAY,
        channel=PaymentChannel.UNKNOWN,
        status=PaymentStatus.SUCCEEDED,
        provider_status="00",
        amount=Money(1, "CNY"),
        captured=Money(1, "CNY"),
        reference="pay20240105145046",
        paid_at=datetime(2024, 1, 5, 6, 50, 46, tzinfo=UTC),
        method=PaymentMethod(brand="unionpay"),
    )


@pytest.mark.parametrize("reply", REPLIES[1:], ids=lambda r: r["name"][:8])
def test_a_real_refund_and_a_real_reversal(reply: dict[str, str]) -> None:
    """These were accepted, not asked for later: what became of them they do not say."""
    told = Message(reply["raw_body"].encode()).fields(without=PRIVATE)
    refund = mapping.refund(SOURCE, msgspec.convert(told, Transaction))
    assert refund is not None
    assert refund.native_id == f"{told['orderId']}-{told['txnTime']}"
    assert refund.payment_id == told["origQryId"]
    assert refund.reference == told["orderId"]
    assert (refund.amount, refund.status) == (Money(1, "CNY"), RefundStatus.UNKNOWN)


@pytest.mark.parametrize("kind", ["01", "03"])
@pytest.mark.parametrize("code", DONE)
def test_a_payment_that_succeeded(kind: str, code: str) -> None:
    payment = paid(txnType=kind, origRespCode=code)
    assert (payment.status, payment.captured) == (PaymentStatus.SUCCEEDED, payment.amount)
    assert payment.paid_at == datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)
    assert (payment.refunds, payment.refunded, payment.disputes) == (None, None, None)


@pytest.mark.parametrize("code", DONE)
def test_an_authorisation_took_no_money_yet(code: str) -> None:
    payment = paid(txnType="02", origRespCode=code)
    assert (payment.status, payment.captured) == (PaymentStatus.AUTHORIZED, Money(0, "CNY"))
    assert payment.paid_at is None


@pytest.mark.parametrize("kind", ["01", "02", "03"])
@pytest.mark.parametrize("code", PENDING)
def test_a_payment_that_is_under_way(kind: str, code: str) -> None:
    payment = paid(txnType=kind, origRespCode=code)
    assert (payment.status, payment.captured) == (PaymentStatus.PENDING, Money(0, "CNY"))


@pytest.mark.parametrize("code", FAILED)
def test_a_payment_that_failed(code: str) -> None:
    payment = paid(origRespCode=code)
    assert (payment.status, payment.captured) == (PaymentStatus.FAILED, Money(0, "CNY"))
    assert payment.failure == Failure(code=code)
    assert payment.provider_status == code


@pytest.mark.parametrize("code", ["42", "06", "Z9", None])
def test_an_unknown_state_says_nothing_of_the_money(code: str | None) -> None:
    payment = paid(origRespCode=code)
    assert (payment.status, payment.captured) == (PaymentStatus.UNKNOWN, None)
    assert (payment.provider_status, payment.failure) == (code, None)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *((code, RefundStatus.SUCCEEDED) for code in DONE),
        *((code, RefundStatus.PENDING) for code in PENDING),
        *((code, RefundStatus.FAILED) for code in FAILED),
        ("Z9", RefundStatus.UNKNOWN),
        (None, RefundStatus.UNKNOWN),
    ],
)
def test_what_became_of_a_refund(code: str | None, status: RefundStatus) -> None:
    refund = back(origRespCode=code)
    assert (refund.status, refund.provider_status) == (status, code)
    assert (refund.settled_at is not None) is (status is RefundStatus.SUCCEEDED)


@pytest.mark.parametrize("kind", ["04", "31", "33"])
def test_refunds_and_reversals_are_refunds_and_no_payments(kind: str) -> None:
    assert back(txnType=kind).amount == Money(100, "CNY")
    assert mapping.payment(SOURCE, read({"txnType": kind}), BY_ORDER) is None


@pytest.mark.parametrize("kind", ["01", "02", "03", "32", "95"])
def test_what_gives_no_money_back_is_no_refund(kind: str) -> None:
    assert mapping.refund(SOURCE, read({"txnType": kind})) is None


def test_a_release_of_an_authorisation_is_neither() -> None:
    assert mapping.payment(SOURCE, read({"txnType": "32"}), BY_ORDER) is None


def test_a_refund_names_its_payment_as_well_as_it_can() -> None:
    named = back(origOrderId="SO1001x2", origTxnTime="20260101080000")
    assert named.payment_id == "SO1001x2-20260101080000"
    assert back().payment_id == "442601010800000446498"
    assert back(origQryId=None).payment_id is None


@pytest.mark.parametrize(
    ("number", "changes", "reference"),
    [
        (BY_RESERVED, {}, "SO-1001"),
        (BY_RESERVED, {"reqReserved": None}, None),
        (BY_RESERVED, {"reqReserved": ""}, None),
        (BY_ORDER, {}, "SO1001x2"),
        (OrderNumber("order_id", ReferencePattern(r"(SO\d+)(x\d+)?")), {}, "SO1001"),
        (
            OrderNumber("req_reserved", ReferencePattern(r"order:(.+?);.*")),
            {"reqReserved": "order:SO-7;shop:3"},
            "SO-7",
        ),
    ],
)
def test_the_order_number_is_where_the_merchant_keeps_it(
    number: OrderNumber, changes: dict[str, str | None], reference: str | None
) -> None:
    assert numbered(number, changes).reference == reference


@pytest.mark.parametrize(
    ("changes", "channel"),
    [
        *(({"payCardType": kind}, PaymentChannel.CARD) for kind in ("01", "02", "05", "06")),
        ({"payCardType": "00"}, PaymentChannel.UNKNOWN),
        ({"payCardType": "77"}, PaymentChannel.UNKNOWN),
        ({"payCardType": None}, PaymentChannel.UNKNOWN),
        ({"qrNo": "6212345678901234567"}, PaymentChannel.QR),
    ],
)
def test_channels(changes: dict[str, str | None], channel: PaymentChannel) -> None:
    assert paid(**changes).channel is channel


def test_instalments() -> None:
    assert paid(instalTransInfo="{numberOfInstallments=12&a=1}").instalments == InstalmentPlan(
        count=12, interval="month"
    )
    assert paid(instalTransInfo="{a=1}").instalments is None


@pytest.mark.parametrize(
    ("digits", "moment", "read_as"),
    [
        ("0101080003", "20260101080000", datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)),
        ("0101000003", "20251231235958", datetime(2025, 12, 31, 16, 0, 3, tzinfo=UTC)),
        ("1231235958", "20260101000003", datetime(2025, 12, 31, 15, 59, 58, tzinfo=UTC)),
        ("0229120000", "20240229115959", datetime(2024, 2, 29, 4, 0, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_year_is_the_nearest(digits: str, moment: str, read_as: datetime) -> None:
    sent = utc_of_digits(moment)
    assert nearest(digits, sent) == read_as
    assert paid(txnTime=moment, traceTime=digits).paid_at == read_as


@pytest.mark.parametrize(
    "name",
    ["currencyCode", "queryId", "traceTime", "reqReserved", "instalTransInfo", "payCardType"],
)
@pytest.mark.anyio
async def test_an_empty_field_is_one_that_is_not_there(name: str) -> None:
    def answering(form: dict[str, str]) -> bytes:
        asked = {"orderId": form["orderId"], "txnTime": form["txnTime"]}
        return body({**PAID, **asked, name: "", "merId": MERCHANT, "respCode": "00"})

    (payment,) = (await connector(answering).payments(["SO1001x2-20260101080000"])).values()
    assert isinstance(payment, Payment)
    assert payment.status is PaymentStatus.SUCCEEDED


def test_what_is_told_beside_a_payment_does_not_take_it_down() -> None:
    assert paid(traceTime="1399000000").paid_at is None
    for odd in ("{numberOfInstallments=many}", "{}", "12"):
        payment = paid(instalTransInfo=odd)
        assert (payment.instalments, payment.status) == (None, PaymentStatus.SUCCEEDED)


@pytest.mark.parametrize("digits", ["1301000000", "0230000000", "01010800", "", "x101080000"])
def test_a_time_that_never_is_does_not_fit(digits: str) -> None:
    with pytest.raises(ValueError):
        nearest(digits, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "changes",
    [
        {"txnAmt": "125.50"},
        {"txnAmt": "-1"},
        {"txnAmt": ""},
        {"txnAmt": "１００"},
        {"txnAmt": "1e5"},
        {"txnAmt": "1" * 13},
        {"txnAmt": None},
        {"currencyCode": "840"},
        {"currencyCode": "CNY"},
        {"txnTime": "20261301080000"},
        {"txnType": None},
        {"orderId": None},
    ],
)
@pytest.mark.anyio
async def test_what_does_not_fit_fails_alone(changes: dict[str, str | None]) -> None:
    def answering(form: dict[str, str]) -> bytes:
        odd = changes if form["orderId"] == "SO1001x2" else {}
        asked = {"orderId": form["orderId"], "txnTime": form["txnTime"]}
        told = {**PAID, **asked, **odd, "merId": MERCHANT, "respCode": "00"}
        return body({k: v for k, v in told.items() if v is not None})

    found = await connector(answering).payments(
        ["SO1001x2-20260101080000", "SO1002x2-20260101080000"]
    )
    assert isinstance(found["SO1001x2-20260101080000"], Malformed)
    assert isinstance(found["SO1002x2-20260101080000"], Payment)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"orderId": "ANOTHER1"}, Malformed),
        ({"txnTime": "20260101080001"}, Malformed),
        ({"merId": "777290058110097"}, Malformed),
        ({"respCode": "11"}, Unauthorized),
        ({"orderId": ""}, Malformed),
        ({"respCode": "34"}, None),
        ({"respCode": "34", "orderId": "", "txnTime": "", "merId": ""}, None),
        ({"respCode": "34", "orderId": "ANOTHER1"}, Malformed),
        ({"respCode": "34", "txnTime": "20260101080001"}, Malformed),
        ({"respCode": "34", "merId": "777290058110097"}, Malformed),
        ({"respCode": "11", "merId": "777290058110097"}, Malformed),
    ],
)
@pytest.mark.anyio
async def test_an_answer_must_be_about_what_was_asked(
    answer: dict[str, str], kind: type[SourceError] | None
) -> None:
    """Signed answers could be played back."""
    said = {**PAID, "merId": MERCHANT, "respCode": "00", **answer}
    found = await connector(lambda form: body(said)).payments(["SO1001x2-20260101080000"])
    assert [type(error) for error in found.values()] == ([kind] if kind else [])


@pytest.mark.parametrize("code", ["00", "34"])
@pytest.mark.anyio
async def test_an_answer_must_be_about_the_query_id_that_was_asked(code: str) -> None:
    said = {**PAID, "merId": MERCHANT, "respCode": code}
    found = await connector(lambda form: body(said)).payments(["442601010800000446499"])
    assert [type(error) for error in found.values()] == [Malformed]


@pytest.mark.parametrize("txn_time", ["00010101000000", "00010101075959"])
@pytest.mark.anyio
async def test_a_time_before_all_times_does_not_fit(txn_time: str) -> None:
    said = {**PAID, "merId": MERCHANT, "respCode": "00", "txnTime": txn_time}
    found = await connector(lambda form: body(said)).payments([f"SO1001x2-{txn_time}"])
    assert [type(error) for error in found.values()] == [Malformed]


@pytest.mark.anyio
async def test_a_query_id_is_asked_for_as_such() -> None:
    forms = []

    def answering(form: dict[str, str]) -> bytes:
        forms.append(form)
        return body({**PAID, "merId": MERCHANT, "respCode": "00"})

    found = await connector(answering).payments(["442601010800000446498"])
    (payment,) = found.values()
    assert isinstance(payment, Payment)
    assert payment.native_id == "SO1001x2-20260101080000"
    assert [(f["txnSubType"], f["queryId"], "orderId" in f) for f in forms] == [
        ("02", "442601010800000446498", False)
    ]


@pytest.mark.anyio
async def test_a_certificate_that_ended_stops_every_call() -> None:
    late = datetime(2095, 1, 1, tzinfo=UTC)
    said = {**PAID, "merId": MERCHANT, "respCode": "00"}
    found = await connector(lambda form: body(said), late).payments(["SO1001x2-20260101080000"])
    assert isinstance(found["SO1001x2-20260101080000"], Misconfigured)
