"""PayPal's objects, as its API reference shows them, and the records they become."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.blanks import decoded
from connectors.currency import UnknownCurrency
from connectors.errors import Malformed
from connectors.fitting import mapped
from connectors.money import InexactAmount, Money
from connectors.paypal import VENDOR, mapping, payloads
from connectors.paypal.fitting import money
from connectors.paypal.naming import Naming
from connectors.records import (
    DisputeStatus,
    Failure,
    Kind,
    Payer,
    Payment,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Refund,
    RefundStatus,
    Source,
    SourceKind,
)
from connectors.references import ReferencePattern
from connectors.transport import Response

SOURCE = Source("paypal", "paypal", SourceKind.PAYMENTS)
AT = datetime(2026, 1, 1, 8, 1, 10, tzinfo=UTC)
NAMING = Naming("custom_id", ReferencePattern())
CAPTURE_ID, REFUND_ID = "02335565G34798738", "1JU08902781691411"


def usd(value: str) -> dict[str, str]:
    return {"currency_code": "USD", "value": value}


BREAKDOWN = {
    "gross_amount": usd("23.99"),
    "paypal_fee": usd("1.36"),
    "net_amount": usd("22.63"),
}
CAPTURE: dict[str, Any] = {
    "id": CAPTURE_ID,
    "status": "COMPLETED",
    "amount": usd("23.99"),
    "final_capture": True,
    "custom_id": "ORD-1001",
    "invoice_id": "INV-1001",
    "seller_protection": {"status": "ELIGIBLE"},
    "seller_receivable_breakdown": BREAKDOWN,
    "supplementary_data": {"related_ids": {"order_id": "1W5313654M9708630"}},
    "create_time": "2026-01-01T08:01:10Z",
    "update_time": "2026-01-02T09:00:00Z",
    "links": [],
    "a_field_of_tomorrow": {"x": 1},
}
UP = {
    "href": f"https://api-m.sandbox.paypal.com/v2/payments/captures/{CAPTURE_ID}",
    "rel": "up",
    "method": "GET",
}
REFUND: dict[str, Any] = {
    "id": REFUND_ID,
    "status": "COMPLETED",
    "amount": usd("5.00"),
    "note_to_payer": "退款",
    "create_time": "2026-01-02T09:00:00Z",
    "update_time": "2026-01-02T09:00:00Z",
    "links": [{"href": "https://x.example/self", "rel": "self"}, UP],
}
WALLET = {
    "email_address": "buyer@example.com",
    "account_id": "QYR5Z8XDVJNXQ",
    "name": {"given_name": "Ada", "surname": "L"},
}
DISPUTE: dict[str, Any] = {
    "dispute_id": "PP-D-4012",
    "create_time": "2026-01-05T00:00:00.000Z",
    "update_time": "2026-01-06T00:00:00.000Z",
    "disputed_transactions": [
        {"buyer_transaction_id": "8NX", "seller_transaction_id": CAPTURE_ID, "custom": "x"}
    ],
    "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "status": "WAITING_FOR_SELLER_RESPONSE",
    "dispute_amount": usd("23.99"),
    "seller_response_due_date": "2026-01-20T00:00:00.000Z",
}


def capture(**changes: Any) -> payloads.Capture:
    return msgspec.convert({**CAPTURE, **changes}, payloads.Capture, strict=True)


def refund_row(**changes: Any) -> payloads.Refund:
    return msgspec.convert({**REFUND, **changes}, payloads.Refund)


def order(*refunds: dict[str, Any], **changes: Any) -> payloads.Order:
    """The order of the capture above with these refunds."""
    rows = [{**REFUND, "id": f"R{index:016}", **row} for index, row in enumerate(refunds)]
    payments = {"captures": [CAPTURE], "refunds": rows}
    whole = {"id": "1W5313654M9708630", "purchase_units": [{"payments": payments}], **changes}
    return msgspec.convert(whole, payloads.Order)


def paid(order: payloads.Order | None = None, **changes: Any) -> Payment:
    return mapping.payment(SOURCE, capture(**changes), order, NAMING)


def disputed(**changes: Any) -> Any:
    row = msgspec.convert({**DISPUTE, **changes}, payloads.Dispute)
    return mapping.dispute(SOURCE, row)


def test_a_plain_payment() -> None:
    payment = paid()
    assert (payment.native_id, payment.created_at) == (CAPTURE_ID, AT)
    assert (payment.status, payment.provider_status) == (PaymentStatus.SUCCEEDED, "COMPLETED")
    assert payment.amount == payment.captured == Money(2399, "USD")
    assert (payment.fee, payment.net) == (Money(136, "USD"), Money(2263, "USD"))
    assert (payment.refunded, payment.refunds) == (Money(0, "USD"), None)
    assert (payment.reference, payment.custom_fields) == ("ORD-1001", {"invoice_id": "INV-1001"})
    assert (payment.channel, payment.method) == (PaymentChannel.WALLET, None)
    assert (payment.paid_at, payment.payer) == (AT, None)
    assert payment.updated_at == datetime(2026, 1, 2, 9, tzinfo=UTC)


STATES = [
    ("PENDING", "ECHECK", PaymentStatus.PENDING, 0),
    ("PENDING", "UNILATERAL", PaymentStatus.PENDING, 0),
    ("PENDING", "BUYER_COMPLAINT", PaymentStatus.DISPUTED, 2399),
    ("PENDING", "CHARGEBACK", PaymentStatus.DISPUTED, 2399),
    ("COMPLETED", None, PaymentStatus.SUCCEEDED, 2399),
    ("DECLINED", "DECLINED_BY_RISK_FRAUD_FILTERS", PaymentStatus.FAILED, 0),
    ("FAILED", None, PaymentStatus.FAILED, 0),
    ("REFUNDED", None, PaymentStatus.REFUNDED, 2399),
    ("PARTIALLY_REFUNDED", None, PaymentStatus.PARTIALLY_REFUNDED, 2399),
    ("SETTLING_EXTERNALLY", None, PaymentStatus.UNKNOWN, None),
    ("completed", None, PaymentStatus.UNKNOWN, None),
]


@pytest.mark.parametrize(("word", "reason", "status", "captured"), STATES)
def test_every_state_of_a_capture(
    word: str, reason: str | None, status: PaymentStatus, captured: int | None
) -> None:
    payment = paid(status=word, status_details={"reason": reason} if reason else None)
    assert (payment.status, payment.provider_status) == (status, word)
    assert payment.captured == (None if captured is None else Money(captured, "USD"))
    assert (payment.paid_at is not None) is bool(captured)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("CREATED", PaymentStatus.AUTHORIZED),
        ("PENDING", PaymentStatus.PENDING),
        ("DENIED", PaymentStatus.FAILED),
        ("VOIDED", PaymentStatus.CANCELED),
        ("EXPIRED", PaymentStatus.CANCELED),
        ("PARTIALLY_CREATED", PaymentStatus.UNKNOWN),
    ],
)
def test_every_state_of_an_authorization(word: str, status: PaymentStatus) -> None:
    row = msgspec.convert({**CAPTURE, "status": word}, payloads.Authorization)
    payment = mapping.payment(SOURCE, row, None, NAMING)
    assert payment.status is status
    known = status is not PaymentStatus.UNKNOWN
    assert payment.captured == (Money(0, "USD") if known else None)
    assert (payment.refunds, payment.paid_at) == (() if known else None, None)


def test_a_partly_refunded_payment_with_its_order() -> None:
    payment = paid(order({}, {"status": "PENDING"}), status="PARTIALLY_REFUNDED")
    assert payment.status is PaymentStatus.PARTIALLY_REFUNDED
    assert payment.refunded == Money(500, "USD")
    assert [r.status.value for r in payment.refunds or ()] == ["PENDING", "SUCCEEDED"]


def test_refunds_that_add_up_are_the_whole() -> None:
    payment = paid(order({}, {"amount": usd("18.99")}), status="PARTIALLY_REFUNDED")
    assert payment.status is PaymentStatus.REFUNDED
    assert payment.refunded == payment.captured


def test_a_payment_refunded_past_its_order_is_refunded() -> None:
    """Refunds made on PayPal's own pages: the capture's word counts, the list is not whole."""
    payment = paid(order({}), status="REFUNDED")
    assert payment.status is PaymentStatus.REFUNDED
    assert (payment.refunded, payment.refunds) == (Money(2399, "USD"), None)


def test_of_some_refund_without_a_sum_the_sum_is_unknown() -> None:
    for whole in (None, order({"status": "PENDING"})):
        payment = paid(whole, status="PARTIALLY_REFUNDED")
        assert payment.status is PaymentStatus.PARTIALLY_REFUNDED
        assert payment.captured == Money(2399, "USD")
        assert (payment.refunded, payment.refunds) == (None, None)


def test_refunds_that_did_not_happen_do_not_count() -> None:
    payment = paid(order({"status": "FAILED"}, {"status": "CANCELLED"}, {"status": "PENDING"}))
    assert payment.status is PaymentStatus.SUCCEEDED
    assert payment.refunded == Money(0, "USD")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", RefundStatus.PENDING),
        ("COMPLETED", RefundStatus.SUCCEEDED),
        ("FAILED", RefundStatus.FAILED),
        ("CANCELLED", RefundStatus.CANCELED),
        ("CANCELED", RefundStatus.UNKNOWN),
    ],
)
def test_every_state_of_a_refund(word: str, status: RefundStatus) -> None:
    refund = mapping.refund(SOURCE, refund_row(status=word, invoice_id="RF-1"))
    assert (refund.status, refund.provider_status) == (status, word)
    assert (refund.amount, refund.reference) == (Money(500, "USD"), "RF-1")
    assert refund.payment_id == CAPTURE_ID
    assert refund.created_at == datetime(2026, 1, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("href", "capture_id"),
    [
        ("https://api.paypal.com/v2/payments/captures/ABC123", "ABC123"),
        ("https://evil.example/v2/payments/captures/ABC123", "ABC123"),
        ("https://evil.example/v2/payments/captures/../../x", None),
        ("https://evil.example/v2/checkout/orders/ABC123", None),
        ("https://[broken/v2/payments/captures/ABC123", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_a_link_is_read_for_its_id_alone(href: str, capture_id: str | None) -> None:
    row = refund_row(links=[{"href": href, "rel": "up"}])
    assert mapping.refund(SOURCE, row).payment_id == capture_id


def test_a_refund_belongs_to_the_capture_that_it_names() -> None:
    other = {**CAPTURE, "id": "OTHER0000000000X"}
    elsewhere = {**UP, "href": UP["href"].replace(CAPTURE_ID, "OTHER0000000000X")}
    payments = {
        "captures": [CAPTURE, other],
        "refunds": [REFUND, {**REFUND, "id": "R2", "links": [elsewhere]}],
    }
    whole = msgspec.convert({"id": "O", "purchase_units": [{"payments": payments}]}, payloads.Order)
    told = mapping.refunds_of(SOURCE, capture(id="OTHER0000000000X"), whole)
    assert [r.native_id for r in told or ()] == ["R2"]


def refused(make: Any) -> str:
    found = mapped("paypal", make)
    assert isinstance(found, Malformed)
    return found.detail


@pytest.mark.parametrize(
    ("refunds", "why"),
    [
        ([{"amount": usd("24.00")}], "larger than its payment"),
        ([{"amount": usd("24.00"), "status": "PENDING"}], "larger than its payment"),
        ([{"amount": usd("20.00")}, {"amount": usd("4.00")}], "larger than its payment"),
        ([{"amount": {"currency_code": "EUR", "value": "1.00"}}], "another currency"),
        ([{"amount": usd("-1.00")}], "negative"),
        ([{"amount": usd("1.001")}], "does not fit its currency"),
    ],
)
def test_refunds_that_contradict_their_payment_are_malformed(
    refunds: list[dict[str, Any]], why: str
) -> None:
    assert why in refused(lambda: paid(order(*refunds), status="PARTIALLY_REFUNDED"))


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("23.99", "USD", 2399),
        ("5", "USD", 500),
        ("5.0", "EUR", 500),
        ("-5.00", "GBP", -500),
        ("1500", "JPY", 1500),
        ("1500", "HUF", 150_000),
        ("1500", "TWD", 150_000),
        ("1.500", "TND", 1500),
        ("99999999999999.99", "USD", 9_999_999_999_999_999),
    ],
)
def test_amounts_are_exact(value: str, currency: str, minor: int) -> None:
    amount = payloads.Amount(value=value, currency_code=currency)
    assert money(amount) == Money(minor, currency)


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("15.01", "JPY"),
        ("1500.50", "HUF"),
        ("1500.5", "TWD"),
        ("23.991", "USD"),
        ("1e3", "USD"),
        ("NaN", "USD"),
        ("1,000.00", "USD"),
        ("１２", "USD"),
        (" 5.00", "USD"),
        (".50", "USD"),
        ("", "USD"),
        ("9" * 30, "USD"),
    ],
)
def test_an_amount_in_another_scale_or_form_is_refused(value: str, currency: str) -> None:
    amount = payloads.Amount(value=value, currency_code=currency)
    with pytest.raises(InexactAmount):
        money(amount)
    detail = refused(lambda: paid(amount={"currency_code": currency, "value": value}))
    assert detail == "the amount does not fit its currency"


@pytest.mark.parametrize("currency", ["XBT", "usd", "", "RMB"])
def test_a_currency_that_is_none_is_malformed(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        money(payloads.Amount(value="1.00", currency_code=currency))
    wrong = {"currency_code": currency, "value": "1.00"}
    assert refused(lambda: paid(amount=wrong)) == "the currency is not one of ISO 4217"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"amount": {"currency_code": "USD", "value": 23.99}}, "$.amount.value"),
        ({"amount": {"currency_code": "USD", "value": 2399}}, "$.amount.value"),
        ({"amount": None}, "$.amount"),
        ({"create_time": "2026-01-01T08:01:10"}, "$.create_time"),
        ({"create_time": "yesterday"}, "$.create_time"),
    ],
)
def test_a_payload_that_does_not_fit_says_where(change: dict[str, Any], where: str) -> None:
    body = msgspec.json.encode({**CAPTURE, **change})
    decoder = msgspec.json.Decoder(payloads.Capture)
    with pytest.raises(Malformed, match="does not fit at") as caught:
        Response(200, {}, body).decode(decoder, "paypal")
    assert where in caught.value.detail
    assert "23.99" not in caught.value.detail


BLANK = [
    {"supplementary_data": None},
    {"supplementary_data": {"related_ids": None}},
    {"supplementary_data": {"related_ids": {"order_id": ""}}},
    {"update_time": ""},
    {"update_time": None},
    {"custom_id": None, "invoice_id": ""},
    {"status_details": None},
    {"status_details": {"reason": None}},
    {"seller_receivable_breakdown": None},
    {"seller_receivable_breakdown": {"paypal_fee": None, "net_amount": {}}},
    {"network_transaction_reference": {"network": ""}},
    {"processor_response": None},
    {"links": None},
]


def read(decoder: type[Any], content: dict[str, Any]) -> Any:
    body = msgspec.json.encode(content)
    return decoded(Response(200, {}, body), msgspec.json.Decoder(decoder), "paypal")


@pytest.mark.parametrize("blank", BLANK)
def test_what_a_capture_does_not_tell_is_unknown_and_the_rest_stands(blank: dict[str, Any]) -> None:
    payment = mapping.payment(SOURCE, read(payloads.Capture, {**CAPTURE, **blank}), None, NAMING)
    assert payment.captured == Money(2399, "USD")
    assert (payment.status, payment.created_at) == (PaymentStatus.SUCCEEDED, AT)


@pytest.mark.parametrize("word", [None, ""])
def test_a_capture_without_a_status_is_unknown(word: str | None) -> None:
    row = read(payloads.Capture, {**CAPTURE, "status": word})
    payment = mapping.payment(SOURCE, row, None, NAMING)
    assert (payment.status, payment.captured) == (PaymentStatus.UNKNOWN, None)
    assert payment.amount == Money(2399, "USD")


@pytest.mark.parametrize("blank", [None, ""])
def test_a_capture_without_a_time_is_read(blank: str | None) -> None:
    row = read(payloads.Capture, {**CAPTURE, "create_time": blank})
    payment = mapping.payment(SOURCE, row, None, NAMING)
    assert (payment.created_at, payment.paid_at) == (None, None)
    assert payment.captured == Money(2399, "USD")


@pytest.mark.parametrize(
    ("blank", "status"),
    [
        ({"status": None}, RefundStatus.UNKNOWN),
        ({"status": ""}, RefundStatus.UNKNOWN),
        ({"create_time": None, "update_time": ""}, RefundStatus.SUCCEEDED),
        ({"links": None, "invoice_id": None}, RefundStatus.SUCCEEDED),
        ({"links": [{"href": None, "rel": "up"}, None]}, RefundStatus.SUCCEEDED),
    ],
)
def test_what_a_refund_does_not_tell_is_unknown(blank: dict[str, Any], status: Any) -> None:
    refund = mapping.refund(SOURCE, read(payloads.Refund, {**REFUND, **blank}))
    assert (refund.status, refund.amount) == (status, Money(500, "USD"))


def test_a_refund_without_a_status_is_in_no_sum() -> None:
    bare = {key: value for key, value in REFUND.items() if key != "status"}
    payments = {"captures": [CAPTURE], "authorizations": None, "refunds": [bare]}
    whole = {"id": "O", "payment_source": {"paypal": None}, "purchase_units": [{"payments": None}]}
    assert read(payloads.Order, whole).captures == {}
    order = read(payloads.Order, {**whole, "purchase_units": [{"payments": payments}]})
    payment = mapping.payment(SOURCE, read(payloads.Capture, CAPTURE), order, NAMING)
    assert [r.status for r in payment.refunds or ()] == [RefundStatus.UNKNOWN]
    assert payment.refunded == Money(0, "USD")


@pytest.mark.parametrize("missing", ["status", "create_time", "disputed_transactions", "reason"])
def test_what_a_dispute_does_not_tell_is_unknown(missing: str) -> None:
    told = read(payloads.Dispute, {**DISPUTE, missing: None})
    assert mapping.dispute(SOURCE, told).amount == Money(2399, "USD")


@pytest.mark.parametrize("amount", [None, {}, {"value": "1.00"}, {"currency_code": "USD"}])
def test_without_its_amount_a_payment_is_none(amount: Any) -> None:
    row = read(payloads.Capture, {**CAPTURE, "amount": amount})
    assert isinstance(
        mapped("paypal", lambda: mapping.payment(SOURCE, row, None, NAMING)), Malformed
    )


def test_the_last_moment_there_is_does_not_break_us() -> None:
    late = "0001-01-01T00:00:00+14:00"
    assert refused(lambda: paid(create_time=late)) == "the time is out of range"


@pytest.mark.parametrize(
    ("naming", "reference", "others"),
    [
        (Naming("custom_id", ReferencePattern()), "ORD-1001", {"invoice_id": "INV-1001"}),
        (Naming("invoice_id", ReferencePattern()), "INV-1001", {"custom_id": "ORD-1001"}),
        (Naming("invoice_id", ReferencePattern(r"INV-(\d+)")), "1001", {"custom_id": "ORD-1001"}),
    ],
)
def test_where_the_order_number_is_held(
    naming: Naming, reference: str, others: dict[str, str]
) -> None:
    payment = mapping.payment(SOURCE, capture(), None, naming)
    assert (payment.reference, payment.custom_fields) == (reference, others)


def test_a_payment_without_numbers() -> None:
    payment = paid(custom_id=None, invoice_id=None)
    assert (payment.reference, payment.custom_fields) == (None, {})


def test_a_card_is_known_without_the_order() -> None:
    payment = paid(
        network_transaction_reference={"id": "20286098380002303", "network": "MASTERCARD"}
    )
    assert payment.channel is PaymentChannel.CARD
    assert payment.method == PaymentMethod(brand="mastercard")


@pytest.mark.parametrize(
    ("used", "channel", "method"),
    [
        (
            {"card": {"name": "Ada L", "last_digits": "4242", "brand": "VISA"}},
            PaymentChannel.CARD,
            PaymentMethod(brand="visa", last4="4242"),
        ),
        ({"card": {"last_digits": "424242"}}, PaymentChannel.CARD, None),
        ({"paypal": WALLET}, PaymentChannel.WALLET, PaymentMethod(wallet="paypal")),
        ({"venmo": WALLET}, PaymentChannel.WALLET, PaymentMethod(wallet="venmo")),
        ({"ideal": {"name": "Ada L", "country_code": "NL"}}, PaymentChannel.BANK, None),
        ({"pay_upon_invoice": {"email": "x"}}, PaymentChannel.PAY_LATER, None),
        ({"tomorrow": {}}, PaymentChannel.UNKNOWN, None),
        ({}, PaymentChannel.WALLET, None),
    ],
)
def test_how_an_order_was_paid(
    used: dict[str, Any], channel: PaymentChannel, method: PaymentMethod | None
) -> None:
    payment = paid(order(payment_source=used))
    assert (payment.channel, payment.method) == (channel, method)
    assert channel in VENDOR.channels


def test_the_payer_is_masked() -> None:
    payment = paid(order(payment_source={"paypal": WALLET}))
    assert payment.payer == Payer(account="QYR***XQ", name="A**")
    assert paid(order(payment_source={"card": {"name": "王小明"}})).payer == Payer(name="王**")
    assert paid(order(payment_source={"paypal": {"account_id": "SHORT"}})).payer == Payer()
    for secret in ("QYR5Z8XDVJNXQ", "Ada", "buyer@example.com"):
        assert secret not in repr(payment)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"processor_response": {"response_code": "5120"}}, "5120"),
        ({"status_details": {"reason": "PENDING_REVIEW"}}, "PENDING_REVIEW"),
        ({}, "DECLINED"),
        ({"status_details": {"reason": "call +1 555 0100"}}, "UNKNOWN"),
    ],
)
def test_why_a_payment_failed(changes: dict[str, Any], code: str) -> None:
    payment = paid(status="DECLINED", **changes)
    assert payment.failure == Failure(code=code)
    assert (payment.refunds, payment.captured) == ((), Money(0, "USD"))


def test_a_payment_without_a_breakdown_has_no_fee_yet() -> None:
    payment = paid(seller_receivable_breakdown={"gross_amount": usd("23.99")})
    assert (payment.fee, payment.net) == (None, None)
    assert paid(seller_receivable_breakdown=None).fee is None


@pytest.mark.parametrize("odd", [{"currency_code": "XBT", "value": "1.36"}, usd("1.3601"), usd("")])
def test_a_fee_that_cannot_be_is_unknown(odd: dict[str, str]) -> None:
    payment = paid(seller_receivable_breakdown={**BREAKDOWN, "paypal_fee": odd})
    assert (payment.fee, payment.net) == (None, Money(2263, "USD"))
    assert payment.captured == Money(2399, "USD")


@pytest.mark.parametrize(
    ("word", "outcome", "status"),
    [
        ("OPEN", None, DisputeStatus.NEEDS_RESPONSE),
        ("WAITING_FOR_SELLER_RESPONSE", None, DisputeStatus.NEEDS_RESPONSE),
        ("WAITING_FOR_BUYER_RESPONSE", None, DisputeStatus.UNDER_REVIEW),
        ("UNDER_REVIEW", None, DisputeStatus.UNDER_REVIEW),
        ("OTHER", None, DisputeStatus.UNDER_REVIEW),
        ("TOMORROW", None, DisputeStatus.UNKNOWN),
        ("RESOLVED", "RESOLVED_BUYER_FAVOUR", DisputeStatus.LOST),
        ("RESOLVED", "ACCEPTED", DisputeStatus.LOST),
        ("RESOLVED", "RESOLVED_SELLER_FAVOUR", DisputeStatus.WON),
        ("RESOLVED", "DENIED", DisputeStatus.WON),
        ("RESOLVED", "RESOLVED_WITH_PAYOUT", DisputeStatus.CLOSED),
        ("RESOLVED", "CANCELED_BY_BUYER", DisputeStatus.CLOSED),
        ("RESOLVED", "NONE", DisputeStatus.CLOSED),
        ("RESOLVED", "TOMORROW", DisputeStatus.UNKNOWN),
        ("RESOLVED", None, DisputeStatus.UNKNOWN),
    ],
)
def test_every_state_of_a_dispute(word: str, outcome: str | None, status: DisputeStatus) -> None:
    ended = {"dispute_outcome": {"outcome_code": outcome}} if outcome else {}
    assert disputed(status=word, **ended).status is status


def test_a_dispute_leads_to_its_payment() -> None:
    dispute = disputed()
    assert (dispute.payment_id, dispute.amount) == (CAPTURE_ID, Money(2399, "USD"))
    assert dispute.due_by == datetime(2026, 1, 20, tzinfo=UTC)
    assert dispute.reason == "MERCHANDISE_OR_SERVICE_NOT_RECEIVED"
    assert disputed(disputed_transactions=[{"buyer_transaction_id": "B"}]).payment_id is None


@pytest.mark.parametrize(
    ("kind", "native_id", "good"),
    [
        (Kind.PAYMENT, CAPTURE_ID, True),
        (Kind.PAYMENT, "02335565g34798738", False),
        (Kind.PAYMENT, "PP-D-4012", False),
        (Kind.REFUND, REFUND_ID, True),
        (Kind.REFUND, "../captures/X", False),
        (Kind.DISPUTE, "PP-D-4012", True),
        (Kind.DISPUTE, "PP-R-XYZ-1000", True),
        (Kind.DISPUTE, "PP/D", False),
    ],
)
def test_what_can_be_an_id(kind: Kind, native_id: str, good: bool) -> None:
    assert VENDOR.normalise(kind, native_id) == (native_id if good else None)


def test_a_refund_has_no_more_than_it_says() -> None:
    refund = mapping.refund(SOURCE, refund_row(invoice_id=None, links=[]))
    assert isinstance(refund, Refund)
    assert (refund.payment_id, refund.reference, refund.payment) == (None, None, None)
