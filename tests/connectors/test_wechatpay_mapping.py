"""From literal answers of WeChat Pay to records: every state, every coupon, every wrong amount."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from connectors.blanks import decoded
from connectors.money import Money
from connectors.records import (
    Deduction,
    DisputeStatus,
    Payer,
    Payment,
    PaymentChannel,
    PaymentMethod,
    PaymentStatus,
    Provider,
    RefundStatus,
    Source,
    SourceKind,
)
from connectors.references import ReferencePattern
from connectors.transport import Response
from connectors.wechatpay import mapping
from connectors.wechatpay.addresses import Addresses
from connectors.wechatpay.mapping import Rules
from connectors.wechatpay.payloads import Combination, Complaint, Refund, Transaction

WECHAT = Source("wechat_cn", "wechatpay", SourceKind.PAYMENTS)
RULES = Rules("out_trade_no", ReferencePattern(), frozenset({"ECNY"}))
TRANSACTION = """{"appid":"wxd678efh567hg6787","mchid":"1900000109",
 "out_trade_no":"P20260101001","transaction_id":"1217752501201407033233368018","trade_type":"JSAPI",
 "trade_state":"SUCCESS","trade_state_desc":"支付成功","bank_type":"CMC","attach":"自定义数据",
 "success_time":"2026-01-01T08:00:00+08:00","payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
 "amount":{"total":100,"payer_total":90,"currency":"CNY","payer_currency":"CNY"},
 "scene_info":{"device_id":"013467007045764"},
 "promotion_detail":[{"coupon_id":"109519","name":"单品惠-6","scope":"GLOBAL","type":"NOCASH",
 "amount":10,"stock_id":"931386","wechatpay_contribute":0,"merchant_contribute":10,
 "other_contribute":0,"currency":"CNY","goods_detail":[{"goods_id":"M1006","quantity":1,
 "unit_price":100,"discount_amount":10,"goods_remark":"商品备注信息"}]}]}"""
UNPAID = """{"amount":{"total":100},"appid":"wxd678efh567hg6787","mchid":"1900000109","payer":{},
 "out_trade_no":"P20260101002","promotion_detail":[],"scene_info":{"device_id":""},
 "trade_state":"NOTPAY","trade_state_desc":"订单未支付"}"""
REFUND = """{"refund_id":"50200207182018070300011301001","out_refund_no":"R20260101001",
 "transaction_id":"1217752501201407033233368018","out_trade_no":"P20260101001",
 "channel":"ORIGINAL","user_received_account":"招商银行信用卡0403",
 "success_time":"2026-01-01T09:00:00+08:00","create_time":"2026-01-01T08:59:00+08:00",
 "status":"SUCCESS","funds_account":"UNSETTLED","amount":{"total":100,"refund":50,"from":[],
 "payer_total":90,"payer_refund":45,"settlement_refund":45,"settlement_total":90,
 "discount_refund":5,"currency":"CNY","refund_fee":0},"promotion_detail":[]}"""
COMPLAINT = """{"complaint_id":"200201820200101080076610000","complaint_time":
 "2026-01-02T13:29:35.120+08:00","complaint_detail":"反馈一个重复扣费的问题","complaint_state":
 "PENDING","complainted_mchid":"1900012181","payer_phone":"Qe41VhP/sGdNeTHMQGlxCWiUyHu6XNO9GCY=",
 "complaint_order_info":[{"transaction_id":"4200000404201909069117582536","out_trade_no":
 "P20260101001","amount":3}],"complaint_full_refunded":false,"incoming_user_response":true,
 "problem_description":"不满意商家服务","user_complaint_times":1,"problem_type":"REFUND"}"""
COMBINATION = """{"combine_appid":"wxd678efh567hg6787","combine_mchid":"1900000109",
 "combine_out_trade_no":"SO-1001","combine_transaction_id":"1217752501201407033233368018",
 "sub_orders":[{"mchid":"1900000109","trade_type":"JSAPI","trade_state":"SUCCESS","bank_type":"CMC",
 "attach":"深圳分店","success_time":"2015-05-20T13:29:35.120+08:00","transaction_id":
 "1009660380201506130728806387","out_trade_no":"20150806125346","amount":{"total_amount":100,
 "currency":"CNY","payer_amount":10,"payer_currency":"CNY","settlement_rate":650000000}}]}"""


def payment(text: str = TRANSACTION, rules: Rules = RULES, **changes: Any) -> Payment:
    content = json.loads(text) | changes
    row = msgspec.json.decode(json.dumps(content), type=Transaction)
    return mapping.payment(WECHAT, row, rules)


def test_a_paid_order_has_everything_that_is_told_of_it() -> None:
    assert payment() == Payment(
        source=WECHAT,
        native_id="P20260101001",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        custom_fields={
            "transaction_id": "1217752501201407033233368018",
            "trade_type": "JSAPI",
            "attach": "自定义数据",
        },
        provider=Provider.WECHAT_PAY,
        channel=PaymentChannel.CARD,
        status=PaymentStatus.SUCCEEDED,
        provider_status="SUCCESS",
        amount=Money(100, "CNY"),
        captured=Money(100, "CNY"),
        reference="P20260101001",
        paid_at=datetime(2026, 1, 1, tzinfo=UTC),
        method=PaymentMethod(brand="CMC", wallet="wechat_pay"),
        payer=Payer(account="oUp****6o"),
        deductions=(Deduction(kind="coupon", amount=Money(10, "CNY"), funded_by="merchant"),),
    )


def test_an_unpaid_order_has_no_money_and_no_refunds() -> None:
    found = payment(UNPAID)
    assert (found.status, found.captured, found.refunded, found.refunds) == (
        PaymentStatus.PENDING,
        Money(0, "CNY"),
        Money(0, "CNY"),
        (),
    )
    assert (found.created_at, found.paid_at, found.payer) == (None, None, None)


@pytest.mark.parametrize(
    ("state", "status", "captured"),
    [
        ("NOTPAY", PaymentStatus.PENDING, 0),
        ("ACCEPT", PaymentStatus.PENDING, 0),
        ("USERPAYING", PaymentStatus.REQUIRES_ACTION, 0),
        ("SUCCESS", PaymentStatus.SUCCEEDED, 100),
        ("REFUND", PaymentStatus.UNKNOWN, 100),
        ("CLOSED", PaymentStatus.CANCELED, 0),
        ("REVOKED", PaymentStatus.CANCELED, 0),
        ("PAYERROR", PaymentStatus.FAILED, 0),
        ("FROZEN", PaymentStatus.UNKNOWN, None),
    ],
)
def test_each_state_has_a_status_and_says_whether_money_was_taken(
    state: str, status: PaymentStatus, captured: int | None
) -> None:
    found = payment(trade_state=state)
    assert (found.status, found.provider_status) == (status, state)
    assert found.captured == (None if captured is None else Money(captured, "CNY"))
    assert (found.failure is not None) == (status is PaymentStatus.FAILED)
    # Of what was taken, refunds are for others to know.
    assert (found.refunds == ()) == (captured == 0)


@pytest.mark.parametrize(
    ("bank", "trade", "channel"),
    [
        ("CFT", "JSAPI", PaymentChannel.WALLET),
        ("LQT", "APP", PaymentChannel.WALLET),
        ("ICBC_DEBIT", "NATIVE", PaymentChannel.CARD),
        ("CMB_CREDIT", "JSAPI", PaymentChannel.CARD),
        ("ECNY", "NATIVE", PaymentChannel.ECNY),
        ("OTHERS", "NATIVE", PaymentChannel.QR),
        ("OTHERS", "MICROPAY", PaymentChannel.QR),
        ("OTHERS", "JSAPI", PaymentChannel.UNKNOWN),
        ("", "APP", PaymentChannel.UNKNOWN),
    ],
)
def test_the_bank_says_the_channel_and_else_the_code_that_was_scanned(
    bank: str, trade: str, channel: PaymentChannel
) -> None:
    found = payment(bank_type=bank, trade_type=trade)
    assert found.channel is channel
    assert found.method == PaymentMethod(
        brand=None if bank in ("OTHERS", "") else bank, wallet="wechat_pay"
    )


def test_the_words_for_digital_yuan_are_a_setting() -> None:
    rules = Rules("out_trade_no", ReferencePattern(), frozenset({"DCEP_X"}))
    assert payment(rules=rules, bank_type="DCEP_X").channel is PaymentChannel.ECNY
    assert payment(rules=rules, bank_type="ECNY").channel is PaymentChannel.CARD


def test_the_order_number_is_taken_from_where_the_merchant_puts_it() -> None:
    attached = Rules("attach", ReferencePattern(r"(SO-\d+)(-\d+)?"), frozenset())
    found = payment(rules=attached, attach="SO-1001-2")
    assert found.reference == "SO-1001"
    assert "attach" not in (found.custom_fields or {})
    assert payment(UNPAID, rules=attached).reference is None


COUPON = {"amount": 10, "scope": "SINGLE"}


@pytest.mark.parametrize(
    ("coupon", "parts"),
    [
        ({**COUPON, "wechatpay_contribute": 10}, [("promotion", 10, "provider")]),
        (
            {**COUPON, "wechatpay_contribute": 4, "merchant_contribute": 5, "other_contribute": 1},
            [("promotion", 4, "provider"), ("promotion", 5, "merchant"), ("promotion", 1, "other")],
        ),
        (COUPON, [("promotion", 10, None)]),
        ({**COUPON, "merchant_contribute": 3}, [("promotion", 10, None)]),
        ({"amount": 0}, []),
        ({"amount": 7, "scope": "GLOBAL"}, [("coupon", 7, None)]),
    ],
)
def test_a_coupon_is_a_deduction_for_each_who_paid_it(
    coupon: dict[str, Any], parts: list[tuple[str, int, str | None]]
) -> None:
    found = payment(promotion_detail=[coupon]).deductions
    assert [(d.kind, d.amount.minor_units, d.funded_by) for d in found] == parts


def test_instalments_are_told_where_there_is_more_than_one() -> None:
    plan = {"use_subsidy": True, "selected_installment_number": 3}
    found = payment(installment_info=plan).instalments
    assert (found and found.count, found and found.interval) == (3, "month")
    assert payment(installment_info={**plan, "selected_installment_number": 1}).instalments is None
    assert payment(installment_info={"use_subsidy": True}).instalments is None


def test_a_service_providers_payer_is_masked_too() -> None:
    payer = {"sp_openid": "oAbCdEfGhIjKlMnOpQrStUvWxYz0"}
    assert payment(payer=payer).payer == Payer(account="oAb****z0")
    assert payment(payer={"openid": "short"}).payer is None


@pytest.mark.parametrize(
    "amount",
    [
        {"total": 100, "currency": "USD"},
        {"total": 100, "currency": "JPY"},
        {"total": 100, "currency": "cny"},
        {"total": -1, "currency": "CNY"},
        {"total": 2**70, "currency": "CNY"},
    ],
)
def test_an_amount_that_cannot_be_is_refused(amount: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"CNY|fen"):
        payment(amount=amount)


@pytest.mark.parametrize("total", [1.0, 100.5, "100", "1.00", True, None])
def test_an_amount_that_is_not_whole_fen_is_refused(total: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        payment(amount={"total": total})


@pytest.mark.parametrize(
    ("total", "paid", "coupons", "deducted"),
    [
        (100, 90, [10], [10]),
        # A coupon of 10 yuan on an order of 8 takes off 8.
        (800, 0, [1000], [800]),
        (100, 90, [50], [10]),
        (100, None, [150], [100]),
        # Of several nobody knows which took off less.
        (100, 0, [60, 60], []),
        (100, 101, [10], []),
        (100, 100, [10], []),
        (100, 90, [-10], []),
        (100, 90, [2**70], []),
    ],
)
def test_a_payment_stands_whatever_its_coupons_say(
    total: int, paid: int | None, coupons: list[int], deducted: list[int]
) -> None:
    found = payment(
        amount={"total": total, "payer_total": paid},
        promotion_detail=[{"amount": amount} for amount in coupons],
    )
    assert found.status is PaymentStatus.SUCCEEDED
    assert found.amount == found.captured == Money(total, "CNY")
    assert [d.amount for d in found.deductions] == [Money(amount, "CNY") for amount in deducted]


def test_a_coupon_that_is_capped_keeps_who_paid_it() -> None:
    coupon = {"amount": 1000, "wechatpay_contribute": 1000, "scope": "SINGLE"}
    found = payment(amount={"total": 800, "payer_total": 0}, promotion_detail=[coupon])
    assert found.deductions == (
        Deduction(kind="promotion", amount=Money(800, "CNY"), funded_by="provider"),
    )


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        payment(success_time="2026-01-01T08:00:00")


def blanked(text: str, type_: type[Any], **blank: Any) -> Any:
    body = json.dumps(json.loads(text) | blank).encode()
    return decoded(Response(200, {}, body), msgspec.json.Decoder(type_), "wechat_cn")


BLANK = ("", None)


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize(
    "member",
    [
        "success_time", "payer", "promotion_detail", "attach", "bank_type", "trade_type",
        "transaction_id", "installment_info",
    ],
)  # fmt: skip
def test_what_a_payment_does_not_tell_is_unknown_and_the_rest_stands(
    member: str, blank: object
) -> None:
    found = mapping.payment(WECHAT, blanked(TRANSACTION, Transaction, **{member: blank}), RULES)
    assert (found.status, found.captured) == (PaymentStatus.SUCCEEDED, Money(100, "CNY"))
    assert (found.paid_at is None) is (member == "success_time")


@pytest.mark.parametrize("blank", BLANK)
def test_a_payment_without_a_state_is_unknown(blank: object) -> None:
    found = mapping.payment(WECHAT, blanked(TRANSACTION, Transaction, trade_state=blank), RULES)
    assert (found.status, found.captured, found.refunded) == (PaymentStatus.UNKNOWN, None, None)


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize(
    "member", ["refund_id", "out_trade_no", "status", "create_time", "success_time", "channel"]
)
def test_what_a_refund_does_not_tell_is_unknown(member: str, blank: object) -> None:
    found = mapping.refund(WECHAT, blanked(REFUND, Refund, **{member: blank}))
    assert found.amount == Money(50, "CNY")
    assert (found.status is RefundStatus.UNKNOWN) is (member == "status")


def test_a_coupon_without_an_amount_is_what_its_parts_are() -> None:
    parts = {"amount": None, "merchant_contribute": 4, "wechatpay_contribute": 6}
    row = blanked(TRANSACTION, Transaction, promotion_detail=[parts, {"amount": None}])
    found = mapping.payment(WECHAT, row, RULES).deductions
    assert [(d.funded_by, d.amount.minor_units) for d in found] == [
        ("provider", 6),
        ("merchant", 4),
    ]


def test_a_complaint_without_time_and_state_is_read() -> None:
    row = blanked(COMPLAINT, Complaint, complaint_time="", complaint_state=None)
    (found,) = mapping.disputes(WECHAT, row)
    assert (found.created_at, found.status.value) == (None, "UNKNOWN")


def refund_row(**changes: Any) -> Refund:
    return msgspec.json.decode(json.dumps(json.loads(REFUND) | changes), type=Refund)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PROCESSING", RefundStatus.PENDING),
        ("SUCCESS", RefundStatus.SUCCEEDED),
        ("CLOSED", RefundStatus.CANCELED),
        ("ABNORMAL", RefundStatus.FAILED),
        ("HALTED", RefundStatus.UNKNOWN),
    ],
)
def test_each_word_of_a_refund_has_a_status(word: str, status: RefundStatus) -> None:
    found = mapping.refund(WECHAT, refund_row(status=word))
    assert (found.status, found.provider_status) == (status, word)


def test_a_refund_has_both_numbers_and_names_no_account() -> None:
    found = mapping.refund(WECHAT, refund_row(funds_account="ECNY_BASIC"))
    assert (found.native_id, found.reference, found.payment_id) == (
        "R20260101001",
        "R20260101001",
        "P20260101001",
    )
    assert found.amount == Money(50, "CNY")
    assert found.created_at == datetime(2026, 1, 1, 0, 59, tzinfo=UTC)
    assert found.settled_at == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert found.custom_fields == {
        "channel": "ORIGINAL",
        "funds_account": "ECNY_BASIC",
        "refund_id": "50200207182018070300011301001",
    }
    assert "0403" not in repr(found)


@pytest.mark.parametrize(
    "amount",
    [
        {"total": 100, "refund": 101, "currency": "CNY"},
        {"total": 100, "refund": -1, "currency": "CNY"},
        {"total": 100, "refund": 50, "currency": "HKD"},
    ],
)
def test_a_refund_that_cannot_be_is_refused(amount: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"larger than its payment|fen|CNY"):
        mapping.refund(WECHAT, refund_row(amount=amount))


def complaint_row(**changes: Any) -> Complaint:
    return msgspec.json.decode(json.dumps(json.loads(COMPLAINT) | changes), type=Complaint)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", DisputeStatus.NEEDS_RESPONSE),
        ("PROCESSING", DisputeStatus.UNDER_REVIEW),
        ("PROCESSED", DisputeStatus.CLOSED),
        ("ESCALATED", DisputeStatus.UNKNOWN),
    ],
)
def test_a_complaint_is_a_dispute(word: str, status: DisputeStatus) -> None:
    (found,) = mapping.disputes(WECHAT, complaint_row(complaint_state=word))
    assert (found.status, found.reason, found.payment_id) == (status, "REFUND", "P20260101001")
    assert (found.native_id, found.amount) == ("200201820200101080076610000", Money(3, "CNY"))
    assert "重复" not in repr(found)


def test_a_complaint_of_two_payments_is_two_disputes_and_of_none_is_none() -> None:
    orders = [{"transaction_id": "1", "out_trade_no": n, "amount": 5} for n in ("A", "B")]
    found = list(mapping.disputes(WECHAT, complaint_row(complaint_order_info=orders)))
    assert [(d.native_id[-3:], d.payment_id) for d in found] == [("000", "A"), ("0-2", "B")]
    assert list(mapping.disputes(WECHAT, complaint_row(complaint_order_info=[]))) == []


def test_a_part_of_a_combined_order_has_the_number_of_the_whole() -> None:
    whole = msgspec.json.decode(COMBINATION, type=Combination)
    rules = Rules("out_trade_no", ReferencePattern(r"(SO-\d+)(-\d+)?"), frozenset())
    found = mapping.sub_payment(WECHAT, "SO-1001-3", whole.sub_orders[0], rules)
    assert (found.native_id, found.reference) == ("20150806125346", "SO-1001")
    assert (found.status, found.captured) == (PaymentStatus.SUCCEEDED, Money(100, "CNY"))


@pytest.mark.parametrize(
    ("number", "path"),
    [
        ("P20260101001", "out-trade-no/P20260101001"),
        ("a_-|*@", "out-trade-no/a_-%7C*@"),
        ("4200000404201909069117582536", "id/4200000404201909069117582536"),
        # 28 digits of a merchant's own: the merchant number, the day, ten more.
        ("1900000109202601010000000001", "out-trade-no/1900000109202601010000000001"),
        ("../../x?y", "out-trade-no/..%2F..%2Fx%3Fy"),
    ],
)
def test_a_number_is_asked_for_at_its_own_path(number: str, path: str) -> None:
    assert Addresses("19").transaction(number) == f"/v3/pay/transactions/{path}?mchid=19"
    assert Addresses("19", "20").transaction(number) == (
        f"/v3/pay/partner/transactions/{path}?sp_mchid=19&sub_mchid=20"
    )


def test_a_service_provider_names_its_merchant_everywhere() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC).date()
    own = Addresses("19", "20")
    assert own.refund("R1").endswith("/R1?sub_mchid=20")
    assert own.trade_bill(day).endswith(
        "?bill_date=2026-01-01&bill_type=ALL&tar_type=GZIP&sub_mchid=20"
    )
    assert own.complaints(day, day, 0).endswith("&complainted_mchid=20")
