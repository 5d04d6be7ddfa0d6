"""Alipay's objects, as its pages show them, and the records and entries they become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.alipay import mapping, payloads, wallet
from connectors.alipay.accountlog import Entries, entries_of
from connectors.alipay.amounts import Misfit, masked_account, masked_name, whole
from connectors.blanks import decoded
from connectors.errors import Malformed
from connectors.ledger import Entry
from connectors.money import Money
from connectors.records import (
    Deduction,
    Dispute,
    DisputeStatus,
    InstalmentPlan,
    Kind,
    Payer,
    Payment,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    Refund,
    RefundStatus,
    Source,
    SourceKind,
)
from connectors.references import ReferencePattern
from connectors.transport import Response

SOURCE = Source("alipay_cn", "alipay", SourceKind.PAYMENTS)
PATTERN = ReferencePattern(r"(SO-\d+)(?:-\d+)?")
TRADE_NO = "2013112011001004330000121536"
AT = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
TRADE: dict[str, Any] = {
    "trade_no": TRADE_NO,
    "out_trade_no": "SO-1001-2",
    "buyer_logon_id": "159****5620",
    "buyer_user_id": "2088101117955611",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "100.00",
    "buyer_pay_amount": "80.00",
    "point_amount": "10.00",
    "receipt_amount": "98.00",
    "discount_amount": "8.00",
    "mdiscount_amount": "2.00",
    "send_pay_date": "2026-01-01 08:00:05",
    "subject": "大乐透",
    "fund_bill_list": [
        {"fund_channel": "ALIPAYACCOUNT", "amount": "80.00", "real_amount": "80.00"},
        {"fund_channel": "POINT", "amount": "10.00"},
    ],
    "voucher_detail_list": [
        {
            "id": "2015102600073002039000002D5O",
            "amount": "10.00",
            "merchant_contribute": "2.00",
            "other_contribute": "8.00",
        }
    ],
}
REFUND: dict[str, Any] = {
    "trade_no": TRADE_NO,
    "out_trade_no": "SO-1001-2",
    "out_request_no": "RF-1_a-b",
    "refund_status": "REFUND_SUCCESS",
    "total_amount": "100.00",
    "refund_amount": "20.00",
    "refund_reason": "七天无理由",
    "gmt_refund_pay": "2026-01-02 09:00:00.123",
}
COMPLAINT: dict[str, Any] = {
    "complain_event_id": "20260101000410000001",
    "status": "MERCHANT_PROCESSING",
    "trade_no": TRADE_NO,
    "gmt_create": "2026-01-01 08:00:05",
    "leaf_category_name": "商家不发货",
    "content": "已经扣除了我的钱",
    "phone_no": "13800138000",
    "trade_amount": "100.00",
}
ROW: dict[str, Any] = {
    "type": "交易",
    "direction": "收入",
    "trans_amount": "98.00",
    "trans_dt": "2026-01-01 08:00:05",
    "alipay_order_no": TRADE_NO,
    "merchant_order_no": "SO-1001-2",
}
FLOW: dict[str, Any] = {
    "flow_no": "F1",
    "biz_no": TRADE_NO,
    "biz_date": "2026-01-01 08:00:05",
    "amount": "12.34",
    "order_status": "SUCCESS",
    "payee_account_no": "0022000000000001",
    "payer_account_no": "0022*****1234",
}


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def paid(**changes: Any) -> Payment:
    given = {k: v for k, v in {**TRADE, **changes}.items() if v is not None}
    return mapping.payment(SOURCE, msgspec.convert(given, payloads.Trade), PATTERN)


def refunded(currency: str = "CNY", now: datetime | None = None, **changes: Any) -> Refund | None:
    given = {k: v for k, v in {**REFUND, **changes}.items() if v is not None}
    row = msgspec.convert(given, payloads.Refund)
    return mapping.refund(SOURCE, row, f"{TRADE_NO}-RF-1_a-b", currency, now)


def disputed(**changes: Any) -> Dispute:
    return mapping.dispute(SOURCE, msgspec.convert({**COMPLAINT, **changes}, payloads.Complaint))


def logged(*rows: dict[str, Any]) -> list[Entry]:
    found, bad = entries_of(log_rows(*rows), PATTERN, {})
    assert bad == []
    return list(found.values())


def log_rows(*rows: dict[str, Any]) -> dict[int, payloads.LogRow]:
    read = (msgspec.convert({**ROW, **row}, payloads.LogRow) for row in rows)
    return dict(enumerate(read, 1))


def flow(**changes: Any) -> payloads.Flow:
    return msgspec.convert({**FLOW, **changes}, payloads.Flow)


def test_a_trade_is_a_payment() -> None:
    assert paid() == Payment(
        source=SOURCE,
        native_id=TRADE_NO,
        created_at=AT,
        provider=Provider.ALIPAY,
        channel=PaymentChannel.WALLET,
        status=PaymentStatus.SUCCEEDED,
        provider_status="TRADE_SUCCESS",
        amount=yuan(10000),
        captured=yuan(10000),
        reference="SO-1001",
        paid_at=AT,
        method=PaymentMethod(wallet="alipay"),
        payer=Payer(account="159****5620"),
        deductions=(
            Deduction(kind="points", amount=yuan(1000), funded_by="provider"),
            Deduction(kind="coupon", amount=yuan(800), funded_by="provider"),
            Deduction(kind="coupon", amount=yuan(200), funded_by="merchant"),
        ),
    )


@pytest.mark.parametrize(
    ("word", "at", "status", "captured", "refunded"),
    [
        ("WAIT_BUYER_PAY", None, PaymentStatus.PENDING, yuan(0), None),
        ("TRADE_SUCCESS", "2026-01-01 08:00:05", PaymentStatus.SUCCEEDED, yuan(10000), None),
        ("TRADE_FINISHED", "2026-01-01 08:00:05", PaymentStatus.SUCCEEDED, yuan(10000), None),
        ("TRADE_CLOSED", None, PaymentStatus.CANCELED, yuan(0), None),
        ("TRADE_CLOSED", "2026-01-01 08:00:05", PaymentStatus.REFUNDED, yuan(10000), yuan(10000)),
        ("TRADE_NEWS", "2026-01-01 08:00:05", PaymentStatus.UNKNOWN, None, None),
    ],
)
def test_a_status_is_ours(
    word: str, at: str | None, status: PaymentStatus, captured: Money, refunded: Money
) -> None:
    payment = paid(trade_status=word, send_pay_date=at)
    assert payment.status is status
    assert payment.provider_status == word
    assert (payment.captured, payment.refunded) == (captured, refunded)


@pytest.mark.parametrize(
    ("changes", "channel", "method"),
    [
        ({"receipt_currency_type": "DC"}, PaymentChannel.ECNY, PaymentMethod(wallet="ecny")),
        ({"fund_bill_list": None}, PaymentChannel.UNKNOWN, PaymentMethod(wallet="alipay")),
        (
            {"fund_bill_list": [{"fund_channel": "POINT", "amount": "100.00"}]},
            PaymentChannel.UNKNOWN,
            PaymentMethod(wallet="alipay"),
        ),
        (
            {
                "fund_bill_list": [
                    {"fund_channel": "ALIPAYACCOUNT", "amount": "9.00"},
                    {"fund_channel": "BANKCARD", "amount": "10.00", "bank_code": "ICBC"},
                ]
            },
            PaymentChannel.CARD,
            PaymentMethod(wallet="alipay", brand="ICBC"),
        ),
        (
            {"fund_bill_list": [{"fund_channel": "PCREDIT", "amount": "80.00"}]},
            PaymentChannel.PAY_LATER,
            PaymentMethod(wallet="alipay"),
        ),
        (
            {"fund_bill_list": [{"fund_channel": "NEWPURSE", "amount": "80.00"}]},
            PaymentChannel.UNKNOWN,
            PaymentMethod(wallet="alipay"),
        ),
    ],
)
def test_the_purse_that_most_came_from_is_the_channel(
    changes: dict[str, Any], channel: PaymentChannel, method: PaymentMethod
) -> None:
    payment = paid(**changes)
    assert (payment.channel, payment.method) == (channel, method)


def test_instalments_are_pay_later() -> None:
    payment = paid(hb_fq_pay_info={"user_install_num": "3", "fq_amount": "80.00"})
    assert payment.instalments == InstalmentPlan(count=3, interval="month")
    assert payment.channel is PaymentChannel.PAY_LATER
    assert paid(hb_fq_pay_info={}).instalments is None


def test_a_fee_is_the_merchants_own_and_net_is_what_arrived() -> None:
    mine = {"charge_fee": "0.59", "is_rating_on_trade_receiver": "Y"}
    another = {"charge_fee": "0.30", "is_rating_on_trade_receiver": "N"}
    payment = paid(charge_info_list=[mine, another])
    assert (payment.fee, payment.net) == (yuan(59), yuan(9741))
    assert (paid().fee, paid().net) == (None, None)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"voucher_detail_list": None}, [("points", 1000), ("promotion", 800), ("promotion", 200)]),
        (
            {"voucher_detail_list": [{"amount": "3.00", "other_contribute": "3.00"}]},
            [("points", 1000), ("coupon", 300), ("promotion", 500), ("promotion", 200)],
        ),
        (
            {"discount_amount": None, "mdiscount_amount": None, "point_amount": "0.00"},
            [("coupon", 800), ("coupon", 200)],
        ),
        (
            {
                "discount_amount": None,
                "mdiscount_amount": None,
                "point_amount": None,
                "voucher_detail_list": None,
            },
            [],
        ),
    ],
)
def test_no_deduction_counts_twice(changes: dict[str, Any], found: list[tuple[str, int]]) -> None:
    told = [(d.kind, d.amount.minor_units) for d in paid(**changes).deductions]
    assert told == found


def test_a_buyer_is_known_under_neither_of_their_ids() -> None:
    old, new = paid(), paid(buyer_user_id=None, buyer_open_id="074a1CcTG1LelxKe4xQC0")
    assert old == new
    assert "2088101117955611" not in repr(old)
    assert "074a1CcTG1LelxKe4xQC0" not in repr(new)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("159****5620", "159****5620"),
        ("xud***@126.com", "xud****om"),
        ("someone@example.com", "som****om"),
        ("15912345620", "159****20"),
        ("123", "****"),
        ("", None),
        (None, None),
    ],
)
def test_an_account_is_masked(given: str | None, shown: str | None) -> None:
    assert masked_account(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"), [("*三", "*三"), ("张三", "张**"), ("", None), (None, None)]
)
def test_a_name_is_masked(given: str | None, shown: str | None) -> None:
    assert masked_name(given) == shown


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total_amount": "10000"}, "total_amount"),
        ({"total_amount": "100.0"}, "total_amount"),
        ({"total_amount": "100.001"}, "total_amount"),
        ({"total_amount": "１００.００"}, "total_amount"),
        ({"total_amount": "1e4"}, "total_amount"),
        ({"total_amount": "NaN"}, "total_amount"),
        ({"total_amount": ""}, "total_amount"),
        ({"total_amount": "-100.00"}, "total_amount: less than nothing"),
        ({"trans_currency": "XXX"}, "trans_currency"),
        ({"trans_currency": "BTC"}, "trans_currency"),
        ({"send_pay_date": "2026-13-01 08:00:05"}, "send_pay_date"),
        ({"send_pay_date": "2026-01-01T08:00:05+08:00"}, "send_pay_date"),
    ],
)
def test_what_does_not_fit_is_told_by_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as caught:
        mapping.mapped("alipay_cn", lambda: paid(**changes))
    assert caught.value.detail.startswith(field)
    assert not [v for v in changes.values() if isinstance(v, str) and v and v in str(caught.value)]


@pytest.mark.parametrize(
    "changes",
    [
        {"point_amount": "-1.00"},
        {"point_amount": "ten"},
        {"mdiscount_amount": "100.01"},
        {"voucher_detail_list": [{"amount": "1.00", "other_contribute": "-1.00"}]},
        {"voucher_detail_list": [{"amount": "150.00", "other_contribute": "150.00"}]},
        {"voucher_detail_list": [{"amount": "90.01", "other_contribute": "90.01"}]},
    ],
)
def test_deductions_that_contradict_the_trade_are_left_out(changes: dict[str, Any]) -> None:
    payment = paid(**changes)
    assert (payment.amount, payment.captured) == (yuan(10000), yuan(10000))
    assert (payment.status, payment.deductions) == (PaymentStatus.SUCCEEDED, ())


def test_a_coupon_worth_more_than_the_trade_took_off_all_of_it() -> None:
    bare = dict.fromkeys(("point_amount", "discount_amount", "mdiscount_amount"))
    coupon = [{"amount": "150.00", "other_contribute": "150.00"}]
    (deduction,) = paid(**bare, voucher_detail_list=coupon).deductions
    assert (deduction.kind, deduction.amount) == ("coupon", yuan(10000))


CHARGED = {"charge_fee": "0.60", "is_rating_on_trade_receiver": "Y"}


@pytest.mark.parametrize(
    ("changes", "fee", "net"),
    [
        ({}, yuan(60), yuan(9740)),
        ({"receipt_amount": "9800"}, yuan(60), None),
        ({"receipt_amount": "-1.00"}, yuan(60), None),
        ({"receipt_amount": ""}, yuan(60), None),
        ({"charge_info_list": [{**CHARGED, "charge_fee": "much"}]}, None, None),
        ({"charge_info_list": [CHARGED, {**CHARGED, "charge_fee": ""}]}, None, None),
    ],
)
def test_a_fee_or_a_receipt_that_cannot_be_is_unknown(
    changes: dict[str, Any], fee: Money | None, net: Money | None
) -> None:
    payment = paid(**{"charge_info_list": [CHARGED], **changes})
    assert (payment.fee, payment.net, payment.captured) == (fee, net, yuan(10000))


def test_odd_instalments_and_purses_leave_the_payment_alone() -> None:
    assert paid(hb_fq_pay_info={"user_install_num": "three"}).instalments is None
    odd = [{"fund_channel": "ALIPAYACCOUNT", "amount": "much"}]
    assert paid(fund_bill_list=odd).channel is PaymentChannel.UNKNOWN


def test_an_amount_that_is_a_number_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**TRADE, "total_amount": 100.0}, payloads.Trade)


def test_another_currency_keeps_its_own_decimals() -> None:
    bare = dict.fromkeys(
        (
            "buyer_pay_amount",
            "receipt_amount",
            "point_amount",
            "discount_amount",
            "mdiscount_amount",
        )
    )
    yen = paid(trans_currency="JPY", total_amount="500", voucher_detail_list=None, **bare)
    assert yen.amount == Money(500, "JPY")
    with pytest.raises(Misfit):
        whole("total_amount", "500.50", "JPY")


def test_a_refund_is_known_by_both_its_numbers() -> None:
    assert refunded() == Refund(
        source=SOURCE,
        native_id=f"{TRADE_NO}-RF-1_a-b",
        created_at=datetime(2026, 1, 2, 1, 0, 0, 123000, tzinfo=UTC),
        status=RefundStatus.SUCCEEDED,
        provider_status="REFUND_SUCCESS",
        amount=yuan(2000),
        reason="七天无理由",
        settled_at=datetime(2026, 1, 2, 1, 0, 0, 123000, tzinfo=UTC),
        reference="RF-1_a-b",
        payment_id=TRADE_NO,
    )


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"refund_status": None}, RefundStatus.UNKNOWN),
        ({"refund_status": ""}, RefundStatus.UNKNOWN),
        ({"refund_status": None, "fund_change": "Y"}, RefundStatus.SUCCEEDED),
        ({"refund_status": None, "fund_change": "N"}, RefundStatus.UNKNOWN),
        ({"refund_status": None, "error_code": "ACQ.TRADE_HAS_FINISHED"}, RefundStatus.FAILED),
        ({"refund_status": "REFUND_NEWS"}, RefundStatus.UNKNOWN),
    ],
)
def test_a_refund_without_its_word_is_decided_by_what_else_is_told(
    changes: dict[str, Any], status: RefundStatus
) -> None:
    refund = refunded(**changes)
    assert refund is not None
    assert refund.status is status
    assert (refund.settled_at is not None) is (status is RefundStatus.SUCCEEDED)


REFUNDED_AT = datetime(2026, 1, 2, 1, 0, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "age", "status"),
    [
        ({}, timedelta(hours=23), RefundStatus.PENDING),
        ({}, timedelta(hours=25), RefundStatus.UNKNOWN),
        ({}, timedelta(minutes=-2), RefundStatus.PENDING),
        ({"fund_change": "Y"}, timedelta(days=9), RefundStatus.SUCCEEDED),
        ({"gmt_refund_pay": None}, timedelta(hours=1), RefundStatus.UNKNOWN),
    ],
)
def test_a_refund_without_a_word_is_under_way_for_a_day_only(
    changes: dict[str, Any], age: timedelta, status: RefundStatus
) -> None:
    refund = refunded(now=REFUNDED_AT + age, refund_status=None, **changes)
    assert refund is not None
    assert (refund.status, refund.amount) == (status, yuan(2000))


@pytest.mark.parametrize("blank", ["", None])
@pytest.mark.parametrize(
    "member",
    [
        "out_trade_no", "buyer_logon_id", "point_amount", "discount_amount", "mdiscount_amount",
        "receipt_amount", "fund_bill_list", "voucher_detail_list", "trans_currency",
        "hb_fq_pay_info", "charge_info_list", "trade_status", "send_pay_date",
    ],
)  # fmt: skip
def test_what_a_trade_does_not_tell_is_unknown_and_the_rest_stands(
    member: str, blank: object
) -> None:
    body = msgspec.json.encode({**TRADE, member: blank})
    decoder = msgspec.json.Decoder(payloads.Trade)
    row = decoded(Response(200, {}, body), decoder, "alipay_cn")
    payment = mapping.payment(SOURCE, row, PATTERN)
    assert payment.amount == yuan(10000)
    known = member != "trade_status"
    assert payment.status is (PaymentStatus.SUCCEEDED if known else PaymentStatus.UNKNOWN)
    assert payment.captured == (yuan(10000) if known else None)


def test_purses_and_coupons_that_tell_nothing_are_passed_over() -> None:
    bare = [{"fund_channel": None, "amount": None}, {"amount": "80.00"}]
    assert paid(fund_bill_list=bare).channel is PaymentChannel.UNKNOWN
    assert paid(voucher_detail_list=[{}]).status is PaymentStatus.SUCCEEDED
    assert paid(hb_fq_pay_info={"user_install_num": 3}).channel is PaymentChannel.PAY_LATER


def test_of_an_unknown_refund_nothing_is_said() -> None:
    nothing = msgspec.convert({}, payloads.Refund)
    assert mapping.refund(SOURCE, nothing, f"{TRADE_NO}-R", "CNY") is None


def test_a_refund_is_not_larger_than_its_payment() -> None:
    with pytest.raises(Misfit, match="more than the payment"):
        refunded(refund_amount="100.01")


@pytest.mark.parametrize("currency", ["CNY", "USD"])
def test_a_refund_is_not_less_than_nothing(currency: str) -> None:
    with pytest.raises(Misfit, match="refund_amount: less than nothing"):
        refunded(currency, refund_amount="-5.00")


def test_a_refund_that_has_a_status_has_an_amount() -> None:
    with pytest.raises(Misfit, match="refund_amount: missing"):
        refunded(refund_amount=None)
    assert refunded(refund_amount=None, refund_status=None) is None


def test_a_refund_is_in_the_currency_of_its_trade() -> None:
    dollars = refunded("USD", refund_amount="5.00")
    assert dollars is not None
    assert dollars.amount == Money(500, "USD")
    with pytest.raises(Misfit, match="refund_amount: not an amount of JPY"):
        refunded("JPY", refund_amount="5.50")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("MERCHANT_PROCESSING", DisputeStatus.NEEDS_RESPONSE),
        ("MERCHANT_FEEDBACKED", DisputeStatus.UNDER_REVIEW),
        ("PLATFORM_PROCESSING", DisputeStatus.UNDER_REVIEW),
        ("PLATFORM_FINISH", DisputeStatus.CLOSED),
        ("FINISHED", DisputeStatus.CLOSED),
        ("CANCELLED", DisputeStatus.CLOSED),
        ("CLOSED", DisputeStatus.CLOSED),
        ("NEWS", DisputeStatus.UNKNOWN),
    ],
)
def test_a_complaint_is_a_dispute(word: str, status: DisputeStatus) -> None:
    dispute = disputed(status=word)
    assert dispute.status is status
    assert dispute.amount == yuan(10000)
    assert dispute.payment_id == TRADE_NO
    assert "13800138000" not in repr(dispute)
    assert "扣除" not in repr(dispute)


def test_a_complaint_without_an_amount_is_malformed() -> None:
    with pytest.raises(Misfit, match="trade_amount"):
        disputed(trade_amount=None)


def test_a_log_tells_payments_with_their_fees_and_refunds() -> None:
    fee = {"type": "收费", "direction": "支出", "trans_amount": "-0.59"}
    refund = {
        "type": "退款",
        "direction": "支出",
        "trans_amount": "-20.00",
        "merchant_out_refund_no": "RF-1",
        "trans_dt": "2026-01-01 09:00:05",
    }
    assert logged({}, fee, refund) == [
        Entry(
            kind=Kind.PAYMENT,
            native_id=TRADE_NO,
            created_at=AT,
            reference="SO-1001",
            fee=yuan(59),
        ),
        Entry(
            kind=Kind.REFUND,
            native_id=f"{TRADE_NO}-RF-1",
            created_at=datetime(2026, 1, 1, 1, 0, 5, tzinfo=UTC),
            payment=TRADE_NO,
            reference="RF-1",
        ),
    ]


FEE = {"type": "服务费", "direction": "支出", "trans_amount": "-0.60"}
MORE = {**FEE, "trans_amount": "-0.30"}


def test_the_fees_of_a_trade_are_added_up() -> None:
    for rows in ([{}, FEE, MORE], [FEE, {}, MORE], [FEE, MORE, {}]):
        (entry,) = logged(*rows)
        assert (entry.fee, entry.reference) == (yuan(90), "SO-1001")


def test_a_fee_may_follow_on_the_next_page() -> None:
    pages = [[{}, FEE], [MORE, {**ROW, "alipay_order_no": "2"}]]
    told: Entries = {}
    for rows in pages:
        told, _ = entries_of(log_rows(*rows), PATTERN, told)
    assert [(e.native_id, e.fee) for e in told.values()] == [("2", None), (TRADE_NO, yuan(90))]


def test_a_fee_that_names_no_order_is_of_no_trade() -> None:
    service = {**FEE, "merchant_order_no": None}
    assert logged(service) == []
    assert [entry.fee for entry in logged(service, {})] == [yuan(60)]
    assert [entry.fee for entry in logged(FEE)] == [yuan(60)]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"type": "转账"}, []),
        ({"type": "交易", "direction": "支出"}, []),
        ({"type": "退费", "direction": "收入"}, []),
        ({"alipay_order_no": None}, []),
        ({"type": "新名", "direction": "支出", "merchant_out_refund_no": "R"}, ["R"]),
        ({"type": "交易退款", "direction": "支出"}, ["SO-1001-2"]),
    ],
)
def test_other_movements_are_passed_over(row: dict[str, Any], told: list[str]) -> None:
    assert [entry.reference for entry in logged(row)] == told


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"trans_dt": "today"}, "trans_dt"),
        ({"type": "收费", "direction": "支出", "trans_amount": "half"}, "trans_amount"),
        (
            {"type": "退款", "direction": "支出", "merchant_order_no": None},
            "merchant_out_refund_no",
        ),
    ],
)
def test_a_row_that_does_not_fit_is_named(row: dict[str, Any], field: str) -> None:
    found, bad = entries_of(log_rows({"alipay_order_no": "1"}, row, {}), PATTERN, {})
    assert [entry.native_id for entry in found.values()] == ["1", TRADE_NO]
    assert [(one.line, one.column) for one in bad] == [(2, field)]


def test_a_trade_in_digital_yuan_is_a_payment() -> None:
    trade = {
        "trade_no": TRADE_NO,
        "out_trade_no": "SO-7",
        "total_amount": "12.34",
        "trade_status": "TRADE_SUCCESS",
        "gmt_payment": "2026-01-01 08:00:05",
        "buyer_wallet_id": "0022*****1234",
        "buyer_wallet_name": "*三",
    }
    assert wallet.payment(SOURCE, msgspec.convert(trade, payloads.WalletTrade), PATTERN) == Payment(
        source=SOURCE,
        native_id=TRADE_NO,
        created_at=AT,
        provider=Provider.ALIPAY,
        channel=PaymentChannel.ECNY,
        status=PaymentStatus.SUCCEEDED,
        provider_status="TRADE_SUCCESS",
        amount=yuan(1234),
        captured=yuan(1234),
        reference="SO-7",
        paid_at=AT,
        method=PaymentMethod(wallet="ecny"),
        payer=Payer(account="0022*****1234", name="*三"),
    )


@pytest.mark.parametrize(
    ("word", "status", "settled"),
    [
        ("SUCCESS", RefundStatus.SUCCEEDED, AT),
        ("PROCESSING", RefundStatus.PENDING, None),
        ("FAIL", RefundStatus.FAILED, None),
        ("NEWS", RefundStatus.UNKNOWN, None),
    ],
)
def test_a_flow_out_of_the_wallet_is_a_refund(
    word: str, status: RefundStatus, settled: datetime | None
) -> None:
    refund = wallet.refund(SOURCE, flow(order_status=word))
    assert refund.native_id == f"{TRADE_NO}-20260101080005-F1"
    assert (refund.status, refund.settled_at) == (status, settled)
    assert (refund.amount, refund.payment_id) == (yuan(1234), TRADE_NO)


def test_a_flow_is_an_entry_by_its_direction() -> None:
    own = "0022000000000001"
    came = wallet.entry(flow(), own)
    gone = wallet.entry(flow(payer_account_no=own, payee_account_no="0022*****1234"), own)
    assert came is not None
    assert gone is not None
    assert (came.kind, came.native_id, came.amount) == (Kind.PAYMENT, TRADE_NO, yuan(1234))
    assert (gone.kind, gone.payment) == (Kind.REFUND, TRADE_NO)
    assert wallet.entry(flow(), "0022000000000002") is None


@pytest.mark.parametrize("amount", ["-12.34", "12.3"])
def test_an_amount_of_digital_yuan_is_never_less_than_nothing(amount: str) -> None:
    own = "0022000000000001"
    trade = payloads.WalletTrade(
        trade_no=TRADE_NO, trade_status="TRADE_SUCCESS", total_amount=amount
    )
    with pytest.raises(Misfit, match="total_amount"):
        wallet.payment(SOURCE, trade, PATTERN)
    with pytest.raises(Misfit, match="amount"):
        wallet.refund(SOURCE, flow(amount=amount))
    with pytest.raises(Misfit, match="amount"):
        wallet.entry(flow(amount=amount), own)
