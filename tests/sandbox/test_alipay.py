"""The simulated Alipay itself: what it refuses, and what it says in the vendor's own form."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key

from sandbox.alipay import VENDOR
from sandbox.alipay.bills import HEADER
from sandbox.alipay.keys import new_key, signed
from sandbox.alipay.naming import beijing, full_id
from sandbox.alipay.refusals import gateway_error, rest_error
from sandbox.generate import generate
from sandbox.server import Server
from sandbox.stripe import VENDOR as STRIPE
from tests.sandbox.conftest import PAPER, HandClock

VENDORS = (PAPER, STRIPE, VENDOR)
NOW = datetime(2026, 11, 10, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def clock() -> HandClock:
    made = HandClock()
    made.now = NOW
    return made


@pytest.fixture(scope="module")
def server(clock: HandClock) -> Iterator[Server]:
    world = generate(3, 120, vendors=VENDORS)
    with Server(world, VENDORS, rate_limits=False, clock=clock) as running:
        yield running


class Merchant:
    """Signs and asks as v2 wants it, unless told otherwise."""

    def __init__(self, server: Server, account: str = "alipay_cn") -> None:
        self.own = server.credentials[account]
        self.key: Any = load_der_private_key(b64decode(self.own["private_key"]), None)

    def ask(self, method: str, content: Any, /, **changes: Any) -> dict[str, Any]:
        key = changes.pop("key", self.key)
        params = {
            "app_id": self.own["app_id"],
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": beijing(changes.pop("at", NOW)),
            "version": "1.0",
            "biz_content": content if isinstance(content, str) else json.dumps(content),
            **changes,
        }
        text = "&".join(f"{k}={v}" for k, v in sorted(params.items()) if v)
        params["sign"] = changes.get("sign", signed(key, text.encode()))
        body = {"biz_content": params.pop("biz_content")}
        answer = httpx.post(f"{self.own['base_url']}/gateway.do", params=params, data=body)
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    def node(self, method: str, content: Any, /, **changes: Any) -> dict[str, Any]:
        told = self.ask(method, content, **changes)
        node: dict[str, Any] = next(v for k, v in told.items() if k.endswith("_response"))
        return node


@pytest.fixture
def merchant(server: Server, clock: HandClock) -> Merchant:
    clock.now = NOW
    return Merchant(server)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"app_id": "1"}, "isv.invalid-app-id"),
        ({"key": new_key()}, "isv.invalid-signature"),
        ({"sign": ""}, "isv.missing-signature"),
        ({"sign": "bm8="}, "isv.invalid-signature"),
        ({"at": NOW - timedelta(minutes=16)}, "isv.invalid-timestamp"),
        ({"at": NOW + timedelta(minutes=16)}, "isv.invalid-timestamp"),
        ({"timestamp": "now"}, "isv.invalid-timestamp"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"app_cert_sn": "1"}, "isv.invalid-app-cert-sn"),
        ({"encrypt_type": "AES"}, "isv.invalid-encrypt"),
        ({"method": "alipay.trade.page.pay"}, "isv.insufficient-isv-permissions"),
        ({"method": "mybank.ecny.trade.query"}, "isv.insufficient-isv-permissions"),
        ({"biz_content": "not JSON"}, "isv.invalid-parameter"),
    ],
)
def test_a_wrong_question_is_refused_without_a_signature(
    merchant: Merchant, changes: dict[str, Any], word: str
) -> None:
    told = merchant.ask("alipay.trade.query", {"trade_no": "1"}, **changes)
    assert "sign" not in told
    assert told["error_response"]["sub_code"] == word


@pytest.mark.parametrize(
    ("method", "content", "word"),
    [
        ("alipay.trade.query", {"trade_no": "1"}, "ACQ.TRADE_NOT_EXIST"),
        ("alipay.trade.query", {}, "ACQ.INVALID_PARAMETER"),
        ("alipay.trade.fastpay.refund.query", {"trade_no": "1"}, "ACQ.TRADE_NOT_EXIST"),
        ("alipay.data.bill.accountlog.query", {}, "INVALID_PARAMETER"),
        (
            "alipay.data.bill.accountlog.query",
            {"start_time": "2026-01-01 00:00:00", "end_time": "2026-02-01 00:00:01"},
            "INVALID_PARAMETER",
        ),
        (
            "alipay.data.bill.accountlog.query",
            {
                "start_time": "2026-01-01 00:00:00",
                "end_time": "2026-01-02 00:00:00",
                "page_size": "2001",
            },
            "INVALID_PARAMETER",
        ),
        (
            "alipay.merchant.tradecomplain.batchquery",
            {
                "begin_time": "2025-01-01 00:00:00",
                "end_time": "2026-06-01 00:00:00",
            },
            "PARAM_ILLEGAL",
        ),
        ("alipay.merchant.tradecomplain.query", {"complain_event_id": "1"}, "PARAM_ILLEGAL"),
        (
            "alipay.data.dataservice.bill.downloadurl.query",
            {"bill_type": "trade", "bill_date": "yesterday"},
            "INVAILID_ARGUMENTS",
        ),
        (
            "alipay.data.dataservice.bill.downloadurl.query",
            {"bill_type": "signcustomer", "bill_date": "2026-01-01"},
            "TYPE_NOT_SUPPORTED",
        ),
    ],
)
def test_a_business_refusal_is_signed(
    merchant: Merchant, method: str, content: dict[str, str], word: str
) -> None:
    told = merchant.ask(method, content)
    assert told["sign"]
    node = told[method.replace(".", "_") + "_response"]
    assert (node["code"], node["sub_code"]) == ("40004", word)


def test_a_trade_adds_up(server: Server, merchant: Merchant) -> None:
    for payment in server.world.payments_of("alipay_cn"):
        node = merchant.node(
            "alipay.trade.query",
            {"trade_no": payment.native_id, "query_options": ["mdiscount_amount"]},
        )
        parts = ("buyer_pay_amount", "point_amount", "discount_amount", "mdiscount_amount")
        cents = [round(float(node.get(part, "0")) * 100) for part in parts]
        assert sum(cents) == payment.amount
        assert round(float(node["receipt_amount"]) * 100) == payment.amount - cents[3]
        assert ("buyer_user_id" in node) is not ("buyer_open_id" in node)


def test_of_an_unknown_refund_only_success_is_said(server: Server, merchant: Merchant) -> None:
    payment = server.world.payments_of("alipay_cn")[0]
    node = merchant.node(
        "alipay.trade.fastpay.refund.query",
        {"trade_no": payment.native_id, "out_request_no": "never"},
    )
    assert node == {"code": "10000", "msg": "Success"}


def bill(merchant: Merchant, label: str) -> dict[str, Any]:
    return merchant.node(
        "alipay.data.dataservice.bill.downloadurl.query",
        {"bill_type": "trade", "bill_date": label},
    )


def test_a_bill_is_there_at_nine_the_next_morning(merchant: Merchant, clock: HandClock) -> None:
    clock.now = datetime(2026, 11, 10, 0, 59, 59, tzinfo=UTC)
    assert (
        merchant.node(
            "alipay.data.dataservice.bill.downloadurl.query",
            {"bill_type": "trade", "bill_date": "2026-11-09"},
            at=clock.now,
        )["sub_code"]
        == "BILL_NOT_EXIST"
    )
    clock.forward(1)
    assert (
        merchant.node(
            "alipay.data.dataservice.bill.downloadurl.query",
            {"bill_type": "trade", "bill_date": "2026-11-09"},
            at=clock.now,
        )["bill_file_code"]
        == "EMPTY_DATA_WITH_BILL_FILE"
    )


def test_an_address_is_good_for_half_a_minute(merchant: Merchant, clock: HandClock) -> None:
    url = bill(merchant, "2026-01")["bill_download_url"]
    clock.forward(30)
    assert httpx.get(url).status_code == 200
    clock.forward(1)
    assert httpx.get(url).status_code == 404
    assert httpx.get(url.partition("=")[0] + "=alipay_cn-999").status_code == 404


def test_a_bill_is_a_zip_as_alipay_writes_it(server: Server, merchant: Merchant) -> None:
    payment = server.world.payments_of("alipay_cn")[0]
    url = bill(merchant, beijing(payment.created_at, "%Y-%m-%d"))["bill_download_url"]
    with zipfile.ZipFile(io.BytesIO(httpx.get(url).content)) as archive:
        summary, details = archive.infolist()
        assert not details.flag_bits & 0x800
        assert "汇总" in summary.filename.encode("cp437").decode("gbk")
        assert details.filename.encode("cp437").decode("gbk").endswith("_业务明细.csv")
        text = archive.read(details).decode("gb18030")
    lines = text.splitlines()
    assert HEADER in lines
    assert any(line.startswith(f"{payment.native_id}\t,") for line in lines)
    assert lines[-1].startswith("#导出时间")


@pytest.mark.parametrize(
    ("status", "shown"),
    [(401, "isv.invalid-signature"), (429, "isv.app-call-limited"), (500, "isp.unknow-error")],
)
def test_a_fault_looks_like_alipays_own(status: int, shown: str) -> None:
    told = gateway_error(status)
    assert told.status == 200
    assert json.loads(told.body)["error_response"]["sub_code"] == shown
    assert rest_error(status).status == status
    assert "code" in json.loads(rest_error(status).body)
    assert gateway_error(503).status == 503


def test_flows_come_page_by_page(server: Server, clock: HandClock) -> None:
    clock.now = NOW
    wallet = Merchant(server, "ecny_cn")
    content = {
        "account_no": wallet.own["account_no"],
        "gmt_start": "2025-11-01 00:00:00",
        "gmt_end": "2026-11-10 00:00:00",
        "page_size": "10",
        "request_no": "1",
    }
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        given = {**content, **({"next_cursor": cursor} if cursor else {})}
        node = wallet.node("mybank.ecny.bizflow.batchquery", given)
        seen += [flow["flow_no"] for flow in node["data_list"]]
        cursor = node.get("next_cursor")
    payments = server.world.payments_of("ecny_cn")
    of_trades = [number for number in seen if not number.startswith("T")]
    assert len(seen) == len(set(seen)) == len(of_trades) + 2 * 13
    assert len(of_trades) == len(payments) + sum(len(p.refunds) for p in payments)


def test_ids_are_written_as_alipay_writes_them() -> None:
    at = datetime(2026, 1, 1, 20, tzinfo=UTC)
    assert full_id("payment", "22001", at, None) == "2026010222001"
    assert full_id("refund", "RF-1", at, "20260102") == "20260102-RF-1"
    assert full_id("refund", "F1", at, "20260102") == "20260102-20260102040000-F1"
    assert full_id("dispute", "1", at, "2") == "1"


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_happens_that_the_books_could_not_tell(seed: int) -> None:
    world = generate(seed, 120, vendors=VENDORS)
    for account in ("alipay_cn", "ecny_cn"):
        payments = world.payments_of(account)
        assert {p.status for p in payments} == {"SUCCEEDED"}
        assert {r.status for p in payments for r in p.refunds} == {"SUCCEEDED"}
    assert not any(p.dispute or p.instalments for p in world.payments_of("ecny_cn"))
