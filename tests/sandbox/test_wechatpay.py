"""The simulated WeChat Pay, asked by a public SDK and held against the published contract."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import requests
from jsonschema import Draft202012Validator
from wechatpayv3 import WeChatPay, WeChatPayType

from connectors.conformance import connected
from connectors.conformance_kit import drained
from connectors.rsa import SigningKey
from connectors.secret import Secret
from connectors.wechatpay import VENDOR
from connectors.wechatpay.signing import Signer
from sandbox.wechatpay.numbers import transaction_id
from sandbox.world import Payment
from tests.connectors.wechatpay_sandbox import WeChatPaySandbox, a_world

CONTRACT = json.loads((Path(__file__).parents[1] / "contracts/wechatpay.json").read_text("utf-8"))
OPERATIONS = {operation["path"]: operation for operation in CONTRACT["operations"]}
GATE = "https://api.mch.weixin.qq.com"
NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
PAID = "/v3/pay/transactions"


class HandClock:
    """The time of day unless it is set."""

    def __init__(self) -> None:
        self.now: datetime | None = None

    def __call__(self) -> datetime:
        return self.now or datetime.now(UTC)


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="module")
def running(clock: HandClock) -> Iterator[WeChatPaySandbox]:
    sandbox = WeChatPaySandbox.start(a_world(), clock)
    yield sandbox
    sandbox.server.stop()


@pytest.fixture
def sandbox(running: WeChatPaySandbox, clock: HandClock) -> Iterator[WeChatPaySandbox]:
    yield running
    running.reset()
    clock.now = None


@pytest.fixture
def sdk(sandbox: WeChatPaySandbox, monkeypatch: pytest.MonkeyPatch) -> WeChatPay:
    """In public-key mode."""
    return client(sandbox, monkeypatch, "public_key", "public_key_id")


def client(sandbox: WeChatPaySandbox, monkeypatch: pytest.MonkeyPatch, *more: str) -> WeChatPay:
    """The SDK knows no other address than WeChat's: what it sends is sent to the sandbox."""
    given = sandbox.credentials

    def send(method: str) -> Any:
        def sent(url: str, **rest: Any) -> requests.Response:
            own = {**rest, "timeout": 20}
            return requests.request(method, url.replace(GATE, given["base_url"]), **own)  # noqa: S113

        return sent

    for method in ("get", "post"):
        monkeypatch.setattr(f"wechatpayv3.core.requests.{method}", send(method))
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=given["mchid"],
        private_key=given["private_key"],
        cert_serial_no=given["serial_no"],
        appid="wxd678efh567hg6787",
        apiv3_key=given["apiv3_key"],
        notify_url="https://www.example.com/notify",
        **{name: given[name] for name in more},
    )


def plain(sandbox: WeChatPaySandbox) -> Payment:
    """A payment in the SDK's own letters: it does not sign others the way they are sent."""
    return next(
        p for p in sandbox.payments if p.native_id.isalnum() and not p.refunds and not p.dispute
    )


def read(answer: tuple[int, str], status: int = 200) -> Any:
    assert answer[0] == status, answer
    return json.loads(answer[1]) if answer[1] else None


def test_the_sdk_believes_what_it_reads_by_either_number(
    sandbox: WeChatPaySandbox, sdk: WeChatPay
) -> None:
    payment = plain(sandbox)
    number = transaction_id(payment.native_id, payment.created_at)
    told = read(sdk.query(out_trade_no=payment.native_id))
    assert (told["amount"]["total"], told["transaction_id"]) == (payment.amount, number)
    assert read(sdk.query(transaction_id=number)) == told


def test_the_sdk_fetches_and_believes_certificates(
    sandbox: WeChatPaySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = client(sandbox, monkeypatch)
    assert read(merchant.query(out_trade_no=plain(sandbox).native_id))["trade_state"] == "SUCCESS"


@pytest.mark.parametrize("signs", ["wrong", "probe"])
def test_the_sdk_refuses_a_wrong_signature(
    sandbox: WeChatPaySandbox, sdk: WeChatPay, signs: Any
) -> None:
    sandbox.manners.signs = signs
    with pytest.raises(Exception, match="failed to verify the signature"):
        sdk.query(out_trade_no=plain(sandbox).native_id)


def test_the_sdk_places_and_closes_an_order_without_a_body(
    sandbox: WeChatPaySandbox, sdk: WeChatPay
) -> None:
    placed = sdk.pay(description="测试商品", out_trade_no="NEW-1", amount={"total": 100})
    assert read(placed)["code_url"].startswith("weixin://")
    assert read(sdk.query(out_trade_no="NEW-1"))["trade_state"] == "NOTPAY"
    assert read(sdk.close("NEW-1"), 204) is None
    assert read(sdk.query(out_trade_no="NEW-1"))["trade_state"] == "CLOSED"
    again = sdk.pay(description="测试商品", out_trade_no="NEW-1", amount={"total": 100})
    assert read(again, 403)["code"] == "OUT_TRADE_NO_USED"
    assert read(sdk.close(plain(sandbox).native_id), 400)["code"] == "ORDERPAID"
    assert read(sdk.close("NONE"), 404)["code"] == "ORDER_NOT_EXIST"


def test_the_sdk_refunds_once_under_one_number(sandbox: WeChatPaySandbox, sdk: WeChatPay) -> None:
    payment = plain(sandbox)

    def refund(number: str, amount: object) -> Any:
        whole = {"refund": amount, "total": payment.amount, "currency": "CNY"}
        return sdk.refund(out_refund_no=number, out_trade_no=payment.native_id, amount=whole)

    first = read(refund("RNEW1", 10))
    assert first["status"] == "PROCESSING"
    assert read(refund("RNEW1", 10)) == first == read(sdk.query_refund("RNEW1"))
    assert read(refund("RNEW1", 11), 400)["code"] == "INVALID_REQUEST"
    assert read(refund("RNEW2", payment.amount), 403)["code"] == "NOT_ENOUGH"
    assert read(refund("RNEW3", 1.5), 400)["code"] == "PARAM_ERROR"
    assert read(sdk.query(out_trade_no=payment.native_id))["trade_state"] == "REFUND"
    assert read(sdk.query_refund("RNONE"), 404)["code"] == "RESOURCE_NOT_EXISTS"


def test_the_sdk_reads_a_bill_that_adds_up(sandbox: WeChatPaySandbox, sdk: WeChatPay) -> None:
    payment = next(p for p in sandbox.payments if p.refunds)
    day = (payment.created_at + timedelta(hours=8)).date()
    place = read(sdk.trade_bill(day.isoformat()))
    _, file = sdk.download_bill(
        place["download_url"].replace(sandbox.credentials["base_url"], GATE)
    )
    rows = list(csv.reader(io.StringIO(gzip.decompress(file).decode("utf-8-sig"))))
    assert len(rows[0]) == 27
    assert f"`{payment.native_id}" in {row[6] for row in rows[1:-2]}
    assert rows[-1][0] == f"`{len(rows) - 3}.0"
    again = sdk.download_bill(place["download_url"].replace(sandbox.credentials["base_url"], GATE))
    assert again[0] == 400


def test_the_sdk_lists_complaints(sandbox: WeChatPaySandbox, sdk: WeChatPay) -> None:
    dispute = next(p.dispute for p in sandbox.payments if p.dispute)
    day = (dispute.created_at + timedelta(hours=8)).date().isoformat()
    listed = read(sdk.complaint_list_query(begin_date=day, end_date=day))
    assert dispute.native_id in {row["complaint_id"] for row in listed["data"]}
    assert listed["total_count"] == len(listed["data"])
    shown = read(sdk.complaint_detail_query(dispute.native_id))
    assert shown["complaint_state"] in ("PENDING", "PROCESSED")
    too_long = sdk.complaint_list_query(begin_date="2026-01-01", end_date="2026-02-01")
    assert read(too_long, 400)["code"] == "PARAM_ERROR"


@pytest.mark.parametrize(
    ("day", "now", "code"),
    [
        ("2025-01-01", NOW, "NO_STATEMENT_EXIST"),
        ("2026-10-31", NOW - timedelta(hours=2), "STATEMENT_CREATING"),
        ("2026-11-01", NOW, "PARAM_ERROR"),
        ("2026-13-01", NOW, "PARAM_ERROR"),
    ],
)
def test_a_bill_that_is_not_there_is_refused_in_wechats_words(
    sandbox: WeChatPaySandbox, clock: HandClock, day: str, now: datetime, code: str
) -> None:
    clock.now = now
    answer = ask(sandbox, f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL", now=now)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def ask(
    sandbox: WeChatPaySandbox,
    path: str,
    *,
    signed: str | None = None,
    now: datetime | None = None,
    headers: Mapping[str, str] = {},
    **who: str,
) -> httpx.Response:
    """One signed request; each part of it may be wrong."""
    given = sandbox.credentials
    key = SigningKey.read(Secret(given["private_key"]))
    signer = Signer(who.get("mchid", given["mchid"]), who.get("serial", given["serial_no"]), key)
    at = int((now or datetime.now(UTC)).timestamp())
    said = {"authorization": signer.authorization("GET", signed or path, at, "N" * 32)}
    plain = {"accept": "application/json", "user-agent": "test"}
    return httpx.get(given["base_url"] + path, headers={**plain, **said, **headers})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"headers": {"authorization": ""}}, "SIGN_ERROR"),
        ({"headers": {"authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1"'}}, "SIGN_ERROR"),
        ({"signed": "/v3/certificates?x=1"}, "SIGN_ERROR"),
        ({"serial": "7F"}, "SIGN_ERROR"),
        ({"mchid": "1"}, "SIGN_ERROR"),
        ({"now": datetime(2026, 1, 1, tzinfo=UTC)}, "SIGN_ERROR"),
        ({"headers": {"user-agent": ""}}, "PARAM_ERROR"),
        ({"headers": {"accept": "text/html"}}, "PARAM_ERROR"),
    ],
)
def test_a_request_that_is_not_well_made_is_refused(
    sandbox: WeChatPaySandbox, change: dict[str, Any], code: str
) -> None:
    answer = ask(sandbox, "/v3/certificates", **change)
    assert answer.json()["code"] == code
    assert answer.status_code == (401 if code == "SIGN_ERROR" else 400)


def test_a_request_of_another_merchant_is_refused(sandbox: WeChatPaySandbox) -> None:
    number = plain(sandbox).native_id
    for query in ("", "?mchid=1900000001"):
        answer = ask(sandbox, f"{PAID}/out-trade-no/{number}{query}")
        assert answer.json()["code"] == "PARAM_ERROR"
    assert ask(sandbox, "/v3/elsewhere").status_code == 404


def test_too_many_queries_of_refunds_are_refused() -> None:
    still = datetime.now(UTC)
    limited = WeChatPaySandbox.start(a_world(), lambda: still, rate_limits=True)
    path = "/v3/refund/domestic/refunds/R1"
    given = limited.credentials
    signer = Signer(
        given["mchid"], given["serial_no"], SigningKey.read(Secret(given["private_key"]))
    )
    who = signer.authorization("GET", path, int(still.timestamp()), "N" * 32)
    try:
        with httpx.Client(base_url=given["base_url"], headers={"authorization": who}) as http:
            answers = [http.get(path).status_code for _ in range(301)]
    finally:
        limited.server.stop()
    assert answers == [404] * 300 + [429]


def operation_of(path: str) -> dict[str, Any]:
    """The longest template that fits: a list is not one of its rows."""
    fitting = [p for p in OPERATIONS if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), path)]
    assert fitting, path
    found: dict[str, Any] = OPERATIONS[max(fitting, key=len)]
    return found


async def calls_of_everything(sandbox: WeChatPaySandbox) -> list[str]:
    """The paths of one call of each kind, as the connector makes them."""
    payments = sandbox.payments
    paid = payments[0]
    refund = next(r for p in payments for r in p.refunds)
    dispute = next(p.dispute for p in payments if p.dispute)
    numbers = [paid.native_id, transaction_id(paid.native_id, paid.created_at)]
    settings = sandbox.certified(reference="out_trade_no", combined=True)
    await sandbox.clear()
    async with connected(VENDOR, settings) as connector:
        await connector.probe()
        await connector.payments(numbers)
        await connector.find_payments(
            [str(paid.order or next(p.order for p in payments if p.order))]
        )
        await connector.refunds([refund.native_id])
        await connector.disputes([dispute.native_id])
        for moment in (paid.created_at, dispute.created_at):
            for period in connector.periods(moment, moment + timedelta(days=3))[:3]:
                await drained(connector.entries(period))
    return sandbox.asked()


@pytest.mark.anyio
async def test_every_call_and_answer_is_as_the_contract_says(sandbox: WeChatPaySandbox) -> None:
    asked = dict.fromkeys(await calls_of_everything(sandbox))
    seen = set()
    for call in asked:
        path, _, query = call.partition("?")
        operation = operation_of(path)
        seen.add(operation["path"])
        check_query(operation, parse_qs(query))
        if operation["reply"] is not None:
            check_reply(sandbox, operation, call)
    assert seen == set(OPERATIONS)


def check_query(operation: dict[str, Any], query: Mapping[str, list[str]]) -> None:
    known = {p["name"]: p for p in operation["parameters"] if p["in"] == "query"}
    assert query.keys() <= known.keys(), operation["path"]
    assert {name for name, p in known.items() if p["required"]} <= query.keys()
    for name, values in query.items():
        assert values[0] in known[name].get("enum", values), name


def check_reply(sandbox: WeChatPaySandbox, operation: dict[str, Any], call: str) -> None:
    answer = ask(sandbox, call.replace("|", "%7C"))
    if answer.status_code == 200:
        Draft202012Validator(operation["reply"]).validate(answer.json())
    else:
        assert answer.json()["code"] in ("NO_STATEMENT_EXIST", "ORDER_NOT_EXIST")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
